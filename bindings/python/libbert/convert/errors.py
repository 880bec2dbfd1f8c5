# SPDX-License-Identifier: MIT
"""How a conversion fails: a path, what is wrong with it, and a status of libbert's."""

from __future__ import annotations

SHOWN = 80
"""Characters of a name from a file that a message shows."""

EXIT_OUTPUT = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_INTERRUPTED = 130


class ConvertError(Exception):
    """A refusal.  `str()` is `PATH: what is wrong; what to do [STATUS]`.

    `status` is the name that the C library has for such a failure, `exit_code` what the
    command ends with: 3 for what can't be read, 1 for what can't be written or came out wrong.
    """

    def __init__(
        self, path: object, message: str, status: str = "BERT_EFORMAT", exit_code: int = EXIT_INPUT
    ) -> None:
        super().__init__(f"{path}: {message} [{status}]")
        self.path = str(path)
        self.message = message
        self.status = status
        self.exit_code = exit_code


class Malformed(Exception):
    """What a reader finds in bytes whose path it doesn't know; the caller makes a ConvertError."""

    def __init__(self, message: str, status: str = "BERT_EFORMAT") -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def printable(name: str) -> str:
    """A name out of a file in quotes, cut, and without what would act on a terminal."""
    cut = name if len(name) <= SHOWN else name[: SHOWN - 3] + "..."
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut) + '"'


def os_error(path: object, error: OSError, exit_code: int = EXIT_INPUT) -> ConvertError:
    """The same for what the system says."""
    return ConvertError(path, error.strerror or str(error), "BERT_EIO", exit_code)
