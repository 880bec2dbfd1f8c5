# SPDX-License-Identifier: MIT
"""Texts in the forms that tokenizers takes to windows of tokens, with padding that is told, not
stored."""

from __future__ import annotations

from array import array
from ctypes import byref, c_size_t, c_void_p, create_string_buffer, string_at
from typing import TYPE_CHECKING, Any

import numpy as np

from ._encodings import Encodings
from ._ffi import lib
from ._structs import Error, Text, TokenizeOptions
from ._texts import Texts, encode, make_texts
from .errors import fail, make_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from ._tokenizer import RawTokenizer


class Windows:
    """The windows of one call.

    Attributes:
        pad_to: tokens that each window is padded to; 0: none is.
        left: whether padding is at the left.
    """

    __slots__ = (
        "_encodings", "_free", "_handle", "_pairs", "left", "pad_id", "pad_to", "pad_token",
        "pad_type_id",
    )  # fmt: skip

    def __init__(
        self, encodings: Encodings | None, pairs: bool | NDArray[np.bool_], handle: int = 0
    ) -> None:
        self._encodings = encodings
        self._handle = handle  # of one text, for which Encodings are made when they are wanted
        self._free = lib.bert_encoding_free  # still there when the program ends
        self._pairs = pairs
        self.pad_to = 0
        self.left = False
        self.pad_id = 0
        self.pad_type_id = 0
        self.pad_token = "[PAD]"

    def __del__(self) -> None:
        if self._handle:
            self._free(self._handle)

    @property
    def encodings(self) -> Encodings:
        """The arrays, padding left out."""
        if self._encodings is None:
            handle = np.array([self._handle], np.uintp)
            self._encodings, self._handle = Encodings(handle, False), 0
        return self._encodings

    def _longest(self) -> int:
        if self._encodings is None:
            return size_of(self._handle)
        sizes = self._encodings.sizes
        return int(sizes.max()) if len(sizes) else 0

    def few(self, name: str) -> list[int] | None:
        """Ids or type ids of one text, if there are no arrays yet."""
        if self._encodings is not None:
            return None
        return row_of_one(self._handle, name, size_of(self._handle)).tolist()

    def __len__(self) -> int:
        return 1 if self._encodings is None else len(self._encodings)

    def pad(
        self, length: int, multiple: int, left: bool, id: int, type_id: int, token: str
    ) -> None:
        """Pad to `length`, 0: as long as the longest first window of a text; and up to a
        multiple."""
        if not length:
            length = self._longest()
        if multiple:
            length += -length % multiple
        self.pad_to, self.left = length, left
        self.pad_id, self.pad_type_id, self.pad_token = id, type_id, token

    def padding_of(self, index: int) -> tuple[int, int]:
        """Padding of a window, at the left and at the right."""
        if not self.pad_to:
            return 0, 0
        size = self._encodings.sizes[index] if self._encodings else size_of(self._handle)
        more = max(0, self.pad_to - int(size))
        return (more, 0) if self.left else (0, more)

    def sequences_of(self, index: int) -> int:
        """2 for a window of a pair, else 1."""
        pairs = self._pairs
        if isinstance(pairs, bool):
            return 1 + pairs
        return 1 + int(pairs[self.encodings.samples[index]])

    def further(self, index: int) -> range:
        """The windows that follow a text's first one."""
        if self._encodings is None:
            return range(0)
        samples = self._encodings.samples
        if index and samples[index - 1] == samples[index]:
            return range(0)
        end = int(np.searchsorted(samples, samples[index], "right"))
        return range(index + 1, end)


def one(raw: RawTokenizer, text: str, options: TokenizeOptions) -> int:
    """The encoding of one text, for the caller to free."""
    address = raw.reference()
    try:
        return _one(address, text, options)
    finally:
        lib.bert_tokenizer_unref(address)


def _one(tokenizer: int, text: str, options: TokenizeOptions) -> int:
    data = encode(text)
    out, given = c_void_p(), byref(options)
    if lib.bert_tokenize(tokenizer, Text(data, len(data)), None, given, byref(out), None):
        error = Error()  # which takes longer to make than all the rest
        code = lib.bert_tokenize(
            tokenizer, Text(data, len(data)), None, given, byref(out), byref(error)
        )
        if code:
            fail(code, error)
    return out.value or 0


def window_of(handle: int, overflow: bool) -> Windows:
    """The windows of one text, whose encoding they free."""
    if overflow and lib.bert_encoding_overflow_count(handle):
        return Windows(Encodings(np.array([handle], np.uintp), True), False)
    return Windows(None, False, handle)


def size_of(handle: int) -> int:
    """Tokens of an encoding."""
    return int(lib.bert_encoding_size(handle))


