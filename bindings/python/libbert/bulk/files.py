# SPDX-License-Identifier: MIT
"""Files that are there whole or not at all, and stay there when the power goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from .errors import output_error, system


def sync_folder(folder: Path) -> None:
    """A folder's entries onto the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Draft:
    """The contents of `target`, under another name on the same disk until place()."""

    def __init__(self, temporary: Path, target: Path) -> None:
        self.target = target
        self._temporary = temporary
        self.file: IO[bytes] = open(temporary, "wb")  # noqa: SIM115 - close() or place() ends it

    def finish(self) -> int:
        """All bytes onto the disk; how many there are."""
        self.file.flush()
        os.fsync(self.file.fileno())
        size = os.fstat(self.file.fileno()).st_size
        self.file.close()
        return size

    def place(self) -> None:
        """Give it its name."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self._temporary, self.target)
        sync_folder(self.target.parent)

    def discard(self) -> None:
        """Leave nothing, unless it was placed."""
        try:
            self.file.close()
        except OSError:  # what was still to be written did not fit either
            pass
        try:
            os.unlink(self._temporary)
        except OSError:
            pass


def write_whole(temporary: Path, target: Path, data: bytes) -> None:
    """Replace a file by these bytes."""
    try:
        draft = Draft(temporary, target)
        try:
            draft.file.write(data)
            draft.finish()
            draft.place()
        finally:
            draft.discard()
    except OSError as error:
        raise output_error(target, system(error)) from None


def remove(path: Path) -> None:
    """A file that may be missing."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise output_error(path, system(error)) from None
