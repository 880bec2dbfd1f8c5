# SPDX-License-Identifier: MIT
"""What the tests share: the tiny models of the source tree, and what the reference says of them."""

from __future__ import annotations

import json
import pathlib
import struct
from typing import Any

import numpy as np
import pytest

import libbert

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data"
MODELS = DATA / "models"


def arrays(path: pathlib.Path) -> dict[str, Any]:
    """The named arrays of a file of tests/fixtures/arrays.py; bytes are bytes."""
    data = path.read_bytes()
    assert data[:8] == b"BERTARR1"
    (n,) = struct.unpack_from("<I", data, 8)
    at, found = 12, {}
    for _ in range(n):
        (size,) = struct.unpack_from("<I", data, at)
        name = data[at + 4:at + 4 + size].decode()
        at += 4 + size
        kind, rank = struct.unpack_from("<II", data, at)
        shape = struct.unpack_from(f"<{rank}I", data, at + 8)
        at += 8 + 4 * rank
        dtype = np.dtype(["<i4", "<f4", "<f8", "u1"][kind])
        count = int(np.prod(shape, dtype=np.int64))
        values = np.frombuffer(data, dtype, count, at).reshape(shape)
        found[name] = values.tobytes() if kind == 3 else values
        at += count * dtype.itemsize
    return found


def parts(found: dict[str, Any], name: str) -> list[str]:
    """Texts that are stored end to end."""
    ends = [0, *found[f"{name}_ends"].tolist()]
    joined = found[f"{name}s"]
    return [joined[a:b].decode() for a, b in zip(ends, ends[1:])]


def overlay(*folders: str, **options: Any) -> libbert.Model:
    """A model whose files lie in several folders; of those with one name the last counts."""
    files = {}
    for folder in folders:
        top = MODELS / folder
        for path in sorted(top.rglob("*")):
            if path.is_file() and path.name != "expected.bin":
                files[str(path.relative_to(top))] = path.read_bytes()
    return libbert.Model.from_files(files, **options)


def cases(task: str) -> list[dict[str, Any]]:
    """The cases that `bert` has to answer for a task model."""
    lines = (DATA / "cli" / "tasks" / f"{task}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def case(task: str, name: str) -> tuple[list[str], list[Any]]:
    """The input lines and the expected objects of one case."""
    (found,) = [c for c in cases(task) if c["name"] == name]
    return found["input"].split("\n")[:-1], found["expected"]


@pytest.fixture(scope="session")
def base() -> libbert.Model:
    """A tiny encoder with a tokenizer: 32 wide, two layers."""
    return libbert.Model(MODELS / "embed" / "base")


TEXTS = [
    "a cat on a mat",
    "",
    "Élan vital, naïve café 東京 ☃ zzz",
    "prices rose again in the last quarter , said the bank .",
    "x" * 300,
]
