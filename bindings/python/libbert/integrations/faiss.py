# SPDX-License-Identifier: MIT
"""Retrieval by FAISS and re-ranking of what it found (package faiss-cpu)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._quantize import quantize
from . import _missing
from ._rankings import MaxSim, ranker_of
from ._vectors import Vectors, listed

try:
    import faiss
except ImportError as error:
    raise _missing("faiss", "faiss-cpu", error) from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Hit", "MaxSim", "Retriever"]


class Hit(NamedTuple):
    """A text that was found; the higher the score the better."""

    position: int
    score: float
    text: str


class Retriever:
    """Texts in an index of FAISS.

    Args:
        model: a path, a Model or a SentenceTransformer.
        factory: what FAISS's index_factory() makes, such as "Flat", "HNSW32", "IVF64,SQ8"; one
            that begins with B ("BFlat", "BHNSW32") is of bits, 32 times smaller.
        reranker: of the candidates; None; "exact": by vectors in float32, which are kept; a path,
            a Model or a CrossEncoder; or what has a rank() like its, such as MaxSim.
        candidates: how many a reranker gets.
        options: of SentenceTransformer.

    Attributes:
        index: FAISS's own.
        texts: those that were added.
    """

    def __init__(
        self,
        model: Any,
        *,
        factory: str = "Flat",
        reranker: Any = None,
        candidates: int = 50,
        **options: Any,
    ) -> None:
        if candidates < 1:
            raise ValueError(f"candidates is {candidates}; it must be above 0")
        vectors = Vectors(model, **options)
        how = vectors.model.similarity_fn_name
        if how == "manhattan":
            raise ValueError(
                "similarity_fn_name is 'manhattan'; here it can be cosine, dot, euclidean"
            )
        vectors.normalize = how == "cosine"
        self.vectors = vectors
        self.candidates = candidates
        self.exact = isinstance(reranker, str) and reranker == "exact"
        self.ranker = None if self.exact or reranker is None else ranker_of(reranker, {})
        self.texts: list[str] = []
        self._euclidean = how == "euclidean"
        self._binary = factory.startswith("B")
        self._kept: list[NDArray[np.float32]] = []
        if self._binary:
            if vectors.width % 8:
                raise ValueError(f"{factory} is of bytes of bits: {vectors.width} is no multiple")
            self.index = faiss.index_binary_factory(vectors.width, factory)
        else:
            metric = faiss.METRIC_L2 if self._euclidean else faiss.METRIC_INNER_PRODUCT
            self.index = faiss.index_factory(vectors.width, factory, metric)

    def _checked(self, vectors: Any, n: int) -> NDArray[np.float32]:
        rows = np.ascontiguousarray(vectors, np.float32)
        if rows.shape != (n, self.vectors.width):
            raise ValueError(
                f"vectors are of shape {rows.shape}; ({n}, {self.vectors.width}) is wanted"
            )
        if self.vectors.normalize:
            rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows

    def _coded(self, rows: NDArray[np.float32]) -> NDArray[Any]:
        return quantize(rows, "ubinary") if self._binary and len(rows) else rows

    def add(self, texts: Iterable[str], vectors: Any = None) -> None:
        """Put texts behind those that are there.  An index that needs training learns from the
        first ones.

        Args:
            vectors: [n, dimensions] of the n texts, if they are there already.
        """
        new = [texts] if isinstance(texts, str) else listed(texts)
        if not new:
            return
        rows = self.vectors.documents(new) if vectors is None else self._checked(vectors, len(new))
        coded = self._coded(rows)
        if not self.index.is_trained:
            self.index.train(coded)
        self.index.add(coded)
        self.texts += new
        if self.exact:
            self._kept.append(rows)

    def __len__(self) -> int:
        return len(self.texts)

    def search(self, query: str, k: int = 10) -> list[Hit]:
        """The k best, best first."""
        return self.search_many([query], k)[0]

    def search_many(self, queries: Iterable[str], k: int = 10) -> list[list[Hit]]:
        """The k best for each query."""
        if k < 1:
            raise ValueError(f"k is {k}; it must be above 0")
        asked = listed(queries)
        if not asked or not self.texts:
            return [[] for _ in asked]
        rows = self.vectors.queries(asked)
        again = self.exact or self.ranker is not None
        wanted = min(max(k, self.candidates) if again else k, len(self.texts))
        distances, found = self.index.search(self._coded(rows), wanted)
        if self._binary or self._euclidean:
            distances = -distances
        answers = []
        for query, row, scores, positions in zip(asked, rows, distances, found):
            there = positions >= 0  # an index of cells may find fewer
            places, best = positions[there].tolist(), scores[there].tolist()
            if again:
                places, best = self._again(query, row, places)
            answers.append([Hit(i, s, self.texts[i]) for i, s in zip(places[:k], best[:k])])
        return answers

    async def asearch(self, query: str, k: int = 10) -> list[Hit]:
        """search(), in a thread."""
        return await asyncio.to_thread(self.search, query, k)

    def _again(
        self, query: str, row: NDArray[np.float32], places: list[int]
    ) -> tuple[list[int], list[float]]:
        """Candidates in the order of the reranker, with its scores."""
        if self.ranker is not None:
            entries = self.ranker.rank(query, [self.texts[i] for i in places])
            return [places[e["corpus_id"]] for e in entries], [e["score"] for e in entries]
        if len(self._kept) > 1:
            self._kept = [np.concatenate(self._kept)]
        rows = self._kept[0][places]
        scores = -((rows - row) ** 2).sum(1) if self._euclidean else rows @ row
        order = np.argsort(-scores, kind="stable")
        return [places[i] for i in order], scores[order].tolist()
