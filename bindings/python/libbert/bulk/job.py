# SPDX-License-Identifier: MIT
"""What a job is and how far it got: OUTPUT_DIR/_job/job.json and done.ndjson.

job.json is written once, when the job begins: the options, the model and the shards.  done.ndjson
gets a line when all files of a shard are under their names, so that a shard without a line is one
that has to be done, whatever lies there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import input_error, output_error, system
from .files import remove, sync_folder, write_whole
from .shards import Shard

FORMAT = "libbert bulk job"
VERSION = 1
NAMED = 3
"""Shards that a message names."""


@dataclass(frozen=True)
class Done:
    """A finished shard: its rows, the bad ones of them, and the sizes of its files."""

    shard: str
    rows: int
    bad: int
    files: dict[str, int]


def describe(
    chosen: dict[str, Any], model: dict[str, Any], shards: list[Shard], outputs: list[str]
) -> dict[str, Any]:
    """What job.json says of a job; `outputs` are all files that it may write."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "options": chosen,
        "model": model,
        "shards": [
            {"name": s.name, "size": s.size, "mtime_ns": s.mtime_ns} for s in shards
        ],
        "outputs": outputs,
    }


def differences(
    old: dict[str, Any], new: dict[str, Any], done: Collection[str]
) -> list[str]:
    """What makes `new` another job than `old`; names of both.  Shards that are not done may
    change, go and come."""
    found = []
    for name, value in new["options"].items():
        if old["options"].get(name) != value:
            found.append(f"--{name} is {_shown(value)}, was {_shown(old['options'].get(name))}")
    for name, value in new["model"].items():
        if name != "path" and old["model"].get(name) != value:
            what = "the model's files differ" if name == "digest" else (
                f"{name} is {_shown(value)}, was {_shown(old['model'].get(name))}"
            )
            found.append(what)
    return found + _shard_differences(old["shards"], new["shards"], done)


def _shown(value: Any) -> str:
    return "not given" if value is None else json.dumps(value)


def _shard_differences(old: list[Any], new: list[Any], done: Collection[str]) -> list[str]:
    before = {shard["name"]: shard for shard in old if shard["name"] in done}
    now = {shard["name"]: shard for shard in new}
    kinds = {
        "changed": [n for n in now if n in before and now[n] != before[n]],
        "missing": [n for n in before if n not in now],
    }
    return [
        f"{kind}: {', '.join(names[:NAMED])}"
        + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        for kind, names in kinds.items()
        if names
    ]


class Job:
    """The state in an output folder whose lock the caller holds."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = output / "_job"
        self.temporary = self.folder / "tmp"
        self._description = self.folder / "job.json"
        self._record = self.folder / "done.ndjson"

    # ---- The description -------------------------------------------------------------

    def read(self) -> dict[str, Any] | None:
        """job.json; None if no job began here."""
        try:
            found = json.loads(self._description.read_bytes())
            if found["format"] != FORMAT or found["version"] != VERSION:
                raise ValueError(f"format {found['format']}, version {found['version']}")
            _check(found)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise output_error(self._description, system(error)) from None
        except (ValueError, KeyError, TypeError) as error:
            raise output_error(
                self._description,
                f"not a job of this release ({error}); remove it to begin anew",
                "BERT_EFORMAT",
            ) from None
        result: dict[str, Any] = found
        return result

    def go_on(
        self, old: dict[str, Any], new: dict[str, Any], done: Collection[str]
    ) -> None:
        """Refuse to go on with something else than what began; write down which shards there are
        now."""
        found = differences(old, new, done)
        if found:
            raise input_error(
                self.output,
                f"not what the job began with: {'; '.join(found)}; --restart begins anew",
                "BERT_EINVAL",
            )
        if old["shards"] != new["shards"]:
            known = set(old["outputs"])
            more = [name for name in new["outputs"] if name not in known]
            self.check_free(more)
            self.begin({**new, "outputs": old["outputs"] + more})

    def check_free(self, outputs: list[str]) -> None:
        """Refuse to overwrite what no job wrote."""
        for name in outputs:
            if os.path.lexists(self.output / name):
                raise output_error(
                    self.output / name,
                    "is there already and of no job; --restart overwrites it",
                    "BERT_EINVAL",
                )

    def begin(self, description: dict[str, Any]) -> None:
        """Write job.json."""
        data = json.dumps(description, indent=1).encode() + b"\n"
        self._make_temporary()
        write_whole(self.temporary / "job.json", self._description, data)

    def forget(self) -> None:
        """Take back all that is finished: first the record, then the files, so that a kill in
        between leaves a job of which nothing is done."""
        old = self.read()
        self._make_temporary()
        write_whole(self.temporary / "done.ndjson", self._record, b"")
        for name in old["outputs"] if old else []:
            remove(self.output / name)

    # ---- What is done ----------------------------------------------------------------

    def clean(self, outputs: list[str]) -> None:
        """Remove drafts of a killed run, and results that no line speaks of."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        self._make_temporary()
        for name in outputs:
            remove(self.output / name)

    def _make_temporary(self) -> None:
        try:
            self.temporary.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(self.temporary, system(error)) from None

    def done(self) -> dict[str, Done]:
        """The finished shards whose files are all there; a last line that was cut off is none."""
        try:
            data = self._record.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise output_error(self._record, system(error)) from None
        found: dict[str, Done] = {}
        for number, line in enumerate(data.split(b"\n")[:-1], 1):
            try:
                made = Done(**json.loads(line))
                if self._is_there(made):
                    found[made.shard] = made
            except (ValueError, TypeError, AttributeError):
                raise output_error(
                    f"{self._record}:{number}", "malformed; --restart begins anew", "BERT_EFORMAT"
                ) from None
        return found

    def _is_there(self, done: Done) -> bool:
        for name, size in done.files.items():
            try:
                if os.stat(self.output / name).st_size != size:
                    return False
            except OSError:
                return False
        return True

    def record(self, done: Done) -> None:
        """A shard is finished.  The line goes behind the last whole one."""
        line = json.dumps(done.__dict__, separators=(",", ":")).encode() + b"\n"
        try:
            fd = os.open(self._record, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                end = _whole_lines(fd)
                os.ftruncate(fd, end)
                written = os.pwrite(fd, line, end)
                if written != len(line):
                    raise OSError(0, "no room for a line")
                os.fsync(fd)
            finally:
                os.close(fd)
            sync_folder(self.folder)
        except OSError as error:
            raise output_error(self._record, system(error)) from None


def _check(found: Any) -> None:
    """The types that differences() stands on."""
    kinds = {"options": dict, "model": dict, "shards": list, "outputs": list}
    for name, kind in kinds.items():
        if not isinstance(found[name], kind):
            raise TypeError(f'"{name}" is no {kind.__name__}')
    for shard in found["shards"]:
        if not isinstance(shard["name"], str):
            raise TypeError("a shard's name is no string")
    for name in found["outputs"]:  # which are removed: nothing outside of the folder
        if os.path.isabs(name) or ".." in name.split("/"):
            raise ValueError(f"an output is {name}")


def _whole_lines(fd: int) -> int:
    """Where the last whole line ends."""
    end = os.fstat(fd).st_size
    while end:
        start = max(end - 4096, 0)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
