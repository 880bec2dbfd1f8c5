# SPDX-License-Identifier: MIT
"""Vectors of queries and of documents: what the embedders of all packages come down to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._options import NORMALIZE
from ..sentence_transformer import SentenceTransformer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from ..async_engine import AsyncEngine


class Vectors:
    """A SentenceTransformer with its prompts for queries and documents, awaited or not.

    Args:
        model: a SentenceTransformer, or what it is made of: a path or a Model.
        normalize: to unit length, if the model does not do so itself.
        engine: computes what is awaited, several callers' texts together; without it a thread does.
        engine_model: the name by which the engine has the same model; None: "default".
        options: of SentenceTransformer.
    """

    def __init__(
        self,
        model: Any,
        *,
        normalize: bool = False,
        engine: AsyncEngine | None = None,
        engine_model: str | None = None,
        **options: Any,
    ) -> None:
        if isinstance(model, SentenceTransformer):
            if options:
                raise TypeError(f"model is loaded already, so {sorted(options)} have no effect")
            self.model = model
        else:
            self.model = SentenceTransformer(model, **options)
        self.normalize = normalize
        self.engine = engine
        self.engine_model = engine_model

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return self.model.get_embedding_dimension()

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return self._filled(self.model.encode_query, texts)

    def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return self._filled(self.model.encode_document, texts)

    def _filled(self, encode: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        texts = listed(texts)
        if not texts:
            return np.empty((0, self.width), np.float32)
        rows: NDArray[np.float32] = encode(texts, normalize_embeddings=self.normalize)
        return rows

    async def aqueries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """queries(), awaited."""
        if self.engine is None:
            return await asyncio.to_thread(self.queries, texts)
        return await self._run(texts, self.model._query_prompt(None, None))

    async def adocuments(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """documents(), awaited."""
        if self.engine is None:
            return await asyncio.to_thread(self.documents, texts)
        return await self._run(texts, self.model._document_prompt(None, None))

    async def _run(self, texts: Sequence[str], prompt_name: str | None) -> NDArray[np.float32]:
        assert self.engine is not None
        texts = listed(texts)
        if not texts:
            return np.empty((0, self.width), np.float32)
        prompt = self.model._prompt(None, prompt_name)
        made, later = self.model._options(prompt, self.normalize, self.model.truncate_dim)
        (normalize,) = (k for k, number in NORMALIZE.items() if number == made.normalize)
        rows: NDArray[np.float32] = await self.engine.embed(
            texts, model=self.engine_model, prompt=prompt, normalize=normalize,
            dimensions=int(made.dimensions), max_length=self.model._length,
        )  # fmt: skip
        return np.ascontiguousarray(rows[:, :self.width]) if later else rows


def listed(texts: Iterable[str]) -> list[str]:
    """Not one text, whose characters would be texts, nor a table, whose columns' names would."""
    if isinstance(texts, (str, bytes)):
        raise TypeError("texts is one text; a list of texts is wanted")
    if isinstance(texts, Mapping) or len(getattr(texts, "shape", ())) > 1:
        raise TypeError(f"texts is {type(texts).__name__}; a list of texts is wanted")
    return list(texts)
