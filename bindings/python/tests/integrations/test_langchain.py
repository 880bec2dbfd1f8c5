# SPDX-License-Identifier: MIT
"""LangChain: its standard suite for embeddings, prompts, a store, and the reranker."""

from __future__ import annotations

import asyncio
from typing import Any

import integrated
import numpy as np
import pytest
from conftest import MODELS, TEXTS, overlay

import libbert

integrated.wanted()
documents = pytest.importorskip("langchain_core.documents")
standard = pytest.importorskip("langchain_tests.integration_tests")
unit = pytest.importorskip("langchain_tests.unit_tests")
from langchain_core.vectorstores import InMemoryVectorStore  # noqa: E402

from libbert.integrations.langchain import LibbertEmbeddings, LibbertReranker  # noqa: E402

PROMPTS = {"query": "a cat ", "document": "the bank "}
RERANK = MODELS / "task" / "rerank_st"


class Ours:
    @property
    def embeddings_class(self) -> Any:
        return LibbertEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": MODELS / "embed" / "base"}


class TestUnit(Ours, unit.EmbeddingsUnitTests):  # type: ignore[misc,name-defined]
    """LangChain's own."""


class TestStandard(Ours, standard.EmbeddingsIntegrationTests):  # type: ignore[misc,name-defined]
    """LangChain's own."""


def test_prompts(base: libbert.Model) -> None:
    made = LibbertEmbeddings(base, prompts=PROMPTS, normalize=True)
    assert np.array_equal(made.embed_documents(TEXTS), base.embed(
        TEXTS, prompt=PROMPTS["document"], normalize=True))
    assert np.array_equal(made.embed_query(TEXTS[0]), base.embed(
        TEXTS[0], prompt=PROMPTS["query"], normalize=True))
    assert made.embed_documents([]) == []
    with pytest.raises(TypeError, match="texts is one text"):
        made.embed_documents("one")  # type: ignore[arg-type] # that is the mistake


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("cut", [None, 12])
@pytest.mark.parametrize("folder", ["mean", "matryoshka"])
def test_awaited(folder: str, normalize: bool, cut: int | None) -> None:
    """By the engine and by threads come the same bits as without waiting."""
    base = overlay("embed/base", f"embed/{folder}")
    options: dict[str, Any] = {"prompts": PROMPTS, "normalize": normalize, "truncate_dim": cut}

    async def both(made: LibbertEmbeddings) -> tuple[Any, Any]:
        one, *_, several = await asyncio.gather(
            made.aembed_query(TEXTS[2]), *map(made.aembed_query, TEXTS),
            made.aembed_documents(TEXTS),
        )
        assert await made.aembed_documents([]) == []
        return one, several

    async def engine() -> tuple[Any, Any]:
        async with libbert.AsyncEngine() as engine:
            engine.add_model("tiny", base)
            return await both(
                LibbertEmbeddings(base, engine=engine, engine_model="tiny", **options)
            )

    made = LibbertEmbeddings(base, **options)
    want = made.embed_query(TEXTS[2]), made.embed_documents(TEXTS)
    assert asyncio.run(both(made)) == want
    assert asyncio.run(engine()) == want


def test_store() -> None:
    store = InMemoryVectorStore(LibbertEmbeddings(integrated.minilm()))
    store.add_texts(["A kitten lies on the rug.", "The bank raised its rates.", "Ships in a port."])
    (found,) = store.similarity_search("a cat on a mat", k=1)
    assert found.page_content == "A kitten lies on the rug."


def test_reranker() -> None:
    texts = ["prices rose again", "a cat on a mat", "the bank", "naïve café"]
    found = [documents.Document(text, metadata={"n": i}) for i, text in enumerate(texts)]
    model = libbert.CrossEncoder(RERANK)
    want = model.rank("the bank said", texts)
    for reranker in (LibbertReranker(model=RERANK, top_n=2), LibbertReranker(model=model, top_n=2)):
        got = reranker.compress_documents(found, "the bank said")
        assert [d.metadata["n"] for d in got] == [entry["corpus_id"] for entry in want[:2]]
        assert [d.metadata["relevance_score"] for d in got] == [e["score"] for e in want[:2]]
        assert asyncio.run(reranker.acompress_documents(found, "the bank said")) == got
    assert all("relevance_score" not in d.metadata for d in found)
    assert len(LibbertReranker(model=model, top_n=None).compress_documents(found, "q")) == 4
    assert LibbertReranker(model=model).compress_documents([], "q") == []
    backwards = LibbertReranker(model=integrated.Backwards(), top_n=1, score_key="s")
    assert [d.metadata for d in backwards.compress_documents(found, "q")] == [{"n": 3, "s": 3.0}]


def test_mistakes(base: libbert.Model) -> None:
    with pytest.raises(ValueError, match="top_n is 0"):
        LibbertReranker(model=RERANK, top_n=0)
    with pytest.raises(libbert.UnsupportedError, match="no head that scores"):
        LibbertReranker(model=MODELS / "embed" / "base")
    with pytest.raises(libbert.MissingFileError):
        LibbertEmbeddings(MODELS / "no such model")
    with pytest.raises(TypeError, match="loaded already"):
        LibbertEmbeddings(libbert.SentenceTransformer(base), truncate_dim=2)
