# SPDX-License-Identifier: MIT
"""The zip archive that torch.save() has written since 1.6.

Its entries are stored, never compressed, so an entry is a place in the file.  Python's zipfile is
not used: it inflates whatever is deflated and reads an index of any size.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from .errors import Malformed, printable
from .streams import Input

MAX_INDEX = 64 * 2**20
"""Bytes of the central directory: half a million entries."""

_END = b"PK\x05\x06"
_END64 = b"PK\x06\x06"
_LOCATOR64 = b"PK\x06\x07"
_CENTRAL = b"PK\x01\x02"
_LOCAL = b"PK\x03\x04"
_ENCRYPTED = 0x2041
_PIECE = 4 * 2**20


@dataclass(frozen=True)
class Entry:
    """Bytes of the file under a name."""

    name: str
    header: int
    start: int
    size: int
    crc: int


def is_zip(source: Input) -> bool:
    """By its first bytes; an empty archive is none."""
    return source.size >= 4 and source.read(0, 4) == _LOCAL


def entries(source: Input) -> dict[str, Entry]:
    """All entries by name.  Each lies in the file, apart from the others, under one name only."""
    start, size, count = _find_index(source)
    if size > MAX_INDEX:
        raise Malformed(f"the archive's index takes {size} bytes", "BERT_ELIMIT")
    found = _read_index(source, source.read(start, size), count)
    end, before = 0, ""
    for entry in sorted(found.values(), key=lambda e: (e.header, e.size)):
        if entry.header < end:
            raise Malformed(f"entries {printable(before)} and {printable(entry.name)} overlap")
        end, before = entry.start + entry.size, entry.name
    if end > start:
        raise Malformed(f"entry {printable(before)} overlaps the archive's index")
    return found


def check_sum(source: Input, entry: Entry) -> None:
    """Raise Malformed if the bytes are not those that were written.

    0 stands for no sum: torch can be told to make none.
    """
    crc = 0
    for at in range(entry.start, entry.start + entry.size if entry.crc else entry.start, _PIECE):
        crc = zlib.crc32(source.read(at, min(_PIECE, entry.start + entry.size - at)), crc)
    if entry.crc and crc != entry.crc:
        raise Malformed(
            f"entry {printable(entry.name)} is damaged: its CRC-32 is {crc:08x}, "
            f"{entry.crc:08x} was written"
        )


def _find_index(source: Input) -> tuple[int, int, int]:
    """Start, size and number of entries of the central directory."""
    tail_at = max(0, source.size - 22 - 65535)
    tail = source.read(tail_at, source.size - tail_at)
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise Malformed("a zip archive without its end; is the file complete?")
    disk, first_disk, here, count, size, start, _ = struct.unpack_from("<4H2LH", tail, at + 4)
    if 0xFFFFFFFF in (size, start) or 0xFFFF in (disk, here, count):
        return _find_index64(source, tail_at + at)
    if disk or first_disk or here != count:
        raise Malformed("a zip archive in several parts")
    return start, size, count


def _find_index64(source: Input, end_at: int) -> tuple[int, int, int]:
    if end_at < 20:
        raise Malformed("a zip archive without its end; is the file complete?")
    mark, _, record_at, _ = struct.unpack("<4sLQL", source.read(end_at - 20, 20))
    if mark != _LOCATOR64:
        raise Malformed("a zip64 archive without its end")
    mark, _, _, _, disk, first_disk, here, count, size, start = struct.unpack(
        "<4sQ2H2L4Q", source.read(record_at, 56)
    )
    if mark != _END64 or disk or first_disk or here != count:
        raise Malformed("a zip64 archive in several parts, or damaged")
    return start, size, count


def _read_index(source: Input, index: bytes, count: int) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    at = 0
    while at < len(index):
        if at + 46 > len(index) or index[at : at + 4] != _CENTRAL:
            raise Malformed("the archive's index is damaged")
        fields = struct.unpack_from("<6H3L5H2L", index, at + 4)
        _, _, flags, method, _, _, crc, packed, size, n_name, n_extra, n_comment = fields[:12]
        local = fields[15]
        name_at, extra_at = at + 46, at + 46 + n_name
        at = extra_at + n_extra + n_comment
        if at > len(index):
            raise Malformed("the archive's index is damaged")
        raw = index[name_at:extra_at]
        name = raw.decode("utf-8", "backslashreplace")
        size, packed, local = _widen(
            name, size, packed, local, index[extra_at : extra_at + n_extra]
        )
        if name in found:
            raise Malformed(f"entry {printable(name)} comes twice")
        if method or size != packed or flags & _ENCRYPTED:
            raise Malformed(
                f"entry {printable(name)} is compressed or encrypted; torch.save() does neither",
                "BERT_EUNSUPPORTED",
            )
        found[name] = Entry(name, local, _data_start(source, name, raw, local, size), size, crc)
    if len(found) != count:
        raise Malformed(f"the archive's index has {len(found)} entries; it says {count}")
    return found


def _widen(name: str, size: int, packed: int, local: int, extra: bytes) -> tuple[int, int, int]:
    """The values of a zip64 entry, which stand in a field of its own, in this order."""
    values = [size, packed, local]
    wanted = [i for i, value in enumerate(values) if value == 0xFFFFFFFF]
    while wanted and len(extra) >= 4:
        kind, n = struct.unpack_from("<2H", extra)
        if kind == 1 and min(n, len(extra) - 4) >= 8 * len(wanted):
            for place, i in enumerate(wanted):
                (values[i],) = struct.unpack_from("<Q", extra, 4 + 8 * place)
            wanted = []
        extra = extra[4 + n :]
    if wanted:
        raise Malformed(f"entry {printable(name)} has no size")
    return values[0], values[1], values[2]


def _data_start(source: Input, name: str, raw: bytes, local: int, size: int) -> int:
    """Behind the entry's own header, which must be of the same name."""
    if local + 30 > source.size:
        raise Malformed(f"entry {printable(name)} lies behind the end; is the file complete?")
    header = source.read(local, 30)
    n_name, n_extra = struct.unpack_from("<2H", header, 26)
    start: int = local + 30 + n_name + n_extra
    if start + size > source.size:
        raise Malformed(f"entry {printable(name)} lies behind the end; is the file complete?")
    if header[:4] != _LOCAL or source.read(local + 30, n_name) != raw:
        raise Malformed(f"entry {printable(name)} is not where the archive's index says")
    return start
