# SPDX-License-Identifier: MIT
"""SentenceTransformer, SparseEncoder, CrossEncoder and util, against the fixtures and the low
level.  tests/reference compares them with the originals."""

from __future__ import annotations

import json
import math
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, TEXTS, arrays, overlay, parts

import libbert
from libbert import CrossEncoder, SentenceTransformer, SparseEncoder, SparseMatrix, util


def near(found: Any, want: Any) -> None:
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def st() -> SentenceTransformer:
    return SentenceTransformer(MODELS / "embed" / "base")


@pytest.fixture(scope="module")
def sparse() -> SparseEncoder:
    return SparseEncoder(MODELS / "sparse" / "base")


# ---- SentenceTransformer --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mean", "prompts", "matryoshka"])
def test_encode_values(name: str) -> None:
    want = arrays(MODELS / "embed" / name / "expected.bin")
    texts = parts(want, "text")
    with SentenceTransformer(overlay("embed/base", f"embed/{name}")) as model:
        near(model.encode(texts), want["plain"])
        near(model.encode(texts, normalize_embeddings=True), want["normalized"])
        width = int(want["cut_to"][0])
        cut = model.encode(texts, normalize_embeddings=True, truncate_dim=width)
        near(cut, want["unit_cut"])
        near(model.encode(texts, prompt=want["prompt_text"].decode()), want["prompted"])


@pytest.mark.parametrize("inputs", [TEXTS, tuple(TEXTS), np.array(TEXTS), iter(TEXTS)])
def test_several(st: SentenceTransformer, inputs: Any) -> None:
    found = st.encode(inputs)
    assert found.dtype == np.float32
    assert np.array_equal(found, st.model.embed(TEXTS))


def test_one(st: SentenceTransformer) -> None:
    want = st.encode(TEXTS)[0]
    for inputs in (TEXTS[0], TEXTS[0].encode(), np.array(TEXTS[0])):
        assert np.array_equal(st.encode(inputs), want)
    assert np.array_equal(st.encode([TEXTS[0]]), want[None])
    assert st.encode(sentences=TEXTS[0]).shape == (32,)


def test_none(st: SentenceTransformer) -> None:
    assert st.encode([]).shape == (0,)
    assert st.encode([], output_value="token_embeddings") == []
    with pytest.raises(TypeError, match="inputs"):
        st.encode()


def test_cut_keeps_entries(st: SentenceTransformer) -> None:
    whole = st.encode(TEXTS)
    assert np.array_equal(st.encode(TEXTS, truncate_dim=5), whole[:, :5])
    assert st.encode(TEXTS, truncate_dim=5).flags.c_contiguous
    with st.truncate_embeddings(7):
        assert st.encode(TEXTS[0]).shape == (7,)
        assert st.get_embedding_dimension() == 7
    assert st.get_sentence_embedding_dimension() == 32


def test_saved_cut_can_be_passed() -> None:
    bare = SentenceTransformer(overlay("embed/base", "embed/mean"))
    model = SentenceTransformer(overlay("embed/base", "embed/matryoshka"))
    assert model.get_embedding_dimension() == model.truncate_dim == 10
    near(model.encode(TEXTS), model.encode(TEXTS, truncate_dim=32)[:, :10])
    near(model.encode(TEXTS, truncate_dim=20), model.encode(TEXTS, truncate_dim=99)[:, :20])
    near(model.encode(TEXTS, truncate_dim=32), bare.encode(TEXTS, normalize_embeddings=True))


def test_many_come_in_parts(st: SentenceTransformer, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"cat {i}" for i in range(100)]
    want = st.encode(texts, batch_size=200)
    monkeypatch.setattr("libbert._sbert.SLICE", 7)
    assert np.array_equal(st.encode(texts), want)
    with pytest.raises(TypeError, match=r"inputs\[99\] is int"):
        st.encode([*texts[:99], 3])


