# SPDX-License-Identifier: MIT
"""scikit-learn: a step of a Pipeline, cloned, searched, pickled; Banking77."""

from __future__ import annotations

import csv
import pathlib
import pickle
import time
from typing import Any

import integrated
import numpy as np
import pytest
from conftest import MODELS, TEXTS

import libbert

integrated.wanted()
pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

from libbert.integrations.sklearn import TextEmbedder  # noqa: E402

BASE = MODELS / "embed" / "base"


def labelled(path: pathlib.Path) -> tuple[list[str], list[str]]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["category"] for row in rows]


def test_transform(base: libbert.Model) -> None:
    want = base.embed(TEXTS)
    step = TextEmbedder(BASE)
    for given in (TEXTS, np.array(TEXTS), np.array(TEXTS, object).reshape(-1, 1), tuple(TEXTS)):
        assert np.array_equal(step.transform(given), want)
    assert np.array_equal(step.fit_transform(TEXTS), want)
    assert step.transform([]).shape == (0, 32)
    assert step.get_feature_names_out().tolist()[:2] == ["libbert0", "libbert1"]
    loaded = step._vectors()
    assert step.transform(TEXTS) is not None
    assert step._vectors() is loaded
    step.set_params(truncate_dim=7, normalize=True)
    assert np.array_equal(
        step.transform(TEXTS), base.embed(TEXTS, dimensions=7, normalize=True)
    )


def test_tables(base: libbert.Model) -> None:
    pandas = pytest.importorskip("pandas")
    columns = {"text": TEXTS, "n": range(len(TEXTS))}
    table = pandas.DataFrame(columns, index=range(5, 5 + len(TEXTS)))
    want = base.embed(TEXTS)
    step = TextEmbedder(BASE)
    for given in (table["text"], table[["text"]], table["text"].astype("category")):
        assert np.array_equal(step.transform(given), want)
    for column in ("text", ["text"]):
        chosen = ColumnTransformer([("vector", step, column)])
        assert np.array_equal(chosen.fit_transform(table), want)
    step.set_output(transform="pandas")
    frame: Any = step.transform(table[["text"]])
    assert frame.index.tolist() == table.index.tolist()
    with pytest.raises(ValueError, match=r"X has the shape \(\d+, 2\)"):
        step.transform(table)


def test_prompt(base: libbert.Model) -> None:
    model = libbert.SentenceTransformer(base, prompts={"query": "a cat ", "document": "the bank "})
    for role, prompt in (("query", "a cat "), ("document", "the bank ")):
        step = TextEmbedder(model, role=role)
        assert np.array_equal(step.transform(TEXTS), base.embed(TEXTS, prompt=prompt))


def test_clone_and_pickle() -> None:
    step = TextEmbedder(BASE, normalize=True)
    want = step.transform(TEXTS)
    for copy in (clone(step), pickle.loads(pickle.dumps(step))):
        assert not hasattr(copy, "_kept")
        assert copy.get_params() == step.get_params()
        assert np.array_equal(copy.transform(TEXTS), want)
    model = libbert.Model(BASE)
    assert clone(TextEmbedder(model)).model is model


def test_pipeline() -> None:
    texts = ["a cat", "the cat on a mat", "cats", "the bank", "prices rose", "bank prices"] * 4
    labels = [0, 0, 0, 1, 1, 1] * 4
    pipe = make_pipeline(TextEmbedder(libbert.Model(BASE)), LogisticRegression(C=100))
    assert pipe.fit(texts, labels).score(texts, labels) == 1
    search = GridSearchCV(pipe, {"textembedder__truncate_dim": [2, 32]}, cv=3)
    assert search.fit(texts, labels).best_params_["textembedder__truncate_dim"] in (2, 32)


def test_mistakes() -> None:
    cases: list[tuple[Any, Any, Any, str]] = [
        (TextEmbedder(BASE, role="both"), TEXTS, ValueError, "role is 'both'"),
        (TextEmbedder(BASE), np.zeros((2, 2)), ValueError, r"X has the shape \(2, 2\)"),
        (TextEmbedder(BASE), "one text", TypeError, "texts is one text"),
        (TextEmbedder(BASE), ["a", None], TypeError, r"inputs\[1\]"),
        (TextEmbedder(), TEXTS, ValueError, "model_name_or_path is None"),
        (TextEmbedder(MODELS / "none"), TEXTS, libbert.MissingFileError, "none"),
    ]
    for step, given, error, match in cases:
        with pytest.raises(error, match=match):
            step.transform(given)


def test_banking77() -> None:
    """10,003 questions of a bank's clients, 77 intents; 3,080 to be told."""
    texts, labels = labelled(integrated.data("eval/banking77-train.csv"))
    others, wanted = labelled(integrated.data("eval/banking77-test.csv"))
    pipe = make_pipeline(
        TextEmbedder(integrated.minilm()), LogisticRegression(C=10, max_iter=1000)
    )
    start = time.monotonic()
    pipe.fit(texts, labels)
    fitted = time.monotonic()
    accuracy = pipe.score(others, wanted)
    integrated.report(
        f"sklearn: Banking77, {len(texts)} texts to learn from in {fitted - start:.0f} s, "
        f"{len(others)} told in {time.monotonic() - fitted:.0f} s: accuracy {accuracy:.4f}"
    )
    assert accuracy > 0.9
