# SPDX-License-Identifier: MIT
"""Model directories: what becomes of them, what is refused, and that nothing is left half done."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch_files as t

from libbert.convert import ConvertError, Options, convert, outputs, place, safetensors
from libbert.convert.__main__ import main

PACKAGE = Path(__file__).resolve().parent.parent
OFF = Options(reference="off")


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name) / "model"
        self.tensors = t.write_model(self.dir)
        self.target = self.dir / "model.safetensors"

    def names(self) -> set[str]:
        return {str(path.relative_to(self.dir)) for path in self.dir.rglob("*") if path.is_file()}

    def check_tensors(self, path: Path, expected: dict[str, t.Array]) -> None:
        found = t.read_safetensors(path)
        assert set(found) == set(expected)
        for name, array in expected.items():
            assert found[name] == ("F32", list(array.shape), array.tobytes()), name

    def refused(self, message: str, status: str, code: int = 3, options: Options = OFF) -> None:
        before = {path: path.read_bytes() for path in self.dir.rglob("*") if path.is_file()}
        with pytest.raises(ConvertError) as caught:
            convert(self.dir, options)
        error = str(caught.value)
        assert message in error
        assert error.endswith(f"[{status}]"), error
        assert caught.value.exit_code == code
        after = {path: path.read_bytes() for path in self.dir.rglob("*") if path.is_file()}
        assert after == before, "a refusal changes nothing"


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
        file.add("half", np.array([1, 2, 3], "<f2")).add("flag", np.array([True]))
        file.save(self.dir / "pytorch_model.bin")
        convert(self.dir, OFF)
        found = t.read_safetensors(self.target)
        assert next(iter(found)) == "embeddings.position_ids"
        assert list(found)[-2:] == ["half", "flag"]
        f32 = [name for name, entry in found.items() if entry[0] == "F32"]
        assert f32 == sorted(f32)

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


class Failures(Folder):
    def test_what_is_written_wrong(self) -> None:
        write = safetensors.write

        def wrong(file: Any, head: bytes, ordered: Any) -> None:
            write(file, head, ordered)
            file.seek(-3, os.SEEK_END)
            file.write(b"\x55")

        with mock.patch.object(safetensors, "write", wrong):
            self.refused("has other bits", "BERT_EIO", 1)

    def test_full_disk(self) -> None:
        """The system's own refusal, at the reservation and at the write."""
        program = (
            "import resource, sys; from libbert.convert import place\n"
            "import libbert.convert.__main__ as m\n"
            "if sys.argv[2] == 'late': place.Draft.reserve = lambda *_: None\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
            "sys.exit(m.main([sys.argv[1], '--reference', 'off']))"
        )
        assert sum(array.nbytes for array in self.tensors.values()) > 4000
        for when in ("early", "late"):
            done = self.python("-c", program, str(self.dir), when)
            assert done.returncode == 1, done.stderr
            assert re.search(
                r"libbert.convert: .*model.safetensors: \d+ bytes don't fit", done.stderr
            )
            assert self.names() == {"config.json", "pytorch_model.bin"}

    def test_no_room_for_the_draft(self) -> None:
        for number, message in ((28, "don't fit"), (5, "Input/output error")):
            error = OSError(number, os.strerror(number))
            with mock.patch.object(os, "posix_fallocate", side_effect=error):
                self.refused(message, "BERT_EIO", 1)

    def test_a_file_system_that_reserves_nothing(self) -> None:
        with mock.patch.object(os, "posix_fallocate", side_effect=OSError(95, "unsupported")):
            convert(self.dir, OFF)
        self.check_tensors(self.target, self.tensors)

    def test_a_header_written_wrong(self) -> None:
        def wrong(file: Any, head: bytes, ordered: Any) -> None:
            file.write(head.replace(b"{", b"[", 1))

        with mock.patch.object(safetensors, "write", wrong):
            self.refused("its header can't be read", "BERT_EIO", 1)

    def test_no_place_for_links(self) -> None:
        error = OSError(28, os.strerror(28), "/tmp/x")
        with mock.patch.object(tempfile, "mkdtemp", side_effect=error):
            self.refused("/tmp/x: No space left on device", "BERT_EIO")

    def test_kill(self) -> None:
        """At three places: the target is absent or whole, and the next run needs no help."""
        program = (
            "import os, signal, sys; from libbert.convert import place, safetensors\n"
            "import libbert.convert.__main__ as m\n"
            "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
            "def half(file, head, ordered): file.write(head); file.flush(); die()\n"
            "if sys.argv[2] == 'write': safetensors.write = half\n"
            "if sys.argv[2] == 'read': safetensors.compare = die\n"
            "if sys.argv[2] == 'place': place.Draft.place = die\n"
            "m.main([sys.argv[1], '--reference', 'off'])"
        )
        for when in ("write", "read", "place"):
            done = self.python("-c", program, str(self.dir), when)
            assert done.returncode == -signal.SIGKILL, done.stderr
            assert not self.target.exists()
            assert ".model.safetensors.converting" in self.names()
        convert(self.dir, OFF)
        self.check_tensors(self.target, self.tensors)
        assert self.names() == {"config.json", "pytorch_model.bin", "model.safetensors"}

    def test_terminated(self) -> None:
        program = (
            "import os, signal, runpy, sys; from libbert.convert import safetensors\n"
            "number = int(sys.argv.pop())\n"
            "safetensors.compare = lambda *_: os.kill(os.getpid(), number)\n"
            "sys.argv += ['--reference', 'off']\n"
            "runpy.run_module('libbert.convert', run_name='__main__', alter_sys=True)"
        )
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            done = self.python("-c", program, str(self.dir), str(int(number)))
            assert done.returncode == code, done.stderr
            assert self.names() == {"config.json", "pytorch_model.bin"}

    def test_two_at_once(self) -> None:
        draft = place.Draft(self.target)
        self.addCleanup(draft.close)
        self.refused("another conversion of this folder is under way", "BERT_EBUSY", 1)

    def test_a_draft_that_is_a_link(self) -> None:
        victim = self.dir.parent / "victim"
        victim.write_bytes(b"precious")
        link = self.dir / ".model.safetensors.converting"
        link.symlink_to(victim)
        with pytest.raises(ConvertError):
            convert(self.dir, OFF)
        link.unlink()
        os.link(victim, link)
        with pytest.raises(ConvertError):
            convert(self.dir, OFF)
        assert victim.read_bytes() == b"precious"

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=False,
        )