def test_progress(st: SentenceTransformer, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    class Bar:
        def __init__(self, **options: Any) -> None:
            seen.append(options)

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, n: int) -> None:
            seen.append(n)

    monkeypatch.setattr("libbert._sbert._bar", lambda: Bar)
    texts = ["a cat"] * 1000
    rows = st.encode(texts, batch_size=100, show_progress_bar=True)
    assert (rows == rows[0]).all()
    assert seen == [{"total": 10, "desc": "Batches"}, 2, 2, 2, 2, 2]
    seen.clear()
    st.encode(texts)
    assert seen == []


@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary"])
def test_precision(st: SentenceTransformer, precision: str) -> None:
    rows = st.encode(TEXTS)
    found = st.encode(TEXTS, precision=precision)
    if precision.endswith("int8"):
        low, high = rows.min(0), rows.max(0)
        steps = np.clip(np.floor((rows - low) / ((high - low) / 255)), 0, 255)
        want = steps.astype(np.uint8) if precision == "uint8" else (steps - 128).astype(np.int8)
    else:
        bits = np.packbits(rows > 0, axis=-1)
        want = bits if precision == "ubinary" else (bits.astype(int) - 128).astype(np.int8)
    assert found.dtype == want.dtype
    assert np.array_equal(found, want)
    assert np.array_equal(found, util.quantize_embeddings(rows, precision))


def test_precision_of_one(st: SentenceTransformer) -> None:
    with pytest.raises(ValueError, match="single embedding"):
        st.encode("a", precision="int8")
    assert st.encode("a", precision="binary").shape == (4,)


def test_token_embeddings(st: SentenceTransformer) -> None:
    found = st.encode(TEXTS[:3], output_value="token_embeddings")
    for text, rows in zip(TEXTS, found):
        assert np.array_equal(np.asarray(rows), st.model.embed_tokens(text))
    whole = st.encode(TEXTS[3], output_value=None)
    assert set(whole) == {
        "input_ids", "token_type_ids", "attention_mask", "token_embeddings", "sentence_embedding",
    }  # fmt: skip
    assert len(whole["input_ids"]) == len(whole["token_embeddings"])


def test_prompts() -> None:
    with SentenceTransformer(overlay("embed/base", "embed/prompts")) as model:
        assert model.prompts == {"query": "query: ", "document": "passage: ", "none": ""}
        assert model.default_prompt_name == "document"
        query = model.encode(TEXTS, prompt="query: ")
        assert np.array_equal(model.encode_query(TEXTS), query)
        assert np.array_equal(model.encode(TEXTS, prompt_name="query"), query)
        assert np.array_equal(model.encode(TEXTS), model.encode_document(TEXTS))
        assert not np.array_equal(model.encode(TEXTS, prompt=""), model.encode(TEXTS))
        with pytest.raises(ValueError, match="'nobody' not found"):
            model.encode(TEXTS, prompt_name="nobody")
        model.prompts["query"] = "query: "
        model.default_prompt_name = None
        assert np.array_equal(model.encode(TEXTS), model.encode(TEXTS, prompt=""))
    with pytest.raises(ValueError, match="Default prompt name 'x'"):
        SentenceTransformer(MODELS / "embed" / "base", default_prompt_name="x")


def test_length(st: SentenceTransformer) -> None:
    text = "the cat sat on the mat " * 5
    st.max_seq_length = 9
    assert st.get_max_seq_length() == 9
    assert np.array_equal(st.encode(text), st.model.embed(text, max_length=9))
    assert st.tokenize([text, "a"])["input_ids"].shape == (2, 9)
    st.max_seq_length = None
    assert st.max_seq_length == st.model.max_length
    with pytest.raises(ValueError, match="positions"):
        st.max_seq_length = 10**9
    with pytest.raises(ValueError, match="above 0"):
        st.max_seq_length = 0


