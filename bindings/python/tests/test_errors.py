# SPDX-License-Identifier: MIT
"""Exceptions by status, and arguments that are wrong."""

from __future__ import annotations

import os
import pathlib
import pickle
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import MODELS

import libbert
from libbert import _constants, errors

BASE = MODELS / "embed" / "base"
TASKS = MODELS / "task"


def test_every_status_has_a_class() -> None:
    codes = {
        getattr(_constants, name)
        for name in dir(_constants)
        if name.startswith("BERT_E") and getattr(_constants, name) < 0
    }
    assert set(errors.CLASSES) == codes == set(range(-13, 0))
    for code in codes:
        error = errors.make_error(code, "why")
        assert isinstance(error, libbert.BertError)
        assert error.code == code
        assert error.status == errors.STATUS_NAMES[code]
        assert str(error) == "why"
    assert errors.STATUS_NAMES[-4] == "BERT_EFORMAT"
    assert errors.make_error(-99, "?").status == "BERT_E?"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (_constants.BERT_EINVAL, ValueError),
        (_constants.BERT_ENOMEM, MemoryError),
        (_constants.BERT_EIO, OSError),
        (_constants.BERT_EFORMAT, ValueError),
        (_constants.BERT_ERANGE, ValueError),
        (_constants.BERT_ETIMEDOUT, TimeoutError),
    ],
)
def test_python_classes(code: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        raise errors.make_error(code, "why")


def test_indices() -> None:
    error = errors.make_error(-6, "text 3: too long", shift=4096)
    assert (error.index, str(error)) == (4099, "text 4099: too long")
    same = pickle.loads(pickle.dumps(error))
    assert type(same) is type(error)
    assert (same.index, str(same), same.code) == (4099, "text 4099: too long", -6)


def test_paths(tmp_path: pathlib.Path) -> None:
    nowhere = tmp_path / "nowhère"
    with pytest.raises(FileNotFoundError, match="nowhère") as caught:
        libbert.Model(nowhere)
    assert isinstance(caught.value, libbert.BertError)
    with pytest.raises(FileNotFoundError):
        libbert.RawTokenizer(os.fsencode(nowhere))
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        libbert.Model(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(libbert.BertError):
        libbert.Model(tmp_path / "file")
    with pytest.raises(TypeError):
        libbert.Model(3)  # type: ignore[arg-type]


def test_forbidden_file(tmp_path: pathlib.Path) -> None:
    shutil.copytree(MODELS / "embed" / "base", tmp_path / "m")
    (tmp_path / "m" / "config.json").chmod(0)
    if os.access(tmp_path / "m" / "config.json", os.R_OK):
        pytest.skip("the superuser may read all")
    with pytest.raises(PermissionError):
        libbert.Model(tmp_path / "m")


@pytest.mark.parametrize("broken", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("how", ["empty", "half", "noise"])
def test_broken_files(tmp_path: pathlib.Path, broken: str, how: str) -> None:
    folder = tmp_path / "m"
    shutil.copytree(MODELS / "embed" / "base", folder)
    data = (folder / broken).read_bytes()
    made = {"empty": b"", "half": data[: len(data) // 2], "noise": b"\xff" * 100}[how]
    (folder / broken).chmod(0o644)
    (folder / broken).write_bytes(made)
    with pytest.raises(libbert.FormatError, match=broken) as caught:
        libbert.Model(folder)
    assert isinstance(caught.value, ValueError)
    (folder / broken).write_bytes(data)
    assert libbert.Model(folder).embed("a").shape == (32,)


def test_unsupported(base: libbert.Model) -> None:
    with pytest.raises(libbert.UnsupportedError, match="text-classification"):
        base.classify("a")
    with pytest.raises(libbert.UnsupportedError, match="outputs"):
        base.forward([[1]], outputs=["logits"])
    with (pytest.raises(libbert.UnsupportedError),
          libbert.Model(MODELS / "bert" / "one64") as model):
        model.embed("a")
    with libbert.Model(MODELS / "embed" / "base", no_tokenizer=True) as model:
        with pytest.raises(libbert.UnsupportedError):
            model.tokenizer  # noqa: B018
        assert model.encode([[1, 2]])[0].shape == (2, 32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "meen"}, "pooling is 'meen'; it can be model, mean, cls"),
        ({"pooling": None}, "pooling is None"),
        ({"overlong": "cut"}, "cut_right"),
        ({"normalize": "yes"}, "normalize"),
        ({"dimensions": -1}, "dimensions is -1"),
        ({"dimensions": 33}, "33"),
        ({"max_length": 2**32}, "max_length"),
        ({"prompt": "a", "prompt_name": "b"}, "both"),
        ({"prompt_name": "nope"}, "nope"),
        ({"prompt_name": "a\0b"}, "NUL"),
    ],
)
def test_wrong_options(base: libbert.Model, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        base.embed(["a"], **options)
    assert base.embed(["a"]).shape == (1, 32)


def test_wrong_settings() -> None:
    path = MODELS / "embed" / "base"
    with pytest.raises(ValueError, match="precision is 'fp8'"):
        libbert.Model(path, precision="fp8")
    with pytest.raises(libbert.BertError, match="sse9"):
        libbert.Model(path, cpu="sse9")
    with pytest.raises(libbert.LimitError):
        libbert.Model(path, max_bytes=1000)
    with pytest.raises(TypeError):
        libbert.Model(path, fast=True)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="timeout"):
        libbert.Model(path, timeout=-1.0).embed("a")
    with libbert.Model(path, max_session_bytes=1000) as model:
        for _ in range(5):  # what could not be made does not count
            with pytest.raises(libbert.LimitError):
                model.embed("a")


def test_timeout() -> None:
    with libbert.Model(MODELS / "embed" / "base", timeout=1e-9) as model:
        with pytest.raises(TimeoutError):
            model.embed(["a cat on a mat"] * 100)


def test_errors_of_texts() -> None:
    long = "a " * 300
    with libbert.Model(MODELS / "task" / "classify") as model:
        with pytest.raises(libbert.LengthError) as caught:
            model.classify(["a", long], overlong="error")
        assert caught.value.index == 1
        found = model.classify(["a", long, "b"], overlong="error", errors="keep")
        assert found[1] == []
        assert list(found.errors) == [1]
        assert isinstance(found.errors[1], libbert.LengthError)
        assert found[0] == model.classify("a")[0]
        with pytest.raises(ValueError, match="errors is 'ignore'"):
            model.classify("a", errors="ignore")
        with pytest.raises(ValueError, match="1 texts, but 2 pairs"):
            model.classify(["a"], ["b", "c"])
    with libbert.Model(MODELS / "task" / "fill") as model:
        found_fills = model.fill_mask(["[MASK]", "none"], errors="keep")
        assert list(found_fills.errors) == [1]
        assert found_fills[1] == []
    with libbert.Model(MODELS / "task" / "choose") as model:
        kept = model.choose(["a", "b"], [["x"], []], errors="keep")
        assert list(kept.errors) == [1]
        assert kept[1].best == -1
        with pytest.raises(ValueError, match="2 prompts"):
            model.choose(["a", "b"], [["x"]])


def test_wrong_ids(base: libbert.Model) -> None:
    batches: list[list[list[int]]] = [[[1, 264]], [[-1]], [[]], [[1], []]]
    for wrong in batches:
        with pytest.raises(ValueError, match=r".+"):
            base.encode(wrong)
    with pytest.raises(ValueError, match="32 bits"):
        base.encode([[2**40]])
    with pytest.raises(TypeError):
        base.encode([[1.5]])
    with pytest.raises(TypeError):
        base.encode([1, 2])
    with pytest.raises(ValueError, match="lengths"):
        base.encode([[1, 2]], [[0]])
    assert base.encode(np.ones((3, 4), np.int64))[2].shape == (4, 32)


def test_wrong_spans(base: libbert.Model) -> None:
    for wrong in ([1, 2], [[1, 2, 3]], [[0.5, 1]], [[-1, 2]]):
        with pytest.raises(ValueError, match="spans"):
            base.embed_chunks("abc", wrong)
    with pytest.raises(IndexError):
        base.embed_chunks("abc", [[0, 4]])
    with pytest.raises(ValueError, match=r".+"):
        base.embed_chunks(b"abc", [[0, 4]])
    with pytest.raises(ValueError, match=r".+"):
        base.embed_chunks("abc", [[2, 1]])
    with pytest.raises(ValueError, match=r".+"):
        base.embed_chunks("abc")


NUMBER: Any = 7


def pipe(task: str, model: str) -> Any:
    return libbert.pipeline(task, model=TASKS / model)


def fill() -> Any:
    return libbert.SentenceTransformer(TASKS / "fill")


@pytest.mark.filterwarnings("ignore:no label of the model")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: libbert.Model(TASKS / "fill").forward(NUMBER), "ids is int"),
        (lambda: fill().tokenize(7), "inputs is int"),
        (lambda: fill().tokenize([[]]), r"inputs\[0\] is"),
        (lambda: libbert.CrossEncoder(TASKS / "rerank_st").predict(7), "inputs is int"),
        (lambda: pipe("fill-mask", "fill")("[MASK]", targets=7), "targets is 7"),
        (lambda: pipe("zero-shot-classification", "classify")("a", 7), "candidate_labels is 7"),
        (lambda: fill().encode("a", batch_size=NUMBER / 2), r"batch_size is 3.5"),
        (lambda: fill().encode("a", truncate_dim="x"), "truncate_dim is 'x'"),
        (lambda: libbert.SentenceTransformer(TASKS / "fill", prompts=NUMBER), "prompts is int"),
        (lambda: libbert.util.cos_sim(["a"], ["b"]), "embeddings are of <U1"),
    ],
)
def test_what_is_of_a_wrong_type_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


