# SPDX-License-Identifier: MIT
"""python -m libbert ARGUMENTS: the `bert` command that belongs to the library in use.

`embed --input-dir DIR --output-dir DIR`, which that command has not, is libbert.bulk.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import NoReturn

from ._lib import candidates

_FOLDERS = ("--input-dir", "--output-dir")  # libbert.bulk.arguments
_FOLDERS_HELP = """\
Folders of shards (.ndjson, .jsonl, .txt, .parquet), in runs that may be killed and go on:
  python -m libbert embed --input-dir DIR --output-dir DIR --model DIR [options]
which has options of its own:
  python -m libbert embed --input-dir DIR --help

All else is the command's:
"""


def find_command() -> str | None:
    """Where the command lies: bin/bert beside a package's lib/, or bert beside a build's out/; with
    the library of the system also the command of the system."""
    library = candidates()[0]
    if os.sep not in library:
        return shutil.which("bert")
    above = Path(library).resolve().parent.parent
    for command in (above / "bin" / "bert", above / "bert"):
        if command.is_file() and os.access(command, os.X_OK):
            return str(command)
    return None


def _names(words: list[str], *options: str) -> bool:
    """Whether one of the options is among the words, alone or with its value."""
    ours = words[: words.index("--")] if "--" in words else words
    return any(word.partition("=")[0] in options for word in ours)


def _embed(words: list[str]) -> None:
    """Embed folders, and exit; return where none are asked for."""
    if _names(words, *_FOLDERS):
        from .bulk import main as bulk

        sys.exit(bulk(words, embed=True))
    if _names(words, "-h", "--help"):
        print(_FOLDERS_HELP, flush=True)


def main() -> NoReturn:
    """Become the command: its input, output, signals and exit code are this process's."""
    if sys.argv[1:2] == ["embed"]:
        _embed(sys.argv[2:])
    command = find_command()
    if command is None:
        sys.exit(
            f"libbert: there is no bert command beside {candidates()[0]}; "
            "it is built where jansson is"
        )
    # Python ignores these, which the command would inherit.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execv(command, [command, *sys.argv[1:]])


if __name__ == "__main__":
    main()