def row_of_one(handle: int, name: str, size: int) -> memoryview:
    """Ids or type ids of an encoding, as 32-bit integers."""
    if not size:
        return memoryview(b"").cast("i")
    get = lib.bert_encoding_type_ids if "type" in name else lib.bert_encoding_ids
    return memoryview(string_at(get(handle), 4 * size)).cast("i")


def decode(raw: RawTokenizer, ids: list[int], keep_special: bool) -> str:
    """Ids back to text; unknown ids are skipped."""
    try:
        numbers = array("i", ids)
    except OverflowError:
        numbers = array("i", [id for id in ids if 0 <= id < 2**31])
    n, room = len(numbers), 16 * len(numbers) + 64
    size, error = c_size_t(), Error()
    while True:
        buffer = create_string_buffer(room)
        code = raw._call(
            lib.bert_decode, numbers.buffer_info()[0], n, int(keep_special), buffer, room,
            byref(size), byref(error),
        )  # fmt: skip
        if code and size.value > room:
            room = size.value
            continue
        if code:
            fail(code, error)
        return string_at(buffer, size.value).decode("utf-8", "replace")


def texts(
    raw: RawTokenizer, a: Texts, b: Texts | None, options: TokenizeOptions
) -> NDArray[np.uintp]:
    """The encodings of texts or pairs, for the caller to free."""
    handles = np.zeros(a.n, np.uintp)
    error = Error()
    code = raw._call(
        lib.bert_tokenize_batch, a.pointer, None if b is None else b.pointer, a.n, byref(options),
        handles.ctypes.data, byref(error),
    )  # fmt: skip
    if code:
        Encodings(handles, False)  # frees those that there are
        fail(code, error)
    return handles


def windows_of_texts(
    raw: RawTokenizer, items: Sequence[Any], pairs: Sequence[Any] | None, options: TokenizeOptions
) -> Windows:
    """Windows of texts; an item may be a pair itself."""
    overflow = options.overflow != 0
    if pairs is not None:
        found = texts(raw, make_texts(items), make_texts(pairs, "pairs"), options)
        return Windows(Encodings(found, overflow), True)
    if not any(type(item) is not str and _is_pair(item) for item in items):
        return Windows(Encodings(texts(raw, make_texts(items), None, options), overflow), False)
    return _mixed(raw, items, options)


def _is_pair(item: Any) -> bool:
    return isinstance(item, (tuple, list)) and len(item) == 2


def _mixed(raw: RawTokenizer, items: Sequence[Any], options: TokenizeOptions) -> Windows:
    is_pair = np.array([_is_pair(item) for item in items])
    handles = np.zeros(len(items), np.uintp)
    try:
        for of in (False, True):
            places = np.flatnonzero(is_pair == of).tolist()
            if not places:
                continue
            some = [items[i] for i in places]
            a = make_texts([item[0] for item in some] if of else some)
            b = make_texts([item[1] for item in some], "pairs") if of else None
            handles[places] = texts(raw, a, b, options)
    finally:
        owner = Encodings(handles, options.overflow != 0)
    return Windows(owner, is_pair)


def windows_of_words(
    raw: RawTokenizer, items: Sequence[Any], pairs: Sequence[Any] | None, options: TokenizeOptions
) -> Windows:
    """Windows of texts that are split into words; an item may be a pair of such."""
    seconds: list[Any] = list(pairs) if pairs is not None else [None] * len(items)
    firsts = list(items)
    if pairs is None:
        for i, item in enumerate(firsts):
            if _is_pair(item) and all(isinstance(part, (list, tuple)) for part in item):
                firsts[i], seconds[i] = item
    handles = np.zeros(len(firsts), np.uintp)
    try:
        for i, (words, second) in enumerate(zip(firsts, seconds)):
            handles[i] = _words(raw, words, second, options, i)
    finally:
        owner = Encodings(handles, options.overflow != 0)
    return Windows(owner, np.array([second is not None for second in seconds], bool))


def _words(
    raw: RawTokenizer, words: Iterable[Any], second: Iterable[Any] | None,
    options: TokenizeOptions, index: int,
) -> int:  # fmt: skip
    for part in (words, second):
        if isinstance(part, (str, bytes)):
            raise TypeError(f"text {index} is {type(part).__name__}, not a list of words")
    a = make_texts(words, f"text {index}")
    b = None if second is None else make_texts(second, f"pair {index}")
    out, error = c_void_p(), Error()
    code = raw._call(
        lib.bert_tokenize_words, a.pointer, a.n, None if b is None else b.pointer,
        0 if b is None else b.n, byref(options), byref(out), byref(error),
    )  # fmt: skip
    if code:
        raise make_error(code, error.message.decode("utf-8", "replace"), index=index)
    return out.value or 0
