# SPDX-License-Identifier: MIT
"""Texts for the library: an array of bert_text over one buffer of UTF-8; offsets in texts.

A str with lone surrogates has no UTF-8: each of them becomes U+FFFD, which is one code point for
one code point, so that offsets in code points stay true.  bytes are passed as they are.
"""

from __future__ import annotations

import codecs
import ctypes
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from ._structs import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What is taken for several texts: any iterable of str and bytes (lists, generators, numpy arrays,
# columns of pandas and polars), or an Arrow array of strings, which is not copied.
TextsLike = Union[Iterable[Union[str, bytes]], "NDArray[Any]"]

VIEW_SIZE = ctypes.sizeof(Text)
# So many texts are not worth an array of numpy's, whose making takes 15 us.
FEW = 32


def _replace(error: UnicodeError) -> tuple[bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "\ufffd".encode() * (error.end - error.start), error.end


codecs.register_error("libbert.replace", _replace)


def encode(text: str | bytes, what: str = "a text") -> bytes:
    """UTF-8 of a text."""
    if isinstance(text, str):
        try:
            return text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-8", "libbert.replace")
    if isinstance(text, (bytes, bytearray, memoryview)):
        return bytes(text)
    raise TypeError(f"{what} is {type(text).__name__}, not str or bytes")


def address_of(buffer: bytes) -> int:
    """Where the bytes lie; they must be kept alive."""
    return ctypes.c_void_p.from_buffer(ctypes.c_char_p(buffer)).value or 0


def address_of_array(array: NDArray[Any]) -> int:
    """Where a writable C-contiguous array lies; array.ctypes.data takes 2 us."""
    if not array.nbytes:
        return int(array.ctypes.data)
    buffer: Any = array
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def text_of(data: bytes) -> Text:
    """A bert_text, which keeps the bytes alive."""
    return Text(data, len(data))


def text_bytes(text: Text) -> bytes | None:
    """The bytes of a bert_text that the library gave; None for {NULL, 0}."""
    address = ctypes.c_void_p.from_buffer(text).value
    return None if address is None else ctypes.string_at(address, text.size)


class Texts:
    """An array of n bert_text.

    Attributes:
        n: how many there are.
        pointer: address of the first bert_text; pointer + VIEW_SIZE * i is that of text i.
        single: one str or bytes was given, not several.
        is_text: whether they are all str, so that code points mean something.
    """

    __slots__ = ("_keep", "is_text", "n", "pointer", "single")

    def __init__(self, n: int, pointer: int, keep: Any, single: bool, is_text: bool) -> None:
        self.n = n
        self.pointer = pointer
        self.single = single
        self.is_text = is_text
        self._keep = keep

    def at(self, i: int) -> int:
        """Address of bert_text i."""
        return self.pointer + VIEW_SIZE * i

    def data(self, i: int) -> bytes:
        """The bytes of text i."""
        return text_bytes(Text.from_address(self.at(i))) or b""


def make_texts(texts: str | bytes | TextsLike, what: str = "texts") -> Texts:
    """Prepare texts; TypeError names the first that is none."""
    if isinstance(texts, (str, bytes)):
        data = encode(texts)
        view = Text(data, len(data))
        return Texts(1, ctypes.addressof(view), view, True, isinstance(texts, str))
    if isinstance(texts, (list, tuple)):
        return _from_list(texts, what)
    if hasattr(texts, "to_pylist") and hasattr(texts, "type"):
        from ._arrow import arrow_texts

        column: Any = texts
        return arrow_texts(column, what) or _from_list(column.to_pylist(), what)
    return _from_list(_as_list(texts, what), what)


def _as_list(texts: Any, what: str) -> list[Any]:
    if isinstance(texts, np.ndarray):
        if texts.ndim != 1:
            raise TypeError(f"{what} is an array of shape {texts.shape}; one dimension is wanted")
        listed: list[Any] = texts.tolist()
        return listed
    if isinstance(texts, dict) or not hasattr(texts, "__iter__"):
        raise TypeError(f"{what} is {type(texts).__name__}, not str, bytes or several of them")
    return list(texts)


def _from_list(texts: list[Any] | tuple[Any, ...], what: str) -> Texts:
    n = len(texts)
    is_text = True
    try:
        parts = [text.encode() for text in texts]
    except (AttributeError, UnicodeEncodeError):
        parts = [encode(text, f"{what}[{i}]") for i, text in enumerate(texts)]
        is_text = all(isinstance(text, str) for text in texts)
    if n <= FEW:
        pairs: Any = zip(parts, map(len, parts))
        few = (Text * n)(*pairs)  # keeps the parts alive
        return Texts(n, ctypes.addressof(few), few, False, is_text)
    sizes = np.fromiter(map(len, parts), np.uintp, n)
    buffer = b"".join(parts)
    return from_buffer(address_of(buffer), sizes, buffer, is_text)


def from_buffer(
    address: int, sizes: NDArray[np.uintp], keep: Any, is_text: bool = True
) -> Texts:
    """Texts that lie end to end at an address."""
    n = len(sizes)
    views = np.empty((n, 2), np.uintp)
    views[:, 1] = sizes
    if n:
        views[0, 0] = 0
        np.cumsum(sizes[:-1], out=views[1:, 0])
        views[:, 0] += np.uintp(address)
    return Texts(n, views.ctypes.data, (views, keep), False, is_text)


# ---- Offsets -------------------------------------------------------------------------


def _starts(data: bytes) -> NDArray[np.bool_]:
    """Where characters of UTF-8 start."""
    found: NDArray[np.bool_] = (np.frombuffer(data, np.uint8) & 0xC0) != 0x80
    return found


def chars_from_bytes(data: bytes, offsets: NDArray[Any]) -> NDArray[np.int64]:
    """Offsets in code points of offsets in bytes of UTF-8; same shape."""
    if data.isascii():
        return offsets.astype(np.int64)
    table = np.zeros(len(data) + 1, np.int64)
    np.cumsum(_starts(data), out=table[1:])
    # Within a character: the character that it belongs to.
    inside = np.append(~_starts(data), False)
    result: NDArray[np.int64] = table[offsets] - inside[offsets]
    return result


def bytes_from_chars(data: bytes, offsets: NDArray[Any]) -> NDArray[np.int64]:
    """Offsets in bytes of UTF-8 of offsets in code points; same shape.  IndexError past the end."""
    if data.isascii():
        table = np.arange(len(data) + 1, dtype=np.int64)
    else:
        table = np.append(np.flatnonzero(_starts(data)), len(data))
    if offsets.size and (offsets.min() < 0 or offsets.max() >= len(table)):
        raise IndexError(f"an offset lies outside of the text of {len(table) - 1} code points")
    result: NDArray[np.int64] = table[offsets]
    return result
