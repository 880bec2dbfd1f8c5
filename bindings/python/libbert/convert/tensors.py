# SPDX-License-Identifier: MIT
"""The numbers of a tensor, piece by piece, so that no more than one is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from .checkpoint import Checkpoint
from .dtypes import Array, DType, convert
from .errors import ConvertError, Malformed, printable
from .pickles import Tensor

PIECE = 4 * 2**20
"""Elements that are read at once of a contiguous tensor."""
BLOW_UP = 8
SPARE = 16 * 2**20


@dataclass(frozen=True)
class Item:
    """A tensor under the name and the type that it will have."""

    name: str
    checkpoint: Checkpoint
    tensor: Tensor
    dtype: DType

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        return self.tensor.shape

    @property
    def size(self) -> int:
        """Bytes in the new file."""
        return self.tensor.count * self.dtype.size

    def pieces(self) -> Iterator[Array]:
        """Its elements in row-major order, in the new type: arrays with one axis."""
        try:
            for piece in _read(self.checkpoint, self.tensor):
                yield convert(piece, self.tensor.dtype, self.dtype)
        except Malformed as error:
            raise ConvertError(
                self.checkpoint.path,
                f"tensor {printable(self.name)}: {error.message}",
                error.status,
            ) from None


def check_total(items: Iterable[Item]) -> None:
    """Views that repeat their storage can make terabytes of a small file: refuse those.

    Duplicates of tied tensors are what stays within the bound.
    """
    wanted: dict[Checkpoint, int] = {}
    for item in items:
        tensor = item.tensor
        held = max(tensor.count, tensor.extent) * tensor.dtype.size
        total = wanted.get(item.checkpoint, 0) + held
        wanted[item.checkpoint] = total
        size = item.checkpoint.source.size
        if total > BLOW_UP * size + SPARE:
            raise ConvertError(
                item.checkpoint.path,
                f"up to tensor {printable(item.name)} its views take {total} bytes, and the file "
                f"has {size}; more than {BLOW_UP} times is refused",
                "BERT_ELIMIT",
            )


def _contiguous(tensor: Tensor) -> bool:
    step = 1
    for size, stride in zip(reversed(tensor.shape), reversed(tensor.strides)):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


def _read(checkpoint: Checkpoint, tensor: Tensor) -> Iterator[Array]:
    size = tensor.dtype.size
    first = tensor.storage.start + tensor.offset * size
    code = tensor.dtype.code
    if not tensor.count:
        return
    if _contiguous(tensor):
        for at in range(0, tensor.count, PIECE):
            n = min(PIECE, tensor.count - at)
            yield np.frombuffer(checkpoint.source.read(first + at * size, n * size), code)
        return
    held = np.frombuffer(checkpoint.source.read(first, tensor.extent * size), code)
    view = np.lib.stride_tricks.as_strided(
        held, tensor.shape, [step * size for step in tensor.strides], writeable=False
    )
    yield np.ascontiguousarray(view).reshape(-1)
