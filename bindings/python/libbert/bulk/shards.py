# SPDX-License-Identifier: MIT
"""The shards of a folder, and the names of their results."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .errors import input_error, system, usage

KINDS = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".txt": "txt",
    ".ndjson.gz": "ndjson",
    ".jsonl.gz": "ndjson",
    ".txt.gz": "txt",
    ".parquet": "parquet",
}


@dataclass(frozen=True)
class Shard:
    """One input file.

    Attributes:
        name: its path below the input folder.
        stem: the same without its suffix, of which the results' names are made.
        kind: "ndjson", "txt" or "parquet".
    """

    path: Path
    name: str
    stem: str
    kind: str
    size: int
    mtime_ns: int

    def outputs(self, form: str, ids: bool) -> dict[str, str]:
        """Paths of the results below the output folder, by what they are; in the order in which
        they get their names, the vectors last."""
        found = {"errors": f"_errors/{self.stem}.ndjson"}
        if ids and form == "npy":
            found["ids"] = f"{self.stem}.ids.ndjson"
        return {**found, "vectors": f"{self.stem}.{form}"}

    def check_unchanged(self) -> None:
        """Refuse a file that is not the one that was found any more."""
        try:
            now = os.stat(self.path)
        except OSError as error:
            raise input_error(self.path, system(error), "BERT_EIO") from None
        if (now.st_size, now.st_mtime_ns) != (self.size, self.mtime_ns):
            raise input_error(self.path, "changed while the job was at work; --restart begins anew")


def _suffix(name: str) -> str | None:
    """The longest suffix that names a kind."""
    lower = name.lower()
    fitting = [suffix for suffix in KINDS if lower.endswith(suffix) and len(name) > len(suffix)]
    return max(fitting, key=len) if fitting else None


def find_shards(folder: Path) -> list[Shard]:
    """The shards in and below a folder, in the order of their names.

    Left out are names with a "." or "_" in front (what other programs put beside a data set), and
    files of other kinds.
    """
    if not folder.is_dir():
        raise input_error(folder, "not a folder" if folder.exists() else "no such folder",
                          "BERT_EIO")  # fmt: skip
    found: list[Shard] = []

    def fail(error: OSError) -> None:
        raise input_error(error.filename, system(error), "BERT_EIO")

    for place, folders, files in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if name[0] not in "._"]
        for file in files:
            suffix = _suffix(file)
            if suffix and file[0] not in "._":
                found.append(_shard(folder, Path(place, file), suffix))
    found.sort(key=lambda shard: shard.name)
    if not found:
        raise input_error(folder, f"no shards ({', '.join(KINDS)})", "BERT_EIO")
    _check_names(found)
    return found


def _shard(folder: Path, path: Path, suffix: str) -> Shard:
    try:
        stat = os.stat(path)
    except OSError as error:
        raise input_error(path, system(error), "BERT_EIO") from None
    name = path.relative_to(folder).as_posix()
    return Shard(
        path, name, name[: -len(suffix)], KINDS[suffix], stat.st_size, stat.st_mtime_ns
    )


def _check_names(shards: list[Shard]) -> None:
    """No two shards with results of one name."""
    seen: dict[str, Shard] = {}
    for shard in shards:
        other = seen.setdefault(shard.stem, shard)
        if other is not shard:
            raise usage(
                f"{shard.path}: its results would have the names of {other.name}'s; "
                "rename one of them"
            )


def check_folders(given: Path, output: Path) -> None:
    """Results among the shards would be the next run's input."""
    source, target = given.resolve(), output.resolve()
    if source == target or source in target.parents or target in source.parents:
        raise usage(f"{output}: the folders of input and output must not hold one another")
