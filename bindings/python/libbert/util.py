# SPDX-License-Identifier: MIT
"""Similarities, search and quantisation as in sentence_transformers.util, by numpy.

Embeddings are arrays, lists, tensors of torch, or SparseMatrix.  Results are arrays of float32
(float64 for embeddings of that); tensors if one of the arguments is a tensor.
"""

from __future__ import annotations

import heapq
from enum import Enum
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from . import _tensors as t
from .sparse import SparseMatrix, sparse_scores, sparse_scores_pairwise

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "SimilarityFunction",
    "cos_sim",
    "dot_score",
    "euclidean_sim",
    "manhattan_sim",
    "normalize_embeddings",
    "pairwise_cos_sim",
    "pairwise_dot_score",
    "pairwise_euclidean_sim",
    "pairwise_manhattan_sim",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "pytorch_cos_sim",
    "quantize_embeddings",
    "semantic_search",
    "similarity",
    "similarity_pairwise",
    "truncate_embeddings",
]


class SimilarityFunction(Enum):
    """Names of similarity functions."""

    COSINE = "cosine"
    DOT_PRODUCT = "dot"
    DOT = "dot"  # noqa: PIE796 an alias, as in the original
    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"

    @staticmethod
    def to_similarity_fn(function: str | SimilarityFunction) -> Callable[[Any, Any], Any]:
        """The function of that name, of all pairs."""
        return _MATRIX[SimilarityFunction(function).value]

    @staticmethod
    def to_similarity_pairwise_fn(
        function: str | SimilarityFunction,
    ) -> Callable[[Any, Any], Any]:
        """The function of that name, of rows with the same index."""
        return _PAIRWISE[SimilarityFunction(function).value]

    @staticmethod
    def possible_values() -> list[str]:
        """The names."""
        return [member.value for member in SimilarityFunction]


# ---- Similarity -------------------------------------------------------------------------


def _floats(value: Any) -> NDArray[Any]:
    array = t.to_array(value)
    if array.dtype.kind in "USO" and array.size:
        raise TypeError(f"embeddings are of {array.dtype}; numbers are wanted")
    wide = array.dtype == np.float64 and not _is_python(value)
    return array if wide or array.dtype == np.float32 else array.astype(np.float32)


