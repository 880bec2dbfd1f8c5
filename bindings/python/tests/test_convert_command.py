# SPDX-License-Identifier: MIT
"""The comparison of outputs, with answers of the test's own, and the command."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch_files as t
from convert_support import OFF, Folder

from libbert.convert import ConvertError, Options, convert, outputs
from libbert.convert.__main__ import main


class Outputs(Folder):
    """The comparison itself, with answers of the test's own."""

    def answers(self, change: float = 0.0, by: str = "x 1") -> outputs.Answers:
        states = [np.full((2, 8), 0.5, "<f4"), np.full((7, 8), 0.25, "<f4")]
        states[1][3, 2] += change
        return outputs.Answers(by, states)

    def run_with(self, ours: Any, theirs: Any, **options: Any) -> None:
        with (
            mock.patch.object(outputs, "run_libbert", side_effect=ours),
            mock.patch.object(outputs, "run_transformers", side_effect=theirs),
        ):
            convert(self.dir, Options(**options))

    def test_differences(self) -> None:
        for change, fits in ((0.9e-4, True), (1.2e-4, False), (np.nan, False)):
            with contextlib.ExitStack() as stack:
                if not fits:
                    stack.enter_context(pytest.raises(ConvertError))
                self.run_with([self.answers(change)], [self.answers()], force=True)
        assert len(self.names()) == 3

    def test_a_difference_leaves_nothing(self) -> None:
        with pytest.raises(ConvertError, match=r"x 1 and y 2 differ by 0\.5") as caught:
            self.run_with([self.answers(0.5)], [self.answers(by="y 2")])
        assert caught.value.exit_code == 1
        assert self.names() == {"config.json", "pytorch_model.bin"}

    def test_a_reference_that_is_no_number(self) -> None:
        with pytest.raises(ConvertError, match="differ by nan"):
            self.run_with([self.answers()], [self.answers(np.nan)])

    def test_bound_grows_with_the_states(self) -> None:
        large = outputs.Answers("x", [np.full((2, 8), 100, "<f4")])
        other = outputs.Answers("y", [np.full((2, 8), 100.005, "<f4")])
        assert outputs.difference(large, other, self.dir) < 0.01

    def test_shapes(self) -> None:
        with pytest.raises(ConvertError, match=r"answers \[2, 8\], y \[3, 8\]"):
            outputs.difference(
                outputs.Answers("x", [np.zeros((2, 8))]),
                outputs.Answers("y", [np.zeros((3, 8))]),
                self.dir,
            )

    def test_nothing_to_compare_with(self) -> None:
        absent = outputs.Unavailable("not there")
        for ours, theirs in (([absent], []), ([self.answers()], [absent])):
            with pytest.raises(ConvertError, match="can't be compared: not there"):
                self.run_with(ours, theirs, reference="require")
            assert not self.target.exists()
            self.run_with(ours, theirs, reference="auto")
            self.target.unlink()
        self.run_with([self.answers()], [AssertionError("asked")], reference="off")

    def test_only_a_module_is_not_compared(self) -> None:
        convert(self.dir, OFF)
        weight = {"weight": np.ones((1, 8), "<f4"), "bias": np.ones(1, "<f4")}
        t.file_of(weight).save(self.dir / "sparse_linear.pt")
        self.run_with([self.answers()], [AssertionError("asked")], reference="require")

    def test_not_finite(self) -> None:
        with pytest.raises(ConvertError, match="not finite"):
            self.run_with([self.answers(np.inf)], [self.answers()])

    def test_stage_is_the_new_model(self) -> None:
        """What is run: links to everything, the drafts under the new names, no old weights."""
        (self.dir / "1_Pooling").mkdir()
        (self.dir / "model.safetensors.index.json").write_text("{}")
        seen: dict[str, bytes] = {}

        def look(folder: Path, ids: list[list[int]], _: Path) -> outputs.Answers:
            for path in folder.iterdir():
                seen[path.name] = b"" if path.is_dir() else path.read_bytes()
            assert [len(sequence) for sequence in ids] == [2, 7]
            assert all(0 < i < 12 for sequence in ids for i in sequence)
            return self.answers()

        self.run_with(look, [self.answers()], force=True)
        assert seen.pop("model.safetensors") == self.target.read_bytes()
        assert set(seen) == {"1_Pooling", "config.json", "pytorch_model.bin"}


class Command(Folder):
    def run_main(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main([*arguments, "--reference", "off"])
            except SystemExit as stop:
                code = int(stop.code or 0)
        return code, out.getvalue(), err.getvalue()

    def test_success(self) -> None:
        code, out, err = self.run_main(str(self.dir))
        assert (code, err) == (0, "")
        assert "read back and equal" in out
        assert "model.safetensors: in place" in out
        assert self.run_main("-q", "-f", str(self.dir)) == (0, "", "")

    def test_usage(self) -> None:
        for arguments in ([], [str(self.dir), "--dtype", "int8"], ["--nothing", str(self.dir)]):
            code, out, err = self.run_main(*arguments)
            assert (code, out) == (2, "")
            assert "usage:" in err
        assert self.run_main("--help")[0] == 0

    def test_messages(self) -> None:
        self.run_main(str(self.dir))
        code, out, err = self.run_main(str(self.dir))
        assert (code, out) == (1, "")
        expected = "it is there already; --force converts anew [BERT_EINVAL]"
        assert err == f"libbert.convert: {self.target}: {expected}\n"
        code, _, err = self.run_main(str(self.dir / "absent"))
        assert code == 3
        assert err.endswith("no such directory [BERT_EIO]\n"), err

    def test_a_hostile_file_runs_nothing(self) -> None:
        canary = self.dir / "pwned"
        body = b"cposix\nsystem\n(" + t.text(f"touch {canary}") + b"tR"
        t.write_zip(self.dir / "pytorch_model.bin", t.zip_entries(t.pickle_of(body), {}))
        code, out, err = self.run_main(str(self.dir))
        assert (code, out) == (3, "")
        assert '"posix.system"' in err
        assert not canary.exists()
