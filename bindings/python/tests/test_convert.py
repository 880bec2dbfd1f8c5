# SPDX-License-Identifier: MIT
"""Model directories: what becomes of them, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch_files as t
from convert_support import OFF, Folder

from libbert.convert import ConvertError, Options, convert, safetensors


class Converted(Folder):
    def test_both_formats(self) -> None:
        for legacy in (False, True):
            tensors = t.write_model(self.dir, legacy)
            assert convert(self.dir, Options(force=True, reference="off")) == [self.target]
            self.check_tensors(self.target, tensors)
            assert self.names() == {"config.json", "pytorch_model.bin", "model.safetensors"}

    def test_links_of_the_hubs_cache(self) -> None:
        blobs = self.dir.parent / "blobs"
        blobs.mkdir()
        shutil.move(self.dir / "pytorch_model.bin", blobs / "1234")
        (self.dir / "pytorch_model.bin").symlink_to("../blobs/1234")
        convert(self.dir, OFF)
        self.check_tensors(self.target, self.tensors)

    def test_types_and_order(self) -> None:
        file = t.file_of(self.tensors)
        file.add("embeddings.position_ids", np.arange(16, dtype="<i8").reshape(1, 16))
        file.add("z \u20ac", np.zeros(1, "<f4"))
        file.add("half", np.array([1, 2, 3], "<f2")).add("flag", np.array([True]))
        file.save(self.dir / "pytorch_model.bin")
        convert(self.dir, OFF)
        found = t.read_safetensors(self.target)
        assert next(iter(found)) == "embeddings.position_ids"
        assert list(found)[-2:] == ["half", "flag"]
        f32 = [name for name, entry in found.items() if entry[0] == "F32"]
        assert f32 == sorted(f32)
        assert '"z \u20ac":'.encode() in self.target.read_bytes(), "not escaped"

    def test_dtypes(self) -> None:
        for name, code, size in (("f16", "<f2", 2), ("f32", "<f4", 4), ("bf16", "<u2", 2)):
            convert(self.dir, Options(force=True, dtype=name, reference="off"))
            found = t.read_safetensors(self.target)
            for key, array in self.tensors.items():
                dtype, shape, raw = found[key]
                assert (dtype, shape) == (name.upper(), list(array.shape))
                assert len(raw) == array.size * size
                if name != "bf16":
                    assert raw == array.astype(code).tobytes()

    def test_tied_tensors_are_both_written(self) -> None:
        file = t.file_of(self.tensors)
        file.items["cls.predictions.decoder.weight"] = file.items[
            "embeddings.word_embeddings.weight"
        ]
        file.save(self.dir / "pytorch_model.bin")
        lines: list[str] = []
        convert(self.dir, Options(reference="off", log=lambda level, line: lines.append(line)))
        embedding = self.tensors["embeddings.word_embeddings.weight"]
        expected = {**self.tensors, "cls.predictions.decoder.weight": embedding}
        self.check_tensors(self.target, expected)
        assert any("share memory" in line for line in lines), lines

    def test_dry_run(self) -> None:
        assert convert(self.dir, Options(dry_run=True, reference="off")) == []
        assert self.names() == {"config.json", "pytorch_model.bin"}

    def test_mode_is_the_processs(self) -> None:
        convert(self.dir, OFF)
        mask = os.umask(0)
        os.umask(mask)
        assert self.target.stat().st_mode & 511 == 438 & ~mask


class Shards(Folder):
    def setUp(self) -> None:
        super().setUp()
        (self.dir / "pytorch_model.bin").unlink()
        names = list(self.tensors)
        self.map: dict[str, Any] = {}
        for i, part in enumerate((names[:5], names[5:])):
            shard = f"pytorch_model-0000{i + 1}-of-00002.bin"
            t.file_of({name: self.tensors[name] for name in part}).save(self.dir / shard)
            self.map.update(dict.fromkeys(part, shard))
        self.write(self.map)

    def write(self, weight_map: Any) -> None:
        index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
        (self.dir / "pytorch_model.bin.index.json").write_text(json.dumps(index))

    def test_one_file(self) -> None:
        convert(self.dir, OFF)
        self.check_tensors(self.target, self.tensors)

    def test_names_that_are_paths(self) -> None:
        for name in (
            "../pytorch_model.bin",
            "/etc/passwd",
            "a/b.bin",
            "..",
            ".",
            "",
            "a\0b",
            5,
            None,
        ):
            self.write({**self.map, "embeddings.LayerNorm.bias": name})
            self.refused("not a plain file name", "BERT_EFORMAT")

    def test_maps(self) -> None:
        self.write({})
        self.refused('"weight_map" is missing, empty', "BERT_EFORMAT")
        self.write({f"x{i}": f"{i}.bin" for i in range(4097)})
        self.refused("over 4096 files", "BERT_ELIMIT")
        self.write({**self.map, "more": "pytorch_model-00001-of-00002.bin"})
        self.refused('"more" is not in "pytorch_model-00001', "BERT_EFORMAT")
        self.write({**self.map, "x": "absent.bin"})
        self.refused("absent.bin: No such file", "BERT_EIO")
        (self.dir / "pytorch_model.bin.index.json").write_text("[" * 200000)
        self.refused("not JSON", "BERT_EFORMAT")

    def test_a_tensor_in_two(self) -> None:
        t.file_of(self.tensors).save(self.dir / "pytorch_model-00002-of-00002.bin")
        self.refused("is in pytorch_model-00001-of-00002.bin too", "BERT_EFORMAT")


class Matrices(Folder):
    """bge-m3's, and the modules of sentence-transformers."""

    def linear(self, name: str, rows: int, width: int = 8) -> dict[str, t.Array]:
        tensors = {
            "weight": np.arange(rows * width, dtype="<f4").reshape(rows, width) / 64,
            "bias": np.ones(rows, "<f4"),
        }
        t.file_of(tensors).save(self.dir / f"{name}.pt")
        return tensors

    def test_both(self) -> None:
        colbert, sparse = self.linear("colbert_linear", 8), self.linear("sparse_linear", 1)
        made = convert(self.dir, OFF)
        assert [path.name for path in made] == [
            "colbert_linear.safetensors",
            "sparse_linear.safetensors",
            "model.safetensors",
        ]
        self.check_tensors(self.dir / "colbert_linear.safetensors", colbert)
        self.check_tensors(self.dir / "sparse_linear.safetensors", sparse)

    def test_only_what_is_missing(self) -> None:
        convert(self.dir, OFF)
        before = self.target.stat()
        self.linear("sparse_linear", 1)
        lines: list[str] = []
        made = convert(self.dir, Options(reference="off", log=lambda _, line: lines.append(line)))
        assert [path.name for path in made] == ["sparse_linear.safetensors"]
        assert self.target.stat().st_ino == before.st_ino
        assert "left as it is" in lines[0]

    def test_shapes(self) -> None:
        self.linear("sparse_linear", 2)
        self.refused("weight has 2 rows; 1 is expected", "BERT_EFORMAT")
        self.linear("sparse_linear", 1, 9)
        self.refused("weight [1, 9] and bias [1] don't fit hidden_size 8", "BERT_EFORMAT")
        t.File().add("weight", np.ones((1, 8), "<f4")).save(self.dir / "sparse_linear.pt")
        self.refused("tensors are weight and bias", "BERT_EFORMAT")

    def test_one_that_is_hostile_stops_all(self) -> None:
        hostile = t.pickle_of(b"cposix\nsystem\n(" + t.text("touch pwned") + b"tR")
        t.write_zip(self.dir / "colbert_linear.pt", t.zip_entries(hostile, {}))
        self.refused('colbert_linear.pt: entry "archive/data.pkl"', "BERT_EUNSUPPORTED")

    def dense(self, path: object = "2_Dense") -> None:
        kinds = {"": "Transformer", "1_Pooling": "Pooling", path: "Dense"}
        modules = [
            {"idx": i, "name": str(i), "path": at, "type": f"sentence_transformers.models.{kind}"}
            for i, (at, kind) in enumerate(kinds.items())
        ]
        (self.dir / "modules.json").write_text(json.dumps(modules))

    def config_of(self, module: str, **values: object) -> None:
        (self.dir / module).mkdir()
        (self.dir / module / "config.json").write_text(json.dumps(values))

    def test_modules(self) -> None:
        self.dense()
        self.config_of("1_Pooling", word_embedding_dimension=8, pooling_mode_mean_tokens=True)
        identity = "torch.nn.modules.linear.Identity"
        self.config_of(
            "2_Dense", in_features=8, out_features=4, bias=False, activation_function=identity
        )
        tensors = {"linear.weight": np.ones((4, 8), "<f4")}
        t.file_of(tensors).save(self.dir / "2_Dense" / "pytorch_model.bin")
        made = convert(self.dir, OFF)
        assert made == [self.dir / "2_Dense" / "model.safetensors", self.target]
        self.check_tensors(made[0], tensors)

    def test_modules_elsewhere(self) -> None:
        for path in ("../2_Dense", "/tmp", "a/../../b", "a\0b", 5):
            self.dense(path)
            self.refused("path ", "BERT_EFORMAT")


