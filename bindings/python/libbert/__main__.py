# SPDX-License-Identifier: MIT
"""python -m libbert ARGUMENTS: the `bert` command that belongs to the library in use."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import NoReturn

from ._lib import candidates


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


def main() -> NoReturn:
    """Become the command: its input, output, signals and exit code are this process's."""
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
