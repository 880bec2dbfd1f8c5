# SPDX-License-Identifier: MIT
"""Pipelines against what the reference's give for the same calls."""

from __future__ import annotations

import json
import pathlib
import warnings

import pytest
from conftest import MODELS
from pipeline_cases import CASES, answer, differences, folder, name

from libbert import pipeline

DATA = pathlib.Path(__file__).with_name("data")
WANTED = json.loads((DATA / "pipelines.json").read_text(encoding="utf-8"))


def test_every_case_has_an_answer() -> None:
    assert len(WANTED) == len(CASES)
    assert None not in WANTED


@pytest.mark.parametrize("i", range(len(CASES)), ids=name)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_case(i: int, tmp_path: pathlib.Path) -> None:
    found = answer(pipeline, CASES[i], folder(CASES[i], tmp_path))
    assert not differences(found, WANTED[i]), CASES[i]