class Config(Folder):
    def config(self, **changes: Any) -> None:
        (self.dir / "config.json").write_text(json.dumps({**t.tiny_config(), **changes}))

    def test_missing_layers(self) -> None:
        self.config(num_hidden_layers=3)
        self.refused(
            "says 3 layers; there is no tensor of layer 2 among those of 2", "BERT_EFORMAT"
        )
        self.config(num_hidden_layers=10**18)
        self.refused("no tensor of layer 2", "BERT_EFORMAT")

    def test_vocabulary(self) -> None:
        self.config(vocab_size=13)
        self.refused("has shape [12, 8]; config.json says 13 tokens", "BERT_EFORMAT")

    def test_no_config(self) -> None:
        (self.dir / "config.json").unlink()
        self.refused("config.json: No such file", "BERT_EIO")
        (self.dir / "config.json").write_text("[]")
        self.refused("config.json: not an object", "BERT_EFORMAT")
        (self.dir / "config.json").write_text("{")
        self.refused("config.json: not JSON", "BERT_EFORMAT")

    def test_no_model(self) -> None:
        (self.dir / "pytorch_model.bin").unlink()
        self.refused("neither pytorch_model.bin nor pytorch_model.bin.index.json", "BERT_EIO")
        self.target.write_bytes(b"")
        self.refused("model.safetensors is, nothing to convert", "BERT_EIO")
        t.File().save(self.dir / "pytorch_model.bin")
        self.refused("no tensor", "BERT_EFORMAT", options=Options(force=True))
        shutil.rmtree(self.dir)
        self.dir.write_bytes(b"")
        self.refused("not a directory", "BERT_EIO")
        self.dir.unlink()
        self.refused("no such directory", "BERT_EIO")


class Existing(Folder):
    def test_is_kept(self) -> None:
        self.target.write_bytes(b"mine")
        self.refused("is there already; --force", "BERT_EINVAL", 1)
        convert(self.dir, Options(force=True, reference="off"))
        self.check_tensors(self.target, self.tensors)

    def test_an_index_is_kept_too(self) -> None:
        (self.dir / "model.safetensors.index.json").write_text("{}")
        self.refused("index.json: it is there already", "BERT_EINVAL", 1)

    def test_a_dangling_link(self) -> None:
        self.target.symlink_to("nowhere")
        self.refused("is there already", "BERT_EINVAL", 1)

    def test_one_that_came_meanwhile(self) -> None:
        write = safetensors.write

        def late(*arguments: Any) -> None:
            write(*arguments)
            self.target.write_bytes(b"theirs")

        with mock.patch.object(safetensors, "write", late), pytest.raises(ConvertError):
            convert(self.dir, OFF)
        assert self.target.read_bytes() == b"theirs"
        assert len(self.names()) == 3
