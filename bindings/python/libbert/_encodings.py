# SPDX-License-Identifier: MIT
"""Encodings of a batch, read into arrays when they are asked for."""

from __future__ import annotations

from ctypes import byref
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _constants as c
from ._ffi import lib
from ._life import free_with
from ._structs import Error
from ._texts import text_bytes
from .errors import check

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIELDS = {
    "ids": c.BERT_ENCODING_IDS,
    "type_ids": c.BERT_ENCODING_TYPE_IDS,
    "offsets": c.BERT_ENCODING_OFFSETS,
    "special_mask": c.BERT_ENCODING_SPECIAL_MASK,
    "attention_mask": c.BERT_ENCODING_ATTENTION_MASK,
    "word_ids": c.BERT_ENCODING_WORD_IDS,
    "sequence_ids": c.BERT_ENCODING_SEQUENCE_IDS,
}


def _free(handles: NDArray[np.uintp]) -> None:
    lib.bert_encodings_free(handles.ctypes.data, len(handles))


def _with_overflow(roots: NDArray[np.uintp]) -> tuple[NDArray[np.uintp], NDArray[np.int64]]:
    """Each encoding and its further windows; the encoding that each is of."""
    windows, samples = [], []
    for sample, root in enumerate(roots.tolist()):
        further = range(lib.bert_encoding_overflow_count(root))
        windows += [root, *(lib.bert_encoding_overflow(root, i) for i in further)]
        samples += [sample] * (len(further) + 1)
    return np.array(windows, np.uintp), np.array(samples, np.int64)


class Encodings:
    """What became of n texts: windows of tokens, one a text, or more where overflow was asked for.

    Arrays are those of all windows end to end; window i has their rows starts[i] to starts[i + 1].

    Attributes:
        samples: [windows] int64, the text of each window.
        sizes: [windows] int64, tokens of each window.
        starts: [windows + 1] int64.
    """

    def __init__(self, handles: NDArray[np.uintp], overflow: bool) -> None:
        handles = handles[handles != 0]
        self._finalizer = free_with(self, _free, handles)
        windows, samples = handles, np.arange(len(handles))
        if overflow:
            windows, samples = _with_overflow(handles)
        n = len(windows)
        self._windows = windows
        self.samples: NDArray[np.int64] = samples
        self.sizes: NDArray[np.int64] = np.empty(n, np.int64)
        lib.bert_encodings_sizes(windows.ctypes.data, n, self.sizes.ctypes.data)
        self.starts: NDArray[np.int64] = np.zeros(n + 1, np.int64)
        np.cumsum(self.sizes, out=self.starts[1:])
        self._read: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def _flat(self, name: str, dtype: Any, columns: int = 0) -> NDArray[Any]:
        found = self._read.get(name)
        if found is None:
            total = int(self.starts[-1])
            found = np.empty((total, columns) if columns else total, dtype)
            field, error = FIELDS[name], Error()
            windows = self._windows
            code = lib.bert_encodings_copy(
                windows.ctypes.data, len(windows), field, found.ctypes.data, found.nbytes,
                byref(error),
            )  # fmt: skip
            check(code, error)
            self._read[name] = found
        return found

    @property
    def ids(self) -> NDArray[np.int32]:
        """[tokens] int32."""
        return self._flat("ids", np.int32)

    @property
    def type_ids(self) -> NDArray[np.int32]:
        """[tokens] int32."""
        return self._flat("type_ids", np.int32)

    @property
    def attention_mask(self) -> NDArray[np.uint8]:
        """[tokens] uint8, 0 for padding."""
        return self._flat("attention_mask", np.uint8)

    @property
    def special_mask(self) -> NDArray[np.uint8]:
        """[tokens] uint8, 1 for tokens that the template or padding put in."""
        return self._flat("special_mask", np.uint8)

    @property
    def offsets(self) -> NDArray[np.uintp]:
        """[tokens, 2] uintp, in the unit that was asked for; 0, 0 for special tokens."""
        return self._flat("offsets", np.uintp, 2)

    @property
    def word_ids(self) -> NDArray[np.int32]:
        """[tokens] int32, the word of its text; -1: none."""
        return self._flat("word_ids", np.int32)

    @property
    def sequence_ids(self) -> NDArray[np.int8]:
        """[tokens] int8; 0: of the text, 1: of the pair, -1: neither."""
        return self._flat("sequence_ids", np.int8)

    @property
    def truncated(self) -> NDArray[np.int64]:
        """[windows] int64, tokens of text and pair that a window lacks."""
        each = map(lib.bert_encoding_truncated, self._windows.tolist())
        return np.fromiter(each, np.int64, len(self))

    def kept(self, sequence: int = 0) -> NDArray[np.int64]:
        """[windows, 2] int64: what of the text (0) or of its pair (1) a window holds."""
        out = np.empty((len(self), 2), np.int64)
        for i, window in enumerate(self._windows.tolist()):
            span = lib.bert_encoding_kept(window, sequence)
            out[i] = span.start, span.end
        return out

    def tokens(self, window: int) -> list[str]:
        """The tokens of a window as the vocabulary spells them."""
        handle = int(self._windows[window])
        return [
            (text_bytes(lib.bert_encoding_token(handle, i)) or b"").decode("utf-8", "replace")
            for i in range(int(self.sizes[window]))
        ]

    def row(self, values: NDArray[Any], window: int) -> NDArray[Any]:
        """A window's part of one of the arrays."""
        return values[self.starts[window]:self.starts[window + 1]]

    def padded(
        self, values: NDArray[Any], fill: int = 0, length: int = 0, left: bool = False
    ) -> NDArray[Any]:
        """One of the arrays as [windows, length, ...], `fill` where a window has no more tokens.

        Args:
            length: 0: that of the longest window.
            left: fill at the left.
        """
        longest = int(self.sizes.max()) if len(self) else 0
        if length and length < longest:
            raise ValueError(f"length is {length}, but a window has {longest} tokens")
        length = length or longest
        out = np.full((len(self), length, *values.shape[1:]), fill, values.dtype)
        columns = np.arange(length)
        sizes = self.sizes[:, None]
        mask = columns >= length - sizes if left else columns < sizes
        out[mask] = values
        return out
