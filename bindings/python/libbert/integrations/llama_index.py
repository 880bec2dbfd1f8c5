# SPDX-License-Identifier: MIT
"""Embeddings and a reranker for LlamaIndex (package llama-index-core)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Optional

from . import _missing
from ._rankings import ranker_of
from ._vectors import Vectors

try:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.bridge.pydantic import Field, PrivateAttr
    from llama_index.core.postprocessor.types import BaseNodePostprocessor
    from llama_index.core.schema import MetadataMode, NodeWithScore
except ImportError as error:
    raise _missing("llama_index", "llama-index-core", error) from error

if TYPE_CHECKING:
    from llama_index.core.schema import QueryBundle

__all__ = ["LibbertEmbedding", "LibbertRerank"]


class LibbertEmbedding(BaseEmbedding):  # type: ignore[misc]
    """Vectors for LlamaIndex's indexes.

    Args:
        model: a path, a Model or a SentenceTransformer.
        embed_batch_size, callback_manager, num_workers, embeddings_cache, rate_limiter: of
            BaseEmbedding.
        options: normalize, engine (an AsyncEngine for what is awaited), engine_model, and those of
            SentenceTransformer.

    Attributes:
        model_path, settings: all that vectors depend on, which from_dict() makes it of again and
            an IngestionPipeline tells cached vectors apart by.
    """

    model_path: Optional[str] = None  # noqa: UP045 # pydantic reads it, also on Python 3.9
    settings: dict[str, Any] = Field(default_factory=dict)
    _vectors: Any = PrivateAttr()

    def __init__(self, model: Any = None, **options: Any) -> None:
        fields = type(self).model_fields
        own = {name: options.pop(name) for name in list(options) if name in fields}
        options = {**own.pop("settings", {}), **options}
        path = own.pop("model_path", None)
        if model is None and path is None:
            raise TypeError("model is missing: a path, a Model or a SentenceTransformer")
        vectors = Vectors(path if model is None else model, **options)
        found = vectors.model.model.path
        own.setdefault("model_name", str(found or "libbert"))
        super().__init__(**own, model_path=found, settings=_settings(vectors, options))
        self._vectors = vectors

    @classmethod
    def class_name(cls) -> str:
        """Its name in what LlamaIndex writes."""
        return "LibbertEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return list(self._vectors.queries([query])[0].tolist())

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return list(self._vectors.documents(texts).tolist())

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return list((await self._vectors.aqueries([query]))[0].tolist())

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await self._aget_text_embeddings([text]))[0]

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return list((await self._vectors.adocuments(texts)).tolist())


def _settings(vectors: Vectors, options: dict[str, Any]) -> dict[str, Any]:
    """What was asked for and what it came to, without what no file can hold."""
    model = vectors.model
    return {
        **{name: value for name, value in options.items() if not name.startswith("engine")},
        "compute": model.model.precision,
        "default_prompt_name": model.default_prompt_name,
        "normalize": vectors.normalize,
        "prompts": dict(model.prompts),
        "truncate_dim": model.truncate_dim,
    }


class LibbertRerank(BaseNodePostprocessor):  # type: ignore[misc]
    """The nodes that answer a query best, with the scores of a cross-encoder.

    Args:
        model: a path, a Model or a CrossEncoder; or what has a rank() like its.
        top_n: how many are kept.
        options: of CrossEncoder, for a model that is not loaded yet.
    """

    top_n: int = 2
    _ranker: Any = PrivateAttr()

    def __init__(self, model: Any, *, top_n: int = 2, **options: Any) -> None:
        if top_n < 1:
            raise ValueError(f"top_n is {top_n}; it must be above 0")
        super().__init__(top_n=top_n)
        self._ranker = ranker_of(model, options)

    @classmethod
    def class_name(cls) -> str:
        """Its name in what LlamaIndex writes."""
        return "LibbertRerank"

    # Pydantic's bases read annotations; Python 3.9 has no X | Y.
    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: Optional[QueryBundle] = None  # noqa: UP045
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise ValueError("query_bundle is None; nodes are ranked by a query")
        texts = [node.node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
        found = self._ranker.rank(query_bundle.query_str, texts, top_k=self.top_n)
        return [NodeWithScore(node=nodes[e["corpus_id"]].node, score=e["score"]) for e in found]

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: Optional[QueryBundle] = None  # noqa: UP045
    ) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._postprocess_nodes, nodes, query_bundle)
