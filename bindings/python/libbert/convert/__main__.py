# SPDX-License-Identifier: MIT
"""The command `python -m libbert.convert`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .errors import EXIT_INTERRUPTED, EXIT_OUTPUT, ConvertError
from .run import DTYPES, REFERENCES, Options, convert

PROGRAM = "libbert.convert"

_ABOUT = """\
Convert a model directory's pickled weights (pytorch_model.bin, its shards, those of
sentence-transformers' modules, bge-m3's colbert_linear.pt and sparse_linear.pt) to safetensors.
Nothing in a pickle is run. The new file gets its name when it was read back, compared bit by bit,
and run by libbert and, where it is installed, beside transformers.
"""
_EXITS = """\
Exit status: 0 converted; 1 what was to be written could not be, is there already, or answers
otherwise than the reference; 2 usage; 3 the model can't be read or is refused; 130 interrupted.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        f"python -m {PROGRAM}",
        description=_ABOUT,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="the model's folder")
    parser.add_argument(
        "-f", "--force", action="store_true", help="convert anew where safetensors are there"
    )
    parser.add_argument(
        "--dtype", choices=DTYPES, help="type of all floating tensors (default: each one's own)"
    )
    parser.add_argument(
        "--reference",
        choices=REFERENCES,
        default="auto",
        help="compare hidden states with transformers': where it can be (auto, the default), "
        "else fail (require), never (off)",
    )
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="do all of it but keep nothing"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    parser.add_argument("-v", "--verbose", action="store_true", help="name tied tensors too")
    return parser


def _terminate(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _print(line: str) -> None:
    print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    parsed = _parser().parse_args(arguments)
    level = -1 if parsed.quiet else int(parsed.verbose)
    options = Options(
        force=parsed.force,
        dtype=parsed.dtype,
        reference=parsed.reference,
        dry_run=parsed.dry_run,
        log=lambda wanted, line: _print(line) if wanted <= level else None,
    )
    try:
        convert(parsed.directory, options)
    except ConvertError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return error.exit_code
    except MemoryError:
        print(f"{PROGRAM}: {parsed.directory}: out of memory [BERT_ENOMEM]", file=sys.stderr)
        return EXIT_OUTPUT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OUTPUT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
            signal.signal(number, _terminate)
    sys.exit(main())
