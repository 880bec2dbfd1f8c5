# SPDX-License-Identifier: MIT
"""Embeddings and a reranker for LangChain (package langchain-core)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Optional

from . import _missing
from ._rankings import ranker_of
from ._vectors import Vectors

try:
    from langchain_core.documents import BaseDocumentCompressor
    from langchain_core.embeddings import Embeddings
except ImportError as error:
    raise _missing("langchain", "langchain-core", error) from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.documents import Document

__all__ = ["LibbertEmbeddings", "LibbertReranker"]


class LibbertEmbeddings(Embeddings):  # type: ignore[misc]
    """Vectors for LangChain's vector stores.

    Args:
        model: a path, a Model or a SentenceTransformer.
        options: normalize, engine (an AsyncEngine for what is awaited), engine_model, and those of
            SentenceTransformer.
    """

    def __init__(self, model: Any, **options: Any) -> None:
        self.vectors = Vectors(model, **options)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Of n texts n vectors, with the model's prompt for documents."""
        found: list[list[float]] = self.vectors.documents(texts).tolist()
        return found

    def embed_query(self, text: str) -> list[float]:
        """With the model's prompt for queries."""
        found: list[float] = self.vectors.queries([text])[0].tolist()
        return found

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """embed_documents(), awaited."""
        found: list[list[float]] = (await self.vectors.adocuments(texts)).tolist()
        return found

    async def aembed_query(self, text: str) -> list[float]:
        """embed_query(), awaited."""
        found: list[float] = (await self.vectors.aqueries([text]))[0].tolist()
        return found


class LibbertReranker(BaseDocumentCompressor):  # type: ignore[misc]
    """The documents that answer a query best, for a ContextualCompressionRetriever.

    Args:
        model: a path, a Model or a CrossEncoder; or what has a rank() like its.
        top_n: how many are kept; None: all, in another order.
        score_key: under which a document's metadata have its score.
    """

    model: Any
    top_n: Optional[int] = 3  # noqa: UP045 # pydantic reads it, also on Python 3.9
    score_key: str = "relevance_score"

    def model_post_init(self, context: Any, /) -> None:
        """Load the model."""
        if self.top_n is not None and self.top_n < 1:
            raise ValueError(f"top_n is {self.top_n}; it must be above 0")
        self.model = ranker_of(self.model, {})

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None
    ) -> Sequence[Document]:
        """Copies of the best documents, best first."""
        texts = [document.page_content for document in documents]
        found = []
        for entry in self.model.rank(query, texts, top_k=self.top_n):
            document = documents[entry["corpus_id"]]
            metadata = {**document.metadata, self.score_key: entry["score"]}
            found.append(document.model_copy(update={"metadata": metadata}))
        return found

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None
    ) -> Sequence[Document]:
        """compress_documents(), in a thread."""
        return await asyncio.to_thread(self.compress_documents, documents, query)
