# SPDX-License-Identifier: MIT
"""What AutoTokenizer gives: a mapping of lists or arrays, with the encodings behind them."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, overload

from ._windows import Windows
from .encoding import Encoding


class CharSpan(NamedTuple):
    """Characters of a text."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """Tokens of an encoding."""

    start: int
    end: int


class EncodingList(Sequence[Encoding]):
    """The encodings of a batch, each made when it is asked for."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._made: dict[int, Encoding] = {}

    def __len__(self) -> int:
        return len(self._windows)

    @overload
    def __getitem__(self, index: int) -> Encoding: ...

    @overload
    def __getitem__(self, index: slice) -> list[Encoding]: ...

    def __getitem__(self, index: int | slice) -> Encoding | list[Encoding]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        made = self._made.get(place)
        if made is None:
            made = self._made[place] = Encoding(self._windows, place)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


class BatchEncoding(UserDict[str, Any]):
    """`input_ids`, `attention_mask` and so on, by item or attribute.

    encoding[0] is the Encoding of the first text; methods take (batch_index, index), or the index
    alone for the first text.
    """

    def __init__(
        self, data: dict[str, Any] | None = None, encodings: Sequence[Encoding] | None = None
    ) -> None:
        self.data = {} if data is None else data
        self._windows: Windows | None = None
        self._encodings = encodings

    @classmethod
    def of_windows(cls, data: dict[str, Any], windows: Windows) -> BatchEncoding:
        made = cls(data)
        made._windows = windows
        return made

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, str):
            return self.data[item]
        if self.encodings is not None:
            return self.encodings[item]
        if isinstance(item, slice):
            return {key: value[item] for key, value in self.data.items()}
        raise KeyError(f"{item!r} is no name, and there are no encodings to count")

    def __getattr__(self, item: str) -> Any:
        try:
            return self.__dict__["data"][item]
        except KeyError:
            raise AttributeError(f"this BatchEncoding has no {item}") from None

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.data, "encodings": self.encodings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.data = state["data"]
        self._windows = None
        self._encodings = state["encodings"]

    def copy(self) -> BatchEncoding:
        """A copy with the same encodings behind it."""
        made = BatchEncoding(dict(self.data), self._encodings)
        made._windows = self._windows
        return made

    @property
    def encodings(self) -> Sequence[Encoding] | None:
        """The encoding of each row; None where the data came from elsewhere."""
        if self._encodings is None and self._windows is not None:
            self._encodings = EncodingList(self._windows)
        return self._encodings

    @property
    def is_fast(self) -> bool:
        """Whether there are encodings."""
        return self.encodings is not None

    @property
    def n_sequences(self) -> int | None:
        """2 for pairs, else 1; None where unknown."""
        encodings = self.encodings
        return encodings[0].n_sequences if encodings else None

    def _at(self, index: int, what: str) -> Encoding:
        if not self.encodings:
            raise ValueError(f"{what}() needs encodings, and there are none")
        return self.encodings[index]

    @staticmethod
    def _places(first: int, second: int | None) -> tuple[int, int]:
        """(batch index, index) of what methods take."""
        return (0, first) if second is None else (first, second)

    def tokens(self, batch_index: int = 0) -> list[str]:
        """The tokens of a row."""
        return self._at(batch_index, "tokens").tokens

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """The sequence of each token of a row; None for special tokens."""
        return self._at(batch_index, "sequence_ids").sequence_ids

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """The word of each token of a row; None for special tokens."""
        return self._at(batch_index, "word_ids").word_ids

    def token_to_sequence(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> int | None:
        """The sequence of a token."""
        row, token = self._places(batch_or_token_index, token_index)
        encoding = self._at(row, "token_to_sequence")
        return encoding.token_to_sequence(token + len(encoding) if token < 0 else token)

    def token_to_word(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> int | None:
        """The word of a token."""
        row, token = self._places(batch_or_token_index, token_index)
        encoding = self._at(row, "token_to_word")
        return encoding.token_to_word(token + len(encoding) if token < 0 else token)

    def word_to_tokens(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> TokenSpan | None:
        """The tokens of a word."""
        row, word = self._places(batch_or_word_index, word_index)
        span = self._at(row, "word_to_tokens").word_to_tokens(word, sequence_index)
        return None if span is None else TokenSpan(*span)

    def token_to_chars(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> CharSpan | None:
        """The characters of a token."""
        row, token = self._places(batch_or_token_index, token_index)
        span = self._at(row, "token_to_chars").token_to_chars(token)
        return None if span is None else CharSpan(*span)

    def char_to_token(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """The token that holds a character."""
        row, char = self._places(batch_or_char_index, char_index)
        return self._at(row, "char_to_token").char_to_token(char, sequence_index)

    def word_to_chars(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> CharSpan:
        """The characters of a word; TypeError for a word that is not there."""
        row, word = self._places(batch_or_word_index, word_index)
        span = self._at(row, "word_to_chars").word_to_chars(word, sequence_index)
        if span is None:
            raise TypeError(f"there is no word {word} in sequence {sequence_index}")
        return CharSpan(*span)

    def char_to_word(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """The word that holds a character."""
        row, char = self._places(batch_or_char_index, char_index)
        return self._at(row, "char_to_word").char_to_word(char, sequence_index)

    def convert_to_tensors(
        self, tensor_type: str | None = None, prepend_batch_axis: bool = False
    ) -> BatchEncoding:
        """Make the values arrays: "np" of numpy, "pt" of torch."""
        from ._outputs import as_tensors

        data = self.data
        if prepend_batch_axis and tensor_type is not None:
            data = {key: [value] for key, value in data.items()}
        self.data = as_tensors(data, tensor_type)
        return self

    def to(self, device: Any, *, non_blocking: bool = False) -> BatchEncoding:
        """Move tensors to a device of torch."""
        self.data = {
            key: value.to(device=device, non_blocking=non_blocking)
            if hasattr(value, "to")
            else value
            for key, value in self.data.items()
        }
        return self

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)
