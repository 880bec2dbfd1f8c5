# SPDX-License-Identifier: MIT
"""examples/python/tour.py, on tiny models: what it says, draws and colours."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import pty
import re
import runpy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, ROOT

import libbert

TOUR = ROOT / "examples" / "python" / "tour.py"
MODEL, TAGGER = MODELS / "embed" / "base", MODELS / "task" / "tag"
PLOTS = ["attention", "clusters", "entities", "relevance", "search", "similarity", "time"]
PNG = b"\x89PNG\r\n\x1a\n"
MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None

pytestmark = pytest.mark.skipif(not TOUR.is_file(), reason="no examples: not a checkout")


def words(out: pathlib.Path, **others: object) -> list[str]:
    """The command line, with other options than the tests' own."""
    options = {"model": MODEL, "tagger": TAGGER, "out": out, **others}
    return [str(TOUR), *(f"--{name}={value}" for name, value in options.items() if value)]


@pytest.fixture(scope="module")
def without_matplotlib(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment where it can't be imported."""
    folder = tmp_path_factory.mktemp("without")
    (folder / "matplotlib.py").write_text("raise ImportError('hidden')\n")
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


def run(line: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *line], capture_output=True, text=True, timeout=300, env=environment
    )


@pytest.mark.skipif(not MATPLOTLIB, reason="no matplotlib")
def test_plots(tmp_path: pathlib.Path) -> None:
    done = run(words(tmp_path / "new" / "plots"), {**os.environ, "MPLCONFIGDIR": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
    files = sorted((tmp_path / "new" / "plots").iterdir())
    assert [f.name for f in files] == [f"{name}.png" for name in PLOTS]
    for file in files:
        data = file.read_bytes()
        assert data[:8] == PNG
        width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
        assert 600 < width < 3000
        assert 200 < height < 2000
        assert f"plot: {file}" in done.stdout


@pytest.fixture
def toured(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, Any], str]:
    """The names that a tour without plots leaves, and what it said."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(sys, "argv", words(tmp_path / "out", query="a cat on a mat"))
    names = runpy.run_path(str(TOUR), run_name="__main__")
    assert not (tmp_path / "out").exists()
    return names, capsys.readouterr().out


def test_what_it_says_is_what_the_library_says(toured: tuple[dict[str, Any], str]) -> None:
    names, said = toured
    assert "no plots: matplotlib is not installed" in said
    lines = (ROOT / "examples" / "collection.txt").read_text("utf-8").splitlines()
    with libbert.Model(MODEL) as model, libbert.Model(TAGGER) as tagger:
        scores = model.embed(lines, normalize=True) @ model.embed("a cat on a mat", normalize=True)
        assert f"? a cat on a mat\n  {scores.max():5.2f}  {lines[int(scores.argmax())]}\n" in said
        for note in names["notes"]:
            (entities,) = tagger.tag([note])
            assert entities
            shown = [f"[{e.text}]{e.label}" for e in entities]
            (line,) = [x for x in said.splitlines() if re.sub(r"\[(.*?)\](PER|LOC|ORG)", r"\1", x)
                == f"  {note}"]  # fmt: skip
            assert re.findall(r"\[.*?\][A-Z]+", line) == shown
        relevance = model.explain(names["sentence"])
    assert names["share"].sum() == pytest.approx(1)
    inner = relevance.sequences >= 0
    assert np.argmax(names["share"]) == np.argmax(np.where(inner, relevance.scores, 0))
    assert names["layers"].sum(-1) == pytest.approx(1, abs=1e-5)


def test_clusters_hold_what_is_near(toured: tuple[dict[str, Any], str]) -> None:
    names, _ = toured
    generator = np.random.default_rng(1)
    middles = np.eye(3, 8)
    truth = np.repeat([0, 1, 2], 12)
    points = middles[truth] + generator.normal(0, 0.1, (36, 8))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    found, centres = names["k_means"](points, 3)
    assert len(set(zip(truth.tolist(), found.tolist()))) == 3
    assert np.abs(np.sort(centres @ middles.T, axis=1)[:, -1]).min() > 0.95
    places = names["t_sne"](points)
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(far, np.inf)
    assert (truth[far.argmin(1)] == truth).all()


def test_times_are_of_all_precisions(toured: tuple[dict[str, Any], str]) -> None:
    names, said = toured
    timings = names["timings"]
    assert {t.precision for t in timings} == {"fp32", "bf16", "int8"}
    assert all(t.tokenizer > 0 and t.encoder > 0 for t in timings)
    metrics = names["metrics"]
    assert metrics.tokens == 3 * 8 * sum(
        max(1, 512 // n) * n for n in names["lengths"]
    )  # each text of exactly so many, none computed once for two
    assert f"{metrics.texts:,} texts, {metrics.tokens:,} tokens" in said


def on_terminal(line: list[str], environment: dict[str, str]) -> str:
    """What a run says on a terminal."""
    ours, its = pty.openpty()
    process = subprocess.Popen([sys.executable, *line], stdout=its, env=environment)
    os.close(its)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux: the other side is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert process.wait(300) == 0
    return said.decode()


def test_colours_are_for_terminals(
    tmp_path: pathlib.Path, without_matplotlib: dict[str, str]
) -> None:
    line = words(tmp_path)
    environment = {k: v for k, v in without_matplotlib.items() if k != "NO_COLOR"}
    coloured = "\x1b\\[48;2;.*?m\x1b\\[38;2;.*?m .* PER \x1b\\[0m"
    assert re.search(coloured, on_terminal(line, environment))
    assert "\x1b" not in on_terminal(line, {**environment, "NO_COLOR": "1"})
    done = run(line, environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout


def test_without_a_tagger_it_says_so(
    tmp_path: pathlib.Path, without_matplotlib: dict[str, str]
) -> None:
    if (ROOT / "models" / "entities").is_dir():
        pytest.skip("models/entities is there")
    done = run(words(tmp_path, tagger=None), without_matplotlib)
    assert done.returncode == 0
    assert "models/entities is not there (make task-models makes it" in done.stdout


def test_what_is_missing_is_named(
    tmp_path: pathlib.Path, without_matplotlib: dict[str, str]
) -> None:
    (tmp_path / "few.txt").write_text("a cat\n\non a mat\n")
    for options, said in (
        ({"model": "/nowhere"}, "/nowhere: can't be opened"),
        ({"model": "/nowhere"}, "sh examples/fetch-model.sh gets a model"),
        ({"tagger": "/nothere"}, "--tagger DIR names another"),
        ({"collection": tmp_path / "few.txt"}, "few.txt: 2 lines; the tour needs 10"),
    ):
        done = run(words(tmp_path, **options), without_matplotlib)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
