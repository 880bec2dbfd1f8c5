# SPDX-License-Identifier: MIT
"""python -m libbert is the bert command: its arguments, streams, exit codes and signals."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from conftest import MODELS

import libbert
from libbert import __main__ as command
from libbert._lib import SONAME

MODULE = [sys.executable, "-m", "libbert"]
MODEL = str(MODELS / "embed" / "base")

needs_command = pytest.mark.skipif(
    command.find_command() is None, reason="a build without the bert command (jansson)"
)


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MODULE, *words], capture_output=True, text=True, timeout=60, **options
    )


@needs_command
def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"bert {libbert.version()}\n")


@needs_command
def test_input_and_output_are_the_commands() -> None:
    direct = str(command.find_command())
    words = ["tokenize", "-m", MODEL]
    want = subprocess.run(
        [direct, *words], input="a cat on a mat\n", capture_output=True, text=True, check=True
    )
    done = run(*words, input="a cat on a mat\n")
    assert (done.returncode, done.stdout) == (0, want.stdout)
    assert "cat" in want.stdout


@needs_command
def test_errors_are_the_commands() -> None:
    done = run("fly")
    assert done.returncode == 2
    assert "has no command 'fly'" in done.stderr
    done = run("info", "-m", "/nowhere")
    assert done.returncode == 3
    assert "/nowhere: can't be opened" in done.stderr


@needs_command
def test_a_word_is_one_argument() -> None:
    done = run("tokenize", "-m", MODEL, "a cat  on\n'a' $HOME mat")
    assert done.returncode == 0
    assert run("no such command").stderr.count("'no such command'") == 1


def is_ready(process: subprocess.Popen[bytes]) -> bool:
    """Wait until the process is the command and has its handlers."""
    for _ in range(1200):
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        if status.startswith("Name:\tbert\n") and caught & (1 << (signal.SIGTERM - 1)):
            return True
        time.sleep(0.05)
    return False


@needs_command
def test_it_is_the_same_process() -> None:
    ends = []
    for start in ([str(command.find_command())], MODULE):
        process = subprocess.Popen(
            [*start, "tokenize", "-m", MODEL], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        assert is_ready(process)
        process.send_signal(signal.SIGTERM)
        ends.append(process.wait(60))
        if process.stdin is not None:
            process.stdin.close()
    assert ends[0] == ends[1]
    assert ends[0] == 128 + signal.SIGTERM


# ---- embed over folders ---------------------------------------------------------------------


def folders(at: pathlib.Path) -> list[str]:
    """The options for a folder with one shard, and for one that is not there yet."""
    shards = at / "in"
    shards.mkdir()
    (shards / "a.txt").write_text("a cat\non a mat\n")
    return [f"--input-dir={shards}", "--output-dir", str(at / "out")]


def test_embed_over_folders_is_the_bulk_job(tmp_path: pathlib.Path) -> None:
    words = folders(tmp_path)
    done = run("embed", *words, "-m", MODEL, "--precision", "fp32", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found = np.load(tmp_path / "out" / "a.npy")
    with libbert.Model(MODEL) as model:
        assert found.tobytes() == model.embed(["a cat", "on a mat"]).tobytes()
    again = run("embed", *words, "-m", MODEL)
    assert (again.returncode, again.stdout) == (0, "")
    assert "1 shards, 2 rows" in again.stderr
    refused = run("embed", *words, "-m", MODEL, "--normalize")
    assert refused.returncode == 3
    assert "--restart begins anew" in refused.stderr


def test_embed_needs_both_folders() -> None:
    for option, other in (("--input-dir", "--output-dir"), ("--output-dir", "--input-dir")):
        done = run("embed", option, "/nowhere", "-m", MODEL)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"required: {other}" in done.stderr
        assert "python -m libbert embed" in done.stderr


def test_help_of_embed_over_folders() -> None:
    done = run("embed", "--input-dir", "x", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: python -m libbert embed ")
    assert "--output-dir DIR" in done.stdout
    assert "INPUT_DIR" not in done.stdout


@needs_command
def test_help_of_embed_names_folders_and_goes_on() -> None:
    done = run("embed", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    ours, between, theirs = done.stdout.partition("Usage: bert embed ")
    assert between
    assert "--input-dir DIR --output-dir DIR" in ours
    assert "--pooling" in theirs
    assert "--input-dir" not in theirs


@needs_command
def test_embed_of_texts_is_the_commands() -> None:
    done = run("embed", "-m", MODEL, "--json", "--", "--input-dir")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith('{"index": 0, "embedding": [')


def place(folder: pathlib.Path, library: str, program: str, script: str = "") -> str:
    """Files with the names of a library and a command; the path of the former."""
    for name, mode in ((library, 0o644), (program, 0o755)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(mode)
    return str(folder / library)


def test_where_it_lies(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, library, program in (
        ("package", f"lib/{SONAME}", "bin/bert"),
        ("build", f"out/{SONAME}", "bert"),
    ):
        monkeypatch.setenv("LIBBERT_LIBRARY", place(tmp_path / name, library, program))
        assert command.find_command() == str(tmp_path / name / program)
    os.unlink(tmp_path / "build" / "bert")
    assert command.find_command() is None
    (tmp_path / "build" / "bert").mkdir()
    assert command.find_command() is None


def test_signals_that_python_ignores_are_not(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "grep SigIgn /proc/self/status; exit 5"
    library = place(tmp_path, f"out/{SONAME}", "bert", script)
    monkeypatch.setenv("LIBBERT_LIBRARY", library)
    done = run()
    assert done.returncode == 5
    ignored = int(done.stdout.split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))


def test_none_is_said(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = place(tmp_path, f"out/{SONAME}", "other")
    monkeypatch.setenv("LIBBERT_LIBRARY", library)
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert library in str(stopped.value)
    done = run("--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no bert command" in done.stderr


def test_that_of_the_system_goes_with_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "candidates", lambda: [SONAME])
    assert command.find_command() == shutil.which("bert")
