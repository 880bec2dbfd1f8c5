# SPDX-License-Identifier: MIT
"""Haystack: embedders and ranker alone, awaited, in pipelines, and written down."""

from __future__ import annotations

import asyncio
from typing import Any

import integrated
import numpy as np
import pytest
from conftest import MODELS, TEXTS

import libbert

integrated.wanted()
haystack = pytest.importorskip("haystack")
from haystack import Document, Pipeline  # noqa: E402
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever  # noqa: E402
from haystack.document_stores.in_memory import InMemoryDocumentStore  # noqa: E402

from libbert.integrations.haystack import (  # noqa: E402
    LibbertDocumentEmbedder,
    LibbertRanker,
    LibbertTextEmbedder,
)

BASE = str(MODELS / "embed" / "base")
RERANK = str(MODELS / "task" / "rerank_st")
PROMPTS = {"query": "a cat ", "document": "the bank "}


def test_vectors(base: libbert.Model) -> None:
    unit: dict[str, Any] = {"normalize": True}
    documents = [Document(content=text, meta={"n": i}) for i, text in enumerate(TEXTS)]
    embedder = LibbertDocumentEmbedder(BASE, prompts=PROMPTS, normalize=True)
    found = embedder.run(documents)["documents"]
    assert np.array_equal(
        [d.embedding for d in found], base.embed(TEXTS, prompt="the bank ", **unit)
    )
    assert [d.id for d in found] == [d.id for d in documents]
    assert all(d.embedding is None for d in documents)
    assert asyncio.run(embedder.run_async(documents))["documents"] == found
    assert embedder.run([])["documents"] == []
    loaded = embedder._loaded
    embedder.warm_up()
    assert embedder._loaded is loaded
    query = LibbertTextEmbedder(base, prompts=PROMPTS, normalize=True)
    got = query.run(TEXTS[2])["embedding"]
    assert np.array_equal(got, base.embed(TEXTS[2], prompt="a cat ", **unit))
    assert asyncio.run(query.run_async(TEXTS[2]))["embedding"] == got


def test_engine(base: libbert.Model) -> None:
    async def ask() -> Any:
        async with libbert.AsyncEngine() as engine:
            engine.add_model("default", base)
            query = LibbertTextEmbedder(base, engine=engine)
            with pytest.raises(TypeError, match="model is Model"):
                query.to_dict()
            with pytest.raises(TypeError, match="engine"):
                LibbertTextEmbedder(BASE, engine=engine).to_dict()
            return (await query.run_async("a cat"))["embedding"]

    assert np.array_equal(asyncio.run(ask()), base.embed("a cat"))


def test_metadata(base: libbert.Model) -> None:
    embedder = LibbertDocumentEmbedder(base, ["title", "year", "none"], ", ")
    (found,) = embedder.run([Document(content="a cat", meta={"title": "on", "year": 7})])[
        "documents"
    ]
    assert np.array_equal(found.embedding, base.embed("on, 7, a cat"))


def test_pipeline() -> None:
    """What is indexed is found, by a pipeline that was written and read."""
    model = str(integrated.minilm())
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    texts = ["A kitten lies on the rug.", "The bank raised its rates.", "Ships wait in a port."]
    embedder = LibbertDocumentEmbedder(model)
    store.write_documents(embedder.run([Document(content=t) for t in texts])["documents"])
    pipeline = Pipeline()
    pipeline.add_component("embedder", LibbertTextEmbedder(model))
    pipeline.add_component("retriever", InMemoryEmbeddingRetriever(store))
    pipeline.connect("embedder.embedding", "retriever.query_embedding")
    found = pipeline.run({"embedder": {"text": "a cat on a mat"}})["retriever"]["documents"]
    assert found[0].content == texts[0]


def test_written() -> None:
    pipeline = Pipeline()
    pipeline.add_component(
        "embedder", LibbertDocumentEmbedder(BASE, ["title"], normalize=True, truncate_dim=8)
    )
    pipeline.add_component("ranker", LibbertRanker(RERANK, top_k=2))
    pipeline.connect("embedder.documents", "ranker.documents")
    documents = [Document(content=text, meta={"title": "the"}) for text in TEXTS]
    given: dict[str, Any] = {"embedder": {"documents": documents}, "ranker": {"query": "a cat"}}
    want = pipeline.run(given)
    ours = ["libbert.integrations.haystack"]
    again = Pipeline.loads(pipeline.dumps(), allowed_modules=ours)
    assert again.run(given) == want
    assert [len(d.embedding or []) for d in want["ranker"]["documents"]] == [8, 8]
    assert asyncio.run(again.run_async(given)) == want


def test_ranker() -> None:
    documents = [Document(content=text) for text in TEXTS]
    model = libbert.CrossEncoder(RERANK)
    want = model.rank("the bank said", TEXTS)
    for given in (RERANK, model):
        found = LibbertRanker(given, top_k=3).run("the bank said", documents)["documents"]
        assert [d.content for d in found] == [TEXTS[e["corpus_id"]] for e in want[:3]]
        assert [d.score for d in found] == [e["score"] for e in want[:3]]
    ranker = LibbertRanker(integrated.Backwards(), top_k=None)
    assert len(ranker.run("q", documents)["documents"]) == 5
    (last,) = asyncio.run(ranker.run_async("q", documents, top_k=1))["documents"]
    assert last.content == TEXTS[-1]
    assert LibbertRanker(model).run("q", [])["documents"] == []


def test_mistakes() -> None:
    with pytest.raises(TypeError, match="text is list"):
        LibbertTextEmbedder(BASE).run(TEXTS)
    with pytest.raises(TypeError, match="documents is no list"):
        LibbertDocumentEmbedder(BASE).run("a text")
    with pytest.raises(ValueError, match="top_k is 0"):
        LibbertRanker(RERANK, top_k=0)
    with pytest.raises(libbert.MissingFileError):
        LibbertTextEmbedder(BASE + "/none").warm_up()
