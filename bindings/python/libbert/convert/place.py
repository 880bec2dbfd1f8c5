# SPDX-License-Identifier: MIT
"""A file that is there whole or not at all, whatever happens to the process."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import BinaryIO

from .errors import EXIT_OUTPUT, ConvertError, os_error

SUFFIX = ".converting"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_RESERVE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


class Draft:
    """The new contents of `target`, in a file beside it until `place()`.

    The draft's name is fixed and its lock is the process's: a killed run leaves one file, which the
    next run takes over, and two runs at once can't be.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}{SUFFIX}")
        self.file: BinaryIO = os.fdopen(self._lock(), "r+b")
        self._placed = False

    def _lock(self) -> int:
        """A descriptor of the empty draft, locked, and surely still under its name."""
        while True:
            try:
                fd = os.open(
                    self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666
                )
            except OSError as error:
                raise os_error(self.path, error, EXIT_OUTPUT) from None
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                ours = os.fstat(fd)
                there = os.stat(self.path, follow_symlinks=False)
                if os.path.samestat(ours, there) and ours.st_nlink == 1:
                    os.ftruncate(fd, 0)
                    return fd
            except FileNotFoundError:
                pass
            except OSError as error:
                os.close(fd)
                if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                    raise ConvertError(
                        self.path,
                        "another conversion of this folder is under way",
                        "BERT_EBUSY",
                        EXIT_OUTPUT,
                    ) from None
                raise os_error(self.path, error, EXIT_OUTPUT) from None
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)
            if self.path.exists() and self.path.lstat().st_nlink > 1:
                raise ConvertError(
                    self.path, "a file with a second name; remove it", "BERT_EIO", EXIT_OUTPUT
                )

    def reserve(self, size: int) -> None:
        """Take the room now, so that a full disk is found before the work is done."""
        try:
            os.posix_fallocate(self.file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in _NO_RESERVE:
                raise self.failed(error, size) from None

    def flush(self) -> None:
        """All bytes to the disk, then back to the start for reading, from the disk if it can be."""
        self.file.flush()
        os.fsync(self.file.fileno())
        os.posix_fadvise(self.file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self.file.seek(0)

    def failed(self, error: OSError, size: int) -> ConvertError:
        """The system's error while this was written."""
        if error.errno in _NO_ROOM:
            return ConvertError(
                self.target,
                f"{size} bytes don't fit ({error.strerror}); nothing was changed",
                "BERT_EIO",
                EXIT_OUTPUT,
            )
        return os_error(self.target, error, EXIT_OUTPUT)

    def place(self, replace: bool) -> None:
        """Give it its name, and see to it that the folder's entry is on the disk too."""
        if not replace and os.path.lexists(self.target):
            raise exists(self.target)
        try:
            os.replace(self.path, self.target)
            self._placed = True
            folder = os.open(self.target.parent, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise os_error(self.target, error, EXIT_OUTPUT) from None

    def close(self) -> None:
        """Without `place()` before it nothing is left."""
        if not self._placed:
            try:
                os.unlink(self.path)
            except OSError:
                pass
            self._placed = True
        try:
            self.file.close()
        except OSError:  # what was still to be written did not fit either
            pass


def exists(target: Path) -> ConvertError:
    """The refusal to overwrite."""
    return ConvertError(
        target, "it is there already; --force converts anew", "BERT_EINVAL", EXIT_OUTPUT
    )
