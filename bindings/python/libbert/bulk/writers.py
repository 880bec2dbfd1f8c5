# SPDX-License-Identifier: MIT
"""The results of a shard: vectors, ids and bad rows, which get their names together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Union

from .errors import BadRow
from .files import Draft
from .shards import Shard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .parquet import ParquetVectors

HEADER_SIZE = 128


def npy_header(rows: int, width: int) -> bytes:
    """The first 128 bytes of a file of numpy's format 1.0: float32 [rows, width]."""
    shape = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}"
    room = HEADER_SIZE - 10
    start = b"\x93NUMPY\x01\x00" + room.to_bytes(2, "little")
    return start + shape.ljust(room - 1).encode() + b"\n"


class NpyVectors:
    """float32 [rows, width]; the number of rows is filled in at the end."""

    def __init__(self, file: IO[bytes], width: int) -> None:
        self._file = file
        self._width = width
        self._rows = 0
        file.write(npy_header(0, width))

    def write(self, vectors: NDArray[np.float32], ids: Any) -> None:
        """Rows [n, width]."""
        self._file.write(vectors.astype("<f4", copy=False).data)
        self._rows += len(vectors)

    def finish(self, empty_ids: Any) -> None:
        """The header's number of rows."""
        self._file.seek(0)
        self._file.write(npy_header(self._rows, self._width))

    def abandon(self) -> None:
        """Nothing is held back."""


Vectors = Union[NpyVectors, "ParquetVectors"]


class Results:
    """The files of one shard, as drafts in `temporary` until place()."""

    def __init__(
        self, shard: Shard, output: Path, temporary: Path, form: str, width: int,
        id_column: str | None,
    ) -> None:  # fmt: skip
        self._shard = shard
        self._id_column = id_column
        self._temporary = temporary
        self._output = output
        self._names = shard.outputs(form, id_column is not None)
        self._drafts: dict[str, Draft] = {}
        self.rows = 0
        self.bad = 0
        self._vectors: Vectors | None = None
        try:
            vectors = self._draft("vectors").file
            self._ids = self._draft("ids").file if "ids" in self._names else None
            if form == "parquet":
                from .parquet import ParquetVectors

                self._vectors = ParquetVectors(vectors, width, id_column)
            else:
                self._vectors = NpyVectors(vectors, width)
        except BaseException:
            self.discard()
            raise

    def _draft(self, what: str) -> Draft:
        if what not in self._drafts:
            target = self._output / self._names[what]
            self._drafts[what] = Draft(self._temporary / what, target)
        return self._drafts[what]

    def write(
        self, vectors: NDArray[np.float32], ids: Any, bad: dict[int, BadRow]
    ) -> None:
        """Rows [n, width], their ids, and the bad ones by their place among these n."""
        assert self._vectors is not None
        self._vectors.write(vectors, ids)
        if self._ids is not None:
            values = ids if isinstance(ids, list) else ids.to_pylist()
            self._ids.write(b"".join(_line(value) for value in values))
        for place, (code, message) in sorted(bad.items()):
            error = {"index": self.rows + place, "error": {"code": code, "message": message}}
            self._draft("errors").file.write(_line(error))
        self.rows += len(vectors)
        self.bad += len(bad)

    def place(self) -> dict[str, int]:
        """Onto the disk, then each under its name; their sizes by names."""
        assert self._vectors is not None
        self._vectors.finish(self._empty_ids())
        sizes = {self._names[what]: draft.finish() for what, draft in self._drafts.items()}
        for what in self._names:  # the vectors last
            if what in self._drafts:
                self._drafts[what].place()
        return sizes

    def _empty_ids(self) -> Any:
        if self.rows or self._id_column is None:
            return []
        from .parquet import empty_ids

        return empty_ids(self._shard, self._id_column)

    def discard(self) -> None:
        """Leave no draft."""
        if self._vectors is not None:
            self._vectors.abandon()
        for draft in self._drafts.values():
            draft.discard()


def _line(value: Any) -> bytes:
    return json.dumps(value, default=_other, separators=(",", ":")).encode() + b"\n"


def _other(value: Any) -> str:
    """Ids of Parquet that JSON has no type for: bytes, dates, decimals."""
    return value.hex() if isinstance(value, bytes) else str(value)
