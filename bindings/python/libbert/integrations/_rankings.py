# SPDX-License-Identifier: MIT
"""Documents by how well they answer a query: by a cross-encoder, or by vectors of tokens."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from ..cross_encoder import CrossEncoder
from ..sentence_transformer import SentenceTransformer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def ranker_of(model: Any, options: dict[str, Any]) -> Any:
    """What has rank() already, or a CrossEncoder of a path or a Model."""
    if not hasattr(model, "rank"):
        return CrossEncoder(model, **options)
    if options:
        raise TypeError(f"model is loaded already, so {sorted(options)} have no effect")
    return model


class MaxSim:
    """Ranks by vectors of tokens (late interaction): of each token of the query its best cosine
    among those of the document, on average.  For want of a cross-encoder: any model for embeddings
    does, though it was not trained to this.

    Args:
        model: a SentenceTransformer, or what it is made of.
        keep: documents whose vectors of tokens are kept for the next query.
        options: of SentenceTransformer.
    """

    def __init__(self, model: Any, *, keep: int = 1024, **options: Any) -> None:
        own = isinstance(model, SentenceTransformer)
        self.model = model if own else SentenceTransformer(model, **options)
        self.keep = keep
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def _tokens(self, encode: Any, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Of each text [tokens, hidden_size], of unit length, without the first and the last."""
        found = []
        for rows in encode(list(texts), output_value="token_embeddings"):
            rows = np.asarray(rows[1:-1] if len(rows) > 2 else rows, np.float32)
            if not len(rows):  # an empty text, of a model without such tokens
                rows = np.zeros((1, rows.shape[1]), np.float32)
            found.append(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
        return found

    def _documents(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        kept = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in kept]
        kept.update(zip(new, self._tokens(self.model.encode_document, new)))
        for text in dict.fromkeys(texts):
            self._kept[text] = kept[text]
            self._kept.move_to_end(text)
        while len(self._kept) > self.keep:
            self._kept.popitem(last=False)
        return [kept[text] for text in texts]

    def rank(
        self, query: str, documents: Sequence[str], top_k: int | None = None
    ) -> list[dict[str, Any]]:
        """[{"corpus_id": int, "score": float}], best first, as of CrossEncoder.rank()."""
        if not documents:
            return []
        (wanted,) = self._tokens(self.model.encode_query, [query])
        rows = self._documents(documents)
        starts = np.cumsum([0, *map(len, rows[:-1])])
        cosines = wanted @ np.concatenate(rows).T
        scores = np.maximum.reduceat(cosines, starts, axis=1).mean(0).tolist()
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        return [{"corpus_id": i, "score": scores[i]} for i in order[:top_k]]
