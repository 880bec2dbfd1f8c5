# SPDX-License-Identifier: MIT
"""Topics, by scikit-learn's clusters."""

from __future__ import annotations

import csv
import time
from typing import Any

import integrated
import numpy as np
import pytest
from conftest import MODELS

import libbert
from libbert.integrations.topics import Topics

integrated.wanted()
pytest.importorskip("sklearn")
from sklearn.metrics import normalized_mutual_info_score  # noqa: E402

BASE = MODELS / "embed" / "base"


def groups() -> tuple[list[str], Any, Any]:
    """Texts of two topics, 30 and 20, whose vectors lie around two directions; and three strays."""
    rng = np.random.default_rng(5)
    texts = [f"the cat sat {i}" for i in range(30)] + [f"the bank paid {i}" for i in range(20)]
    middles = np.eye(2, 32)[[0] * 30 + [1] * 20]
    strays = -np.eye(2, 32).sum(0) + rng.normal(size=(3, 32)) * 0.02
    vectors = np.concatenate([middles + rng.normal(size=(50, 32)) * 0.02, strays])
    return [*texts, "x", "y", "z"], vectors, [0] * 30 + [1] * 20


def test_k_means(base: libbert.Model) -> None:
    texts, vectors, wanted = groups()
    made = Topics(base, 2, dimensions=4, words=3).fit(texts[:50], vectors[:50])
    assert made.labels.tolist() == wanted
    assert [(topic.number, topic.size) for topic in made.topics] == [(0, 30), (1, 20)]
    assert [{word for word, _ in topic.words[:2]} for topic in made.topics] == [
        {"cat", "sat"}, {"bank", "paid"},
    ]
    assert all(len(topic.words) == 3 for topic in made.topics)
    units = vectors[:30] / np.linalg.norm(vectors[:30], axis=1, keepdims=True)
    assert made.topics[0].example == texts[int(np.argmax(units @ units.mean(0)))]
    again = Topics(base, 2, dimensions=4)
    assert again.fit_transform(texts[:50], vectors[:50]).tolist() == wanted
    assert made.transform(texts[:50][::-1], vectors[:50][::-1]).tolist() == wanted[::-1]


def test_hdbscan(base: libbert.Model) -> None:
    texts, vectors, wanted = groups()
    made = Topics(base, dimensions=None).fit(texts, vectors)
    assert made.labels.tolist() == [*wanted, -1, -1, -1]
    # As many texts as make no topic.
    rng = np.random.default_rng(6)
    none = Topics(base, dimensions=None).fit(texts[:12], rng.normal(size=(12, 32)))
    assert none.topics == []
    with pytest.raises(ValueError, match="there are no topics"):
        none.transform(texts)


def test_stop_words(base: libbert.Model) -> None:
    made = Topics(base, 1, stop_words=["only"]).fit(["only", "only only"])
    assert [(topic.size, topic.words) for topic in made.topics] == [(2, [])]


def test_mistakes(base: libbert.Model) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"n_topics": 0}, "n_topics is 0"), ({"words": 0}, "words is 0"),
        ({"dimensions": -1}, "dimensions is -1"), ({"min_size": 1}, "min_size is 1"),
    ]
    for options, match in cases:
        with pytest.raises(ValueError, match=match):
            Topics(base, **options)
    with pytest.raises(ValueError, match="2 texts; at least 3"):
        Topics(base, 3).fit(["a", "b"])
    with pytest.raises(ValueError, match=r"vectors are of shape \(1, 2\); \(2, 32\)"):
        Topics(base, 2).fit(["a", "b"], np.zeros((1, 2)))


def test_banking77() -> None:
    """Questions of a bank's clients: are clusters the intents that people gave them?"""
    with integrated.data("eval/banking77-test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    start = time.monotonic()
    made = Topics(integrated.minilm(), 77, dimensions=64).fit([row["text"] for row in rows])
    seconds = time.monotonic() - start
    score = normalized_mutual_info_score([row["category"] for row in rows], made.labels)
    words = "; ".join(" ".join(w for w, _ in topic.words[:4]) for topic in made.topics[:3])
    integrated.report(
        f"topics: Banking77, {len(rows)} texts, 77 clusters in {seconds:.0f} s: normalised mutual "
        f"information with the intents {score:.3f}; the greatest are: {words}"
    )
    assert score > 0.75