def test_longer_than_saved(tmp_path: Path) -> None:
    for name in ("base", "short"):
        shutil.copytree(MODELS / "embed" / name, tmp_path, dirs_exist_ok=True)
    text = "the cat sat on the mat " * 5
    model, whole = SentenceTransformer(tmp_path), SentenceTransformer(MODELS / "embed" / "base")
    saved = model.max_seq_length
    assert saved < whole.max_seq_length
    model.max_seq_length = saved + 8
    assert model.max_seq_length == saved + 8
    assert model.model.path == str(tmp_path)
    for one in (model, pickle.loads(pickle.dumps(model))):
        assert one.preprocess([text])["input_ids"].shape == (1, saved + 8)
    model.max_seq_length = 5
    assert model.preprocess([text])["input_ids"].shape == (1, 5)


def test_tokenize(st: SentenceTransformer) -> None:
    found = st.tokenize(["a cat", "the cat sat on the mat"])
    assert {v.dtype for v in found.values()} == {np.dtype(np.int64)}
    assert found["attention_mask"][0].sum() < found["attention_mask"][1].sum()
    pairs = st.tokenize([("a cat", "b"), ("c", "the mat")])
    assert pairs["token_type_ids"].max() == 1
    assert st.tokenize([]) == {}


def test_types_are_given_as_the_tokenizer_says(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(MODELS / "task" / "rerank_st", model)
    settings = json.loads((model / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    (model / "tokenizer_config.json").write_text(json.dumps(settings))
    with CrossEncoder(MODELS / "task" / "rerank_st") as usual, CrossEncoder(model) as plain:
        assert usual.model.type_vocab_size == 2
        for pair in (("a cat", "the mat"), ("a cat", "")):
            ids = usual.tokenize([pair])
            assert ids["token_type_ids"].max() == 1
            same = plain.tokenize([pair])
            assert list(same) == ["input_ids", "attention_mask"]
            assert np.array_equal(same["input_ids"], ids["input_ids"])
            want = plain.model.forward(list(ids["input_ids"]), outputs="logits")["logits"][0]
            near(plain.predict(pair, activation_fn="identity"), want[0])
            assert abs(usual.predict(pair, activation_fn="identity") - want[0]) > 1e-4


def test_pickle(st: SentenceTransformer) -> None:
    st.similarity_fn_name = "dot"
    again = pickle.loads(pickle.dumps(st))
    assert again.similarity_fn_name == "dot"
    assert np.array_equal(again.encode(TEXTS), st.encode(TEXTS))
    st.similarity_fn_name = None


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"device": "cuda"}, "device is 'cuda'"), ({"device": ["cpu", "cuda:0"]}, "cuda:0"),
    ({"backend": "onnx"}, "backend is 'onnx'"), ({"modules": []}, "modules"),
    ({"config_kwargs": {"a": 1}}, "config_kwargs"),
    ({"model_kwargs": {"dtype": "float16"}}, "float16"),
    ({"model_kwargs": {"file_name": "x"}}, "file_name"),
    ({"processor_kwargs": {"do_lower_case": True}}, "do_lower_case"),
    ({"similarity_fn_name": "maxsim"}, "maxsim"), ({"compute": "int4"}, "int4"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SentenceTransformer(MODELS / "embed" / "base", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size"), ({"precision": "int4"}, "int4"), ({"x": 1}, "'x'"),
        ({"device": "mps"}, "mps"), ({"output_value": "logits"}, "logits"),
        ({"processing_kwargs": {"text": {}}}, "processing_kwargs"),
    ],
)  # fmt: skip
def test_call_refused(st: SentenceTransformer, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        st.encode(TEXTS, **options)
    assert st.encode("a").shape == (32,)


def test_what_programs_ask(st: SentenceTransformer) -> None:
    assert st.to("cpu") is st
    assert st.eval() is st
    with pytest.raises(ValueError, match="cuda"):
        st.cuda()
    pool = st.start_multi_process_pool(["cpu", "cpu"])
    assert np.array_equal(st.encode(TEXTS, pool=pool, chunk_size=2), st.encode(TEXTS))
    st.stop_multi_process_pool(pool)
    assert st.device == "cpu"
    assert st.supports("text")


def test_precision_of_computing() -> None:
    path = MODELS / "embed" / "base"
    for options, want in (
        ({}, "fp32"), ({"compute": "bf16"}, "bf16"),
        ({"model_kwargs": {"torch_dtype": "torch.bfloat16"}}, "bf16"),
        ({"model_kwargs": {"dtype": "float32", "attn_implementation": "sdpa"}}, "fp32"),
    ):  # fmt: skip
        with SentenceTransformer(path, **options) as model:
            assert model.model.precision == want


def test_hub_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "models--sentence-transformers--tiny"
    shutil.copytree(MODELS / "embed" / "base", repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    monkeypatch.chdir(tmp_path)
    for name in ("tiny", "sentence-transformers/tiny"):
        model = SentenceTransformer(name, cache_folder=str(tmp_path))
        assert model.encode("a").shape == (32,)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert SentenceTransformer("tiny", revision="abc").encode("a").shape == (32,)
    with pytest.raises(FileNotFoundError, match="hf download sentence-transformers/none"):
        SentenceTransformer("none")


def test_no_torch(st: SentenceTransformer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr("libbert._tensors.has_torch", lambda: False)
    with pytest.raises(ImportError, match="convert_to_tensor=True needs torch"):
        st.encode(TEXTS, convert_to_tensor=True)
    rows = st.encode(TEXTS, convert_to_numpy=False)
    assert isinstance(rows, list)
    assert np.array_equal(np.stack(rows), st.encode(TEXTS))


# ---- Similarity and search --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean", "manhattan"])
def test_similarity(st: SentenceTransformer, name: str) -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.normal(size=(n, 6)).astype(np.float32) for n in (3, 4))
    length = np.linalg.norm
    score: Any = {
        "cosine": lambda x, y: x @ y / length(x) / length(y), "dot": lambda x, y: x @ y,
        "euclidean": lambda x, y: -length(x - y), "manhattan": lambda x, y: -np.abs(x - y).sum(),
    }[name]  # fmt: skip
    want = [[score(x, y) for y in b] for x in a]
    st.similarity_fn_name = name
    near(st.similarity(a, b), want)
    near(st.similarity(a[0], b), want[:1])
    near(st.similarity_pairwise(a, b[:3]), np.diag(want))
    near(util.SimilarityFunction.to_similarity_fn(name)(list(a), b.tolist()), want)
    near(util.similarity(name, SparseMatrix.from_dense(a), b), want)
    near(util.similarity_pairwise(name, SparseMatrix.from_dense(a), b[:3]), np.diag(want))
    st.similarity_fn_name = None
    with pytest.raises(ValueError, match="6 and of 5"):
        util.cos_sim(a, b[:, :5])


def test_search() -> None:
    rng = np.random.default_rng(2)
    queries, corpus = (rng.normal(size=(n, 8)).astype(np.float32) for n in (3, 40))
    scores = util.cos_sim(queries, corpus)
    order = np.argsort(-scores, axis=1)[:, :5]
    chunks: list[dict[str, Any]] = [{}, {"corpus_chunk_size": 7, "query_chunk_size": 2}]
    for options in chunks:
        for kind in (np.asarray, SparseMatrix.from_dense):
            found = util.semantic_search(kind(queries), kind(corpus), top_k=5, **options)
            assert [[e["corpus_id"] for e in row] for row in found] == order.tolist()
            near([[e["score"] for e in row] for row in found],
                 np.take_along_axis(scores, order, 1))  # fmt: skip
    pairs = util.paraphrase_mining_embeddings(corpus, max_pairs=9, corpus_chunk_size=11)
    among = util.cos_sim(corpus, corpus)[np.triu_indices(40, 1)]
    near([p[0] for p in pairs], np.sort(among)[::-1][:9])
    assert all(i < j for _, i, j in pairs)


def test_paraphrases(st: SentenceTransformer) -> None:
    (score, i, j), *_ = util.paraphrase_mining(st, ["a cat", "the bank said", "a cat"])
    assert (i, j) == (0, 2)
    assert score == pytest.approx(1, abs=1e-6)


# ---- SparseEncoder -----------------------------------------------------------------------------


def test_sparse_values() -> None:
    want = arrays(MODELS / "sparse" / "max" / "expected.bin")
    texts = parts(want, "text")
    with SparseEncoder(overlay("sparse/base", "sparse/max")) as model:
        found = model.encode(texts)
    assert found.indptr[1:].tolist() == want["plain.ends"].tolist()
    assert found.indices.tolist() == want["plain.ids"].tolist()
    near(found.values, want["plain.weights"])


def test_sparse_forms(sparse: SparseEncoder) -> None:
    found = sparse.encode(TEXTS)
    assert found.shape == (len(TEXTS), sparse.get_embedding_dimension())
    dense = sparse.encode(TEXTS, convert_to_sparse_tensor=False)
    assert np.array_equal(found.to_dense(), dense)
    assert np.array_equal(np.asarray(found), dense)
    one = sparse.encode(TEXTS[0])
    assert one.shape == found.shape[1:]
    assert one == found[0]
    rows = sparse.encode(TEXTS, convert_to_tensor=False)
    assert rows == list(found)
    assert sparse.encode([]).shape == (0, found.shape[1])
    few = sparse.encode(TEXTS, max_active_dims=4)
    assert few.counts.max() == 4
    assert set(few[3].values) == set(np.sort(found[3].values)[-4:])
    again = pickle.loads(pickle.dumps(found))
    assert again == found


def test_sparse_matrix() -> None:
    dense = np.array([[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, -4]], np.float32)
    matrix = SparseMatrix.from_dense(dense)
    assert matrix.nnz == 4
    for key in (slice(None), slice(1, None), slice(None, None, -1), [2, 0], slice(2, 1)):
        assert np.array_equal(matrix[key].to_dense(), dense[key])
    for i in (0, 1, 2, -1):
        assert np.array_equal(matrix[i].to_dense(), dense[i])
    assert matrix[2, 3] == -4
    near(matrix.normalized().to_dense()[2], [0.6, 0, 0, -0.8])
    with pytest.raises(IndexError):
        matrix[3]
    with pytest.raises(ValueError, match="indptr"):
        SparseMatrix([0], [1], [1.0], (2, 3))  # type: ignore[arg-type]


def test_sparse_helpers(sparse: SparseEncoder) -> None:
    found = sparse.encode(TEXTS)
    decoded = sparse.decode(found, top_k=3)
    assert [len(row) for row in decoded] == [3] * len(TEXTS)
    best = int(found[0].indices[found[0].values.argmax()])
    assert decoded[0][0] == (sparse.tokenizer.token(best), pytest.approx(found[0].values.max()))
    assert sparse.decode(found[0], 3) == decoded[0]
    stats = sparse.sparsity(found)
    assert stats["active_dims"] == found.nnz / len(found)
    shared = sparse.intersection(found[0], found)
    want = found.to_dense()[0] * found.to_dense()
    near(shared.to_dense(), np.maximum(want, 0))
    assert sparse.similarity_fn_name == "dot"
    near(sparse.similarity(found, found), found.to_dense() @ found.to_dense().T)


def test_no_sparse_head() -> None:
    with pytest.raises(libbert.UnsupportedError, match="no sparse embeddings"):
        SparseEncoder(MODELS / "embed" / "base")


# ---- CrossEncoder ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rerank_saved", "rerank_old", "rerank_st"])
def test_rank_is_rerank(name: str) -> None:
    path = MODELS / "task" / name
    with CrossEncoder(path) as model:
        want = model.model.rerank("the bank", TEXTS)
        found = model.rank("the bank", TEXTS, return_documents=True)
        assert [e["corpus_id"] for e in found] == [r.position for r in want.best]
        near([e["score"] for e in found], [r.score for r in want.best])
        assert found[0]["text"] == TEXTS[found[0]["corpus_id"]]
        assert model.rank("the bank", TEXTS, top_k=2) == [
            {"corpus_id": e["corpus_id"], "score": e["score"]} for e in found[:2]
        ]
        scores = model.predict([("the bank", text) for text in TEXTS])
        near(scores, want.scores)
        one = model.predict(("the bank", TEXTS[1]))
        assert one == scores[1]
        assert one.shape == ()
        raw = model.predict([["the bank", TEXTS[0]]], activation_fn="identity")
        near(raw, model.model.rerank("the bank", TEXTS[:1], raw=True).scores)
        assert model.predict([]).shape == (0,)


def test_labels() -> None:
    with CrossEncoder(MODELS / "task" / "classify") as model:
        assert model.num_labels == len(model.model.labels)
        scores = model.predict([("a cat", "b"), ("c", "d")], apply_softmax=True)
        assert scores.shape == (2, model.num_labels)
        near(scores.sum(1), 1)
        want = model.model.classify(["a cat"], ["b"], function="softmax")[0]
        near(scores[0, [label.id for label in want]], [label.score for label in want])
        doubled = model.predict([("a cat", "b")], activation_fn=lambda x: 2 * x)
        near(doubled, 2 * model.predict([("a cat", "b")]))
        with pytest.raises(ValueError, match="num_labels=1"):
            model.rank("a", ["b"])
        with pytest.raises(TypeError, match=r"inputs\[1\] is str"):
            model.predict([("a", "b"), "c"])
        with pytest.raises(ValueError, match=r"CrossEncoder.predict\(\) .* \['x'\]"):
            model.predict([("a", "b")], x=1)


def test_cross_encoder_refused(tmp_path: Path) -> None:
    path = MODELS / "task" / "rerank_st"
    with pytest.raises(ValueError, match="num_labels is 3"):
        CrossEncoder(path, num_labels=3)
    with pytest.raises(libbert.UnsupportedError, match="no head"):
        CrossEncoder(MODELS / "embed" / "base")
    with pytest.raises(libbert.UnsupportedError, match="'swoosh' is not handled"):
        CrossEncoder(path, activation_fn="swoosh").predict(("a", "b"))
    with pytest.raises(TypeError, match="class"):
        CrossEncoder(path, activation_fn=dict).predict(("a", "b"))
    model = CrossEncoder(path, max_length=12)
    assert model.max_length == model.max_seq_length == 12
    memory = overlay("task/rerank_st")
    with pytest.raises(ValueError, match="give activation_fn and prompts"):
        CrossEncoder(memory)
    found = CrossEncoder(memory, activation_fn="sigmoid", prompts={}).predict(("a", "b"))
    assert 0 < found < 1


def test_default_prompt_of_cross_encoder() -> None:
    with CrossEncoder(MODELS / "task" / "rerank_saved") as model:
        assert model.prompts["q"] == "search : "
        want = model.predict(("search : bank", "a cat"), prompt="")
        assert model.predict(("bank", "a cat")) == want
        assert model.predict(("bank", "a cat"), prompt_name="document") != want


def test_types_of_scores() -> None:
    rows = [[0.5, 2.0], [1.0, -1.0]]
    wide = np.array(rows)
    for score in (util.cos_sim, util.dot_score, util.pairwise_manhattan_sim):
        assert score(rows, rows).dtype == np.float32
        assert score(wide, list(wide)).dtype == np.float64
        near(score(rows, rows), score(wide, wide))
        score(wide * np.inf, wide)  # no warning


def test_gelu() -> None:
    model = CrossEncoder(MODELS / "task" / "rerank_st", activation_fn="torch.nn.GELU")
    x = float(model.predict(("a cat", "b"), activation_fn="identity"))
    near(model.predict(("a cat", "b")), 0.5 * x * (1 + math.erf(x / 2**0.5)))
