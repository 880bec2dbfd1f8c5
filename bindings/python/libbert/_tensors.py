# SPDX-License-Identifier: MIT
"""Tensors of torch, for callers who have it: nothing here imports torch unasked."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor of torch.  Who has one has imported torch."""
    torch = sys.modules.get("torch")
    kind = getattr(torch, "Tensor", None)
    return kind is not None and isinstance(value, kind)


@cache
def has_torch() -> bool:
    """Whether torch is installed."""
    return importlib.util.find_spec("torch") is not None


def torch(what: str) -> Any:
    """The module; ImportError says what it is wanted for."""
    try:
        return importlib.import_module("torch")
    except ImportError as reason:
        raise ImportError(f"{what} needs torch: {reason}") from None


def to_tensor(array: NDArray[Any], what: str = "convert_to_tensor=True") -> Any:
    """A tensor of the same memory, by DLPack."""
    module = torch(what)
    if not array.flags.writeable or array.dtype == np.bool_:
        return module.from_numpy(array.copy())
    return module.from_dlpack(array)


def rows_of(array: NDArray[Any]) -> list[Any]:
    """The rows as a list: tensors where torch is installed, else arrays."""
    return list(to_tensor(array)) if has_torch() else list(array)


def maybe_tensor(array: NDArray[Any]) -> Any:
    """A tensor where torch is installed, else the array."""
    return to_tensor(array) if has_torch() else array


def to_array(value: Any) -> NDArray[Any]:
    """An array of a tensor, of a list of tensors, or of what numpy takes."""
    if isinstance(value, np.ndarray):
        return value
    if is_tensor(value):
        value = value.detach()
        if value.is_sparse:
            value = value.to_dense()
        if not value.dtype.is_floating_point:
            return np.asarray(value.cpu().numpy())
        narrow = value.dtype.itemsize < 4
        return np.asarray((value.float() if narrow else value).cpu().numpy())
    if isinstance(value, list) and any(map(is_tensor, value)):
        return np.stack([to_array(item) for item in value])
    return np.asarray(value)
