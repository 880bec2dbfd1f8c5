# SPDX-License-Identifier: MIT
"""Topics of texts, after BERTopic's recipe: vectors, fewer dimensions, clusters, and of each
cluster the words that tell it from the others (package scikit-learn)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _missing
from ._vectors import Vectors, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Topic", "Topics", "class_tf_idf"]


class Topic(NamedTuple):
    """A cluster: its number, how many texts it has, its words with weights, and the text nearest
    to its middle."""

    number: int
    size: int
    words: list[tuple[str, float]]
    example: str


def class_tf_idf(counts: Any) -> NDArray[np.float64]:
    """Weights of words for classes: how much of a class a word is, times
    log(1 + words of a class on average / times that the word comes in all).

    Args:
        counts: [classes, words], how often a word comes in a class.

    Returns:
        [classes, words]; 0 for words that don't come.
    """
    array = np.asarray(counts, np.float64)
    if array.ndim != 2:
        raise ValueError(f"counts have the shape {array.shape}; [classes, words] is wanted")
    sizes, totals = array.sum(1, keepdims=True), array.sum(0)
    shares = array / np.maximum(sizes, 1)
    weights: NDArray[np.float64] = shares * np.log1p(sizes.mean() / np.maximum(totals, 1))
    return weights


def _sklearn(module: str) -> Any:
    try:
        return importlib.import_module(f"sklearn.{module}")
    except ImportError as error:
        raise _missing("topics", "scikit-learn", error) from error


class Topics:
    """Clusters of texts, and what they are about.

    Args:
        model: a path, a Model or a SentenceTransformer.
        n_topics: as many, by KMeans; None: as many as there are, by HDBSCAN, which leaves texts
            out (topic -1).
        min_size: texts of a topic, with n_topics=None.
        dimensions: to which PCA brings the vectors before they are clustered; None: all.
        words: of a topic.
        stop_words: of CountVectorizer: "english", a list, or None.
        seed: of KMeans and PCA.
        options: of SentenceTransformer.

    Attributes:
        labels: [n], the topic of each text that fit() was given.
        topics: a Topic for each, the one with most texts first, numbered from 0.
    """

    def __init__(
        self,
        model: Any,
        n_topics: int | None = None,
        *,
        min_size: int = 10,
        dimensions: int | None = 16,
        words: int = 10,
        stop_words: Any = "english",
        seed: int = 0,
        **options: Any,
    ) -> None:
        for name, value in (("n_topics", n_topics), ("dimensions", dimensions), ("words", words)):
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be above 0")
        if min_size < 2:
            raise ValueError(f"min_size is {min_size}; it must be above 1")
        self.vectors = Vectors(model, normalize=True, **options)
        self.n_topics = n_topics
        self.min_size = min_size
        self.dimensions = dimensions
        self.words = words
        self.stop_words = stop_words
        self.seed = seed
        self.labels: NDArray[np.int64] = np.empty(0, np.int64)
        self.topics: list[Topic] = []
        self._middles: NDArray[np.float32] = np.empty((0, self.vectors.width), np.float32)

    def fit(self, texts: Iterable[str], vectors: Any = None) -> Topics:
        """Find the topics of n texts, whose vectors [n, dimensions] may be there already."""
        given = listed(texts)
        rows = self._rows(given, vectors)
        least = self.n_topics or self.min_size
        if len(given) < least:
            raise ValueError(f"{len(given)} texts; at least {least} are wanted")
        self.labels = _by_size(self._clusters(self._reduced(rows)))
        chosen = [np.flatnonzero(self.labels == i) for i in range(self.labels.max() + 1)]
        middles = [rows[at].mean(0) for at in chosen]
        self._middles = _units(np.stack(middles)) if chosen else rows[:0]
        words = self._words(given, chosen) if chosen else []
        self.topics = [
            Topic(i, len(at), found, given[at[np.argmax(rows[at] @ middle)]])
            for i, (at, found, middle) in enumerate(zip(chosen, words, self._middles))
        ]
        return self

    def fit_transform(self, texts: Iterable[str], vectors: Any = None) -> NDArray[np.int64]:
        """labels after fit()."""
        return self.fit(texts, vectors).labels

    def transform(self, texts: Iterable[str], vectors: Any = None) -> NDArray[np.int64]:
        """[n], the topic whose middle is nearest to each of n texts."""
        if not len(self._middles):
            raise ValueError("there are no topics: fit() comes first, or it found none")
        rows = self._rows(listed(texts), vectors)
        nearest: NDArray[np.int64] = np.argmax(rows @ self._middles.T, axis=1).astype(np.int64)
        return nearest

    def _rows(self, texts: list[str], vectors: Any) -> NDArray[np.float32]:
        rows = self.vectors.documents(texts) if vectors is None else np.asarray(vectors, np.float32)
        if rows.shape != (len(texts), self.vectors.width):
            raise ValueError(
                f"vectors are of shape {rows.shape}; ({len(texts)}, {self.vectors.width}) is wanted"
            )
        return _units(rows)

    def _reduced(self, rows: NDArray[np.float32]) -> NDArray[Any]:
        width = min(rows.shape)
        if self.dimensions is None or self.dimensions >= width:
            return rows
        pca = _sklearn("decomposition").PCA(self.dimensions, random_state=self.seed)
        reduced: NDArray[Any] = pca.fit_transform(rows)
        return reduced

    def _clusters(self, rows: NDArray[Any]) -> NDArray[Any]:
        cluster = _sklearn("cluster")
        made = (
            cluster.HDBSCAN(min_cluster_size=self.min_size, copy=True)
            if self.n_topics is None
            else cluster.KMeans(self.n_topics, n_init=10, random_state=self.seed)
        )
        labels: NDArray[Any] = made.fit_predict(rows)
        return labels

    def _words(
        self, texts: list[str], chosen: list[NDArray[Any]]
    ) -> list[list[tuple[str, float]]]:
        counter = _sklearn("feature_extraction.text").CountVectorizer(stop_words=self.stop_words)
        try:
            counts = counter.fit_transform(["\n".join(texts[i] for i in at) for at in chosen])
        except ValueError:  # all of them are stop words
            return [[] for _ in chosen]
        names = counter.get_feature_names_out()
        found = []
        for row in class_tf_idf(counts.toarray()):
            best = [i for i in np.argsort(-row, kind="stable")[:self.words] if row[i] > 0]
            found.append([(str(names[i]), float(row[i])) for i in best])
        return found


def _units(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: NDArray[np.float32] = rows / np.maximum(lengths, 1e-12)
    return units


def _by_size(labels: NDArray[Any]) -> NDArray[np.int64]:
    """The same clusters, the greatest numbered 0; what belongs to none stays -1."""
    numbers, sizes = np.unique(labels[labels >= 0], return_counts=True)
    made = np.full(len(labels), -1, np.int64)
    for new, at in enumerate(np.argsort(-sizes, kind="stable")):
        made[labels == numbers[at]] = new
    return made
