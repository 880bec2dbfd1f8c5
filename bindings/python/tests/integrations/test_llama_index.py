# SPDX-License-Identifier: MIT
"""LlamaIndex: vectors of queries and texts, awaited too; an index; the reranker."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import integrated
import numpy as np
import pytest
from conftest import MODELS, TEXTS

import libbert

integrated.wanted()
pytest.importorskip("llama_index.core")
from llama_index.core import VectorStoreIndex  # noqa: E402
from llama_index.core.ingestion import IngestionCache, IngestionPipeline  # noqa: E402
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode  # noqa: E402

from libbert.integrations.llama_index import LibbertEmbedding, LibbertRerank  # noqa: E402

PROMPTS = {"query": "a cat ", "document": "the bank "}
RERANK = MODELS / "task" / "rerank_st"


def test_vectors(base: libbert.Model) -> None:
    made = LibbertEmbedding(base, prompts=PROMPTS, normalize=True, embed_batch_size=2)
    assert made.embed_batch_size == 2
    assert made.model_name.endswith("base")
    unit: dict[str, Any] = {"normalize": True}
    want = base.embed(TEXTS, prompt="the bank ", **unit)
    assert np.array_equal(made.get_text_embedding_batch(TEXTS), want)
    assert np.array_equal(made.get_text_embedding(TEXTS[2]), want[2])
    query = base.embed(TEXTS[0], prompt="a cat ", **unit)
    assert np.array_equal(made.get_query_embedding(TEXTS[0]), query)
    assert made.get_text_embedding_batch([]) == []
    assert made.to_dict()["class_name"] == "LibbertEmbedding"


def test_awaited(base: libbert.Model) -> None:
    async def ask(made: LibbertEmbedding) -> tuple[Any, ...]:
        return tuple(await asyncio.gather(
            made.aget_query_embedding(TEXTS[0]), made.aget_text_embedding(TEXTS[0]),
            made.aget_text_embedding_batch(TEXTS),
        ))

    async def engine() -> tuple[Any, ...]:
        async with libbert.AsyncEngine() as made:
            made.add_model("default", base)
            return await ask(LibbertEmbedding(base, prompts=PROMPTS, engine=made))

    plain = LibbertEmbedding(base, prompts=PROMPTS)
    want = (
        plain.get_query_embedding(TEXTS[0]), plain.get_text_embedding(TEXTS[0]),
        plain.get_text_embedding_batch(TEXTS),
    )
    assert asyncio.run(ask(plain)) == want
    assert asyncio.run(engine()) == want


def test_written_and_read(base: libbert.Model) -> None:
    made = LibbertEmbedding(
        base.path, prompts=PROMPTS, normalize=True, truncate_dim=7, compute="int8", model_name="m"
    )
    model = libbert.SentenceTransformer(base, prompts=PROMPTS, truncate_dim=5)
    for one in (made, LibbertEmbedding(model), LibbertEmbedding(base)):
        again = LibbertEmbedding.from_dict(json.loads(one.to_json()))
        assert again.to_dict() == one.to_dict()
        assert again.get_text_embedding("a cat") == one.get_text_embedding("a cat")
        assert again.get_query_embedding("a cat") == one.get_query_embedding("a cat")
    assert (again.model_name, made.model_name) == (base.path, "m")
    with pytest.raises(TypeError, match="model is missing"):
        LibbertEmbedding()


def test_cached_vectors_are_of_the_same_options(base: libbert.Model) -> None:
    cache = IngestionCache()
    for options in ({}, {"truncate_dim": 7}, {"prompts": PROMPTS}, {"normalize": True}):
        made = LibbertEmbedding(base, **options)
        (node,) = IngestionPipeline(transformations=[made], cache=cache).run(
            nodes=[TextNode(text="a cat")]
        )
        assert node.embedding == made.get_text_embedding("a cat")


def test_index() -> None:
    """Nodes by a pipeline, found by an index, in another order by a reranker."""
    model = LibbertEmbedding(integrated.minilm())
    texts = ["A kitten lies on the rug.", "The bank raised its rates.", "Ships wait in a port."]
    nodes = IngestionPipeline(transformations=[model]).run(
        nodes=[TextNode(text=text) for text in texts]
    )
    index = VectorStoreIndex(nodes, embed_model=model)
    found = index.as_retriever(similarity_top_k=3).retrieve("a cat on a mat")
    assert found[0].node.get_content() == texts[0]
    (again,) = LibbertRerank(integrated.Backwards(), top_n=1).postprocess_nodes(
        found, query_str="a cat on a mat"
    )
    assert again.node.get_content() == found[-1].node.get_content()


def test_reranker() -> None:
    texts = ["prices rose again", "a cat on a mat", "the bank", "naïve café"]
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in texts]
    model = libbert.CrossEncoder(RERANK)
    want = model.rank("the bank said", texts)[:2]
    for reranker in (LibbertRerank(RERANK), LibbertRerank(model)):
        found = reranker.postprocess_nodes(nodes, query_str="the bank said")
        assert [n.node.get_content() for n in found] == [texts[e["corpus_id"]] for e in want]
        assert [n.score for n in found] == [e["score"] for e in want]
        awaited = asyncio.run(
            reranker.apostprocess_nodes(nodes, QueryBundle(query_str="the bank said"))
        )
        assert awaited == found
    assert LibbertRerank(model).postprocess_nodes([], query_str="q") == []
    assert [node.score for node in nodes] == [0.5] * 4


def test_mistakes(base: libbert.Model) -> None:
    with pytest.raises(ValueError, match="top_n is 0"):
        LibbertRerank(RERANK, top_n=0)
    with pytest.raises(ValueError, match="query_bundle is None"):
        LibbertRerank(RERANK).postprocess_nodes([])
    with pytest.raises(TypeError, match="no_such"):
        LibbertEmbedding(base.path, no_such=1)
    with pytest.raises(libbert.MissingFileError):
        LibbertEmbedding(MODELS / "no such model")
