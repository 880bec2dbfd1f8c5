# SPDX-License-Identifier: MIT
"""Embedders and a ranker for Haystack's pipelines (package haystack-ai)."""

import asyncio
import os
from dataclasses import replace
from typing import Any, Optional

from . import _missing
from ._rankings import ranker_of
from ._vectors import Vectors

try:
    from haystack import Document, component, default_from_dict, default_to_dict
except ImportError as error:
    raise _missing("haystack", "haystack-ai", error) from error

__all__ = ["LibbertDocumentEmbedder", "LibbertRanker", "LibbertTextEmbedder"]

# Pipelines compare annotations, which Haystack 2 takes as they are: not postponed, so no X | Y.


class _Component:  # without super(): the decorator makes the classes anew
    """Loads its model by warm_up() or at the first run; is written by the path of the model."""

    def _begin(self, model: Any, options: dict[str, Any]) -> None:
        self.model = model
        self.options = options
        self._loaded: Any = None

    def _load(self) -> Any:
        raise NotImplementedError

    def warm_up(self) -> None:
        """Load the model."""
        if self._loaded is None:
            self._loaded = self._load()

    def to_dict(self) -> dict[str, Any]:
        """What from_dict() makes it of; TypeError if the model was not given by its path."""
        if not isinstance(self.model, (str, os.PathLike)):
            raise TypeError(
                f"model is {type(self.model).__name__}; a component that is written takes a path"
            )
        if self.options.get("engine") is not None:
            raise TypeError("a component with an engine can't be written")
        settings = {"model": os.fspath(self.model), **self._settings(), **self.options}
        made: dict[str, Any] = default_to_dict(self, **settings)
        return made

    def _settings(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Any:
        """The component that to_dict() wrote."""
        return default_from_dict(cls, data)


class _Embedder(_Component):
    def _load(self) -> Vectors:
        return Vectors(self.model, **self.options)


@component
class LibbertTextEmbedder(_Embedder):
    """The vector of a query, with the model's prompt for queries.

    Args:
        model: a path, a Model or a SentenceTransformer.
        options: normalize, engine (an AsyncEngine for run_async()), engine_model, and those of
            SentenceTransformer.
    """

    def __init__(self, model: Any, **options: Any) -> None:
        self._begin(model, options)

    def _checked(self, text: Any) -> list[str]:
        if not isinstance(text, str):
            raise TypeError(
                f"text is {type(text).__name__}; documents are LibbertDocumentEmbedder's"
            )
        self.warm_up()
        return [text]

    @component.output_types(embedding=list[float])  # type: ignore[untyped-decorator]
    def run(self, text: str) -> dict[str, Any]:
        """{"embedding": [float, ...]}."""
        texts = self._checked(text)
        return {"embedding": self._loaded.queries(texts)[0].tolist()}

    @component.output_types(embedding=list[float])  # type: ignore[untyped-decorator]
    async def run_async(self, text: str) -> dict[str, Any]:
        """run(), awaited."""
        texts = self._checked(text)
        return {"embedding": (await self._loaded.aqueries(texts))[0].tolist()}


@component
class LibbertDocumentEmbedder(_Embedder):
    """Documents with their vectors, with the model's prompt for documents.

    Args:
        model, options: as of LibbertTextEmbedder.
        meta_fields_to_embed: names of metadata that are put before the content.
        embedding_separator: between those.
    """

    def __init__(
        self,
        model: Any,
        meta_fields_to_embed: Optional[list[str]] = None,
        embedding_separator: str = "\n",
        **options: Any,
    ) -> None:
        self._begin(model, options)
        self.meta_fields_to_embed = meta_fields_to_embed or []
        self.embedding_separator = embedding_separator

    def _settings(self) -> dict[str, Any]:
        return {"meta_fields_to_embed": self.meta_fields_to_embed,
                "embedding_separator": self.embedding_separator}

    def _texts(self, documents: Any) -> list[str]:
        if not isinstance(documents, list) or not all(isinstance(d, Document) for d in documents):
            raise TypeError("documents is no list of Document; a text is LibbertTextEmbedder's")
        self.warm_up()
        texts = []
        for document in documents:
            found = [document.meta.get(name) for name in self.meta_fields_to_embed]
            parts = [str(value) for value in found if value is not None]
            texts.append(self.embedding_separator.join([*parts, document.content or ""]))
        return texts

    @component.output_types(documents=list[Document])  # type: ignore[untyped-decorator]
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """{"documents": copies with embedding}."""
        return _with(documents, self._loaded_vectors(self._texts(documents)))

    def _loaded_vectors(self, texts: list[str]) -> Any:
        return self._loaded.documents(texts)

    @component.output_types(documents=list[Document])  # type: ignore[untyped-decorator]
    async def run_async(self, documents: list[Document]) -> dict[str, Any]:
        """run(), awaited."""
        texts = self._texts(documents)
        return _with(documents, await self._loaded.adocuments(texts))


def _with(documents: list[Document], rows: Any) -> dict[str, Any]:
    found = [replace(d, embedding=row) for d, row in zip(documents, rows.tolist())]
    return {"documents": found}


@component
class LibbertRanker(_Component):
    """The documents that answer a query best, with the scores of a cross-encoder.

    Args:
        model: a path, a Model or a CrossEncoder; or what has a rank() like its.
        top_k: how many are kept; None: all.
        options: of CrossEncoder, for a model that is not loaded yet.
    """

    def __init__(self, model: Any, top_k: Optional[int] = 10, **options: Any) -> None:
        self._begin(model, options)
        self.top_k = _counted(top_k)

    def _load(self) -> Any:
        return ranker_of(self.model, self.options)

    def _settings(self) -> dict[str, Any]:
        return {"top_k": self.top_k}

    @component.output_types(documents=list[Document])  # type: ignore[untyped-decorator]
    def run(
        self, query: str, documents: list[Document], top_k: Optional[int] = None
    ) -> dict[str, Any]:
        """{"documents": copies with score, best first}."""
        most = self.top_k if top_k is None else _counted(top_k)
        self.warm_up()
        texts = [document.content or "" for document in documents]
        found = self._loaded.rank(query, texts, top_k=most)
        return {
            "documents": [replace(documents[e["corpus_id"]], score=e["score"]) for e in found]
        }

    @component.output_types(documents=list[Document])  # type: ignore[untyped-decorator]
    async def run_async(
        self, query: str, documents: list[Document], top_k: Optional[int] = None
    ) -> dict[str, Any]:
        """run(), in a thread."""
        found: dict[str, Any] = await asyncio.to_thread(self.run, query, documents, top_k)
        return found


def _counted(top_k: Optional[int]) -> Optional[int]:
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k is {top_k}; it must be above 0")
    return top_k
