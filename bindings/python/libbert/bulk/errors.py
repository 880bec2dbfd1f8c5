# SPDX-License-Identifier: MIT
"""How a job fails, and what is wrong with a row."""

from __future__ import annotations

from typing import NamedTuple

EXIT_ROWS = 1
EXIT_OUTPUT = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_INTERRUPTED = 130


class BulkError(Exception):
    """The job stops.  `str()` is `PATH: what is wrong; what to do [STATUS]`."""

    def __init__(self, message: str, status: str, exit_code: int) -> None:
        super().__init__(f"{message} [{status}]")
        self.exit_code = exit_code


class ShardError(BulkError):
    """A shard that can't be read; others may be."""


class BadRow(NamedTuple):
    """Why a row has no vector; the message never holds the text."""

    code: str
    message: str


def usage(message: str) -> BulkError:
    return BulkError(message, "BERT_EINVAL", EXIT_USAGE)


def input_error(path: object, message: str, status: str = "BERT_EFORMAT") -> BulkError:
    return BulkError(f"{path}: {message}", status, EXIT_INPUT)


def shard_error(path: object, message: str, status: str = "BERT_EFORMAT") -> ShardError:
    return ShardError(f"{path}: {message}", status, EXIT_INPUT)


def output_error(path: object, message: str, status: str = "BERT_EIO") -> BulkError:
    return BulkError(f"{path}: {message}", status, EXIT_OUTPUT)


def system(error: OSError) -> str:
    """What the system says of a failure."""
    return error.strerror or str(error)
