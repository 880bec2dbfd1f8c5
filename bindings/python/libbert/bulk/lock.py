# SPDX-License-Identifier: MIT
"""One run at a time for an output folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import output_error, system


@contextmanager
def locked(path: Path, output: Path) -> Iterator[None]:
    """Hold the lock; the system lets go of it however the process ends.

    The file stays: a run that removed it could leave two others with a lock each.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise output_error(path, system(error)) from None
    try:
        _take(fd, path, output)
        yield
    finally:
        os.close(fd)


def _take(fd: int, path: Path, output: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
        message = f"another run (process {holder}) is at work here; wait for its end"
        raise output_error(output, message, "BERT_EBUSY") from None
    except OSError as error:
        raise output_error(path, system(error)) from None
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    except OSError:  # only the message to others is poorer
        pass
