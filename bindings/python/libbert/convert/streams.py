# SPDX-License-Identifier: MIT
"""Files that nobody vouches for, read at places that they name themselves."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from .errors import ConvertError, Malformed, os_error

MAX_LINE = 4096
"""Bytes of a line in a pickle: names of globals, numbers in decimals."""


class Input:
    """A regular file, open for reading; one descriptor from the first check to the last byte."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise os_error(path, error) from None
        info = os.fstat(self._fd)
        if not stat.S_ISREG(info.st_mode):
            self.close()
            raise ConvertError(path, "not a regular file", "BERT_EIO")
        self.size = info.st_size

    def close(self) -> None:
        """May be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def read(self, start: int, count: int) -> bytes:
        """Exactly these bytes, or Malformed: the file is shorter, or the disk fails."""
        if start < 0 or count < 0 or start + count > self.size:
            raise Malformed(
                f"bytes {start} to {start + count} are wanted of {self.size}; is the file complete?"
            )
        parts: list[bytes] = []
        while count:
            try:
                part = os.pread(self._fd, count, start)
            except OSError as error:
                raise Malformed(f"byte {start}: {error.strerror}", "BERT_EIO") from None
            if not part:
                raise Malformed(f"it became shorter than {start} bytes while it was read")
            parts.append(part)
            start += len(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class Window(io.RawIOBase):
    """A part of an Input as the stream that pickletools reads; what is past it does not exist."""

    def __init__(self, source: Input, start: int, size: int) -> None:
        super().__init__()
        self._source = source
        self._end = min(start + size, source.size)
        self._at = start
        self._first = start
        self._buffer = b""
        self._buffer_at = start

    @property
    def position(self) -> int:
        """Where in the file the next byte is."""
        return self._at

    def tell(self) -> int:
        """Bytes read so far."""
        return self._at - self._first

    def _available(self, count: int) -> bytes:
        """Up to `count` bytes from the current place, without going on."""
        count = max(0, min(count, self._end - self._at))
        skip = self._at - self._buffer_at
        if skip + count > len(self._buffer):
            ahead = min(max(count, 65536), self._end - self._at)
            self._buffer = self._source.read(self._at, ahead)
            self._buffer_at = self._at
            skip = 0
        return self._buffer[skip : skip + count]

    def read(self, size: int = -1) -> bytes:
        """Fewer bytes than asked for at the end only."""
        data = self._available(self._end - self._at if size < 0 else size)
        self._at += len(data)
        return data

    def readline(self, size: int | None = -1) -> bytes:
        """A line of at most MAX_LINE bytes; a longer one comes without its end."""
        data = self._available(MAX_LINE)
        data = data[: data.find(b"\n") + 1] or data
        self._at += len(data)
        return data
