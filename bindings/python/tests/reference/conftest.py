# SPDX-License-Identifier: MIT
"""Folders with whole models for libraries that load from folders only."""

from __future__ import annotations

import os
import pathlib
import shutil

import pytest

MODELS = pathlib.Path(__file__).resolve().parents[4] / "tests" / "data" / "models"
made: dict[str, str] = {}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """folder("embed/base+prompts"): the files of embed/base, those of embed/prompts over them."""

    def make(name: str) -> str:
        if name == "MiniLM":
            path = os.environ.get("BERT_TEST_MODEL")
            if not path:
                pytest.skip("BERT_TEST_MODEL is not set")
            return path
        if name not in made:
            group, parts = name.split("/")
            target = tmp_path_factory.mktemp("model")
            for part in parts.split("+"):
                shutil.copytree(MODELS / group / part, target, dirs_exist_ok=True)
            made[name] = str(target)
        return made[name]

    return make
