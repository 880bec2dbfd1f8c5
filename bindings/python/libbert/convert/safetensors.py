# SPDX-License-Identifier: MIT
"""Writing safetensors as the reference does, and reading them back to compare."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from .dtypes import ORDER
from .errors import ConvertError, printable
from .tensors import Item

MAX_HEADER = 100_000_000
_METADATA = {"format": "pt"}


def header(items: Sequence[Item]) -> tuple[bytes, list[Item]]:
    """The file's first bytes and the order of the data: large elements first, then by name.

    The data starts at a multiple of 8, so that with this order every tensor is aligned.
    """
    ordered = sorted(items, key=lambda item: (-ORDER[item.dtype.name], item.name.encode()))
    entries: dict[str, object] = {"__metadata__": _METADATA}
    at = 0
    for item in ordered:
        entries[item.name] = {
            "dtype": item.dtype.name,
            "shape": list(item.shape),
            "data_offsets": [at, at + item.size],
        }
        at += item.size
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, ordered


def write(file: BinaryIO, head: bytes, ordered: Sequence[Item]) -> None:
    """All of the file; OSError as the system has it."""
    file.write(head)
    for item in ordered:
        for piece in item.pieces():
            file.write(piece.view("u1").data)


def compare(file: BinaryIO, path: object, items: Sequence[Item]) -> None:
    """Read the file anew, by what its own header says, and compare each bit with the source's."""
    length = int.from_bytes(file.read(8), "little")
    try:
        found = json.loads(file.read(min(length, MAX_HEADER)))
        del found["__metadata__"]
    except (ValueError, KeyError, TypeError):
        raise _differs(path, "its header can't be read") from None
    if set(found) != {item.name for item in items}:
        raise _differs(path, "it has other tensors")
    for item in items:
        entry = found[item.name]
        begin, end = entry["data_offsets"]
        if (
            entry["dtype"] != item.dtype.name
            or entry["shape"] != list(item.shape)
            or end - begin != item.size
        ):
            raise _differs(path, f"tensor {printable(item.name)} has another type or shape")
        file.seek(8 + length + begin)
        for piece in item.pieces():
            bytes_read = np.frombuffer(file.read(piece.nbytes), "u1")
            if not np.array_equal(bytes_read, piece.view("u1")):
                raise _differs(path, f"tensor {printable(item.name)} has other bits")


def _differs(path: object, what: str) -> ConvertError:
    return ConvertError(
        path,
        f"what was written is not what was read: {what}; is the disk sound?",
        "BERT_EIO",
        exit_code=1,
    )
