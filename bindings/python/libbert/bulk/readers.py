# SPDX-License-Identifier: MIT
"""Rows of shards, in batches: lines of text and NDJSON here, Parquet in parquet.py."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any, Union

from .errors import BadRow, input_error, shard_error, system
from .shards import Shard

BOM = b"\xef\xbb\xbf"
Text = Union[str, bytes]


@dataclass
class Batch:
    """Some rows of a shard.

    Attributes:
        texts: one for each row; of a bad one an empty text.
        bad: what is wrong, by the place in this batch.
        ids: one for each row, a list or an Arrow array; None: not asked for.
        position: bytes of the file that were read up to here.
    """

    texts: list[Text] = field(default_factory=list)
    bad: dict[int, BadRow] = field(default_factory=dict)
    ids: Any = None
    position: int = 0

    def add(self, text: Text | BadRow) -> None:
        """One row more."""
        if isinstance(text, BadRow):
            self.bad[len(self.texts)] = text
            text = b""
        self.texts.append(text)


def read_shard(shard: Shard, column: str, id_column: str | None, rows: int) -> Iterator[Batch]:
    """All rows of a shard in their order, in batches of so many."""
    if shard.kind == "parquet":
        from .parquet import read_parquet

        return read_parquet(shard, column, id_column, rows)
    if shard.kind == "txt" and id_column is not None:
        raise input_error(shard.path, "lines of text have no ids; leave out --id-column")
    return _read_lines(shard, column, id_column, rows)


@contextmanager
def _opened(shard: Shard) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file on the disk and its lines; errors of reading name it."""
    try:
        with open(shard.path, "rb") as raw:
            packed = shard.name.lower().endswith(".gz")
            lines: Any = gzip.GzipFile(fileobj=raw, mode="rb") if packed else raw
            yield raw, lines
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise shard_error(shard.path, f"malformed gzip data ({error})") from None
    except OSError as error:
        raise shard_error(shard.path, system(error), "BERT_EIO") from None


def _read_lines(
    shard: Shard, column: str, id_column: str | None, rows: int
) -> Iterator[Batch]:
    ndjson, line_number = shard.kind == "ndjson", 0
    with _opened(shard) as (raw, lines):
        while True:
            batch = Batch(ids=None if id_column is None else [])
            for line in islice(lines, rows):
                line_number += 1
                if ndjson:
                    where = f"{shard.path}:{line_number}"
                    row = _row(line, line_number == 1, column, id_column, where)
                    batch.add(row[0])
                    if batch.ids is not None:
                        batch.ids.append(row[1])
                else:
                    batch.add(_without_end(line))
            if not batch.texts:
                return
            batch.position = raw.tell()
            yield batch


def _without_end(line: bytes) -> bytes:
    line = line[:-1] if line.endswith(b"\n") else line
    return line[:-1] if line.endswith(b"\r") else line


def _row(
    line: bytes, first: bool, column: str, id_column: str | None, where: str
) -> tuple[Text | BadRow, Any]:
    """The text and the id of a line of NDJSON."""
    line = _without_end(line)
    line = line[len(BOM):] if first and line.startswith(BOM) else line
    try:
        value = json.loads(line.decode("utf-8", "replace"))
    except json.JSONDecodeError as error:
        what = "an empty line" if not line.strip() else f"{error.msg}, column {error.colno}"
        return BadRow("BERT_EFORMAT", f"{where}: not JSON: {what}"), None
    except (ValueError, RecursionError) as error:  # digits, depth
        what = "nested too deep" if isinstance(error, RecursionError) else "a number too long"
        return BadRow("BERT_EFORMAT", f"{where}: JSON with {what}"), None
    if not isinstance(value, dict):
        return BadRow("BERT_EINVAL", f"{where}: {_type(value)}, not an object"), None
    made = None if id_column is None else value.get(id_column)
    if column not in value:
        return BadRow("BERT_EINVAL", f'{where}: no key "{column}"'), made
    text = value[column]
    if isinstance(text, str):
        return text, made
    return BadRow("BERT_EINVAL", f'{where}: "{column}" is {_type(text)}, not a string'), made


def _type(value: Any) -> str:
    """What JSON calls a value of this type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {int: "a number", float: "a number", str: "a string", list: "an array"}
    return names.get(type(value), "an object")
