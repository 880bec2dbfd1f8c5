# SPDX-License-Identifier: MIT
"""What the tests of integrations share."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import pytest


def wanted() -> None:
    """Skip a module that was not asked for by tests/python/integrations.sh."""
    if not os.environ.get("BERT_TEST_INTEGRATIONS"):
        pytest.skip("BERT_TEST_INTEGRATIONS is not set", allow_module_level=True)


def report(line: str) -> None:
    """A line for tests/python/integrations.sh to print at the end."""
    with open(os.environ["BERT_TEST_INTEGRATIONS"], "a") as file:
        file.write(line + "\n")


def minilm() -> pathlib.Path:
    """all-MiniLM-L6-v2, or the test is skipped."""
    path = pathlib.Path(os.environ.get("BERT_TEST_MODEL", ""))
    if not (path / "config.json").is_file():
        pytest.skip(f"no model in {path}: sh examples/fetch-model.sh")
    return path


def data(name: str) -> pathlib.Path:
    """A file of BERT_SHARED_DATA, or the test is skipped."""
    path = pathlib.Path(os.environ.get("BERT_SHARED_DATA", ""), name)
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


class Backwards:
    """Has rank() as a CrossEncoder does: the last document is the best."""

    def rank(self, query: str, documents: Any, top_k: int | None = None) -> list[dict[str, Any]]:
        order = range(len(documents) - 1, -1, -1)
        return [{"corpus_id": i, "score": float(i)} for i in order][:top_k]
