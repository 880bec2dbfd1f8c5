# SPDX-License-Identifier: MIT
"""Texts of every kind on their way into the library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import TEXTS

import libbert
from libbert._texts import Texts, bytes_from_chars, chars_from_bytes, make_texts


def back(texts: Texts) -> list[bytes]:
    return [texts.data(i) for i in range(texts.n)]


def test_kinds() -> None:
    want = [text.encode() for text in TEXTS]
    kinds: list[Any] = [
        TEXTS, tuple(TEXTS), iter(TEXTS), (text for text in TEXTS), np.array(TEXTS),
        np.array(TEXTS, object), want, np.array(want), [*want[:2], *TEXTS[2:]],
        dict.fromkeys(TEXTS).keys(), [bytearray(w) for w in want],
    ]  # fmt: skip
    for kind in kinds:
        made = make_texts(kind)
        assert back(made) == want, type(kind)
        assert not made.single
    assert make_texts("ä").single
    assert back(make_texts("ä")) == [b"\xc3\xa4"]
    assert back(make_texts("")) == [b""]
    assert back(make_texts([])) == []
    assert back(make_texts(np.array([], "U1"))) == []


def test_wrong_kinds(base: libbert.Model) -> None:
    for wrong in (3, None, {"a": 1}, object(), np.array([["a"]])):
        with pytest.raises(TypeError):
            base.embed(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"texts\[1\] is int"):
        base.embed(["a", 3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"texts\[2\] is NoneType"):
        base.embed(["a", "\ud800", None])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"texts\[0\] is float"):
        base.embed(np.array([1.0]))


def test_numpy_strings(base: libbert.Model) -> None:
    want = base.embed(TEXTS)
    assert np.array_equal(base.embed(np.array(TEXTS)), want)
    assert np.array_equal(base.embed(text for text in TEXTS), want)
    strings = getattr(getattr(np, "dtypes", None), "StringDType", None)
    if strings is not None:
        assert np.array_equal(base.embed(np.array(TEXTS, strings())), want)


def test_empty(base: libbert.Model) -> None:
    assert base.embed([]).shape == (0, 32)
    assert base.embed(iter(())).shape == (0, 32)
    vectors, report = base.embed_with_report([])
    assert vectors.shape == (0, 32)
    assert len(report.status) == 0
    assert base.embed_all([]).dense is not None
    assert len(base.tokenizer.encode_batch([])) == 0
    assert base.embed_chunks("abc", []).vectors.shape == (0, 32)


def test_lone_surrogates(base: libbert.Model) -> None:
    """Each is one U+FFFD, so that offsets in code points stay."""
    odd = "a\ud800b\udfff c"
    clean = "a\ufffdb\ufffd c"
    assert back(make_texts([odd, "x"]))[0] == clean.encode()
    assert np.array_equal(base.embed(odd), base.embed(clean))
    assert np.array_equal(base.embed([odd, "x"]), base.embed([clean, "x"]))
    found = base.tokenizer.encode_batch(["\ud800" + "cat"])
    assert [0, 0] not in found.offsets[1:-1].tolist()
    assert found.offsets[-2].tolist()[1] == 4


def test_nul_and_bytes(base: libbert.Model) -> None:
    assert back(make_texts(["a\0b"])) == [b"a\0b"]
    assert base.embed(b"\xff\xfe broken").shape == (32,)
    assert base.tokenizer.count("a\0b") == base.tokenizer.count("ab")


def test_large_text(base: libbert.Model) -> None:
    large = "a cat on a mat. " * (10 * 1024 * 1024 // 16)
    assert len(large) == 10 * 1024 * 1024
    assert np.array_equal(base.embed(large), base.embed(large[:1600]))
    assert np.array_equal(base.embed([large, "x"])[1], base.embed("x"))
    with pytest.raises(libbert.LengthError) as caught:
        base.embed(["x", large], overlong="error")
    assert caught.value.index == 1
    assert "cat" not in str(caught.value)


def test_slices(base: libbert.Model) -> None:
    """More texts than one call of the library takes."""
    texts = [f"cat {i % 7}" for i in range(9000)]
    vectors = base.embed(texts)
    few = base.embed(texts[:7])
    assert np.array_equal(vectors, few[np.arange(9000) % 7])
    texts[8500] = "x " * 400
    with pytest.raises(libbert.LengthError) as caught:
        base.embed(texts, overlong="error")
    assert caught.value.index == 8500
    assert str(caught.value).startswith("text 8500: ")
    _, report = base.embed_with_report(texts, overlong="error")
    assert np.flatnonzero(report.status).tolist() == [8500]


def test_out(base: libbert.Model) -> None:
    out = np.empty((2, 32), np.float32)
    assert base.embed(["a", "b"], out=out) is out
    assert np.array_equal(out, base.embed(["a", "b"]))
    wrong = np.empty((2, 64), np.float32)[:, ::2]
    kinds: list[Any] = [out[:1], out.astype(np.float64), wrong]
    for bad in kinds:
        with pytest.raises(ValueError, match="out must be"):
            base.embed(["a", "b"], out=bad)


def test_offsets() -> None:
    text = "aé東𝄞b"
    data = text.encode()
    places = np.array([len(text[:i].encode()) for i in range(len(text) + 1)])
    chars = np.arange(len(text) + 1)
    assert chars_from_bytes(data, places).tolist() == chars.tolist()
    assert bytes_from_chars(data, chars).tolist() == places.tolist()
    assert chars_from_bytes(data, np.array([2, 4, 5, 9])).tolist() == [1, 2, 2, 3]
    assert chars_from_bytes(b"", np.array([0])).tolist() == [0]
    assert chars_from_bytes(data, np.array([[0, 3], [3, 6]])).tolist() == [[0, 2], [2, 3]]
    with pytest.raises(IndexError, match="5 code points"):
        bytes_from_chars(data, np.array([6]))


class Buffer:
    """What pyarrow.Buffer is to us."""

    def __init__(self, data: bytes) -> None:
        self.array = np.frombuffer(data, np.uint8)
        self.address = self.array.ctypes.data


class Column:
    """What pyarrow.Array is to us."""

    def __init__(self, texts: list[str], offset: int, kind: str, nulls: int = 0) -> None:
        data = [text.encode() for text in texts]
        dtype = np.int64 if "large" in kind else np.int32
        ends = np.cumsum([0, *map(len, data)]).astype(dtype)
        self._buffers = [None, Buffer(ends.tobytes()), Buffer(b"".join(data))]
        self.offset, self.type, self.null_count = offset, kind, nulls
        self.length = len(texts) - offset

    def __len__(self) -> int:
        return self.length

    def to_pylist(self) -> list[str]:
        raise AssertionError("it was copied")

    def buffers(self) -> list[Any]:
        return self._buffers


@pytest.mark.parametrize("kind", ["string", "large_string"])
@pytest.mark.parametrize("offset", [0, 2, 5])
def test_arrow(kind: str, offset: int) -> None:
    made = make_texts(Column(TEXTS, offset, kind))  # type: ignore[arg-type]
    assert back(made) == [text.encode() for text in TEXTS[offset:]]


def test_real_arrow(base: libbert.Model) -> None:
    arrow = pytest.importorskip("pyarrow")
    want = base.embed(TEXTS)
    for kind in (arrow.string(), arrow.large_string(), arrow.string_view(), arrow.binary()):
        column = arrow.array(["", *TEXTS], kind)[1:]
        assert np.array_equal(base.embed(column), want)
        chunked = arrow.chunked_array([column[:2], column[2:2], column[2:]])
        assert np.array_equal(base.embed(chunked), want)
    assert np.array_equal(base.embed(arrow.array(TEXTS).dictionary_encode()), want)
    assert base.embed(arrow.chunked_array([], arrow.string())).shape == (0, 32)
    with pytest.raises(TypeError, match=r"texts\[1\] is null"):
        base.embed(arrow.array(["a", None]))
    with pytest.raises(TypeError, match=r"texts\[2\] is NoneType"):
        base.embed(arrow.array(["a", "b", None], arrow.string_view()))


def test_data_frames(base: libbert.Model) -> None:
    polars = pytest.importorskip("polars")
    assert np.array_equal(base.embed(polars.Series(TEXTS)), base.embed(TEXTS))
