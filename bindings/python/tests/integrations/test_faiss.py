# SPDX-License-Identifier: MIT
"""FAISS: retrieval with and without re-ranking; recall over the paragraphs of wikitext2."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import integrated
import numpy as np
import pytest
from conftest import MODELS, TEXTS

import libbert

integrated.wanted()
pytest.importorskip("faiss")
from libbert.integrations.faiss import MaxSim, Retriever  # noqa: E402

BASE = MODELS / "embed" / "base"
WORDS = ["a", "the", "cat", "mat", "bank", "prices", "rose", "again", "quarter", "said", "last"]


def some(n: int) -> list[str]:
    rng = np.random.default_rng(3)
    return [" ".join(rng.choice(WORDS, rng.integers(2, 12))) + f" {i}" for i in range(n)]


@pytest.mark.parametrize("how", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("reranker", [None, "exact"])
def test_same_as_all_scores(base: libbert.Model, how: str, reranker: str | None) -> None:
    model = libbert.SentenceTransformer(base, similarity_fn_name=how)
    made = Retriever(model, reranker=reranker)
    assert made.search("a cat") == []
    made.add(TEXTS[:2])
    made.add(TEXTS[2:])
    made.add([])
    assert len(made) == made.index.ntotal == len(TEXTS)
    queries = ["a cat", "the bank said"]
    scores = model.similarity(model.encode(queries), model.encode(TEXTS))
    for found, wanted in zip(made.search_many(queries, 3), scores):
        assert [hit.position for hit in found] == np.argsort(-wanted)[:3].tolist()
        assert [hit.text for hit in found] == [TEXTS[hit.position] for hit in found]
        got = np.array([hit.score for hit in found])
        best = np.sort(wanted)[::-1][:3]
        assert np.allclose(got, -(best**2) if how == "euclidean" else best, atol=1e-5)
    assert made.search("a cat", 99) == made.search_many(["a cat"], 5)[0]
    assert asyncio.run(made.asearch("a cat", 2)) == made.search("a cat", 2)
    assert made.search_many([]) == []


@pytest.mark.parametrize("factory", ["SQ8", "HNSW16", "IVF4,Flat", "BFlat"])
def test_factories(base: libbert.Model, factory: str) -> None:
    texts = some(200)
    exact = Retriever(base)
    made = Retriever(base, factory=factory, reranker="exact", candidates=200)
    exact.add(texts)
    made.add(texts)
    if factory.startswith("IVF"):
        made.index.nprobe = 4
    for query in ("a cat", "prices"):
        want = exact.search(query, 5)
        found = made.search(query, 5)
        assert [hit.position for hit in found] == [hit.position for hit in want]
        assert np.allclose([hit.score for hit in found], [hit.score for hit in want], atol=1e-5)


def test_cells(base: libbert.Model) -> None:
    """An index that looks into one cell has fewer texts than are asked for."""
    texts = some(60)
    for reranker in (None, "exact", integrated.Backwards()):
        made = Retriever(base, factory="IVF4,Flat", reranker=reranker)
        made.add(texts)
        found = made.search("a cat", 60)
        assert 0 < len(found) < 60
        assert all(hit.text == texts[hit.position] for hit in found)
        assert len({hit.position for hit in found}) == len(found)


def test_vectors_that_are_there(base: libbert.Model) -> None:
    made, again = Retriever(base), Retriever(base)
    made.add(TEXTS)
    again.add(TEXTS, 3 * base.embed(TEXTS))
    for a, b in zip(made.search("a cat"), again.search("a cat")):
        assert a.position == b.position
        assert abs(a.score - b.score) < 1e-6
    with pytest.raises(ValueError, match=r"vectors are of shape \(4, 32\); \(5, 32\)"):
        made.add(TEXTS, base.embed(TEXTS[1:]))
    assert len(made) == len(TEXTS)


def test_prompts(base: libbert.Model) -> None:
    made = Retriever(base, prompts={"query": "a cat ", "document": "the bank "})
    made.add(TEXTS)
    unit: dict[str, Any] = {"normalize": True}
    rows = base.embed(TEXTS, prompt="the bank ", **unit)
    want = rows @ base.embed("prices", prompt="a cat ", **unit)
    assert [hit.position for hit in made.search("prices")] == np.argsort(-want).tolist()


def test_rerankers(base: libbert.Model) -> None:
    cross = libbert.CrossEncoder(MODELS / "task" / "rerank_st")
    texts = some(20)
    for reranker in (cross, MODELS / "task" / "rerank_st"):
        made = Retriever(base, reranker=reranker, candidates=20)
        made.add(texts)
        want = cross.rank("a cat", texts)[:4]
        found = made.search("a cat", 4)
        assert np.allclose([h.score for h in found], [e["score"] for e in want], atol=1e-6)
    few = Retriever(base, reranker=integrated.Backwards(), candidates=3)
    few.add(texts)
    plain = Retriever(base)
    plain.add(texts)
    want_few = [hit.position for hit in plain.search("a cat", 3)][::-1]
    assert [hit.position for hit in few.search("a cat", 2)] == want_few[:2]
    assert len(few.search("a cat", 7)) == 7


def test_max_sim(base: libbert.Model) -> None:
    def unit(text: str) -> Any:
        rows = base.embed_tokens(text)[1:-1]
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    texts = some(9)
    ranker = MaxSim(base, keep=4)
    want = [float((unit("the cat") @ unit(text).T).max(1).mean()) for text in texts]
    for _ in range(2):
        found = ranker.rank("the cat", [*texts, texts[0]], top_k=9)
        scores = [entry["score"] for entry in found]
        assert scores == sorted(scores, reverse=True)
        assert len(found) == 9
        for entry in found:
            assert abs(entry["score"] - (want + want[:1])[entry["corpus_id"]]) < 1e-5
        assert len(ranker._kept) == 4
    assert ranker.rank("the cat", []) == []
    assert len(ranker.rank("", ["", "a cat"])) == 2


def test_mistakes(base: libbert.Model) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"candidates": 0}, "candidates is 0"),
        ({"factory": "BFlat", "truncate_dim": 12}, "12 is no multiple"),
        ({"similarity_fn_name": "manhattan"}, "manhattan"),
    ]
    for options, match in cases:
        with pytest.raises(ValueError, match=match):
            Retriever(base, **options)
    with pytest.raises(ValueError, match="k is 0"):
        Retriever(base).search("a", 0)
    with pytest.raises(RuntimeError, match="Nonsense"):
        Retriever(base, factory="Nonsense")
    with pytest.raises(libbert.UnsupportedError, match="no head that scores"):
        Retriever(base, reranker=BASE)


def paragraphs() -> tuple[list[str], list[str]]:
    """Paragraphs of 40 words and more without their first sentences, and those."""
    text = integrated.data("text/wikitext2-test.txt").read_text(encoding="utf-8")
    bodies, firsts = [], []
    for line in text.splitlines():
        first, stop, body = line.strip().partition(" . ")
        if stop and not first.startswith("=") and len(body.split()) >= 40 <= len(first) * 2:
            clean = [re.sub(r" @(.)@ ", r"\1", part.replace("<unk>", "")) for part in (first, body)]
            firsts.append(clean[0] + " .")
            bodies.append(clean[1])
    return firsts, bodies


def test_recall() -> None:
    """How often a paragraph is found by its first sentence, which was taken out of it."""
    firsts, bodies = paragraphs()
    model = libbert.SentenceTransformer(integrated.minilm())
    chosen = range(0, len(firsts), 4)
    queries = [firsts[i] for i in chosen]
    vectors = model.encode_document(bodies)
    max_sim = MaxSim(model, keep=len(bodies))
    recalls = {}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("Flat", {}),
        ("SQ8", {"factory": "SQ8"}),
        ("BFlat", {"factory": "BFlat"}),
        ("BFlat, exact", {"factory": "BFlat", "reranker": "exact"}),
        ("BFlat, MaxSim", {"factory": "BFlat", "reranker": max_sim}),
        ("Flat, MaxSim", {"reranker": max_sim}),
    ]
    ranker = integrated.minilm().parent / "ranker"  # where `make task-models` put it
    if ranker.exists():
        encoder = libbert.CrossEncoder(str(ranker), compute="int8")
        cases.append(("Flat, 10 by models/ranker", {"reranker": encoder, "candidates": 10}))
    for name, options in cases:
        made = Retriever(model, **options)
        made.add(bodies, vectors)
        start = time.monotonic()
        found = made.search_many(queries, 10)
        seconds = time.monotonic() - start
        ranks = [[hit.position for hit in hits] for hits in found]
        recalls[name] = [
            sum(i in row[:k] for i, row in zip(chosen, ranks)) / len(queries) for k in (1, 5, 10)
        ]
        integrated.report(
            f"faiss: {len(queries)} first sentences, {len(bodies)} paragraphs, {name}: recall@1 "
            "{:.3f}, @5 {:.3f}, @10 {:.3f}".format(*recalls[name]) + f", {seconds:.1f} s"
        )
    assert recalls["Flat"][2] > 0.7
    assert abs(recalls["SQ8"][2] - recalls["Flat"][2]) < 0.02
    assert recalls["BFlat"][0] < recalls["BFlat, exact"][0]
    assert abs(recalls["BFlat, exact"][0] - recalls["Flat"][0]) < 0.02
