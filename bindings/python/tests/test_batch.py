# SPDX-License-Identifier: MIT
"""Batches over tables, in this process and in others."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, TEXTS
from mapped import pack, weights

import libbert
from libbert import batch
from libbert._batch_models import _models, model_of

BASE = MODELS / "embed" / "base"
TASK = MODELS / "task"
LONG = "a " * 400


def test_lists_and_arrays(base: libbert.Model) -> None:
    embed = batch.Embedder(BASE, normalize=True)
    want = base.embed(TEXTS, normalize=True)
    for texts in (TEXTS, tuple(TEXTS), iter(TEXTS), np.array(TEXTS), np.array(TEXTS, object)):
        assert np.array_equal(embed(texts), want)
    assert np.array_equal(embed(TEXTS[0]), want[0])
    assert embed([]).shape == (0, 32)
    tagger = libbert.Model(TASK / "tag")
    assert batch.Tagger(TASK / "tag")(TEXTS) == list(tagger.tag(TEXTS))
    found = batch.Tagger(TASK / "tag")(np.array(TEXTS, object))
    assert found.tolist() == list(tagger.tag(TEXTS))
    classifier = libbert.Model(TASK / "classify")
    classify = batch.Classifier(TASK / "classify", top=2)
    assert classify(TEXTS) == list(classifier.classify(TEXTS, top=2))
    assert classify(TEXTS, TEXTS) == list(classifier.classify(TEXTS, TEXTS, top=2))


def test_rerank() -> None:
    model = libbert.Model(TASK / "rerank_st")
    want = model.rerank("who?", TEXTS).scores
    assert np.array_equal(batch.Reranker(TASK / "rerank_st", query="who?")(TEXTS), want)
    queries = ["who?", "what?", "who?", "what?", "where?"]
    each = [model.rerank(query, [text]).scores[0] for query, text in zip(queries, TEXTS)]
    rerank = batch.Reranker(TASK / "rerank_st")
    assert np.array_equal(rerank(TEXTS, queries), np.array(each, np.float32))
    table = {"text": np.array(TEXTS, object), "q": queries}
    made = batch.Reranker(TASK / "rerank_st", query_column="q", raw=True)(table)
    logits = [model.rerank(q, [t], raw=True).scores[0] for q, t in zip(queries, TEXTS)]
    assert np.array_equal(made["score"], np.array(logits, np.float32))
    with pytest.raises(TypeError, match="needs query"):
        rerank(TEXTS)
    with pytest.raises(ValueError, match="5 texts, but 1 queries"):
        rerank(TEXTS, ["who?"])
    with pytest.raises(ValueError, match="can't both"):
        batch.Reranker(BASE, query="a", query_column="b")


def test_dicts(base: libbert.Model) -> None:
    table = {"id": np.arange(5), "text": np.array(TEXTS, object)}
    made = batch.Embedder(BASE)(table)
    assert list(made) == ["id", "text", "vector"]
    assert made["vector"].dtype == np.float32
    assert np.array_equal(made["vector"], base.embed(TEXTS))
    assert "vector" not in table
    made = batch.Tagger(TASK / "tag", column="text", output="found")(table)
    want = libbert.Model(TASK / "tag").tag(TEXTS)
    assert made["found"].tolist() == [[e._asdict() for e in record] for record in want]
    with pytest.raises(KeyError, match="no column 'body'; there are 'id', 'text'"):
        batch.Embedder(BASE, column="body")(table)
    with pytest.raises(ValueError, match="a column 'id' already"):
        batch.Embedder(BASE, output="id")(table)


def test_what_has_no_answer(base: libbert.Model) -> None:
    texts: list[Any] = ["a cat", None, LONG, float("nan"), "b"]
    embed = batch.Embedder(BASE, errors="keep", overlong="error")
    made = embed({"text": texts})
    assert made["vector_error"].tolist() == [None, "null", "BERT_ERANGE", "null", None]
    assert np.array_equal(made["vector"][[0, 4]], base.embed(["a cat", "b"]))
    assert np.isnan(made["vector"][1:4]).all()
    made = embed({"text": ["a", "b"]})
    assert made["vector_error"].tolist() == [None, None]
    assert np.isnan(embed(texts)[1:4]).all()
    classify = batch.Classifier(TASK / "classify", errors="keep", overlong="error")
    made = classify({"text": texts})
    assert made["labels"][1] is None
    assert made["labels"][2] is None
    assert made["labels_error"][2].startswith("BERT_ERANGE: text 1: ")
    model = libbert.Model(TASK / "classify")
    assert made["labels"][4] == [label._asdict() for label in model.classify("b")[0]]
    rerank = batch.Reranker(TASK / "rerank_st", errors="keep", query_column="q")
    made = rerank({"text": texts, "q": ["x", "y", "z", "x", None]})
    assert np.isnan(made["score"]).tolist() == [False, True, False, True, True]
    with pytest.raises(TypeError, match=r"texts\[1\] is NoneType"):
        batch.Embedder(BASE)({"text": texts})
    with pytest.raises(TypeError, match=r"texts\[0\] is int"):
        embed([1, None])  # not a missing one: a wrong one
    with pytest.raises(libbert.LengthError, match="text 2"):
        batch.Embedder(BASE, overlong="error")(["a", "b", LONG])


def test_options_are_looked_at_at_once() -> None:
    with pytest.raises(ValueError, match="pooling is 'meen'"):
        batch.Embedder(BASE, pooling="meen")
    with pytest.raises(TypeError, match="colour"):
        batch.Tagger(BASE, colour="red")
    with pytest.raises(ValueError, match="errors is 'ignore'"):
        batch.Embedder(BASE, errors="ignore")
    with pytest.raises(FileNotFoundError):
        batch.Embedder(BASE / "nowhere")(["a"])
    with pytest.raises(TypeError, match="texts alone"):
        batch.Embedder(BASE)(["a"], ["b"])


def test_a_model_is_loaded_once(tmp_path: pathlib.Path) -> None:
    batch.release()
    embed = batch.Embedder(BASE)
    copy = pickle.loads(pickle.dumps(embed))
    assert len(pickle.dumps(embed)) < 1000
    assert copy.model is embed.model
    assert batch.Embedder(BASE, output="other", normalize=True).model is embed.model
    assert batch.Embedder(BASE, precision="bf16").model is not embed.model
    found: list[Any] = []
    batch.release()
    threads = [threading.Thread(target=lambda: found.append(embed.model)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert len(_models) == 1
    # Another file under the same name is another model.
    packed = tmp_path / "model.bert"
    pack(BASE, packed)
    first = model_of(str(packed), {})
    assert model_of(str(packed), {}) is first
    pack(BASE, tmp_path / "new.bert")
    (tmp_path / "new.bert").replace(packed)
    assert model_of(str(packed), {}) is not first
    assert first.embed("a").shape == (32,)
    batch.release()
    assert not _models


# ---- Processes -----------------------------------------------------------------------


def work(job: tuple[batch.Embedder, list[str]]) -> tuple[int, int, Any, tuple[int, int]]:
    """In a worker: its pid, how many models it has loaded, the vectors, and weights()."""
    embed, texts = job
    vectors = embed(texts)
    return os.getpid(), len(_models), vectors, weights(embed.path)


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_two_processes(method: str) -> None:
    embed = batch.Embedder(BASE)
    texts = [f"{text} {i}" for i in range(100) for text in TEXTS]
    want = libbert.Model(BASE).embed(texts)
    jobs = [(embed, texts[i:i + 25]) for i in range(0, 500, 25)]
    batch.release()
    with multiprocessing.get_context(method).Pool(2) as pool:
        done = pool.map_async(work, jobs, chunksize=1).get(60)
    assert {loaded for _, loaded, _, _ in done} == {1}
    assert np.array_equal(np.concatenate([vectors for _, _, vectors, _ in done]), want)


def hold(embed: batch.Embedder, gate: Any, results: Any) -> None:
    embed(["a cat on a mat"])
    gate.wait(60)  # all have it in memory
    results.put(weights(embed.path))
    gate.wait(60)


def test_weights_are_shared(tmp_path: pathlib.Path) -> None:
    model = os.environ.get("BERT_TEST_MODEL")
    if not model or not os.path.isdir(model):
        pytest.skip("BERT_TEST_MODEL names no model")
    packed = tmp_path / "minilm.bert"
    pack(model, packed)
    context = multiprocessing.get_context("spawn")
    gate, results = context.Barrier(2), context.Queue()
    workers = [
        context.Process(target=hold, args=(batch.Embedder(packed), gate, results)) for _ in "ab"
    ]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    for rss, pss in found:
        assert rss > 40_000  # the matrices; of the word table what was read
        assert pss < 0.55 * rss, (rss, pss)


# ---- pandas and Arrow ------------------------------------------------------------------


def test_pandas(base: libbert.Model) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"text": TEXTS, "n": range(5)}, index=list("edcba"))
    embed = batch.Embedder(BASE)
    made = embed(frame)
    assert list(made.columns) == ["text", "n", "vector"]
    assert list(made.index) == list("edcba")
    assert np.array_equal(np.stack(made["vector"]), base.embed(TEXTS))
    assert list(frame.columns) == ["text", "n"]
    series = embed(frame["text"])
    assert series.name == "vector"
    assert list(series.index) == list("edcba")
    for dtype in ("object", "string", "category"):
        again = embed(frame.assign(text=frame["text"].astype(dtype)))
        assert np.array_equal(np.stack(again["vector"]), base.embed(TEXTS)), dtype
    with pytest.raises(TypeError, match=r"texts(\[0\] is int| are int64), not str"):
        embed(pd.Series([1, 2], dtype="Int64"))
    with pytest.raises(ValueError, match="more than one column 'text'"):
        embed(pd.DataFrame([["a", "b"]], columns=["text", "text"]))
    keep = batch.Embedder(BASE, errors="keep")
    for missing in (None, float("nan"), pd.NA):
        for dtype in ("object", "string"):
            holes = pd.DataFrame({"text": pd.Series(["a", missing, "b"], dtype=dtype)})
            made = keep(holes)
            assert made["vector"][1] is None
            assert np.array_equal(made["vector"][2], base.embed("b"))
            assert made["vector_error"][1] == "null"
            assert pd.isna(made["vector_error"][2])
            with pytest.raises(TypeError, match=r"texts\[1\] is"):
                embed(holes)
    tags = batch.Tagger(TASK / "tag")(frame)
    want = libbert.Model(TASK / "tag").tag(TEXTS)
    assert list(tags["entities"]) == [[e._asdict() for e in record] for record in want]
    scores = batch.Reranker(TASK / "rerank_st", query="who?")(frame)
    assert scores["score"].dtype == np.float32
    assert embed(frame.iloc[:0])["vector"].tolist() == []


def test_arrow(base: libbert.Model) -> None:
    pa = pytest.importorskip("pyarrow")
    embed = batch.Embedder(BASE)
    want = base.embed(TEXTS)
    for kind in ("string", "large_string", "string_view", "dictionary"):
        column = pa.array(TEXTS)
        column = column.dictionary_encode() if kind == "dictionary" else column.cast(kind)
        table = pa.table({"text": column, "n": range(5)})
        made = embed(table)
        assert made.schema.names == ["text", "n", "vector"]
        assert made.schema.field("vector").type == pa.list_(pa.float32(), 32)
        found = made.column("vector").combine_chunks().flatten().to_numpy().reshape(5, 32)
        assert np.array_equal(found, want), kind
        made = embed(table.to_batches()[0])
        assert isinstance(made, pa.RecordBatch)
    chunked = pa.chunked_array([TEXTS[:2], [], TEXTS[2:]])
    assert np.array_equal(np.array(embed(chunked).to_pylist(), np.float32), want)
    sliced = pa.table({"text": chunked}).slice(1, 3)
    assert np.array_equal(np.array(embed(sliced)["vector"].to_pylist(), np.float32), want[1:4])
    for wrong in (pa.array([1, 2]), pa.array([1, 2]).dictionary_encode(), pa.array([["a"]])):
        with pytest.raises(TypeError, match=r"texts are .*, not string"):
            embed(wrong)
    empty = embed(pa.table({"text": pa.array([], pa.string())}))
    assert empty.schema.field("vector").type == pa.list_(pa.float32(), 32)

    keep = batch.Embedder(BASE, errors="keep")
    holes = pa.table({"text": pa.chunked_array([["a", None], [], ["b"]])})
    for variable in (False, True):
        made = keep.added(holes, variable=variable)
        assert made["vector"].is_valid().to_pylist() == [True, False, True]
        assert made["vector_error"].to_pylist() == [None, "null", None]
        assert np.array_equal(np.array(made["vector"][2].as_py(), np.float32), base.embed("b"))
        made.validate(full=True)
    with pytest.raises(TypeError, match="null, not a text"):
        embed(holes)

    records = libbert.Model(TASK / "tag").tag(TEXTS)
    made = batch.Tagger(TASK / "tag")(pa.table({"text": TEXTS}))
    assert made["entities"].to_pylist() == [[e._asdict() for e in record] for record in records]
    made.validate(full=True)
    made = batch.Tagger(TASK / "tag", errors="keep")(holes)
    assert made["entities"][1].as_py() is None
    made.validate(full=True)
    model = libbert.Model(TASK / "classify")
    pairs = batch.Classifier(TASK / "classify", pair_column="b")
    made = pairs(pa.table({"text": TEXTS, "b": TEXTS[::-1]}))
    want_labels = model.classify(TEXTS, TEXTS[::-1])
    assert made["labels"].to_pylist() == [[x._asdict() for x in row] for row in want_labels]
    made = batch.Reranker(TASK / "rerank_st", query="who?")(pa.table({"text": TEXTS}))
    assert made.schema.field("score").type == pa.float32()
