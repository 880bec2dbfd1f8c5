# SPDX-License-Identifier: MIT
"""A folder of shards for the bulk job, and what its command says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bulk_support import tree
from conftest import MODELS

import libbert
from libbert.bulk import main

MODEL = MODELS / "embed" / "base"


class Bench:
    """A folder of shards, a folder of results, and what the command says."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.shards = folder / "in"
        self.output = folder / "out"
        self.shards.mkdir()
        self._capsys = capsys

    def write(self, name: str, rows: list[Any]) -> Path:
        """A shard of JSON values."""
        path = self.shards / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def texts(self, name: str, texts: list[str]) -> Path:
        return self.write(name, [{"text": text} for text in texts])

    def run(self, *options: object, model: object = MODEL) -> tuple[int, str]:
        """Exit status and standard error; standard output stays empty."""
        begin = [str(self.shards), str(self.output), "--model", str(model)]
        code = main([*begin, *map(str, options)])
        out, err = self._capsys.readouterr()
        assert out == ""
        return code, err

    def vectors(self, name: str) -> Any:
        return np.load(self.output / name)

    def errors(self, name: str) -> list[Any]:
        text = (self.output / "_errors" / name).read_text()
        return [json.loads(line) for line in text.splitlines()]


def expected(texts: Any, model: Path = MODEL, **options: Any) -> Any:
    with libbert.Model(model) as loaded:
        return loaded.embed(texts, **options)


def refused(bench: Bench, *options: object, model: object = MODEL) -> str:
    """The message of a run that must leave everything as it is."""
    before = tree(bench.output)
    code, err = bench.run(*options, model=model)
    assert code == 3
    assert tree(bench.output) == before
    return err