class Outputs(Folder):
    """The comparison itself, with answers of the test's own."""

    def answers(self, change: float = 0.0, by: str = "x 1") -> outputs.Answers:
        states = [np.full((2, 8), 0.5, "<f4"), np.full((7, 8), 0.25, "<f4")]
        states[1][3, 2] += change
        return outputs.Answers(by, states)

    def run_with(self, ours: Any, theirs: Any, **options: Any) -> None:
        with (
            mock.patch.object(outputs, "run_libbert", side_effect=ours),
            mock.patch.object(outputs, "run_transformers", side_effect=theirs),
        ):
            convert(self.dir, Options(**options))

    def test_differences(self) -> None:
        for change, fits in ((0.9e-4, True), (1.2e-4, False), (np.nan, False)):
            with contextlib.ExitStack() as stack:
                if not fits:
                    stack.enter_context(pytest.raises(ConvertError))
                self.run_with([self.answers(change)], [self.answers()], force=True)
        assert len(self.names()) == 3

    def test_a_difference_leaves_nothing(self) -> None:
        with pytest.raises(ConvertError, match=r"x 1 and y 2 differ by 0\.5") as caught:
            self.run_with([self.answers(0.5)], [self.answers(by="y 2")])
        assert caught.value.exit_code == 1
        assert self.names() == {"config.json", "pytorch_model.bin"}

    def test_bound_grows_with_the_states(self) -> None:
        large = outputs.Answers("x", [np.full((2, 8), 100, "<f4")])
        other = outputs.Answers("y", [np.full((2, 8), 100.005, "<f4")])
        assert outputs.difference(large, other, self.dir) < 0.01

    def test_shapes(self) -> None:
        with pytest.raises(ConvertError, match=r"answers \[2, 8\], y \[3, 8\]"):
            outputs.difference(
                outputs.Answers("x", [np.zeros((2, 8))]),
                outputs.Answers("y", [np.zeros((3, 8))]),
                self.dir,
            )

    def test_nothing_to_compare_with(self) -> None:
        absent = outputs.Unavailable("not there")
        for ours, theirs in (([absent], []), ([self.answers()], [absent])):
            with pytest.raises(ConvertError, match="can't be compared: not there"):
                self.run_with(ours, theirs, reference="require")
            assert not self.target.exists()
            self.run_with(ours, theirs, reference="auto")
            self.target.unlink()
        self.run_with([self.answers()], [AssertionError("asked")], reference="off")

    def test_only_a_module_is_not_compared(self) -> None:
        convert(self.dir, OFF)
        weight = {"weight": np.ones((1, 8), "<f4"), "bias": np.ones(1, "<f4")}
        t.file_of(weight).save(self.dir / "sparse_linear.pt")
        self.run_with([self.answers()], [AssertionError("asked")], reference="require")

    def test_not_finite(self) -> None:
        with pytest.raises(ConvertError, match="not finite"):
            self.run_with([self.answers(np.inf)], [self.answers()])

    def test_stage_is_the_new_model(self) -> None:
        """What is run: links to everything, the drafts under the new names, no old weights."""
        (self.dir / "1_Pooling").mkdir()
        (self.dir / "model.safetensors.index.json").write_text("{}")
        seen: dict[str, bytes] = {}

        def look(folder: Path, ids: list[list[int]], _: Path) -> outputs.Answers:
            for path in folder.iterdir():
                seen[path.name] = b"" if path.is_dir() else path.read_bytes()
            assert [len(sequence) for sequence in ids] == [2, 7]
            assert all(0 < i < 12 for sequence in ids for i in sequence)
            return self.answers()

        self.run_with(look, [self.answers()], force=True)
        assert seen.pop("model.safetensors") == self.target.read_bytes()
        assert set(seen) == {"1_Pooling", "config.json", "pytorch_model.bin"}


