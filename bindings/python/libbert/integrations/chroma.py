# SPDX-License-Identifier: MIT
"""An embedding function for Chroma's collections (package chromadb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _missing
from ._vectors import Vectors

try:
    from chromadb.api.types import Documents, EmbeddingFunction
    from chromadb.utils.embedding_functions import register_embedding_function
except ImportError as error:
    raise _missing("chroma", "chromadb", error) from error

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LibbertEmbeddingFunction"]

SPACES = {"cosine": "cosine", "dot": "ip", "euclidean": "l2", "manhattan": "l2"}


@register_embedding_function
class LibbertEmbeddingFunction(EmbeddingFunction[Documents]):  # type: ignore[misc]
    """Vectors for the documents and the queries of a collection.

    Args:
        model_path: of a model.  Chroma writes it down with the options, and loads the model again
            when a collection is opened that was made with it.
        normalize: to unit length, if the model does not do so itself.
        options: of SentenceTransformer: numbers, strings, lists and dicts of such.
    """

    def __init__(self, model_path: str, normalize: bool = False, **options: Any) -> None:
        self.config = {"model_path": str(model_path), "normalize": normalize, "options": options}
        self.vectors = Vectors(self.config["model_path"], normalize=normalize, **options)

    def __call__(self, input: Documents) -> list[NDArray[Any]]:
        """With the model's prompt for documents."""
        return list(self.vectors.documents(input))

    def embed_query(self, input: Documents) -> list[NDArray[Any]]:
        """With the model's prompt for queries."""
        return list(self.vectors.queries(input))

    @staticmethod
    def name() -> str:
        """By which Chroma knows the class."""
        return "libbert"

    def default_space(self) -> str:
        """How vectors are compared, if the collection does not say."""
        return SPACES[self.vectors.model.similarity_fn_name]

    def get_config(self) -> dict[str, Any]:
        """What Chroma writes down."""
        return dict(self.config)

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> LibbertEmbeddingFunction:
        """From what get_config() gave."""
        return LibbertEmbeddingFunction(
            config["model_path"], config.get("normalize", False), **config.get("options", {})
        )

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        """ValueError for what get_config() did not give."""
        unknown = sorted(set(config) - {"model_path", "normalize", "options"})
        if unknown or not isinstance(config.get("model_path"), str):
            raise ValueError(
                f"the configuration has to have model_path, and perhaps normalize and options: "
                f"{unknown or 'no model_path'}"
            )
