# SPDX-License-Identifier: MIT
"""Padded batches of ids to the rows that the library computes, and its answers back to padded
arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


def array_of(value: Any, what: str) -> NDArray[Any]:
    """Numbers as an array: lists, arrays of numpy, and what speaks DLPack, such as tensors of torch
    on the CPU; nothing is copied of the latter."""
    if isinstance(value, np.ndarray):
        return value
    device = str(getattr(value, "device", "cpu"))
    if not device.startswith("cpu"):
        raise ValueError(f"{what} is on {device}; libbert computes on the CPU: give {what}.cpu()")
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{what} has rows of different lengths; pad them") from None


def matrix_of(value: Any, what: str, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """An array of integers [rows, tokens], of this shape if one is given."""
    found = array_of(value, what)
    if found.ndim != 2:
        raise ValueError(f"{what} has shape {list(found.shape)}; it must be [rows, tokens]")
    if shape is not None and found.shape != shape:
        raise ValueError(f"{what} has shape {list(found.shape)}, input_ids {list(shape)}")
    if found.size and found.dtype.kind not in "iu":
        raise TypeError(f"{what} is of {found.dtype}; it must be of integers")
    return found


def mask_of(value: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """An attention mask of zeros and ones."""
    if value is None:
        return np.ones(shape, bool)
    found = array_of(value, "attention_mask")
    if found.shape != shape:
        raise ValueError(
            f"attention_mask has shape {list(found.shape)}; it must be that of input_ids, "
            f"{list(shape)}"
        )
    mask: NDArray[np.bool_] = found != 0
    if found.dtype != np.bool_ and not np.array_equal(mask, found):
        raise ValueError("attention_mask holds other numbers than 0 and 1")
    return mask


class Rows:
    """The tokens of a padded batch, row by row without padding.

    Attributes:
        mask: [rows, width], where the tokens are.
        sizes: [rows], tokens of each row; may be 0.
        first: [rows], padding before them.
        ids, type_ids: [tokens] int32.
    """

    def __init__(
        self, ids: NDArray[Any], mask: NDArray[np.bool_], type_ids: NDArray[Any] | None
    ) -> None:
        self.mask = mask
        self.sizes = mask.sum(1)
        n, width = mask.shape
        self.first = mask.argmax(1) if width else np.zeros(n, np.int64)
        if width:
            last = width - mask[:, ::-1].argmax(1)
            holes = np.flatnonzero((self.sizes > 0) & (last - self.first != self.sizes))
            if len(holes):
                raise UnsupportedError(
                    f"attention_mask has a hole in row {holes[0]}: libbert computes tokens that "
                    "stand together, with padding before and after them"
                )
        self.whole = bool(mask.all())
        self.ids = self._flat(ids, "input_ids")
        self.type_ids = None if type_ids is None else self._flat(type_ids, "token_type_ids")

    def _flat(self, values: NDArray[Any], what: str) -> NDArray[np.int32]:
        flat = values.reshape(-1) if self.whole else values[self.mask]
        if flat.size and (flat.min() < -(2**31) or flat.max() >= 2**31):
            raise ValueError(f"{what} must fit into 32 bits")
        return np.ascontiguousarray(flat, np.int32)

    def batches(self, max_tokens: int) -> Iterator[NDArray[np.int64]]:
        """Rows that have tokens, in groups of at most max_tokens tokens."""
        rows = np.flatnonzero(self.sizes)
        ends = np.cumsum(self.sizes[rows])
        start = 0
        while start < len(rows):
            done = int(ends[start - 1]) if start else 0
            stop = int(np.searchsorted(ends, done + max_tokens, "right"))
            stop = max(stop, start + 1)  # a row over the limit is told by the library
            yield rows[start:stop]
            start = stop

    def padded(self, flat: NDArray[np.float32]) -> NDArray[np.float32]:
        """[tokens, ...] as [rows, width, ...]; zeros for padding."""
        shape = (*self.mask.shape, *flat.shape[1:])
        if self.whole:
            return flat.reshape(shape)
        out = np.zeros(shape, np.float32)
        out[self.mask] = flat
        return out
