# SPDX-License-Identifier: MIT
"""An Embedder that tells what its workers do, and a job one of whose workers is killed."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import threading
import time
from typing import Any, Callable

import numpy as np
import pytest
from mapped import memory, pack, weights

import libbert
from libbert import batch
from libbert._batch_models import _models

ROWS, PART = 480, 20  # texts, and texts of a batch
SENTENCE = "the bank said prices rose again in a quiet quarter while ships waited at the port"


def wanted() -> None:
    """Skip a module that was not asked for by tests/python/engines.sh."""
    if not os.environ.get("BERT_TEST_ENGINES"):
        pytest.skip("BERT_TEST_ENGINES is not set", allow_module_level=True)


def texts() -> list[str]:
    """ROWS texts of 5 to 60 words."""
    rng = np.random.default_rng(7)
    words = SENTENCE.split()
    return [" ".join(rng.choice(words, rng.integers(5, 60))) + f" {i}" for i in range(ROWS)]


def packed(folder: pathlib.Path) -> pathlib.Path:
    """all-MiniLM-L6-v2 as one file."""
    path = folder / "minilm.bert"
    pack(os.environ["BERT_TEST_MODEL"], path)
    return path


def alone(path: pathlib.Path) -> Any:
    """The vectors of texts() as this process computes them, which has nothing mapped then."""
    with libbert.Model(path) as model:
        return model.embed(texts())


class Watched(batch.Embedder):
    """Leaves in a folder PID.busy while it computes and a line in PID.done for each batch."""

    def __init__(self, path: pathlib.Path, folder: pathlib.Path, **options: Any) -> None:
        super().__init__(path, **options)
        self.folder = str(folder)

    def added(self, data: Any, others: Any = None, variable: bool = False) -> Any:
        mark = pathlib.Path(self.folder, str(os.getpid()))
        busy = mark.with_suffix(".busy")
        busy.touch()
        made = super().added(data, others, variable)
        line = {"rows": len(data) if hasattr(data, "__len__") else data.num_rows,
                "models": len(_models), "weights": weights(self.path), "all": memory()}
        with mark.with_suffix(".done").open("a") as file:
            file.write(json.dumps(line) + "\n")
        busy.unlink()
        return made


class Killer:
    """Kills -9 a worker that is in the middle of a batch, once two have done some while each
    shared the weights with the other."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.killed = 0
        self.over = False
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.over and not self.killed:
            time.sleep(0.01)
            done = [p for p in self.folder.glob("*.done") if share(lines(p)) < 0.55]
            busy = [p for p in self.folder.glob("*.busy") if p.with_suffix(".done") in done]
            if len(done) < 2 or not busy:
                continue
            pid = int(busy[0].stem)
            os.kill(pid, signal.SIGSTOP)  # so that it is still in that batch when it dies
            if busy[0].exists():
                self.killed = pid
                os.kill(pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGCONT)

    def __enter__(self) -> Killer:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over = True
        self.thread.join()


def lines(path: pathlib.Path) -> list[dict[str, Any]]:
    """What a worker has told."""
    with contextlib.suppress(OSError):
        return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return []


def share(worker: list[dict[str, Any]]) -> float:
    """The least part of the weights that a worker had for its own, of what it had in memory."""
    return min((line["weights"][1] / line["weights"][0] for line in worker), default=1)


def check(name: str, folder: pathlib.Path, job: Callable[[], Any], want: Any) -> None:
    """Run a job, which gives [n, d] in the order of the texts, with a worker killed in its
    middle."""
    start = time.monotonic()
    with Killer(folder) as killer:
        got = job()
    seconds = time.monotonic() - start
    told = {int(path.stem): lines(path) for path in folder.glob("*.done")}
    shares = {pid: share(worker) for pid, worker in told.items()}
    assert sorted(shares.values())[1] < 0.55, f"two workers don't share their weights: {shares}"
    assert killer.killed, "the job was over before a worker could be killed"
    assert (folder / f"{killer.killed}.busy").exists()
    assert got.dtype == np.float32
    assert np.array_equal(got, want)
    assert all(line["models"] == 1 for worker in told.values() for line in worker)
    done = sum(line["rows"] for worker in told.values() for line in worker)
    # Of all the times that a worker looked at: when the other had the model in memory.
    best = {pid: min(worker, key=lambda line: line["weights"][1] / line["weights"][0])
            for pid, worker in told.items()}
    assert all(line["weights"][0] > 40_000 for line in best.values())
    report(
        f"{name}: {len(got)} texts in {seconds:.1f} s, {done} computed; worker {killer.killed} "
        f"killed, equal bits; " + "; ".join(
            f"{pid}: {len(told[pid])} batches, weights {line['weights'][0]} KiB of which "
            f"{line['weights'][1]} its share, all {line['all'][0]}, {line['all'][1]}"
            for pid, line in best.items())
    )


def report(line: str) -> None:
    """A line for tests/python/engines.sh to print at the end."""
    with open(os.environ["BERT_TEST_ENGINES"], "a") as file:
        file.write(line + "\n")
