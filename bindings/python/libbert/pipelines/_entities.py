# SPDX-License-Identifier: MIT
"""Tokens with scores to words and groups of words."""

from __future__ import annotations

import warnings
from collections.abc import Container, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._decoder import Decoder, decoder_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._runner import Runner


class Window(NamedTuple):
    """The tokens of a window that are no special ones: [tokens] each, scores [tokens, labels]."""

    positions: list[int]
    ids: list[int]
    starts: list[int]
    ends: list[int]
    scores: NDArray[np.float32]


class Word(NamedTuple):
    """Tokens first to last, the label that they share, and its score."""

    first: int
    last: int
    label: int
    score: np.float32


class Grouper:
    """Makes the reference's dictionaries of windows."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._labels = runner.model.labels
        self._tags = [_tag(label) for label in self._labels]
        # Is a continuation spelt with a prefix?
        self._prefixed = runner.tokenizer.algorithm == "WordPiece"
        self._spellings: dict[int, str] = {}

    @cached_property
    def _decode(self) -> Decoder:
        return decoder_of(self._runner)

    @cached_property
    def _unknown(self) -> int | None:
        return self._runner.tokenizer.special_id("unk")

    # ---- Tokens ----------------------------------------------------------------------

    def _spelling(self, token: int) -> str:
        found = self._spellings.get(token)
        if found is None:
            found = self._spellings[token] = self._runner.tokenizer.token(token) or ""
        return found

    def _token_text(self, text: str, window: Window, i: int) -> str:
        """As the vocabulary spells it; of an unknown token what the text has."""
        if window.ids[i] == self._unknown:
            return text[window.starts[i]:window.ends[i]]
        return self._spelling(window.ids[i])

    def _continues(self, text: str, window: Window, i: int) -> bool:
        """Does token i go on with the word before it?  By the lengths of its spelling and of its
        text, or where no prefix tells, by the spaces before it."""
        if window.ids[i] == self._unknown:
            return False
        start, end = window.starts[i], window.ends[i]
        if self._prefixed:
            return len(self._spelling(window.ids[i])) != len(text[start:end])
        return start > 0 and " " not in text[start - 1:start + 1]

    def tokens(self, text: str, window: Window, ignored: Container[str]) -> list[dict[str, Any]]:
        """Every token whose label is not ignored."""
        best = window.scores.argmax(axis=1).tolist()
        return [
            {
                "entity": self._labels[label],
                "score": window.scores[i, label],
                "index": window.positions[i],
                "word": self._token_text(text, window, i),
                "start": window.starts[i],
                "end": window.ends[i],
            }
            for i, label in enumerate(best)
            if self._labels[label] not in ignored
        ]

    # ---- Words -----------------------------------------------------------------------

    def _words(self, text: str, window: Window, strategy: str) -> list[Word]:
        scores = window.scores
        if strategy == "simple":
            best = scores.argmax(axis=1).tolist()
            return [Word(i, i, label, scores[i, label]) for i, label in enumerate(best)]
        if not self._prefixed:
            warnings.warn(
                "the tokenizer doesn't mark what continues a word; spaces tell", stacklevel=2
            )
        n = len(window.ids)
        firsts = [i for i in range(n) if i == 0 or not self._continues(text, window, i)]
        return [
            Word(first, last - 1, *_agree(scores[first:last], strategy))
            for first, last in zip(firsts, [*firsts[1:], n])
        ]

    def _groups(self, words: list[Word]) -> Iterator[list[Word]]:
        """Adjacent words of one tag; what begins with B- begins a group."""
        group: list[Word] = []
        for word in words:
            begins, tag = self._tags[word.label]
            if group and (begins or tag != self._tags[group[-1].label][1]):
                yield group
                group = []
            group.append(word)
        if group:
            yield group

    def entities(
        self, text: str, window: Window, strategy: str, ignored: Container[str]
    ) -> list[dict[str, Any]]:
        """Every group whose name is not ignored."""
        found = []
        for group in self._groups(self._words(text, window, strategy)):
            name = self._labels[group[0].label].split("-", 1)[-1]
            if name in ignored:
                continue
            scores = np.array([word.score for word in group], np.float32)
            found.append(
                {
                    "entity_group": name,
                    "score": scores.mean(),
                    "word": self._group_text(text, window, group, strategy),
                    "start": window.starts[group[0].first],
                    "end": window.ends[group[-1].last],
                }
            )
        return found

    def _group_text(self, text: str, window: Window, group: list[Word], strategy: str) -> str:
        """The text of words, each decoded by itself where they are made of tokens."""

        def tokens(first: int, last: int) -> list[str]:
            return [self._token_text(text, window, i) for i in range(first, last + 1)]

        if strategy == "simple":
            return self._decode(tokens(group[0].first, group[-1].last))
        return self._decode([self._decode(tokens(word.first, word.last)) for word in group])


def _tag(label: str) -> tuple[bool, str]:
    """Whether it begins an entity, and of what."""
    return label.startswith("B-"), label[2:] if label.startswith(("B-", "I-")) else label


def _agree(scores: NDArray[np.float32], strategy: str) -> tuple[int, np.float32]:
    """The label of a word, and its score; scores [tokens, labels]."""
    if strategy == "average":
        row = scores.mean(axis=0)
    else:
        row = scores[0 if strategy == "first" else int(scores.max(axis=1).argmax())]
    label = int(row.argmax())
    return label, row[label]


def merged(entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entities of overlapping windows: of two that overlap the longer, then the surer one."""
    kept: list[dict[str, Any]] = []
    for entity in sorted(entities, key=lambda found: found["start"]):
        if kept and kept[-1]["start"] <= entity["start"] < kept[-1]["end"]:
            if _weight(entity) > _weight(kept[-1]):
                kept[-1] = entity
        else:
            kept.append(entity)
    return kept


def _weight(entity: dict[str, Any]) -> tuple[int, Any]:
    return entity["end"] - entity["start"], entity["score"]
