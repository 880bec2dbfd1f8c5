# SPDX-License-Identifier: MIT
"""Jobs that are killed; as a program it runs and kills them in children of its own.

    python bulk_support.py random KILLS SEED  ARGUMENTS of libbert.bulk
    python bulk_support.py points             ARGUMENTS, with {} in the output folder's name

Runs are forked, so that a start costs next to nothing.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable

import libbert.bulk.run  # noqa: F401 - before the forks, not in each child
from libbert import bulk
from libbert.model import Model

# Calls after and before which a run may die: all that change the disk.
POINTS = ("fsync", "replace", "unlink", "pwrite", "ftruncate", "mkdir")


def tree(output: Path) -> dict[str, bytes]:
    """The files of a job by their names, without what is of one run."""
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def stamps(output: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of the files of finished shards."""
    record = output / "_job" / "done.ndjson"
    found: dict[str, tuple[int, int]] = {}
    lines = record.read_bytes().split(b"\n")[:-1] if record.exists() else []
    for line in lines:
        for name in json.loads(line)["files"]:
            stat = os.stat(output / name)
            found[name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def child(argv: list[str], before: Callable[[], None]) -> int:
    """Fork a run; its process."""
    pid = os.fork()
    if pid:
        return pid
    try:
        before()
        os._exit(bulk.main(argv))
    finally:
        os._exit(99)


def end(pid: int) -> int:
    """Exit status of a child, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def slowly(ready: int) -> None:
    """Tell of the first batch, and take 10 ms for each."""
    original = Model.embed_with_report

    def slow(*arguments: Any, **options: Any) -> Any:
        os.write(ready, b".")
        time.sleep(0.01)
        return original(*arguments, **options)

    Model.embed_with_report = slow  # type: ignore[method-assign]


def kill_at_random(kills: int, seed: int, argv: list[str], output: Path) -> dict[str, Any]:
    """Kill runs until there were so many kills, then let one end."""
    choose = random.Random(seed)
    known: dict[str, tuple[int, int]] = {}
    statuses, redone, steps = [], 0, []
    for number in range(kills):
        read, write = os.pipe()
        pid = child(argv, partial(slowly, write))
        os.close(write)
        if number % 4:  # else it may be before there is any work
            os.read(read, 1)
        time.sleep(choose.uniform(0, 0.1))
        os.kill(pid, signal.SIGKILL)
        statuses.append(end(pid))
        os.close(read)
        now = stamps(output)
        redone += sum(now[name] != stamp for name, stamp in known.items())
        known = now
        steps.append(len(known))
    last = end(child(argv, lambda: None))
    redone += sum(stamps(output)[name] != stamp for name, stamp in known.items())
    return {"statuses": statuses, "steps": steps, "last": last, "redone": redone}


class Counter:
    """Counts calls of os.*, and kills the process before or after call number `at`."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0

    def install(self) -> None:
        for name in POINTS:
            setattr(os, name, self._wrapped(getattr(os, name)))

    def _wrapped(self, original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            self._point()
            result = original(*arguments, **options)
            self._point()
            return result

        return call

    def _point(self) -> None:
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1


def kill_at_points(argv: list[str]) -> list[dict[str, Any]]:
    """For each point in turn: a run that dies there, and one that goes on; until one run ends
    before its point."""
    found: list[dict[str, Any]] = []
    while True:
        mine = [a.replace("{}", str(len(found))) for a in argv]
        first = end(child(mine, Counter(len(found)).install))
        second = end(child(mine, lambda: None))
        found.append({"first": first, "second": second})
        if first != -signal.SIGKILL:
            return found


def main(how: str, *arguments: str) -> None:
    if how == "random":
        kills, seed, *argv = arguments
        print(json.dumps(kill_at_random(int(kills), int(seed), argv, Path(argv[1]))))
    else:
        print(json.dumps(kill_at_points(list(arguments))))


if __name__ == "__main__":
    main(*sys.argv[1:])
