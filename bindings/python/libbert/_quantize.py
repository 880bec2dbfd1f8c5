# SPDX-License-Identifier: MIT
"""Embeddings as bytes or bits, by bert_quantize()."""

from __future__ import annotations

import logging
from ctypes import byref
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _constants as c
from ._ffi import lib
from ._structs import Error
from .errors import check

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")
KINDS = {
    "int8": (c.BERT_QUANTIZE_INT8, np.int8),
    "uint8": (c.BERT_QUANTIZE_UINT8, np.uint8),
    "binary": (c.BERT_QUANTIZE_BINARY, np.int8),
    "ubinary": (c.BERT_QUANTIZE_UBINARY, np.uint8),
}


def check_precision(precision: str | None) -> None:
    """ValueError for one that there isn't."""
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(
            f"Precision {precision!r} is not supported, must be one of {', '.join(PRECISIONS)}"
        )


def ranges_of(rows: NDArray[Any], precision: str) -> NDArray[np.float32]:
    """[2, dimensions], the lowest and the highest value of each dimension."""
    if len(rows) < 2:
        raise ValueError(
            f"Cannot compute {precision} quantization ranges from a single embedding. Call "
            "libbert.util.quantize_embeddings with `ranges` or `calibration_embeddings` from a "
            "representative set of embeddings instead."
        )
    rows = np.ascontiguousarray(rows, np.float32)
    n, width = rows.shape
    ranges = np.empty((2, width), np.float32)
    lib.bert_ranges_start(ranges.ctypes.data, width)
    error = Error()
    check(
        lib.bert_ranges_add(ranges.ctypes.data, rows.ctypes.data, n, width, byref(error)), error
    )
    return ranges


def quantize(
    rows: NDArray[Any],
    precision: str,
    ranges: NDArray[Any] | None = None,
    calibration: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """[n, dimensions] or [dimensions] floats quantised."""
    check_precision(precision)
    if rows.dtype in (np.uint8, np.int8):
        raise ValueError("Embeddings to quantize must be float rather than int8 or uint8.")
    rows = np.ascontiguousarray(rows, np.float32)
    if precision == "float32":
        return rows
    kind, dtype = KINDS[precision]
    table = np.atleast_2d(rows)
    n, width = table.shape
    size = lib.bert_quantized_size(kind, width)
    out = np.empty((n, size), dtype)
    if n and precision in ("int8", "uint8"):
        ranges = _ranges(table, precision, ranges, calibration)
    place = None if ranges is None else ranges.ctypes.data
    error = Error()
    check(
        lib.bert_quantize(
            kind, table.ctypes.data, n, width, place, out.ctypes.data, out.nbytes, byref(error)
        ),
        error,
    )
    return out[0] if rows.ndim == 1 else out


def _ranges(
    rows: NDArray[Any],
    precision: str,
    ranges: NDArray[Any] | None,
    calibration: NDArray[Any] | None,
) -> NDArray[np.float32]:
    if ranges is None:
        if calibration is None and 1 < len(rows) < 100:
            logging.getLogger("libbert").warning(
                "Computing %s quantization buckets based on %d embeddings. %s quantization is more "
                "stable with `ranges` calculated from more embeddings or a "
                "`calibration_embeddings` that can be used to calculate the buckets.",
                precision, len(rows), precision,
            )  # fmt: skip
        return ranges_of(rows if calibration is None else calibration, precision)
    ranges = np.ascontiguousarray(ranges, np.float32)
    if ranges.shape != (2, rows.shape[1]):
        raise ValueError(f"ranges are of shape {ranges.shape}; (2, {rows.shape[1]}) is wanted")
    return ranges
