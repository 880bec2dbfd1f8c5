# SPDX-License-Identifier: MIT
"""Encodings of single windows, in the shape of tokenizers.Encoding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._windows import Windows

Range = tuple[int, int]


def _optional(values: list[int]) -> list[int | None]:
    return [None if value < 0 else value for value in values]


# Of each list: the array of Encodings that it comes from, what padding is in it, and how its
# values look.  Padding of ids, type ids and tokens is that of the windows.
_SOURCES: dict[str, tuple[str, Any, Callable[[Any], list[Any]]]] = {
    "ids": ("ids", 0, list),
    "type_ids": ("type_ids", 0, list),
    "attention_mask": ("attention_mask", 0, list),
    "special_tokens_mask": ("special_mask", 1, list),
    "offsets": ("offsets", (0, 0), lambda rows: [(start, end) for start, end in rows]),
    "word_ids": ("word_ids", None, _optional),
    "sequence_ids": ("sequence_ids", None, _optional),
}
_NAMES = (*_SOURCES, "tokens")


class Encoding:
    """Tokens of a text or of a pair of texts, or of one window of them.

    Lists are made when they are asked for.  Offsets are code points of the text, also
    of bytes; where the text came as words they count from the start of the word.
    """

    __slots__ = ("_fields", "_index", "_left", "_n_sequences", "_overflowing", "_right", "_windows")

    def __init__(self, windows: Windows | None = None, index: int = 0) -> None:
        self._windows = windows
        self._index = index
        self._fields: dict[str, list[Any]] = {}
        self._overflowing: list[Encoding] | None = None
        self._left = self._right = 0
        self._n_sequences = 1
        if windows is None:
            self._fields = {name: [] for name in _NAMES}
            self._overflowing = []
        else:
            self._left, self._right = windows.padding_of(index)
            self._n_sequences = windows.sequences_of(index)

    # ---- Lists -----------------------------------------------------------------------------

    def _get(self, name: str) -> list[Any]:
        found = self._fields.get(name)
        if found is None:
            found = self._fields[name] = self._read(name)
        return found

    def _read(self, name: str) -> list[Any]:
        windows = self._windows
        assert windows is not None
        if name == "tokens":
            values: list[Any] = windows.encodings.tokens(self._index)
            fill: Any = windows.pad_token
        else:
            source, fill, form = _SOURCES[name]
            one = windows.few(name) if name in ("ids", "type_ids") else None
            if one is not None:
                values = one
            else:
                encodings = windows.encodings
                values = form(encodings.row(getattr(encodings, source), self._index).tolist())
            if name == "ids":
                fill = windows.pad_id
            elif name == "type_ids":
                fill = windows.pad_type_id
        if self._left or self._right:
            values = [fill] * self._left + values + [fill] * self._right
        return values

    @property
    def ids(self) -> list[int]:
        """Token ids."""
        return self._get("ids")

    @property
    def type_ids(self) -> list[int]:
        """Token type (segment) ids."""
        return self._get("type_ids")

    @property
    def tokens(self) -> list[str]:
        """Tokens as the vocabulary spells them."""
        return self._get("tokens")

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """(start, end) of each token in its text; (0, 0) for special tokens."""
        return self._get("offsets")

    @property
    def attention_mask(self) -> list[int]:
        """1; 0 for padding."""
        return self._get("attention_mask")

    @property
    def special_tokens_mask(self) -> list[int]:
        """1 for tokens that the template or padding put in."""
        return self._get("special_tokens_mask")

    @property
    def word_ids(self) -> list[int | None]:
        """The word of its text that each token belongs to; None: none."""
        return self._get("word_ids")

    @property
    def words(self) -> list[int | None]:
        """Old name of word_ids."""
        return self._get("word_ids")

    @property
    def sequence_ids(self) -> list[int | None]:
        """0 for tokens of the text, 1 for those of its pair, None for others."""
        return self._get("sequence_ids")

    @property
    def n_sequences(self) -> int:
        """2 for a pair, else 1."""
        return self._n_sequences

    @property
    def overflowing(self) -> list[Encoding]:
        """The further windows of a text that was cut; of the first window only."""
        if self._overflowing is None:
            assert self._windows is not None
            further = self._windows.further(self._index)
            self._overflowing = [Encoding(self._windows, i) for i in further]
        return self._overflowing

    def __len__(self) -> int:
        if self._windows is None:
            return len(self._fields["ids"])
        return self._left + int(self._windows.encodings.sizes[self._index]) + self._right

    def __repr__(self) -> str:
        return (
            f"Encoding(num_tokens={len(self)}, attributes=[ids, type_ids, tokens, offsets, "
            "attention_mask, special_tokens_mask, overflowing])"
        )

    # ---- Places ----------------------------------------------------------------------------

    def _range(self, sequence: int) -> Range:
        """Where the tokens of a sequence are; of one that is not there: all."""
        if sequence >= self._n_sequences:
            return 0, len(self)
        places = [i for i, of in enumerate(self.sequence_ids) if of == sequence]
        return (places[0], places[-1] + 1) if places else (0, 0)

    def token_to_sequence(self, token_index: int) -> int | None:
        """The sequence that a token is of."""
        ids = self.sequence_ids
        return ids[token_index] if 0 <= token_index < len(ids) else None

    def token_to_chars(self, token_index: int) -> Range | None:
        """The offsets of a token; None for special tokens."""
        if self.token_to_sequence(token_index) is None:
            return None
        return self.offsets[token_index]

    def token_to_word(self, token_index: int) -> int | None:
        """The word of a token."""
        if self.token_to_sequence(token_index) is None:
            return None
        return self.word_ids[token_index]

    def char_to_token(self, char_pos: int, sequence_index: int = 0) -> int | None:
        """The first token that holds a character of a sequence."""
        first, end = self._range(sequence_index)
        for i, (a, b) in enumerate(self.offsets[first:end]):
            if a <= char_pos < b:
                return first + i
        return None

    def char_to_word(self, char_pos: int, sequence_index: int = 0) -> int | None:
        """The word that holds a character of a sequence."""
        token = self.char_to_token(char_pos, sequence_index)
        return None if token is None else self.token_to_word(token)

    def word_to_tokens(self, word_index: int, sequence_index: int = 0) -> Range | None:
        """The range of tokens of a word of a sequence."""
        first, end = self._range(sequence_index)
        places = []
        for i, word in enumerate(self.word_ids[first:end]):
            if word is not None and word > word_index:
                break  # words ascend
            if word == word_index:
                places.append(first + i)
        return (places[0], places[-1] + 1) if places else None

    def word_to_chars(self, word_index: int, sequence_index: int = 0) -> Range | None:
        """The range of characters of a word of a sequence."""
        tokens = self.word_to_tokens(word_index, sequence_index)
        if tokens is None:
            return None
        return self.offsets[tokens[0]][0], self.offsets[tokens[1] - 1][1]

    # ---- Changes ---------------------------------------------------------------------------

    def _own(self) -> dict[str, list[Any]]:
        """All lists, no longer read from the windows."""
        if self._windows is not None:
            for name in _NAMES:
                self._get(name)
            self.overflowing  # noqa: B018
            self._windows = None
        return self._fields

    def pad(
        self,
        length: int,
        direction: str = "right",
        pad_id: int = 0,
        pad_type_id: int = 0,
        pad_token: str = "[PAD]",
    ) -> None:
        """Pad to a length; where there are more tokens nothing happens."""
        check_direction(direction)
        fields = self._own()
        for further in self.overflowing:
            further.pad(length, direction, pad_id, pad_type_id, pad_token)
        more = length - len(fields["ids"])
        if more <= 0:
            return
        fills = {"ids": pad_id, "type_ids": pad_type_id, "tokens": pad_token}
        for name, values in fields.items():
            added = [fills[name] if name in fills else _SOURCES[name][1]] * more
            fields[name] = added + values if direction == "left" else values + added

    def truncate(self, max_length: int, stride: int = 0, direction: str = "right") -> None:
        """Cut to a length; what is cut becomes `overflowing`."""
        check_direction(direction)
        fields = self._own()
        n = len(fields["ids"])
        if max_length >= n:
            return
        if max_length < 0 or (stride >= max_length > 0):
            raise ValueError(f"stride is {stride}, max_length {max_length}; it must be greater")
        if max_length == 0:
            cut = Encoding()
            cut._fields, self._fields = fields, cut._fields
            cut._n_sequences, self._n_sequences = self._n_sequences, 1
            cut._overflowing, self._overflowing = self.overflowing, [cut]
            return
        # Whose tokens they are is no longer known: all count as the text's.
        fields["sequence_ids"] = [0] * n
        parts = [_part(fields, a, b) for a, b in _ranges(n, max_length, stride, direction)]
        self._fields = parts[0]._fields
        self._n_sequences = 1
        self._overflowing = parts[1:]

    def __getstate__(self) -> dict[str, Any]:
        return {
            "fields": dict(self._own()),
            "overflowing": self.overflowing,
            "n_sequences": self._n_sequences,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._windows = None
        self._index = self._left = self._right = 0
        self._fields = state["fields"]
        self._overflowing = state["overflowing"]
        self._n_sequences = state["n_sequences"]


def check_direction(direction: str) -> None:
    if direction not in ("left", "right"):
        raise ValueError(f"Unknown `direction`: `{direction}`. Use one of `left` or `right`")


def _ranges(n: int, length: int, stride: int, direction: str) -> list[Range]:
    """The windows of n tokens, from the side that is kept."""
    found = []
    for done in range(0, n, length - stride):
        reach = min(done + length, n)
        found.append((done, reach) if direction == "right" else (n - reach, n - done))
        if reach == n:
            break
    return found


def _part(fields: dict[str, list[Any]], start: int, end: int) -> Encoding:
    part = Encoding()
    part._fields = {name: values[start:end] for name, values in fields.items()}
    return part
