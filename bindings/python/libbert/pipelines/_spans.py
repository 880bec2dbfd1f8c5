# SPDX-License-Identifier: MIT
"""Spans of a window as answers: their probabilities, and where they are in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def probabilities(
    logits: NDArray[np.float32], allowed: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Of each token of a window; next to nothing where none may be."""
    masked = np.where(allowed, logits, np.float32(-10000.0))
    powers = np.exp(masked - masked.max())
    result: NDArray[np.float32] = powers / powers.sum()
    return result


def best_spans(
    starts: NDArray[np.float32],
    ends: NDArray[np.float32],
    count: int,
    longest: int,
    allowed: NDArray[np.bool_],
) -> list[tuple[int, int, float]]:
    """First and last token of the best spans of at most `longest` tokens, and their scores.

    Args:
        starts, ends: probabilities, [tokens].
        count: spans that are looked at; those with a token at an end that is not allowed drop out.
    """
    n = len(starts)
    # [length, first token]: no span needs the whole square
    band = np.zeros((min(longest, n), n), np.float32)
    for length in range(len(band)):
        np.multiply(starts[:n - length], ends[length:], out=band[length, :n - length])
    scores = band.ravel()
    if np.count_nonzero(scores) >= count:
        best = _largest(scores, count)
        lengths, firsts = np.divmod(best, n)
        lasts = firsts + lengths
    else:
        # Spans of score 0 come too: those that the reference happens to take.
        scores = np.tril(np.triu(np.outer(starts, ends)), longest - 1).ravel()
        best = _largest(scores, count)
        firsts, lasts = np.divmod(best, n)
    return [
        (first, last, scores[i].item())
        for i, first, last in zip(best.tolist(), firsts.tolist(), lasts.tolist())
        if allowed[first] and allowed[last]
    ]


def _largest(scores: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Indices of the largest scores, in their order."""
    if count == 1:
        return np.array([scores.argmax()])
    if len(scores) <= count:
        return np.argsort(-scores)
    some = np.argpartition(-scores, count)[:count]
    found: NDArray[np.intp] = some[np.argsort(-scores[some])]
    return found


class Places:
    """Where the tokens of a window are.

    Args:
        offsets: [tokens, 2], code points of their own text.
        words: [tokens], the word of its text; -1: none.
        context: [tokens], whether a token is of the context.
    """

    def __init__(
        self,
        offsets: NDArray[np.int64],
        words: NDArray[np.int32],
        context: NDArray[np.bool_],
    ) -> None:
        self._offsets = offsets
        self._words = words
        self._context = context

    def span(self, first: int, last: int, align: bool) -> tuple[int, int]:
        """Start and end of tokens first to last; of whole words, as far as the window has them."""
        if align:
            start, end = self._word(first), self._word(last)
            if start is not None and end is not None:
                return start[0], end[1]
        return int(self._offsets[first, 0]), int(self._offsets[last, 1])

    def _word(self, token: int) -> tuple[int, int] | None:
        """The context's word of the number that the token's word has."""
        if self._words[token] < 0:
            return None
        found = np.flatnonzero(self._context & (self._words == self._words[token]))
        if not len(found):
            return None
        return int(self._offsets[found[0], 0]), int(self._offsets[found[-1], 1])
