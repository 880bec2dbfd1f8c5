# SPDX-License-Identifier: MIT
"""Texts out of an Arrow array, without copying its characters."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from ._texts import Texts

OFFSETS: dict[str, Any] = {
    "string": np.int32,
    "utf8": np.int32,
    "binary": np.int32,
    "large_string": np.int64,
    "large_utf8": np.int64,
    "large_binary": np.int64,
}


def arrow_texts(array: Any, what: str) -> Texts | None:
    """Texts of a pyarrow.Array of strings; None if it is not one (views, dictionaries)."""
    kind = str(array.type)
    if kind not in OFFSETS:
        return None
    if array.null_count:
        index = array.is_null().to_pylist().index(True)
        raise TypeError(f"{what}[{index}] is null, not a text")
    n = len(array)
    _, offsets_buffer, data = array.buffers()
    if n == 0:
        return Texts(0, 0, None, False, True)
    dtype = np.dtype(OFFSETS[kind])
    raw = (ctypes.c_char * (dtype.itemsize * (n + 1))).from_address(
        offsets_buffer.address + dtype.itemsize * array.offset
    )
    offsets = np.frombuffer(raw, dtype)
    views = np.empty((n, 2), np.uintp)
    views[:, 0] = offsets[:-1]
    views[:, 0] += np.uintp(data.address if data is not None else 0)
    views[:, 1] = np.diff(offsets)
    return Texts(n, views.ctypes.data, (views, array), False, "binary" not in kind)
