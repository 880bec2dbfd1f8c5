# SPDX-License-Identifier: MIT
"""Bulk jobs that are killed: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bulk_support import tree
from conftest import MODELS

import libbert
from libbert.bulk import main

MODEL = MODELS / "embed" / "base"
PACKAGE = Path(libbert.__file__).parents[1]
WORDS = ["a", "cat", "on", "the", "mat", "prices", "rose", "said", "bank", "café", "東京"]


# They are about the disk, not about memory, and take hundreds of starts.
pytestmark = pytest.mark.skipif("BERT_TEST_SANITIZED" in os.environ, reason="too slow")


def program(*arguments: object) -> list[str]:
    return [sys.executable, *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PACKAGE)}


def kill(*arguments: object) -> Any:
    """What bulk_support.py says of its kills."""
    support = Path(__file__).with_name("bulk_support.py")
    done = subprocess.run(
        program(support, *arguments), env=environment(), stdout=subprocess.PIPE, timeout=300,
        check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def write_shards(folder: Path, shards: int, most: int) -> int:
    """NDJSON of random texts, with a bad row here and there; how many rows."""
    choose, total = random.Random(7), 0
    folder.mkdir()
    for k in range(shards):
        lines = []
        for i in range(choose.randint(0, most)):
            text = " ".join(choose.choices(WORDS, k=choose.randint(0, 20)))
            lines.append(json.dumps({"id": f"{k}/{i}", "text": None if i % 11 == 10 else text}))
        (folder / f"{k:03d}.ndjson").write_text("".join(f"{line}\n" for line in lines))
        total += len(lines)
    return total


def check_whole(folder: Path, output: Path, rows: int) -> None:
    """Each row is there once: its id and the vector that Model.embed() gives."""
    texts, ids = [], []
    for path in sorted(folder.iterdir()):
        for line in path.read_text().splitlines():
            texts.append(json.loads(line)["text"])
            ids.append(json.loads(line)["id"])
    assert len(ids) == rows
    with libbert.Model(MODEL) as model:
        good = [i for i, text in enumerate(texts) if text is not None]
        expected = np.zeros((rows, model.embedding_size), np.float32)
        expected[good] = model.embed([texts[i] for i in good])
    names = [path.stem for path in sorted(folder.iterdir())]
    found = np.concatenate([np.load(output / f"{name}.npy") for name in names])
    assert found.tobytes() == expected.tobytes()
    lines = "".join((output / f"{name}.ids.ndjson").read_text() for name in names).splitlines()
    assert [json.loads(line) for line in lines] == ids


def test_20_kills_at_random(tmp_path: Path) -> None:
    rows = write_shards(tmp_path / "in", 100, 60)
    options = ["--model", MODEL, "--id-column", "id", "--rows-per-batch", 16, "--quiet"]
    assert main([str(tmp_path / "in"), str(tmp_path / "whole"), *map(str, options)]) == 1
    seed = random.SystemRandom().randrange(1 << 30)
    print("seed", seed)
    found = kill("random", 20, seed, tmp_path / "in", tmp_path / "out", *options)
    assert found["statuses"] == [-signal.SIGKILL] * 20
    assert found["steps"][-1] > 0  # kills fell into the work
    assert found["redone"] == 0
    assert found["last"] == 1
    whole, mended = tree(tmp_path / "whole"), tree(tmp_path / "out")
    assert whole == mended  # done.ndjson too: a line for each shard
    check_whole(tmp_path / "in", tmp_path / "out", rows)


def test_kills_at_every_change_of_the_disk(tmp_path: Path) -> None:
    rows = write_shards(tmp_path / "in", 2, 60)
    options = ["--model", MODEL, "--id-column", "id", "--quiet"]
    assert main([str(tmp_path / "in"), str(tmp_path / "whole"), *map(str, options)]) == 1
    found = kill("points", tmp_path / "in", tmp_path / "out{}", *options)
    assert len(found) > 40
    assert {run["first"] for run in found[:-1]} == {-signal.SIGKILL}
    assert found[-1]["first"] == 1
    assert {run["second"] for run in found} == {1}
    whole = tree(tmp_path / "whole")
    for i in range(len(found)):
        assert tree(tmp_path / f"out{i}") == whole, f"killed at point {i}"
    check_whole(tmp_path / "in", tmp_path / "out0", rows)


def test_kills_of_a_restart(tmp_path: Path) -> None:
    """A killed --restart can be given again, and leaves nothing of the job before."""
    write_shards(tmp_path / "in", 1, 60)
    begin = [str(tmp_path / "in"), "", "--model", str(MODEL), "--quiet"]
    begin[1] = str(tmp_path / "whole")
    assert main([*begin, "--dimensions", "5"]) == 1
    whole = tree(tmp_path / "whole")
    begin[1] = str(tmp_path / "old")
    assert main([*begin, "--id-column", "id"]) == 1
    for i in range(100):
        shutil.copytree(tmp_path / "old", tmp_path / f"out{i}")
    begin[1] = str(tmp_path / "out{}")
    found = kill("points", *begin, "--dimensions", "5", "--restart")
    assert 40 < len(found) <= 100
    assert {run["second"] for run in found} == {1}
    for i in range(len(found)):
        assert tree(tmp_path / f"out{i}") == whole, f"killed at point {i}"


def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C: 130, no draft, and the next run goes on."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a cat on the mat\n")
    (tmp_path / "in" / "b.txt").write_text("prices rose again in the bank\n" * 200_000)
    command = program("-m", "libbert.bulk", tmp_path / "in", tmp_path / "out", "-m", MODEL)
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE) as run:
        until = time.monotonic() + 60
        while not (tmp_path / "out" / "a.npy").exists():
            assert run.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 130
    names = sorted(tree(tmp_path / "out"))
    assert names == ["_job/done.ndjson", "_job/job.json", "a.npy"]


def test_a_record_that_was_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shards(tmp_path / "in", 3, 60)
    argv = [str(tmp_path / "in"), str(tmp_path / "out"), "--model", str(MODEL)]
    assert main(argv) == 1
    whole, record = tree(tmp_path / "out"), tmp_path / "out" / "_job" / "done.ndjson"
    data = record.read_bytes()
    lines = data.splitlines(keepends=True)
    for cut in range(len(data) - len(lines[2]), len(data)):
        record.write_bytes(data[:cut])
        (tmp_path / "out" / "002.npy").write_bytes(b"half")
        assert main(argv) == 1
        assert tree(tmp_path / "out") == whole
    record.write_bytes(lines[0] + b"{]\n" + lines[2])
    capsys.readouterr()
    assert main(argv) == 1
    assert f"{record}:2: malformed" in capsys.readouterr().err
    assert main([*argv, "--restart"]) == 1
    assert tree(tmp_path / "out") == whole


def test_results_that_are_gone_are_made_anew(tmp_path: Path) -> None:
    write_shards(tmp_path / "in", 3, 60)
    argv = [str(tmp_path / "in"), str(tmp_path / "out"), "--model", str(MODEL)]
    assert main(argv) == 1
    whole = tree(tmp_path / "out")
    (tmp_path / "out" / "001.npy").unlink()
    with open(tmp_path / "out" / "002.npy", "r+b") as file:
        file.truncate(100)
    assert main(argv) == 1
    again = tree(tmp_path / "out")
    assert whole.pop("_job/done.ndjson") != again.pop("_job/done.ndjson")
    assert again == whole
