# SPDX-License-Identifier: MIT
"""The converter with libbert's library: what that can't run is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch_files as t

from libbert.convert import ConvertError, Options, convert, linears, outputs

try:
    import libbert

    libbert.version()
except (ImportError, AttributeError) as reason:
    pytest.skip(f"no library: {reason}", allow_module_level=True)

OFF = Options(reference="off")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    t.write_model(tmp_path / "model")
    return tmp_path / "model"


def save(model: Path, tensors: dict[str, t.Array]) -> None:
    t.file_of(tensors).save(model / "pytorch_model.bin")


def test_runs(model: Path) -> None:
    lines: list[str] = []
    convert(model, Options(reference="off", log=lambda _, line: lines.append(line)))
    assert any(line.endswith(f"libbert {libbert.version()} runs it") for line in lines)
    ids = outputs.make_ids(t.tiny_config())
    answers = outputs.run_libbert(model, ids, model)
    assert [states.shape for states in answers.states] == [(2, 8), (7, 8)]


def test_legacy_and_archive_answer_alike(model: Path) -> None:
    convert(model, OFF)
    first = libbert.Model(model).encode([[1, 2, 3]])[0]
    t.write_model(model, legacy_format=True)
    convert(model, Options(force=True, reference="off"))
    np.testing.assert_array_equal(libbert.Model(model).encode([[1, 2, 3]])[0], first)


@pytest.mark.parametrize(
    "name", ["embeddings.LayerNorm.bias", "encoder.layer.1.attention.self.key.weight"]
)
def test_missing_tensor(model: Path, name: str) -> None:
    tensors = t.tiny_bert()
    del tensors[name]
    save(model, tensors)
    with pytest.raises(ConvertError) as caught:
        convert(model, OFF)
    assert name in str(caught.value)
    assert f"{model}/model.safetensors" in str(caught.value)
    assert caught.value.exit_code == 3
    assert not (model / "model.safetensors").exists()
    assert len(list(model.iterdir())) == 2


def test_nan(model: Path) -> None:
    tensors = t.tiny_bert()
    tensors["encoder.layer.0.output.dense.weight"][1, 2] = np.nan
    save(model, tensors)
    with pytest.raises(ConvertError, match="BERT_ENONFINITE"):
        convert(model, OFF)
    assert len(list(model.iterdir())) == 2


def write_matrices(model: Path, bias: float = 1) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefg"]
    (model / "vocab.txt").write_text("\n".join(words) + "\n")
    for name, rows in (("colbert_linear", 8), ("sparse_linear", 1)):
        weight = np.linspace(-1, 1, rows * 8, dtype="<f4").reshape(rows, 8)
        tensors = {"weight": weight, "bias": np.full(rows, bias, "<f4")}
        t.file_of(tensors).save(model / f"{name}.pt")


def test_matrices_of_bge_m3(model: Path) -> None:
    write_matrices(model)
    lines: list[str] = []
    convert(model, Options(reference="off", log=lambda _, line: lines.append(line)))
    assert any(" multi and sparse answers differ by " in line for line in lines)
    with libbert.Model(model) as loaded:
        kinds = loaded.embedding_kinds
    (model / "colbert_linear.safetensors").unlink()
    (model / "sparse_linear.safetensors").unlink()
    with libbert.Model(model) as loaded:
        assert set(kinds) - set(loaded.embedding_kinds) == {"sparse", "multi"}


@pytest.mark.parametrize("kind", ["multi", "sparse"])
def test_matrices_that_answer_otherwise(
    model: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_matrices(model, bias=9)
    right = linears.matrix

    def wrong(items: Any) -> Any:
        weight, bias = right(items)
        other = np.zeros_like(bias)
        other[0] = 1
        return weight, bias + other * ((len(bias) == 1) == (kind == "sparse"))

    monkeypatch.setattr(linears, "matrix", wrong)
    with pytest.raises(ConvertError, match=f"{kind} answers of libbert differ by") as caught:
        convert(model, OFF)
    assert caught.value.exit_code == 1
    assert not list(model.glob("*.safetensors"))


def test_matrices_without_a_tokenizer(model: Path) -> None:
    write_matrices(model)
    (model / "vocab.txt").unlink()
    lines: list[str] = []
    convert(model, Options(reference="off", log=lambda _, line: lines.append(line)))
    assert any("answers were not compared: libbert takes no texts" in line for line in lines)
    assert (model / "sparse_linear.safetensors").exists()


def test_a_config_that_libbert_refuses(model: Path) -> None:
    config = {**t.tiny_config(), "hidden_act": "mish"}
    (model / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConvertError, match="mish"):
        convert(model, OFF)
    assert len(list(model.iterdir())) == 2
