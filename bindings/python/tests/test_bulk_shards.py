# SPDX-License-Identifier: MIT
"""The bulk job: shards that change, go and come, can't be read, or are links."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bulk_bench import MODEL, Bench, expected, refused
from bulk_support import tree
from conftest import TEXTS

import libbert


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


def test_changed_input(bench: Bench) -> None:
    path = bench.texts("a.ndjson", TEXTS)
    other = bench.texts("b.ndjson", TEXTS)
    assert bench.run()[0] == 0
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert "began with: changed: a.ndjson;" in refused(bench)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert bench.run()[0] == 0
    other.unlink()
    assert "missing: b.ndjson" in refused(bench)
    assert bench.run("--restart")[0] == 0
    assert sorted(tree(bench.output)) == ["_job/done.ndjson", "_job/job.json", "a.npy"]


def test_shards_that_are_not_done_may_change(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    broken = bench.shards / "b.ndjson.gz"
    broken.write_bytes(gzip.compress(b'{"text": "a"}\n')[:-5])
    gone = bench.write("c.ndjson", [{}])
    assert bench.run("--errors", "stop")[0] == 3
    kept = (bench.output / "a.npy").stat()
    broken.write_bytes(gzip.compress(b'{"text": "a"}\n'))
    gone.unlink()
    bench.texts("d.ndjson", ["b"])
    assert bench.run() == (0, f"libbert.bulk: {bench.output}: 3 shards, {len(TEXTS) + 2} rows\n")
    assert (bench.output / "a.npy").stat() == kept
    assert bench.vectors("b.npy").tobytes() == expected(["a"]).tobytes()
    assert bench.vectors("d.npy").tobytes() == expected(["b"]).tobytes()
    # What came later is the job's as well, and what lay there before is still nobody's.
    bench.texts("e.ndjson", ["b"])
    (bench.output / "e.npy").write_bytes(b"precious")
    code, err = bench.run()
    assert (code, "e.npy: is there already and of no job" in err) == (1, True)
    (bench.output / "e.npy").unlink()
    assert bench.run()[0] == 0
    assert bench.run("--restart")[0] == 0
    names = ["a.npy", "b.npy", "d.npy", "e.npy"]
    assert sorted(tree(bench.output)) == ["_job/done.ndjson", "_job/job.json", *names]


def test_shards_that_can_not_be_read(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    for name in ("b.ndjson.gz", "c.ndjson.gz"):
        (bench.shards / name).write_bytes(b"no gzip")
    bench.texts("d.ndjson", TEXTS)
    code, err = bench.run()
    assert code == 3
    lines = err.splitlines()
    assert f"{bench.shards / 'b.ndjson.gz'}: malformed gzip data" in lines[1]
    assert f"{bench.shards / 'c.ndjson.gz'}: malformed gzip data" in lines[2]
    assert lines[3] == (
        "libbert.bulk: 2 shards could not be read; the next run tries them again"
    )
    assert len(lines) == 4
    names = ["_job/done.ndjson", "_job/job.json", "a.npy", "d.npy"]
    assert sorted(tree(bench.output)) == names
    code, err = bench.run("--errors", "stop")
    assert code == 3
    assert len(err.splitlines()) == 1


def test_links(bench: Bench, tmp_path: Path) -> None:
    bench.texts("a/a.ndjson", TEXTS)
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.txt").write_text("a cat\n")
    (other / "round").symlink_to(bench.shards)
    (bench.shards / "there").symlink_to(other)
    (bench.shards / "c.txt").symlink_to(other / "b.txt")
    assert bench.run()[0] == 0
    names = ["_job/done.ndjson", "_job/job.json", "a/a.npy", "c.npy", "there/b.npy"]
    assert sorted(tree(bench.output)) == names
    (bench.shards / "out").symlink_to(bench.output)
    code, err = bench.run()
    assert code == 2
    assert "a link to the folder of the results" in err


def test_what_is_no_file(bench: Bench) -> None:
    bench.texts("b.ndjson", TEXTS)
    os.mkfifo(bench.shards / "a.ndjson")
    code, err = bench.run()
    assert code == 3
    assert f"{bench.shards / 'a.ndjson'}: not a regular file [BERT_EIO]" in err


@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
def test_nobody_reads_the_progress(bench: Bench, stderr: str) -> None:
    bench.texts("a.ndjson", TEXTS)
    command = 'exec "$0" -m libbert.bulk "$@" --progress --rows-per-batch 1 '
    subprocess.run(
        ["sh", "-c", command + stderr, sys.executable, bench.shards, bench.output,
         "--model", MODEL],
        check=True, timeout=120,
    )  # fmt: skip
    assert len(bench.vectors("a.npy")) == len(TEXTS)


def test_changed_while_at_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bench.texts("a.ndjson", TEXTS)
    original = libbert.Model.embed_with_report

    def changing(*arguments: Any, **options: Any) -> Any:
        with open(path, "a") as file:
            file.write("\n")
        return original(*arguments, **options)

    monkeypatch.setattr(libbert.Model, "embed_with_report", changing)
    code, err = bench.run()
    assert code == 3
    assert f"{path}: changed while the job was at work" in err
    assert not (bench.output / "a.npy").exists()