def _is_python(value: Any) -> bool:
    """Whether its numbers are Python's own, of which torch makes float32."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return type(value) in (float, int)


def _matrix(value: Any) -> NDArray[Any]:
    array = np.atleast_2d(_floats(value))
    if array.ndim != 2:
        raise ValueError(f"embeddings have {array.ndim} dimensions; one or two are wanted")
    return array


def _same_width(a: NDArray[Any], b: NDArray[Any]) -> None:
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(f"embeddings of {a.shape[-1]} and of {b.shape[-1]} dimensions")


def _units(array: NDArray[Any]) -> NDArray[Any]:
    lengths = np.sqrt(np.einsum("...i,...i->...", array, array))[..., None]
    result: NDArray[Any] = array / np.maximum(lengths, array.dtype.type(1e-12))
    return result


def _cosine(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    return _dot(_units(a), _units(b))


def _dot(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    result: NDArray[Any] = a @ b.T
    return result


def _euclidean(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    # In float64, since the squares of near vectors cancel out.
    x, y = a.astype(np.float64), b.astype(np.float64)
    squares = (x * x).sum(1)[:, None] - 2 * (x @ y.T) + (y * y).sum(1)
    result: NDArray[Any] = -np.sqrt(np.maximum(squares, 0)).astype(np.result_type(a, b))
    return result


def _manhattan(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    out = np.empty((len(a), len(b)), np.result_type(a, b))
    for i, row in enumerate(a):
        out[i] = -np.abs(b - row).sum(1)
    return out


def _rows_dot(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    result: NDArray[Any] = np.einsum("...i,...i->...", a, b)
    return result


_ALL = {"cosine": _cosine, "dot": _dot, "euclidean": _euclidean, "manhattan": _manhattan}
_ROWS: dict[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]] = {
    "cosine": lambda a, b: _rows_dot(_units(a), _units(b)),
    "dot": _rows_dot,
    "euclidean": lambda a, b: -np.sqrt(np.square(a - b).sum(-1)),
    "manhattan": lambda a, b: -np.abs(a - b).sum(-1),
}


def _returned(scores: NDArray[Any], *arguments: Any) -> Any:
    for value in arguments:
        if t.is_tensor(value) or (isinstance(value, list) and value and t.is_tensor(value[0])):
            return t.to_tensor(np.ascontiguousarray(scores))
    return scores


def similarity(function: str, a: Any, b: Any) -> Any:
    """Scores of each of a with each of b: [n, m].

    Args:
        function: "cosine", "dot", "euclidean" or "manhattan", the latter two negative distances.
        a, b: [n, dimensions] and [m, dimensions], or [dimensions].
    """
    if isinstance(a, SparseMatrix) or isinstance(b, SparseMatrix):
        return sparse_scores(function, a, b)
    x, y = _matrix(a), _matrix(b)
    _same_width(x, y)
    with np.errstate(invalid="ignore"):  # of infinities
        return _returned(_ALL[function](x, y), a, b)


def similarity_pairwise(function: str, a: Any, b: Any) -> Any:
    """Scores of a[i] with b[i]: [n]; see similarity()."""
    if isinstance(a, SparseMatrix) or isinstance(b, SparseMatrix):
        return sparse_scores_pairwise(function, a, b)
    x, y = _floats(a), _floats(b)
    _same_width(x, y)
    with np.errstate(invalid="ignore"):
        return _returned(np.asarray(_ROWS[function](x, y)), a, b)


def cos_sim(a: Any, b: Any) -> Any:
    """Cosines of the angles of each of a with each of b: [n, m]."""
    return similarity("cosine", a, b)


def pytorch_cos_sim(a: Any, b: Any) -> Any:
    """Older name of cos_sim()."""
    return cos_sim(a, b)


def dot_score(a: Any, b: Any) -> Any:
    """Products of each of a with each of b: [n, m]."""
    return similarity("dot", a, b)


def euclidean_sim(a: Any, b: Any) -> Any:
    """Negative Euclidean distances: [n, m]."""
    return similarity("euclidean", a, b)


def manhattan_sim(a: Any, b: Any) -> Any:
    """Negative Manhattan distances: [n, m]."""
    return similarity("manhattan", a, b)


def pairwise_cos_sim(a: Any, b: Any) -> Any:
    """Cosines of a[i] and b[i]: [n]."""
    return similarity_pairwise("cosine", a, b)


def pairwise_dot_score(a: Any, b: Any) -> Any:
    """Products of a[i] and b[i]: [n]."""
    return similarity_pairwise("dot", a, b)


def pairwise_euclidean_sim(a: Any, b: Any) -> Any:
    """Negative Euclidean distances of a[i] and b[i]: [n]."""
    return similarity_pairwise("euclidean", a, b)


def pairwise_manhattan_sim(a: Any, b: Any) -> Any:
    """Negative Manhattan distances of a[i] and b[i]: [n]."""
    return similarity_pairwise("manhattan", a, b)


_MATRIX = {
    "cosine": cos_sim, "dot": dot_score, "euclidean": euclidean_sim, "manhattan": manhattan_sim,
}  # fmt: skip
_PAIRWISE = {
    "cosine": pairwise_cos_sim, "dot": pairwise_dot_score, "euclidean": pairwise_euclidean_sim,
    "manhattan": pairwise_manhattan_sim,
}  # fmt: skip


def normalize_embeddings(embeddings: Any) -> Any:
    """Embeddings of unit length, in the same shape."""
    if isinstance(embeddings, SparseMatrix):
        return embeddings.normalized()
    return _returned(_units(_floats(embeddings)), embeddings)


def truncate_embeddings(embeddings: Any, truncate_dim: int | None) -> Any:
    """The first dimensions of embeddings; None: all."""
    return embeddings[..., :truncate_dim]


def quantize_embeddings(
    embeddings: Any,
    precision: str,
    ranges: NDArray[Any] | None = None,
    calibration_embeddings: Any = None,
) -> NDArray[Any]:
    """Embeddings as bytes or bits.

    Args:
        embeddings: [n, dimensions] floats.
        precision: "float32", "int8", "uint8", "binary" or "ubinary".
        ranges: [2, dimensions], lowest and highest values, for int8 and uint8; None: those of
            calibration_embeddings, or of the embeddings themselves.

    Returns:
        [n, dimensions] int8 or uint8, or [n, ceil(dimensions / 8)] for bits.
    """
    from ._quantize import quantize

    array = t.to_array(embeddings)
    calibration = None if calibration_embeddings is None else t.to_array(calibration_embeddings)
    return quantize(array, precision, ranges, calibration)


# ---- Search ------------------------------------------------------------------------------


def _best(scores: NDArray[Any], k: int) -> NDArray[Any]:
    """Columns of the k highest scores of each row, best first."""
    n = scores.shape[1]
    if k < n:
        columns = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    else:
        columns = np.broadcast_to(np.arange(n), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, columns, 1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, 1)


def _rows(embeddings: Any) -> Any:
    """Rows that can be sliced."""
    if isinstance(embeddings, SparseMatrix) or t.is_tensor(embeddings):
        return embeddings if embeddings.ndim > 1 else embeddings[None]
    return _matrix(embeddings)


def semantic_search(
    query_embeddings: Any,
    corpus_embeddings: Any,
    query_chunk_size: int = 100,
    corpus_chunk_size: int = 500000,
    top_k: int = 10,
    score_function: Callable[[Any, Any], Any] = cos_sim,
) -> list[list[dict[str, Any]]]:
    """The nearest of a corpus to each query.

    Args:
        query_embeddings, corpus_embeddings: [n, dimensions].
        query_chunk_size, corpus_chunk_size: how many are compared at once.
        top_k: how many come for a query.
        score_function: of arrays to scores [queries, corpus].

    Returns:
        For each query {"corpus_id": int, "score": float}, best first.
    """
    queries, corpus = _rows(query_embeddings), _rows(corpus_embeddings)
    # Lengths are those of a row, however often it is compared.
    cosine = score_function is cos_sim and isinstance(queries, np.ndarray)
    cosine = cosine and isinstance(corpus, np.ndarray)
    if cosine:
        _same_width(queries, corpus)
        queries, score_function = _units(queries), _dot
    found: list[list[tuple[float, int]]] = [[] for _ in range(len(queries))]
    for first in range(0, len(corpus), corpus_chunk_size):
        part = corpus[first:first + corpus_chunk_size]
        if cosine:
            part = _units(part)
        for start in range(0, len(queries), query_chunk_size):
            scores = t.to_array(score_function(queries[start:start + query_chunk_size], part))
            columns = _best(scores, min(top_k, scores.shape[1]))
            values = np.take_along_axis(scores, columns, 1).tolist()
            for i, (ids, row) in enumerate(zip((columns + first).tolist(), values), start):
                found[i] = sorted([*found[i], *zip(row, ids)], key=_by_score)[:top_k]
    return [[{"corpus_id": i, "score": s} for s, i in pairs] for pairs in found]


def _by_score(entry: tuple[float, int]) -> float:
    return -entry[0]


def paraphrase_mining(
    model: Any,
    sentences: list[str],
    show_progress_bar: bool = False,
    batch_size: int = 32,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100000,
    max_pairs: int = 500000,
    top_k: int = 100,
    score_function: Callable[[Any, Any], Any] = cos_sim,
    truncate_dim: int | None = None,
    prompt_name: str | None = None,
    prompt: str | None = None,
) -> list[list[Any]]:
    """Pairs of texts that are most alike: [score, i, j], best first; see
    paraphrase_mining_embeddings()."""
    embeddings = model.encode(
        sentences,
        show_progress_bar=show_progress_bar,
        batch_size=batch_size,
        truncate_dim=truncate_dim,
        prompt_name=prompt_name,
        prompt=prompt,
    )
    return paraphrase_mining_embeddings(
        embeddings, query_chunk_size, corpus_chunk_size, max_pairs, top_k, score_function
    )


def paraphrase_mining_embeddings(
    embeddings: Any,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100000,
    max_pairs: int = 500000,
    top_k: int = 100,
    score_function: Callable[[Any, Any], Any] = cos_sim,
) -> list[list[Any]]:
    """Pairs of embeddings that are most alike.

    Args:
        embeddings: [n, dimensions].
        query_chunk_size, corpus_chunk_size: how many are compared at once.
        max_pairs: pairs at most.
        top_k: neighbours of each that are looked at.
        score_function: symmetric.

    Returns:
        [score, i, j] with i < j, best first.
    """
    rows = _rows(embeddings)
    found: dict[tuple[int, int], float] = {}
    for start in range(0, len(rows), query_chunk_size):
        some = rows[start:start + query_chunk_size]
        best: list[list[tuple[float, int]]] = [[] for _ in range(len(some))]
        for first in range(0, len(rows), corpus_chunk_size):
            part = rows[first:first + corpus_chunk_size]
            scores = t.to_array(score_function(some, part))
            columns = _best(scores, min(top_k + 1, scores.shape[1]))
            values = np.take_along_axis(scores, columns, 1).tolist()
            for i, (ids, row) in enumerate(zip((columns + first).tolist(), values)):
                best[i] = sorted([*best[i], *zip(row, ids)], key=_by_score)[: top_k + 1]
        for i, entries in enumerate(best, start):
            others = [(score, j) for score, j in entries if j != i][:top_k]
            for score, j in others:
                found.setdefault((min(i, j), max(i, j)), score)
        if len(found) > max_pairs:
            found = dict(heapq.nlargest(max_pairs, found.items(), key=lambda e: e[1]))
    pairs = sorted(found.items(), key=lambda entry: -entry[1])
    return [[score, i, j] for (i, j), score in pairs]