class Command(Folder):
    def run_main(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main([*arguments, "--reference", "off"])
            except SystemExit as stop:
                code = int(stop.code or 0)
        return code, out.getvalue(), err.getvalue()

    def test_success(self) -> None:
        code, out, err = self.run_main(str(self.dir))
        assert (code, err) == (0, "")
        assert "read back and equal" in out
        assert "model.safetensors: in place" in out
        assert self.run_main("-q", "-f", str(self.dir)) == (0, "", "")

    def test_usage(self) -> None:
        for arguments in ([], [str(self.dir), "--dtype", "int8"], ["--nothing", str(self.dir)]):
            code, out, err = self.run_main(*arguments)
            assert (code, out) == (2, "")
            assert "usage:" in err
        assert self.run_main("--help")[0] == 0

    def test_messages(self) -> None:
        self.run_main(str(self.dir))
        code, out, err = self.run_main(str(self.dir))
        assert (code, out) == (1, "")
        expected = "it is there already; --force converts anew [BERT_EINVAL]"
        assert err == f"libbert.convert: {self.target}: {expected}\n"
        code, _, err = self.run_main(str(self.dir / "absent"))
        assert code == 3
        assert err.endswith("no such directory [BERT_EIO]\n"), err

    def test_a_hostile_file_runs_nothing(self) -> None:
        canary = self.dir / "pwned"
        body = b"cposix\nsystem\n(" + t.text(f"touch {canary}") + b"tR"
        t.write_zip(self.dir / "pytorch_model.bin", t.zip_entries(t.pickle_of(body), {}))
        code, out, err = self.run_main(str(self.dir))
        assert (code, out) == (3, "")
        assert '"posix.system"' in err
        assert not canary.exists()


if __name__ == "__main__":
    unittest.main()
