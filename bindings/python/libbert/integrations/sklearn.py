# SPDX-License-Identifier: MIT
"""Texts to vectors as a step of a scikit-learn Pipeline (package scikit-learn)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import _missing
from ._vectors import Vectors

try:
    from sklearn.base import BaseEstimator, TransformerMixin
except ImportError as error:
    raise _missing("sklearn", "scikit-learn", error) from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["TextEmbedder"]


class TextEmbedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer without anything to fit: make_pipeline(TextEmbedder(path), ...).

    Args:
        model: a path, a Model or a SentenceTransformer.
        role: "document" or "query", whose prompt the model may have.
        normalize: to unit length, if the model does not do so itself.
        truncate_dim, compute, threads: of SentenceTransformer, for a model that is not loaded yet.

    The model is loaded at the first transform() and kept: copies (clone, cross-validation) of one
    path load it each; those of a Model share it.
    """

    def __init__(
        self,
        model: Any = None,
        *,
        role: str = "document",
        normalize: bool = False,
        truncate_dim: int | None = None,
        compute: str | None = None,
        threads: int = 0,
    ) -> None:
        self.model = model
        self.role = role
        self.normalize = normalize
        self.truncate_dim = truncate_dim
        self.compute = compute
        self.threads = threads

    def _vectors(self) -> Vectors:
        settings = self.get_params(deep=False)
        kept: tuple[dict[str, Any], Vectors] | None = getattr(self, "_kept", None)
        if kept is None or kept[0] != settings:
            if self.role not in ("document", "query"):
                raise ValueError(f"role is {self.role!r}; it can be document, query")
            given = {"truncate_dim": self.truncate_dim, "compute": self.compute}
            options: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
            if self.threads:
                options["threads"] = self.threads
            kept = settings, Vectors(self.model, normalize=self.normalize, **options)
            self._kept = kept
        return kept[1]

    def fit(self, X: Any = None, y: Any = None) -> TextEmbedder:
        """Load the model."""
        self._vectors()
        return self

    def transform(self, X: Iterable[str]) -> NDArray[np.float32]:
        """[n, dimensions] of n texts: a list, an array [n] or [n, 1], a column of a data frame, or
        one of a single column, as ColumnTransformer hands over."""
        vectors = self._vectors()
        shape: tuple[int, ...] = getattr(X, "shape", (0,))
        if len(shape) != 1:
            if len(shape) != 2 or shape[1] != 1:
                raise ValueError(f"X has the shape {shape}; n texts are wanted, [n] or [n, 1]")
            X = np.asarray(X, object)[:, 0]
        texts: Any = X
        return vectors.queries(texts) if self.role == "query" else vectors.documents(texts)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """libbert0, libbert1, ..."""
        return np.array([f"libbert{i}" for i in range(self._vectors().width)], object)

    def __getstate__(self) -> dict[str, Any]:
        """Without the model, if it is a path: it is loaded again."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_kept"}

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        """It takes texts and needs no fit."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags
