# SPDX-License-Identifier: MIT
"""libbert inside other packages, each of which is needed by its own module alone:

    langchain     LibbertEmbeddings, LibbertReranker                        langchain-core
    sklearn       TextEmbedder                                              scikit-learn
    faiss         Retriever                                                 faiss-cpu
    llama_index   LibbertEmbedding                                          llama-index-core
    haystack      LibbertTextEmbedder, LibbertDocumentEmbedder, LibbertRanker     haystack-ai
    chroma        LibbertEmbeddingFunction                                  chromadb
    topics        Topics                                                    scikit-learn
"""

from __future__ import annotations

__all__: list[str] = []


def _missing(module: str, package: str, error: ImportError) -> ImportError:
    """What to say where a package is not installed."""
    return ImportError(
        f"libbert.integrations.{module} needs the package {package}: pip install {package} "
        f"({error})"
    )
