# SPDX-License-Identifier: MIT
"""A model directory to convert, and what a refusal must be like."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import pytest
import torch_files as t

from libbert.convert import ConvertError, Options, convert

PACKAGE = Path(__file__).resolve().parent.parent
OFF = Options(reference="off")


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name) / "model"
        self.tensors = t.write_model(self.dir)
        self.target = self.dir / "model.safetensors"

    def names(self) -> set[str]:
        return {str(path.relative_to(self.dir)) for path in self.dir.rglob("*") if path.is_file()}

    def check_tensors(self, path: Path, expected: dict[str, t.Array]) -> None:
        found = t.read_safetensors(path)
        assert set(found) == set(expected)
        for name, array in expected.items():
            assert found[name] == ("F32", list(array.shape), array.tobytes()), name

    def refused(self, message: str, status: str, code: int = 3, options: Options = OFF) -> None:
        before = {path: path.read_bytes() for path in self.dir.rglob("*") if path.is_file()}
        with pytest.raises(ConvertError) as caught:
            convert(self.dir, options)
        error = str(caught.value)
        assert message in error
        assert error.endswith(f"[{status}]"), error
        assert caught.value.exit_code == code
        after = {path: path.read_bytes() for path in self.dir.rglob("*") if path.is_file()}
        assert after == before, "a refusal changes nothing"
