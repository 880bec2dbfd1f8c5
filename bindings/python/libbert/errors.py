# SPDX-License-Identifier: MIT
"""Exceptions, one class for each status of the library.

All derive from BertError, and where Python has a class of that meaning from that too, so that
`except ValueError` and `except FileNotFoundError` mean what they say.
"""

from __future__ import annotations

import re
from typing import NoReturn

from . import _constants as c
from ._structs import Error

__all__ = [
    "BackendError",
    "BertError",
    "BusyError",
    "CanceledError",
    "DeadlineError",
    "FileError",
    "ForbiddenFileError",
    "FormatError",
    "InternalError",
    "InvalidArgumentError",
    "LengthError",
    "LimitError",
    "MissingFileError",
    "NonFiniteError",
    "OutOfMemoryError",
    "UnsupportedError",
]


class BertError(Exception):
    """A call of the library failed; str() is the library's message.

    Attributes:
        code: the status, such as -4.
        message: one line that names the file, field or value; it never holds a text.
        index: which of the texts it is about; None where it is about none.
    """

    code: int = c.BERT_EINTERNAL

    def __init__(
        self, message: str, code: int | None = None, index: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = type(self).code if code is None else code
        self.index = index

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[type, tuple[str, int, int | None]]:
        return type(self), (self.message, self.code, self.index)

    @property
    def status(self) -> str:
        """Name of the status, such as "BERT_EFORMAT"."""
        return STATUS_NAMES.get(self.code, "BERT_E?")


class InvalidArgumentError(BertError, ValueError):
    """BERT_EINVAL: an argument is wrong."""

    code = c.BERT_EINVAL


class OutOfMemoryError(BertError, MemoryError):
    """BERT_ENOMEM: an allocation failed."""

    code = c.BERT_ENOMEM


class FileError(BertError, OSError):
    """BERT_EIO: a file could not be opened, read or written."""

    code = c.BERT_EIO


class MissingFileError(FileError, FileNotFoundError):
    """BERT_EIO of a file that is not there."""


class ForbiddenFileError(FileError, PermissionError):
    """BERT_EIO of a file that may not be opened."""


class FormatError(BertError, ValueError):
    """BERT_EFORMAT: a file is malformed."""

    code = c.BERT_EFORMAT


class UnsupportedError(BertError):
    """BERT_EUNSUPPORTED: valid, but not handled; the message names it."""

    code = c.BERT_EUNSUPPORTED


class LengthError(BertError, ValueError):
    """BERT_ERANGE: a text is too long, or a batch too large."""

    code = c.BERT_ERANGE


class LimitError(BertError):
    """BERT_ELIMIT: over a limit that the caller set."""

    code = c.BERT_ELIMIT


class BackendError(BertError):
    """BERT_EBACKEND: a compute backend failed or is missing."""

    code = c.BERT_EBACKEND


class CanceledError(BertError):
    """BERT_ECANCELED: the call was canceled."""

    code = c.BERT_ECANCELED


class DeadlineError(BertError, TimeoutError):
    """BERT_ETIMEDOUT: the time for the call was over."""

    code = c.BERT_ETIMEDOUT


class BusyError(BertError):
    """BERT_EBUSY: the queue is full, or the handle is in use."""

    code = c.BERT_EBUSY


class NonFiniteError(BertError, ValueError):
    """BERT_ENONFINITE: NaN or infinity, in weights or in numbers that were given."""

    code = c.BERT_ENONFINITE


class InternalError(BertError):
    """BERT_EINTERNAL: a defect of libbert; please report it."""

    code = c.BERT_EINTERNAL


CLASSES: dict[int, type[BertError]] = {
    kind.code: kind
    for kind in (
        InvalidArgumentError,
        OutOfMemoryError,
        FileError,
        FormatError,
        UnsupportedError,
        LengthError,
        LimitError,
        BackendError,
        CanceledError,
        DeadlineError,
        BusyError,
        NonFiniteError,
        InternalError,
    )
}
STATUS_NAMES = {
    getattr(c, name): name
    for name in dir(c)
    if name == "BERT_OK" or (name.startswith("BERT_E") and getattr(c, name) in CLASSES)
}
TEXT_INDEX = re.compile(r"text (\d+): ")


def make_error(code: int, message: str, index: int | None = None, shift: int = 0) -> BertError:
    """The exception for a status.

    shift: of a call over a part of the texts, the index of its first one; the message's own index
    is made that of all texts.
    """
    found = TEXT_INDEX.match(message)
    if found and index is None:
        index = int(found[1]) + shift
        message = f"text {index}: {message[found.end():]}"
    elif index is not None:
        message = f"text {index}: {message}"
    kind = CLASSES.get(code, BertError)
    if kind is FileError and "no such file" in message:
        kind = MissingFileError
    elif kind is FileError and "permission denied" in message:
        kind = ForbiddenFileError
    return kind(message, code, index)


def fail(code: int, error: Error, shift: int = 0) -> NoReturn:
    """Raise what a call's status and bert_error say."""
    raise make_error(code, error.message.decode("utf-8", "replace"), shift=shift)


def check(code: int, error: Error) -> None:
    """Raise unless the status is BERT_OK."""
    if code:
        fail(code, error)


def read_error(address: int) -> BertError | None:
    """The exception for a bert_error at an address (callbacks); None for NULL and BERT_OK."""
    if not address:
        return None
    error = Error.from_address(address)
    return make_error(error.code, error.message.decode("utf-8", "replace")) if error.code else None


def closed(what: str) -> ValueError:
    """For a handle that was closed."""
    return ValueError(f"this {what} is closed")
