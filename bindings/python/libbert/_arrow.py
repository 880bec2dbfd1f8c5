# SPDX-License-Identifier: MIT
"""Texts out of an Arrow array, without copying its characters."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from ._texts import Texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

OFFSETS: dict[str, Any] = {
    "string": np.int32,
    "binary": np.int32,
    "large_string": np.int64,
    "large_binary": np.int64,
}


def arrow_texts(column: Any, what: str) -> Texts | None:
    """Texts of a pyarrow.Array or ChunkedArray of strings; None if they lie otherwise (views,
    dictionaries)."""
    kind = str(column.type)
    if kind not in OFFSETS:
        return None
    if column.null_count:
        index = column.is_null().to_pylist().index(True)
        raise TypeError(f"{what}[{index}] is null, not a text")
    chunks = column.chunks if hasattr(column, "chunks") else [column]
    parts = [_views(chunk, np.dtype(OFFSETS[kind])) for chunk in chunks if len(chunk)]
    views = np.concatenate(parts) if parts else np.empty((0, 2), np.uintp)
    return Texts(len(views), views.ctypes.data, (views, column), False, "binary" not in kind)


def _views(array: Any, dtype: np.dtype[Any]) -> NDArray[np.uintp]:
    """[n, 2]: address and size of each text."""
    _, offsets_buffer, data = array.buffers()
    n = len(array)
    raw: Any = (ctypes.c_char * (dtype.itemsize * (n + 1))).from_address(
        offsets_buffer.address + dtype.itemsize * array.offset
    )
    offsets = np.frombuffer(raw, dtype)
    views = np.empty((n, 2), np.uintp)
    views[:, 0] = offsets[:-1]
    views[:, 0] += np.uintp(data.address if data is not None else 0)
    views[:, 1] = np.diff(offsets)
    return views
