# SPDX-License-Identifier: MIT
"""Sparse embeddings in memory: compressed sparse rows, without scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from . import _tensors as t

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


class SparseMatrix:
    """Rows of which few entries are not zero; or one row alone, whose shape is (dimensions,).

    Attributes:
        indptr: [n + 1] int64; row i has entries indptr[i] up to indptr[i + 1].
        indices: [nnz] int32, the dimensions of entries, ascending within a row.
        values: [nnz] float32.
        shape: (n, dimensions), or (dimensions,).
    """

    __slots__ = ("indices", "indptr", "shape", "values")
    # Arrays leave operators to this class.
    __array_ufunc__ = None

    def __init__(
        self,
        indptr: NDArray[Any],
        indices: NDArray[Any],
        values: NDArray[Any],
        shape: Sequence[int],
    ) -> None:
        self.indptr = np.asarray(indptr, np.int64)
        self.indices = np.asarray(indices, np.int32)
        self.values = np.asarray(values, np.float32)
        self.shape = tuple(int(size) for size in shape)
        n = self.shape[0] if len(self.shape) == 2 else 1
        if len(self.shape) not in (1, 2) or self.indptr.shape != (n + 1,):
            raise ValueError(f"indptr of {self.indptr.shape} does not go with shape {shape}")
        if self.indices.shape != self.values.shape or self.indptr[-1] != len(self.values):
            raise ValueError("indptr, indices and values don't go together")

    @classmethod
    def from_dense(cls, array: Any) -> SparseMatrix:
        """The entries that are not zero of [n, dimensions] or [dimensions]."""
        whole = t.to_array(array)
        if whole.ndim not in (1, 2):
            raise ValueError(f"Expected a 1D or 2D array, got {whole.ndim}D.")
        rows, columns = np.nonzero(np.atleast_2d(whole))
        n = 1 if whole.ndim == 1 else len(whole)
        indptr = np.zeros(n + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=n), out=indptr[1:])
        return cls(indptr, columns, np.atleast_2d(whole)[rows, columns], whole.shape)

    # ---- Form ----------------------------------------------------------------------------

    @property
    def ndim(self) -> int:
        """1 or 2."""
        return len(self.shape)

    @property
    def nnz(self) -> int:
        """Entries that are not zero."""
        return len(self.values)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return self.values.dtype

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self.indptr.nbytes + self.indices.nbytes + self.values.nbytes

    @property
    def counts(self) -> NDArray[np.int64]:
        """[n], entries of each row."""
        return np.diff(self.indptr)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        """Rows: [i] is one row alone; [a:b], [:b] and arrays of row numbers are several."""
        if self.ndim == 1:
            if key is None:
                return SparseMatrix(self.indptr, self.indices, self.values, (1, *self.shape))
            return self.to_dense()[key]
        if isinstance(key, tuple):
            return self.to_dense()[key]
        n = self.shape[0]
        if isinstance(key, (int, np.integer)):
            if not -n <= key < n:
                raise IndexError(f"row {key} of {n}")
            return self._row(int(key) % n)
        if isinstance(key, slice) and key.step in (None, 1):
            first, last, _ = key.indices(n)
            return self._part(first, max(first, last))
        return stack([self._row(int(i)) for i in np.arange(n)[key]], self.shape[1])

    def _part(self, first: int, last: int) -> SparseMatrix:
        a, b = self.indptr[first], self.indptr[last]
        return SparseMatrix(
            self.indptr[first:last + 1] - a, self.indices[a:b], self.values[a:b],
            (last - first, self.shape[1]),
        )  # fmt: skip

    def _row(self, i: int) -> SparseMatrix:
        a, b = self.indptr[i], self.indptr[i + 1]
        return SparseMatrix(
            np.array([0, b - a]), self.indices[a:b], self.values[a:b], self.shape[1:]
        )

    def rows(self) -> SparseMatrix:
        """As a matrix, a lone row with n = 1."""
        return self[None] if self.ndim == 1 else self

    def __repr__(self) -> str:
        return f"<SparseMatrix of shape {self.shape}, {self.nnz} entries>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SparseMatrix):
            return NotImplemented
        return self.shape == other.shape and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("indptr", "indices", "values")
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return SparseMatrix, (self.indptr, self.indices, self.values, self.shape)

    # ---- Other forms ------------------------------------------------------------------------

    def to_dense(self) -> NDArray[np.float32]:
        """An array of the same shape with all zeros."""
        width = self.shape[-1]
        out = np.zeros((len(self.indptr) - 1, width), np.float32)
        out[np.repeat(np.arange(len(out)), self.counts), self.indices] = self.values
        return out[0] if self.ndim == 1 else out

    toarray = to_dense

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a SparseMatrix becomes an array by a copy only")
        return self.to_dense().astype(dtype or np.float32, copy=False)

    def to_torch(self) -> Any:
        """A coalesced sparse COO tensor of torch."""
        torch = t.torch("to_torch()")
        indices = self.indices.astype(np.int64)[None]
        if self.ndim == 2:
            rows = np.repeat(np.arange(len(self)), self.counts)
            indices = np.stack([rows, indices[0]])
        return torch.sparse_coo_tensor(
            torch.from_numpy(indices), torch.from_numpy(self.values.copy()), self.shape,
            is_coalesced=True, check_invariants=False,
        )  # fmt: skip

    def to_scipy(self) -> Any:
        """A scipy.sparse.csr_matrix, [n, dimensions]."""
        from importlib import import_module

        sparse = import_module("scipy.sparse")
        rows = self.rows()
        return sparse.csr_matrix((rows.values, rows.indices, rows.indptr), shape=rows.shape)

    def with_values(self, values: NDArray[Any]) -> SparseMatrix:
        """The same entries with other values."""
        return SparseMatrix(self.indptr, self.indices, values, self.shape)

    def normalized(self) -> SparseMatrix:
        """Rows of unit length."""
        lengths = np.sqrt(sums(np.square(self.values), self.indptr))
        lengths[lengths == 0] = 1
        return self.with_values(self.values / np.repeat(lengths, self.counts))


def stack(rows: Sequence[SparseMatrix], width: int) -> SparseMatrix:
    """Rows to a matrix."""
    indptr = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([row.nnz for row in rows], out=indptr[1:])
    empty = np.empty(0, np.int32)
    return SparseMatrix(
        indptr,
        np.concatenate([empty, *(row.indices for row in rows)]),
        np.concatenate([empty.astype(np.float32), *(row.values for row in rows)]),
        (len(rows), width),
    )


def to_sparse(value: Any) -> SparseMatrix:
    """A SparseMatrix of one, of a list of rows, of a sparse tensor, or of a dense array."""
    if isinstance(value, SparseMatrix):
        return value
    if isinstance(value, list) and value and all(isinstance(v, SparseMatrix) for v in value):
        return stack(value, value[0].shape[-1])
    return SparseMatrix.from_dense(value)


# ---- Similarity -----------------------------------------------------------------------------


def sums(values: NDArray[Any], indptr: NDArray[Any]) -> NDArray[np.float64]:
    """Sums of the entries of each row, [n] float64."""
    total = np.zeros(len(values) + 1, np.float64)
    np.cumsum(values, dtype=np.float64, out=total[1:])
    result: NDArray[np.float64] = total[indptr[1:]] - total[indptr[:-1]]
    return result


def _dot(x: NDArray[Any], v: NDArray[Any]) -> NDArray[Any]:
    result: NDArray[Any] = x * v
    return result


# Of a row x and an entry v of another: what the entry adds to that of the row with zeros alone.
_ENTRY: dict[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]] = {
    "cosine": _dot,
    "dot": _dot,
    "euclidean": lambda x, v: np.square(x - v) - np.square(x),
    "manhattan": lambda x, v: np.abs(x - v) - np.abs(x),
}
_ALONE: dict[str, Callable[[NDArray[Any]], float]] = {
    "cosine": lambda x: 0.0,
    "dot": lambda x: 0.0,
    "euclidean": lambda x: float(np.square(x).sum()),
    "manhattan": lambda x: float(np.abs(x).sum()),
}


def _finished(function: str, scores: NDArray[np.float64]) -> NDArray[np.float32]:
    if function == "euclidean":
        scores = -np.sqrt(np.maximum(scores, 0))
    elif function == "manhattan":
        scores = -scores
    return scores.astype(np.float32)


def _prepared(function: str, a: Any, b: Any) -> tuple[SparseMatrix, SparseMatrix]:
    x, y = to_sparse(a).rows(), to_sparse(b).rows()
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"embeddings of {x.shape[1]} and of {y.shape[1]} dimensions")
    if function == "cosine":
        return x.normalized(), y.normalized()
    return x, y


def sparse_scores(function: str, a: Any, b: Any) -> NDArray[np.float32]:
    """Scores of each row of a with each of b: [n, m] float32."""
    x, y = _prepared(function, a, b)
    entry, alone = _ENTRY[function], _ALONE[function]
    out = np.empty((len(x), len(y)), np.float64)
    row = np.zeros(x.shape[1], np.float64)
    for i in range(len(x)):
        part = slice(x.indptr[i], x.indptr[i + 1])
        row[x.indices[part]] = x.values[part]
        out[i] = sums(entry(row[y.indices], y.values), y.indptr) + alone(x.values[part])
        row[x.indices[part]] = 0
    return _finished(function, out)


def sparse_scores_pairwise(function: str, a: Any, b: Any) -> NDArray[np.float32]:
    """Scores of a[i] with b[i]: [n] float32."""
    x, y = _prepared(function, a, b)
    if len(x) != len(y):
        raise ValueError(f"{len(x)} embeddings, but {len(y)}")
    scores = [sparse_scores(function, x[i], y[i])[0, 0] for i in range(len(x))]
    return np.array(scores, np.float32)
