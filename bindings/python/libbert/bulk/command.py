# SPDX-License-Identifier: MIT
"""The command: arguments in, messages and an exit status out."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .arguments import PROGRAM, Arguments, parse
from .errors import EXIT_INPUT, EXIT_INTERRUPTED, EXIT_OUTPUT, EXIT_ROWS, BulkError

NAMED = 20
"""Unreadable shards that are named."""


def _say(line: str) -> None:
    if sys.stderr is None:  # closed by who started us
        return
    try:
        print(f"{PROGRAM}: {line}", file=sys.stderr, flush=True)
    except OSError:  # nobody reads it; the exit status says the same
        pass


def _run(wanted: Arguments) -> int:
    from .run import run  # loads the library

    summary = run(wanted)
    if not wanted.quiet:
        _say(f"{wanted.output}: {summary.shards} shards, {summary.rows} rows")
    if summary.bad:
        _say(
            f"{summary.bad} of {summary.rows} rows have no vector; "
            f"{wanted.output / '_errors'} says why"
        )
    for message in summary.unread[:NAMED]:
        _say(message)
    if summary.unread:
        _say(f"{len(summary.unread)} shards could not be read; the next run tries them again")
        return EXIT_INPUT
    return EXIT_ROWS if summary.bad else 0


def main(argv: Sequence[str] | None = None, embed: bool = False) -> int:
    """Run the command with these arguments (None: the process's own); its exit status.

    `embed`: they are those of `python -m libbert embed --input-dir DIR --output-dir DIR`.
    """
    try:
        return _run(parse(argv, embed))
    except SystemExit as end:  # argparse, which has said what it had to
        return end.code if isinstance(end.code, int) else 0
    except BulkError as error:
        _say(str(error))
        return error.exit_code
    except MemoryError:
        _say("out of memory; a smaller --rows-per-batch needs less [BERT_ENOMEM]")
        return EXIT_OUTPUT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
