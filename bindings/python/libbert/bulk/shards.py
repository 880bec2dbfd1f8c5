# SPDX-License-Identifier: MIT
"""The shards of a folder, and the names of their results."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import input_error, shard_error, system, usage

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
            raise shard_error(self.path, system(error), "BERT_EIO") from None
        if (now.st_size, now.st_mtime_ns) != (self.size, self.mtime_ns):
            raise shard_error(self.path, "changed while the job was at work; the next run reads it")


def _suffix(name: str) -> str | None:
    """The longest suffix that names a kind."""
    lower = name.lower()
    fitting = [suffix for suffix in KINDS if lower.endswith(suffix) and len(name) > len(suffix)]
    return max(fitting, key=len) if fitting else None


def find_shards(folder: Path, output: Path) -> list[Shard]:
    """The shards in and below a folder, links to others followed, in the order of their names.

    Left out are names with a "." or "_" in front (what other programs put beside a data set), and
    files of other kinds.
    """
    if not folder.is_dir():
        raise input_error(folder, "not a folder" if folder.exists() else "no such folder",
                          "BERT_EIO")  # fmt: skip
    results = os.stat(output) if output.exists() else None
    found = [
        _shard(folder, path, suffix) for path, suffix in _files(folder, (), results)
    ]
    found.sort(key=lambda shard: shard.name)
    if not found:
        raise input_error(folder, f"no shards ({', '.join(KINDS)})", "BERT_EIO")
    _check_names(found)
    return found


def _files(
    folder: Path, above: tuple[os.stat_result, ...], results: os.stat_result | None
) -> Iterator[tuple[Path, str]]:
    """Shards' paths with their suffixes; `above` are the folders that lead here, lest a link to
    one of them go round for ever."""
    try:
        here = os.stat(folder)
        names = os.listdir(folder)
    except OSError as error:
        raise input_error(folder, system(error), "BERT_EIO") from None
    if results and os.path.samestat(here, results):
        raise usage(f"{folder}: a link to the folder of the results")
    if any(os.path.samestat(here, other) for other in above):
        return
    for name in names:
        path, suffix = folder / name, _suffix(name)
        if name[0] in "._":
            continue
        if path.is_dir():
            yield from _files(path, (*above, here), results)
        elif suffix:
            yield path, suffix


def _shard(folder: Path, path: Path, suffix: str) -> Shard:
    try:
        found = os.stat(path)
    except OSError as error:
        raise input_error(path, system(error), "BERT_EIO") from None
    if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
        raise input_error(path, "not a regular file", "BERT_EIO")
    name = path.relative_to(folder).as_posix()
    return Shard(
        path, name, name[: -len(suffix)], KINDS[suffix], found.st_size, found.st_mtime_ns
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
