# SPDX-License-Identifier: MIT
"""The same calls through sentence-transformers and through libbert: values and forms.

A case is (model, arguments of the constructor, method, arguments, named arguments).  Needs
sentence-transformers 6 in the same environment.
"""

from __future__ import annotations

import inspect
import os
import pathlib
import shutil
from typing import Any

import numpy as np
import pytest

import libbert

os.environ["HF_HUB_OFFLINE"] = "1"
original = pytest.importorskip("sentence_transformers")
torch = pytest.importorskip("torch")

TEXTS = [
    "a cat on a mat",
    "",
    "Élan vital, naïve café 東京 ☃ zzz",
    "prices rose again in the last quarter , said the bank .",
    "x y z " * 40,
]
MANY = [f"prices {i} cat {i * 7 % 13}" for i in range(110)]
MODELS = pathlib.Path(__file__).resolve().parents[4] / "tests" / "data" / "models"
loaded: dict[Any, Any] = {}
folders: dict[str, str] = {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """folder("embed/base+prompts"): the files of embed/base, those of embed/prompts over them."""

    def make(name: str) -> str:
        if name == "MiniLM":
            path = os.environ.get("BERT_TEST_MODEL")
            return path or pytest.skip("BERT_TEST_MODEL is not set")
        if name not in folders:
            group, names = name.split("/")
            target = tmp_path_factory.mktemp("model")
            for part in names.split("+"):
                shutil.copytree(MODELS / group / part, target, dirs_exist_ok=True)
            folders[name] = str(target)
        return folders[name]

    return make


def both(kind: str, path: str, **options: Any) -> tuple[Any, Any]:
    key = (kind, path, repr(options))
    if key not in loaded:
        theirs = getattr(original, kind)(path, device="cpu", **options)
        loaded[key] = theirs, getattr(libbert, kind)(path, **options)
    found: tuple[Any, Any] = loaded[key]
    return found


def form(value: Any) -> Any:
    """Kinds, types and shapes, all the way down."""
    if isinstance(value, torch.Tensor):
        return "tensor", str(value.dtype).replace("torch.", ""), tuple(value.shape)
    if isinstance(value, np.ndarray):
        return "array", str(value.dtype), value.shape
    if isinstance(value, np.generic):
        return "array", str(value.dtype), ()
    if isinstance(value, (list, tuple)):
        return [form(item) for item in value]
    if isinstance(value, dict):
        return {name: form(item) for name, item in value.items()}
    return type(value).__name__


def same(theirs: Any, ours: Any, atol: float = 2e-5) -> None:
    """Equal values; steps of a quantisation may differ by one where a value lies on an edge."""
    if isinstance(theirs, dict):
        assert theirs.keys() == ours.keys()
        for name in theirs:
            same(theirs[name], ours[name], atol)
    elif isinstance(theirs, (list, tuple)):
        assert len(theirs) == len(ours)
        for a, b in zip(theirs, ours):
            same(a, b, atol)
    elif isinstance(theirs, str):
        assert theirs == ours
    else:
        a, b = np.asarray(theirs), np.asarray(ours)
        if a.dtype.kind in "iu" and a.dtype.itemsize == 1:
            off = np.abs(a.astype(int) - b.astype(int))
            assert (off > 1).mean() < 0.002
            assert (off == 1).mean() < 0.01
        else:
            np.testing.assert_allclose(b, a, atol=atol, rtol=1e-5)


ENCODE: list[tuple[str, dict[str, Any], str, tuple[Any, ...], dict[str, Any]]] = [
    (model, {}, method, (TEXTS,), {})
    for model in ("embed/base", "embed/base+prompts", "embed/base+matryoshka", "embed/base+cls",
                  "embed/base+chain", "embed/base+no_prompt_mean", "embed/base+lower", "MiniLM")
    for method in ("encode", "encode_query", "encode_document")
] + [
    ("MiniLM", {}, "encode", (inputs,), {})
    for inputs in ("a cat", [], ["a cat"], tuple(TEXTS), np.array(TEXTS),
                   np.array(TEXTS, dtype=object), MANY)
] + [
    ("MiniLM", {}, "encode", (TEXTS,), options)
    for options in (
        {"sentences": TEXTS}, {"batch_size": 1}, {"batch_size": 2}, {"prompt": "query: "},
        {"prompt": ""}, {"prompt_name": "query"}, {"normalize_embeddings": True},
        {"truncate_dim": 7}, {"truncate_dim": 7, "normalize_embeddings": True},
        {"truncate_dim": 1000}, {"truncate_dim": 384, "normalize_embeddings": True},
        {"convert_to_tensor": True}, {"convert_to_numpy": False},
        {"convert_to_numpy": False, "convert_to_tensor": True}, {"precision": None},
        {"output_value": "token_embeddings"},
        {"output_value": "token_embeddings", "prompt": "query: "},
        {"show_progress_bar": True}, {"show_progress_bar": False}, {"device": "cpu"},
        {"task": "query"},
    )
] + [
    ("MiniLM", {}, "encode", (inputs,), {"precision": precision, **options})
    for precision in ("int8", "uint8", "binary", "ubinary", "float32")
    for inputs, options in (
        (MANY, {}), (MANY, {"convert_to_tensor": True}), (MANY, {"convert_to_numpy": False}),
        (MANY, {"truncate_dim": 20, "normalize_embeddings": True}),
    )
] + [
    ("MiniLM", {}, "encode", ("a cat",), options)
    for options in (
        {"precision": "binary"}, {"convert_to_tensor": True}, {"convert_to_numpy": False},
        {"output_value": "token_embeddings"}, {"truncate_dim": 5},
    )
] + [
    ("MiniLM", {}, "encode", ([],), options)
    for options in (
        {"convert_to_tensor": True}, {"convert_to_numpy": False}, {"precision": "int8"},
        {"output_value": "token_embeddings"},
    )
] + [
    ("embed/base+prompts", {}, "encode", (TEXTS,), {"prompt_name": name, "truncate_dim": cut})
    for name in ("query", "document", "none", None)
    for cut in (None, 9)
] + [
    ("embed/base+prompts", options, method, (TEXTS,), {})
    for options in (
        {"prompts": {"query": "q : ", "mine": "m "}}, {"default_prompt_name": "query"},
        {"prompts": {"query": "", "document": ""}}, {"truncate_dim": 6},
        {"prompts": {"mine": "bank "}, "default_prompt_name": "mine"},
    )
    for method in ("encode", "encode_query", "encode_document")
] + [
    ("embed/base+matryoshka", {}, "encode", (TEXTS,), options)
    for options in (
        {"truncate_dim": 4}, {"truncate_dim": 16}, {"truncate_dim": 32}, {"truncate_dim": 500},
        {"normalize_embeddings": True}, {"truncate_dim": 16, "normalize_embeddings": True},
        {"truncate_dim": 100, "normalize_embeddings": True},
    )
] + [
    ("embed/base", {"truncate_dim": 8}, "get_embedding_dimension", (), {}),
    ("embed/base+matryoshka", {}, "get_embedding_dimension", (), {}),
    ("MiniLM", {}, "get_embedding_dimension", (), {}),
    ("MiniLM", {}, "get_sentence_embedding_dimension", (), {}),
    ("MiniLM", {}, "get_max_seq_length", (), {}),
]  # fmt: skip


@pytest.mark.parametrize("case", ENCODE, ids=lambda c: f"{c[0]}-{c[2]}-{c[4]}"[:70])
def test_sentence_transformer(folder: Any, case: Any) -> None:
    model, options, method, arguments, named = case
    theirs, ours = both("SentenceTransformer", folder(model), **options)
    if "sentences" in named:
        arguments = ()
    a, b = getattr(theirs, method)(*arguments, **named), getattr(ours, method)(*arguments, **named)
    assert form(a) == form(b)
    same(a, b)


REFUSED: list[tuple[str, tuple[Any, ...], dict[str, Any], type[Exception]]] = [
    ("encode", (TEXTS,), {"batch_size": 0}, ValueError),
    ("encode", (TEXTS,), {"precision": "int4"}, ValueError),
    ("encode", ("a cat",), {"precision": "int8"}, ValueError),
    ("encode", (TEXTS,), {"prompt_name": "nobody"}, ValueError),
    ("encode", (TEXTS,), {"nothing": 1}, ValueError),
    ("encode", (), {}, TypeError),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: f"{c[0]}-{c[2]}")
def test_refused_alike(folder: Any, case: Any) -> None:
    method, arguments, named, kind = case
    for model in both("SentenceTransformer", folder("MiniLM")):
        with pytest.raises(kind):
            getattr(model, method)(*arguments, **named)


def test_all_values(folder: Any) -> None:
    theirs, ours = both("SentenceTransformer", folder("MiniLM"))
    (a,), (b,) = (m.encode(["a cat"], output_value=None, truncate_dim=9) for m in (theirs, ours))
    assert set(b) == set(a) - {"modality"}
    for name in b:
        assert form(a[name]) == form(b[name]), name
        same(a[name], b[name])


@pytest.mark.parametrize("length", [8, 20, 300, 512])
def test_max_seq_length(folder: Any, length: int) -> None:
    path = folder("MiniLM")
    theirs, ours = original.SentenceTransformer(path), libbert.SentenceTransformer(path)
    theirs.max_seq_length = ours.max_seq_length = length
    assert theirs.get_max_seq_length() == ours.get_max_seq_length() == length
    texts = ["the cat sat on the mat . " * 100, "short"]
    same(theirs.encode(texts), ours.encode(texts))
    a, b = dict(theirs.tokenize(texts)), ours.tokenize(texts, return_tensors="pt")
    a.pop("modality")
    assert form(a) == form(b)
    same(a, b)


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean", "manhattan"])
@pytest.mark.parametrize("tensors", [False, True])
def test_similarity(folder: Any, name: str, tensors: bool) -> None:
    theirs, ours = both("SentenceTransformer", folder("MiniLM"), similarity_fn_name=name)
    a = theirs.encode(MANY[:30], convert_to_tensor=tensors)
    b = theirs.encode(TEXTS, convert_to_tensor=tensors)
    for first, second, method in (
        (a, b, "similarity"), (a[0], b, "similarity"), (a, b[0], "similarity"),
        (a[:5], b, "similarity_pairwise"), (list(a), list(b), "similarity"),
    ):  # fmt: skip
        x = getattr(theirs, method)(first, second)
        y = getattr(ours, method)(first, second)
        assert isinstance(y, torch.Tensor) == tensors
        assert form(x)[1:] == form(y)[1:]
        same(x, y, 2e-4 if name in ("euclidean", "manhattan") else 2e-5)


def vectors_of(path: str) -> tuple[Any, Any]:
    if "vectors" not in loaded:
        theirs, _ = both("SentenceTransformer", path)
        loaded["vectors"] = theirs.encode(TEXTS), theirs.encode(MANY)
    found: tuple[Any, Any] = loaded["vectors"]
    return found


@pytest.mark.parametrize("name", ["semantic_search", "paraphrase_mining_embeddings"])
def test_search(folder: Any, name: str) -> None:
    from libbert import util

    a, b = vectors_of(folder("MiniLM"))
    arguments, named = ((a, b), {"top_k": 4}) if name == "semantic_search" else ((a,), {})
    for options in ({}, {"corpus_chunk_size": 40, "query_chunk_size": 2}):
        x = getattr(original.util, name)(*map(torch.tensor, arguments), **named, **options)
        y = getattr(util, name)(*arguments, **named, **options)
        assert form(x) == form(y)
        same(x, y)


@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary", "float32"])
def test_quantize(folder: Any, precision: str) -> None:
    from libbert import util

    a, b = vectors_of(folder("MiniLM"))
    ranges = np.vstack([b.min(0), b.max(0)])
    for options in ({}, {"calibration_embeddings": b}, {"ranges": ranges}):
        x = original.util.quantize_embeddings(a, precision, **options)
        y = util.quantize_embeddings(a, precision, **options)
        assert form(x) == form(y)
        assert np.array_equal(x, y)


# ---- SparseEncoder ------------------------------------------------------------------------

SPARSE = [
    (model, options, method, named)
    for model in ("base", "base+max", "base+sum", "base+settings")
    for options in ({}, {"max_active_dims": 5})
    for method, named in (
        ("encode", {}), ("encode_query", {}), ("encode_document", {}),
        ("encode", {"prompt": "the bank "}), ("encode", {"max_active_dims": 3}),
        ("encode", {"convert_to_sparse_tensor": False}), ("encode", {"batch_size": 1}),
    )
]  # fmt: skip


@pytest.mark.parametrize("case", SPARSE, ids=lambda c: f"{c[0]}-{c[1]}-{c[2]}-{c[3]}")
def test_sparse_encoder(folder: Any, case: Any) -> None:
    model, options, method, named = case
    theirs, ours = both("SparseEncoder", folder(f"sparse/{model}"), **options)
    assert theirs.similarity_fn_name == ours.similarity_fn_name
    for inputs in (TEXTS, "a cat on a mat"):
        a = getattr(theirs, method)(inputs, **named)
        b = getattr(ours, method)(inputs, convert_to_tensor=True, **named)
        assert form(a) == form(b)
        assert a.is_sparse == b.is_sparse
        dense = a.to_dense() if a.is_sparse else a
        same(dense, b.to_dense())
        same(dense, np.asarray(getattr(ours, method)(inputs, **named)))


def test_sparse_values(folder: Any) -> None:
    theirs, ours = both("SparseEncoder", folder("sparse/base"))
    a, b = theirs.encode(TEXTS), ours.encode(TEXTS)
    for k in (None, 3):
        for x, y in zip(theirs.decode(a, k), ours.decode(b, k)):
            same([w for _, w in x], [w for _, w in y])
            assert {t for t, w in x[:-1]} == {t for t, w in y[:-1]} or k is None
    assert theirs.decode(a[0], 2)[0][0] == ours.decode(b[0], 2)[0][0]
    assert theirs.sparsity(a) == pytest.approx(ours.sparsity(b))
    assert theirs.sparsity(a[0]) == pytest.approx(ours.sparsity(b[0]))
    same(theirs.intersection(a[0], a).to_dense(), ours.intersection(b[0], b).to_dense())
    for name in ("dot", "cosine", "euclidean", "manhattan"):
        theirs.similarity_fn_name = ours.similarity_fn_name = name
        # theirs is a difference of squares in float32
        atol = {"euclidean": 3e-2, "manhattan": 1e-3}.get(name, 2e-4)
        same(theirs.similarity(a, a), ours.similarity(b, b), atol)
        dense = a.to_dense()
        same(theirs.similarity_pairwise(dense, dense.flip(0)),
             ours.similarity_pairwise(b, b[::-1]), atol)  # fmt: skip
    theirs.similarity_fn_name = ours.similarity_fn_name = "dot"


# ---- CrossEncoder ----------------------------------------------------------------------------

PAIRS = [
    ("the bank", "prices rose again"), ("a cat", ""), ("", "a cat"), ("", ""),
    ("x y z " * 40, "prices " * 50), ["a cat on a mat", "the cat"],
]  # fmt: skip
CROSS = [
    (model, options, named)
    for model in ("rerank_saved", "rerank_old", "rerank_st", "rerank_foreign", "classify",
                  "classify_multi", "classify_plain", "classify_regression", "classify_score")
    for options, named in (
        ({}, {}), ({"max_length": 12}, {}), ({}, {"batch_size": 1}), ({}, {"apply_softmax": True}),
        ({}, {"convert_to_tensor": True}), ({}, {"convert_to_numpy": False}),
        ({}, {"prompt": "search : "}), ({}, {"activation_fn": torch.nn.Sigmoid()}),
        ({}, {"activation_fn": torch.tanh}), ({"activation_fn": torch.nn.Identity()}, {}),
    )
]  # fmt: skip


@pytest.mark.parametrize("case", CROSS, ids=lambda c: f"{c[0]}-{c[1]}-{c[2]}")
def test_cross_encoder(folder: Any, case: Any) -> None:
    model, options, named = case
    theirs, ours = both("CrossEncoder", folder(f"task/{model}"), **options)
    assert theirs.num_labels == ours.num_labels
    assert theirs.max_length == ours.max_length
    for inputs in (PAIRS, PAIRS[0], PAIRS[5], np.array(PAIRS[:3]), []):
        a, b = theirs.predict(inputs, **named), ours.predict(inputs, **named)
        assert form(a) == form(b)
        same(a, b)


@pytest.mark.parametrize("model", ["rerank_saved", "rerank_old", "rerank_st", "rerank_foreign"])
@pytest.mark.parametrize("named", [{}, {"top_k": 2}, {"return_documents": True},
                                   {"activation_fn": torch.nn.Identity()}, {"prompt": "a "}])
def test_rank(folder: Any, model: str, named: dict[str, Any]) -> None:
    theirs, ours = both("CrossEncoder", folder(f"task/{model}"))
    a, b = (m.rank("the bank", TEXTS, **named) for m in (theirs, ours))
    assert form(a) == form(b)
    same(a, b)


@pytest.mark.parametrize("name", list(range(17)))
def test_activations(name: int) -> None:
    from libbert import _activations

    classes = ["Identity", "Sigmoid", "Tanh", "ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU",
               "SiLU", "Softplus", "LogSigmoid", "Softsign", "Tanhshrink", "Hardtanh",
               "Hardsigmoid", "Mish"]  # fmt: skip
    logits = np.linspace(-30, 30, 61, dtype=np.float32)[:, None]
    function = getattr(torch.nn, classes[name])()
    ours = _activations.apply(f"torch.nn.modules.activation.{classes[name]}", logits)
    np.testing.assert_allclose(ours, function(torch.tensor(logits)).numpy(), atol=2e-6, rtol=1e-6)


# ---- Signatures --------------------------------------------------------------------------------

METHODS = [
    ("SentenceTransformer", "encode"), ("SentenceTransformer", "encode_multi_process"),
    ("SentenceTransformer", "similarity"), ("SentenceTransformer", "similarity_pairwise"),
    ("SparseEncoder", "encode"), ("SparseEncoder", "decode"), ("SparseEncoder", "intersection"),
    ("SparseEncoder", "sparsity"), ("CrossEncoder", "predict"), ("CrossEncoder", "rank"),
    ("util", "cos_sim"), ("util", "semantic_search"), ("util", "paraphrase_mining"),
    ("util", "paraphrase_mining_embeddings"), ("util", "quantize_embeddings"),
    ("util", "normalize_embeddings"), ("util", "truncate_embeddings"),
]  # fmt: skip


@pytest.mark.parametrize(("home", "name"), METHODS)
def test_signature(home: str, name: str) -> None:
    """The same arguments in the same order with the same defaults."""
    import importlib

    ours = importlib.import_module("libbert.util") if home == "util" else getattr(libbert, home)
    theirs = getattr(original, home)
    a = inspect.signature(getattr(theirs, name)).parameters.values()
    b = inspect.signature(getattr(ours, name)).parameters.values()
    named = [p for p in a if p.kind is not p.VAR_KEYWORD]
    for x, y in zip(named, b):
        assert x.name == y.name
        free = x.name in ("inputs", "convert_to_tensor", "score_function")
        assert free or x.default == y.default, x.name
    assert len(b) >= len(named)


@pytest.mark.parametrize("kind", ["SentenceTransformer", "SparseEncoder", "CrossEncoder"])
def test_arguments_of_constructors(kind: str, folder: Any) -> None:
    """Each argument of the original is taken, its default too."""
    path = folder({"SparseEncoder": "sparse/base", "CrossEncoder": "task/rerank_st"}.get(kind)
                  or "embed/base")  # fmt: skip
    parameters = list(inspect.signature(getattr(original, kind)).parameters.values())[1:]
    options = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert len(options) > 10
    getattr(libbert, kind)(path, **options)
