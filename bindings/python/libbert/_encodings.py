# SPDX-License-Identifier: MIT
"""Encodings of a batch, read into arrays when they are asked for."""

from __future__ import annotations

import weakref
from ctypes import memmove
from typing import TYPE_CHECKING, Any

import numpy as np

from ._ffi import lib
from ._texts import text_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _free(handles: list[int]) -> None:
    free = lib.bert_encoding_free
    for handle in handles:
        free(handle)


class Encodings:
    """What became of n texts: windows of tokens, one a text, or more where overflow was asked for.

    Arrays are those of all windows end to end; window i has their rows starts[i] to starts[i + 1].

    Attributes:
        samples: [windows] int64, the text of each window.
        sizes: [windows] int64, tokens of each window.
        starts: [windows + 1] int64.
    """

    def __init__(self, handles: NDArray[np.uintp], overflow: bool) -> None:
        roots = [handle for handle in handles.tolist() if handle]
        self._finalizer = weakref.finalize(self, _free, roots)
        windows = roots
        samples = np.arange(len(roots))
        if overflow:
            windows, owners = [], []
            for sample, root in enumerate(roots):
                further = range(lib.bert_encoding_overflow_count(root))
                windows.append(root)
                windows += [lib.bert_encoding_overflow(root, i) for i in further]
                owners += [sample] * (len(further) + 1)
            samples = np.array(owners, np.int64)
        self._windows = windows
        self.samples: NDArray[np.int64] = samples
        n = len(windows)
        self.sizes: NDArray[np.int64] = np.fromiter(
            map(lib.bert_encoding_size, windows), np.int64, n
        )
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
            width = found.itemsize * max(columns, 1)
            place = found.ctypes.data
            get = getattr(lib, f"bert_encoding_{name}")
            for window, size in zip(self._windows, self.sizes.tolist()):
                if size:
                    memmove(place, get(window), size * width)
                    place += size * width
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
        return np.fromiter(map(lib.bert_encoding_truncated, self._windows), np.int64, len(self))

    def kept(self, sequence: int = 0) -> NDArray[np.int64]:
        """[windows, 2] int64: what of the text (0) or of its pair (1) a window holds."""
        out = np.empty((len(self), 2), np.int64)
        for i, window in enumerate(self._windows):
            span = lib.bert_encoding_kept(window, sequence)
            out[i] = span.start, span.end
        return out

    def tokens(self, window: int) -> list[str]:
        """The tokens of a window as the vocabulary spells them."""
        handle = self._windows[window]
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
