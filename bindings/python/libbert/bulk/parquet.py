# SPDX-License-Identifier: MIT
"""Parquet, by pyarrow, which is only asked for where there is Parquet."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from .errors import EXIT_INPUT, BadRow, BulkError, shard_error, system
from .readers import Batch
from .shards import Shard

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT_TYPES = (
    "string", "large_string", "string_view", "binary", "large_binary", "binary_view",
    "null",  # what writers make of a shard in which no row has a text
)  # fmt: skip
GROUP_BYTES = 16 << 20
"""Vectors of one row group."""


def require(why: str) -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet; `why` says what needs them."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise BulkError(
            f"{why} needs pyarrow ({error}); `pip install pyarrow` gets it",
            "BERT_EUNSUPPORTED",
            EXIT_INPUT,
        ) from None


# ---- Reading -------------------------------------------------------------------------


def _check_columns(schema: Any, shard: Shard, column: str, id_column: str | None) -> None:
    for name in (column, id_column):
        if name is not None and schema.names.count(name) != 1:
            state = "no" if name not in schema.names else "more than one"
            raise shard_error(shard.path, f'{state} column "{name}"', "BERT_EINVAL")
    kind = schema.field(column).type
    kind = getattr(kind, "value_type", kind) if str(kind).startswith("dictionary") else kind
    if str(kind) not in TEXT_TYPES:
        raise shard_error(shard.path, f'column "{column}" is {kind}, not string', "BERT_EINVAL")


def read_parquet(
    shard: Shard, column: str, id_column: str | None, rows: int
) -> Iterator[Batch]:
    """The rows of a Parquet file; see readers.read_shard()."""
    pa, pq = require(str(shard.path))
    try:
        with pq.ParquetFile(shard.path) as file:
            _check_columns(file.schema_arrow, shard, column, id_column)
            total, start = max(file.metadata.num_rows, 1), 0
            wanted = list(dict.fromkeys(name for name in (column, id_column) if name))
            for part in file.iter_batches(batch_size=rows, columns=wanted):
                if part.num_rows:
                    batch = _batch(part, shard, column, start)
                    batch.ids = None if id_column is None else part.column(id_column)
                    start += part.num_rows
                    batch.position = shard.size * start // total
                    yield batch
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise shard_error(shard.path, system(error), "BERT_EIO") from None
        what = (str(error).splitlines() or [type(error).__name__])[0]
        raise shard_error(shard.path, f"malformed Parquet ({what})") from None


def _batch(part: Any, shard: Shard, column: str, start: int) -> Batch:
    batch = Batch()
    for i, text in enumerate(part.column(column).to_pylist(), start):
        if text is None:
            batch.add(BadRow("BERT_EINVAL", f'{shard.path}: row {i}: "{column}" is null'))
        else:
            batch.add(text)
    return batch


# ---- Writing -------------------------------------------------------------------------


class ParquetVectors:
    """Vectors as a column "embedding", fixed_size_list<float32>[width], and the ids' own column."""

    def __init__(self, file: IO[bytes], width: int, id_column: str | None) -> None:
        self._pa, self._pq = require("--format parquet")
        self._file = file
        self._width = width
        self._id_column = id_column
        self._writer: Any = None
        self._waiting: list[Any] = []
        self._bytes = 0

    def write(self, vectors: NDArray[np.float32], ids: Any) -> None:
        """Rows [n, width] and, where ids are asked for, n ids."""
        pa = self._pa
        values = pa.array(vectors.reshape(-1), pa.float32())
        columns = {"embedding": pa.FixedSizeListArray.from_arrays(values, self._width)}
        if self._id_column is not None:
            columns = {self._id_column: self._ids(ids), **columns}
        self._waiting.append(pa.table(columns))
        self._bytes += vectors.nbytes
        if self._bytes >= GROUP_BYTES:
            self._flush()

    def _ids(self, ids: Any) -> Any:
        """NDJSON's ids are strings in all shards, whatever they are in one of them."""
        if not isinstance(ids, list):
            return ids
        return self._pa.array([id_text(value) for value in ids], self._pa.string())

    def _flush(self) -> None:
        if self._waiting:
            table = self._pa.concat_tables(self._waiting)
            self._waiting, self._bytes = [], 0
            self._open(table.schema)
            self._writer.write_table(table, row_group_size=max(table.num_rows, 1))

    def _open(self, schema: Any) -> None:
        if self._writer is None:
            plain = [self._id_column] if self._id_column is not None else False
            self._writer = self._pq.ParquetWriter(self._file, schema, use_dictionary=plain)

    def finish(self, empty_ids: Any) -> None:
        """The end of the file; `empty_ids` are for a shard without rows."""
        if self._writer is None and not self._waiting:
            self.write(np.empty((0, self._width), np.float32), empty_ids)
        self._flush()
        writer, self._writer = self._writer, None
        writer.close()

    def abandon(self) -> None:
        """Write nothing more, not even when the writer is collected."""
        if self._writer is not None:
            self._writer.is_open = False
            self._writer = None


def empty_ids(shard: Shard, id_column: str | None) -> Any:
    """No ids, of the type that the shard's would have."""
    if shard.kind != "parquet" or id_column is None:
        return []
    pa, pq = require(str(shard.path))
    return pa.array([], pq.read_schema(shard.path).field(id_column).type)


def id_text(value: Any) -> str | None:
    """An id of NDJSON as a string: itself, or its JSON."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()  # lone surrogates have no UTF-8