BROKEN = {"empty": b"", "bracket": b"{", "bytes": b"\xff\xfe\0", "deep": b"[" * 100_000}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_broken_settings_are_named(tmp_path: pathlib.Path, name: str, data: bytes) -> None:
    model = tmp_path / "model"
    shutil.copytree(TASKS / "rerank_st", model)
    (model / name).write_bytes(data)
    for load in (libbert.Model, libbert.AutoTokenizer, libbert.CrossEncoder, libbert.Encoder):
        with pytest.raises(libbert.FormatError, match=name):
            load(model)
    (model / name).write_bytes(b"\xef\xbb\xbf" + (TASKS / "rerank_st" / name).read_bytes())
    usual = libbert.AutoTokenizer(TASKS / "rerank_st")
    assert libbert.AutoTokenizer(model)("a cat") == usual("a cat")
    assert libbert.Encoder(model)(texts=["a"]).last_hidden_state.shape[0] == 1


def test_broken_settings_of_a_cross_encoder(tmp_path: pathlib.Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(TASKS / "rerank_st", model)
    for text in ("[", '{"prompts": 5}'):
        (model / "config_sentence_transformers.json").write_text(text)
        with pytest.raises(libbert.FormatError, match="config_sentence_transformers"):
            libbert.CrossEncoder(model)


def test_paths_and_files() -> None:
    loads: list[Callable[[str], Any]] = [
        libbert.Model, libbert.RawTokenizer, lambda path: libbert.Model(BASE, calibration=path),
    ]  # fmt: skip
    for load in loads:
        with pytest.raises(ValueError, match="holds a NUL"):
            load(f"{BASE}\0x")
    wrong: Any = {"config.json": "{}"}
    for kind in (libbert.Model, libbert.RawTokenizer):
        with pytest.raises(TypeError, match=r"files\['config.json'\] is str, not bytes"):
            kind.from_files(wrong)
