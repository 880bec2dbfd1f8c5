# SPDX-License-Identifier: MIT
"""Element types: torch's names, safetensors' names, and what numpy can hold them in.

Files are little endian on every machine.  What numpy has no type for (bfloat16, the 8-bit floats)
is carried as unsigned integers of the same size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import Malformed

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class DType:
    """One element type: its name in safetensors, numpy's code for it, bytes an element."""

    name: str
    code: str
    size: int

    @property
    def floating(self) -> bool:
        """Can be converted to another of them; the 8-bit ones are kept as they are."""
        return self.name in ("F16", "BF16", "F32", "F64")


# In safetensors' order: the writer puts the last of these first, so that all are aligned.
_ALL = [
    DType("BOOL", "u1", 1),
    DType("U8", "u1", 1),
    DType("I8", "i1", 1),
    DType("F8_E5M2", "u1", 1),
    DType("F8_E4M3", "u1", 1),
    DType("I16", "<i2", 2),
    DType("U16", "<u2", 2),
    DType("F16", "<f2", 2),
    DType("BF16", "<u2", 2),
    DType("I32", "<i4", 4),
    DType("U32", "<u4", 4),
    DType("F32", "<f4", 4),
    DType("F64", "<f8", 8),
    DType("I64", "<i8", 8),
    DType("U64", "<u8", 8),
]
BY_NAME = {dtype.name: dtype for dtype in _ALL}
ORDER = {dtype.name: place for place, dtype in enumerate(_ALL)}

TORCH_DTYPES = {
    "torch.bool": "BOOL",
    "torch.uint8": "U8",
    "torch.int8": "I8",
    "torch.float8_e5m2": "F8_E5M2",
    "torch.float8_e4m3fn": "F8_E4M3",
    "torch.int16": "I16",
    "torch.uint16": "U16",
    "torch.float16": "F16",
    "torch.bfloat16": "BF16",
    "torch.int32": "I32",
    "torch.uint32": "U32",
    "torch.float32": "F32",
    "torch.float64": "F64",
    "torch.int64": "I64",
    "torch.uint64": "U64",
}
TORCH_STORAGES = {
    "torch.BoolStorage": "BOOL",
    "torch.ByteStorage": "U8",
    "torch.CharStorage": "I8",
    "torch.ShortStorage": "I16",
    "torch.HalfStorage": "F16",
    "torch.BFloat16Storage": "BF16",
    "torch.IntStorage": "I32",
    "torch.FloatStorage": "F32",
    "torch.DoubleStorage": "F64",
    "torch.LongStorage": "I64",
}
UNTYPED_STORAGES = ("torch.storage.UntypedStorage", "torch.UntypedStorage")

_INFINITE_BF16 = 0x7F80


def _widen_bf16(bits: Array) -> Array:
    wide: Array = (bits.astype("<u4") << np.uint32(16)).view("<f4")
    return wide


def _round_to_bf16(values: Array) -> Array:
    """Round float32 to the nearest bfloat16, ties to even, as torch does."""
    bits = np.ascontiguousarray(values, "<f4").view("<u4")
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    with np.errstate(over="ignore"):
        rounded = (bits + odd + np.uint32(0x7FFF)) >> np.uint32(16)
    quiet = (bits >> np.uint32(16)) | np.uint32(0x40)
    result: Array = np.where(np.isnan(values), quiet, rounded).astype("<u2")
    return result


def _finite(values: Array, dtype: DType) -> Array:
    if dtype.name == "BF16":
        finite: Array = (values & np.uint16(_INFINITE_BF16)) != _INFINITE_BF16
        return finite
    result: Array = np.isfinite(values)
    return result


def convert(values: Array, source: DType, target: DType) -> Array:
    """The same numbers in another floating type, rounded to nearest.

    What is finite and would no longer be raises Malformed (BERT_ERANGE).
    """
    if source == target or not (source.floating and target.floating):
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        wide = _widen_bf16(values) if source.name == "BF16" else values
        if target.name == "BF16":
            # Twice rounded from F64, as torch's own conversion is
            result = _round_to_bf16(wide.astype("<f4"))
        else:
            result = wide.astype(target.code)
    lost = _finite(values, source) & ~_finite(result, target)
    if bool(lost.any()):
        value = float(wide[lost].flat[0])
        raise Malformed(f"{value:.9g} is too large for {target.name}", "BERT_ERANGE")
    return result
