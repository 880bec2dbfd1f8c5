# SPDX-License-Identifier: MIT
"""How far a job is, on standard error."""

from __future__ import annotations

import shutil
import sys
import time
from collections import deque
from typing import TextIO

BAR = 24
WINDOW = 30.0
"""Seconds over which the rate is measured."""


def duration(seconds: float) -> str:
    """1:02:03 or 2:03."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Progress:
    """A line that is redrawn on a terminal; elsewhere, if forced, one every few seconds.

    The share that is done, and so the remaining time, are of the shards' bytes, since the rows of
    lines are not known before they are read.
    """

    def __init__(self, shards: int, size: int, forced: bool, quiet: bool) -> None:
        self._out: TextIO = sys.stderr
        there = sys.stderr is not None  # it is None where the descriptor was closed
        self._terminal = there and self._out.isatty()
        self.shown = there and (self._terminal or forced) and not quiet
        self._every = 0.2 if self._terminal else 5.0
        self._shards = shards
        self._size = size
        self._rows = 0
        self._bad = 0
        self._drawn = 0.0
        self._samples: deque[tuple[float, int, int]] = deque()
        self.begin(0, 0)

    def begin(self, shards: int, size: int) -> None:
        """The work begins; so many shards, of so many bytes, were finished before."""
        self._ended = shards
        self._bytes = size
        self._samples = deque([(time.monotonic(), 0, size)])

    def update(self, rows: int, bad: int, position: int) -> None:
        """So many rows more; `position` bytes of the current shard are read."""
        self._rows += rows
        self._bad += bad
        now = time.monotonic()
        self._samples.append((now, self._rows, self._bytes + position))
        while len(self._samples) > 2 and now - self._samples[0][0] > WINDOW:
            self._samples.popleft()
        if self.shown and now - self._drawn >= self._every:
            self._drawn = now
            self._draw()

    def end_shard(self, size: int) -> None:
        """The current shard is finished."""
        self._ended += 1
        self._bytes += size

    def line(self) -> str:
        """What is shown."""
        then, rows_then, bytes_then = self._samples[0]
        now, rows, position = self._samples[-1]
        passed = max(now - then, 1e-9)
        share = min(position / self._size, 1.0) if self._size else 1.0
        speed = (position - bytes_then) / passed
        left = duration((self._size - position) / speed) if speed > 0 else "?"
        full = int(share * BAR)
        bad = f", {self._bad} bad" if self._bad else ""
        return (
            f"[{'#' * full}{'.' * (BAR - full)}] {100 * share:3.0f}%  "
            f"shard {min(self._ended + 1, self._shards)}/{self._shards}  "
            f"{rows} rows{bad}, {(rows - rows_then) / passed:.0f} rows/s, {left} left"
        )

    def _draw(self) -> None:
        line = self.line()
        if self._terminal:
            room = shutil.get_terminal_size().columns - 1  # a line that wraps is not redrawn
            self._put(f"\r\x1b[K{line[:room]}")
        else:
            self._put(f"{line}\n")

    def clear(self) -> None:
        """Off the terminal, so that a message stands alone."""
        if self.shown and self._terminal:
            self._put("\r\x1b[K")

    def _put(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except OSError:  # a reader that is gone ends no job
            self.shown = False
