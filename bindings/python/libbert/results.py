# SPDX-License-Identifier: MIT
"""What calls return: named tuples, and arrays of numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .errors import BertError

T = TypeVar("T")


class Label(NamedTuple):
    """A label and its score."""

    label: str
    score: float
    id: int


class Entity(NamedTuple):
    """A part of a text, and what it is.

    start and end are offsets in code points of a str, in bytes of bytes.
    """

    label: str
    score: float
    start: int
    end: int
    text: str
    id: int


class Answer(NamedTuple):
    """A part of a context that answers a question; "" where it holds none (is_null).

    start and end are offsets in code points of a str, in bytes of bytes.
    """

    text: str
    score: float
    start: int
    end: int
    is_null: bool


class Ranked(NamedTuple):
    """A text, by its position among the texts, and its score."""

    position: int
    score: float


class Next(NamedTuple):
    """Does the second text follow the first?  logits are of "is next" and "is not"."""

    is_next: float
    logits: tuple[float, float]


class Fill(NamedTuple):
    """A token in the place of a mask; `text` is the whole text with it."""

    token: str
    score: float
    id: int
    text: str


class Results(list[T]):
    """A list with a record for each text.

    Attributes:
        errors: what is wrong with texts that have no answer, by their index; their records are
            empty.  Empty unless errors="keep" was asked for, since else the first is raised.
        truncated: [n] uint64, tokens of each text that were cut; None where nothing is cut.
    """

    errors: dict[int, BertError]
    truncated: NDArray[Any] | None

    def __init__(
        self,
        records: list[T],
        errors: dict[int, BertError] | None = None,
        truncated: NDArray[Any] | None = None,
    ) -> None:
        super().__init__(records)
        self.errors = errors or {}
        self.truncated = truncated

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self), self.errors, self.truncated)


def joined(first: Results[T], second: Results[T]) -> Results[T]:
    """The records of two parts; the second's errors have indices of the whole."""
    cut = first.truncated
    if cut is not None and second.truncated is not None:
        import numpy as np

        cut = np.concatenate([cut, second.truncated])
    return Results([*first, *second], {**first.errors, **second.errors}, cut)


@dataclass
class EmbedReport:
    """What happened to each of n texts.

    Attributes:
        status: [n] int32, 0 or why a text has no vector.
        tokens: [n] uint32, tokens that were encoded.
        truncated: [n] uint64, tokens of prompt and text that were cut.
    """

    status: NDArray[Any]
    tokens: NDArray[Any]
    truncated: NDArray[Any]


@dataclass
class Choices:
    """What the choices of a prompt are worth: scores and logits, [choices] float32; the best."""

    scores: NDArray[Any]
    logits: NDArray[Any]
    best: int


@dataclass
class Rankings:
    """Texts by how well they answer a query.

    Attributes:
        best: the best texts, best first.
        scores: [n] float32 in the order of the texts; NaN without one.
        errors: what is wrong with texts that have no score, by their index.
        truncated: [n] uint64, tokens that were cut.
    """

    best: list[Ranked]
    scores: NDArray[Any]
    errors: dict[int, BertError]
    truncated: NDArray[Any]


@dataclass
class Embeddings:
    """Embeddings of n texts in one or several kinds; a kind that was not asked for is None.

    Attributes:
        dense: [n, dimensions] float32.
        sparse: for each text its terms' ids [terms] int32, ascending, and weights [terms] float32.
        multi: for each text [vectors, size] float32.
        tokens: [n] uint32, tokens that were encoded.
        truncated: [n] uint64, tokens that were cut.
        errors: what is wrong with texts that have none, by their index.
    """

    dense: NDArray[Any] | None
    sparse: list[tuple[NDArray[Any], NDArray[Any]]] | None
    multi: list[NDArray[Any]] | None
    tokens: NDArray[Any]
    truncated: NDArray[Any]
    errors: dict[int, BertError]


@dataclass
class Chunks:
    """Parts of a text.

    Attributes:
        vectors: [parts, dimensions] float32; zeros where a part holds no token.
        spans: [parts, 2] int64, offsets in code points of a str, in bytes of bytes.
        tokens: [parts] uint32, tokens that overlap a part.
        total_tokens: tokens that were encoded.
    """

    vectors: NDArray[Any]
    spans: NDArray[Any]
    tokens: NDArray[Any]
    total_tokens: int


@dataclass
class Explanation:
    """Relevance of each token of a text or pair, in the order in which the model reads them.

    Attributes:
        scores: [tokens] float32; they add up to 1.
        ids: [tokens] int32.
        spans: [tokens, 2] int64, offsets in their own text in code points of a str, in bytes of
            bytes; 0, 0 for special tokens.
        sequences: [tokens] int32; 0: of the text, 1: of the pair, -1: a special token.
        truncated: tokens that were cut.
    """

    scores: NDArray[Any]
    ids: NDArray[Any]
    spans: NDArray[Any]
    sequences: NDArray[Any]
    truncated: int
