# SPDX-License-Identifier: MIT
"""The low-level tokenizer: arrays of batches, windows and pairs."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import MODELS, TEXTS

import libbert

PATH = MODELS / "embed" / "base"


@pytest.fixture(scope="module")
def tokenizer() -> libbert.RawTokenizer:
    return libbert.RawTokenizer(PATH)


def test_batch(tokenizer: libbert.RawTokenizer) -> None:
    found = tokenizer.encode_batch(TEXTS)
    assert len(found) == len(TEXTS)
    assert found.samples.tolist() == list(range(len(TEXTS)))
    assert found.starts.tolist() == [0, *np.cumsum(found.sizes).tolist()]
    for i, text in enumerate(TEXTS):
        one = tokenizer.encode_batch([text])
        for name in ("ids", "type_ids", "attention_mask", "special_mask", "offsets", "word_ids",
                     "sequence_ids"):
            whole = getattr(found, name)
            assert len(whole) == found.starts[-1]
            assert np.array_equal(found.row(whole, i), getattr(one, name)), name
        assert found.tokens(i) == [tokenizer.token(t) for t in one.ids.tolist()]
        assert tokenizer.count(text) == len(one.ids) == found.sizes[i]
        for (start, end), special in zip(one.offsets.tolist(), one.special_mask.tolist()):
            assert special == (end == 0)
            assert 0 <= start <= end <= len(text)
    assert found.tokens(0) == ["[CLS]", "a", "cat", "on", "a", "mat", "[SEP]"]
    assert found.row(found.offsets, 0).tolist()[2] == [2, 5]
    assert found.row(found.word_ids, 0).tolist() == [-1, 0, 1, 2, 3, 4, -1]
    assert found.row(found.sequence_ids, 0).tolist() == [-1, 0, 0, 0, 0, 0, -1]
    assert found.ids.dtype == np.int32
    assert found.truncated.tolist() == [0] * len(TEXTS)


def test_units(tokenizer: libbert.RawTokenizer) -> None:
    text = TEXTS[2]
    chars = tokenizer.encode_batch([text])
    raw = tokenizer.encode_batch([text], unit="bytes")
    for (a, b), (start, end) in zip(chars.offsets.tolist(), raw.offsets.tolist()):
        assert text[a:b].encode() == text.encode()[start:end]
    assert chars.offsets.max() < raw.offsets.max()


def test_pairs_and_truncation(tokenizer: libbert.RawTokenizer) -> None:
    found = tokenizer.encode_batch(["a cat on a mat"], ["the bank"], max_length=6)
    assert found.sizes.tolist() == [6]
    assert found.type_ids.tolist() == [0, 0, 0, 1, 1, 1] or found.type_ids.sum() > 0
    assert found.truncated.tolist() == [4]
    kept = found.kept(0)[0].tolist()
    assert kept[0] == 0
    assert kept[1] < len("a cat on a mat")
    left = tokenizer.encode_batch(["a cat on a mat"], max_length=4, side="left")
    assert left.tokens(0) == ["[CLS]", "a", "mat", "[SEP]"]
    with pytest.raises(ValueError, match="1 texts, but 2 pairs"):
        tokenizer.encode_batch(["a"], ["b", "c"])
    with pytest.raises(ValueError, match="strategy"):
        tokenizer.encode_batch(["a"], strategy="second")
    with pytest.raises(libbert.BertError):
        tokenizer.encode_batch(["a cat"], max_length=1)
    assert tokenizer.encode_batch(["a"], add_special=False).tokens(0) == ["a"]


def test_overflow(tokenizer: libbert.RawTokenizer) -> None:
    found = tokenizer.encode_batch(
        ["a", "a cat on a mat", ""], max_length=4, stride=1, overflow=True
    )
    assert found.samples.tolist() == [0, 1, 1, 1, 1, 2]
    assert found.tokens(1) == ["[CLS]", "a", "cat", "[SEP]"]
    assert found.tokens(2) == ["[CLS]", "cat", "on", "[SEP]"]
    assert found.truncated.tolist()[1] == 3


def test_padding(tokenizer: libbert.RawTokenizer) -> None:
    found = tokenizer.encode_batch(["a cat", "", "a"])
    ids = found.padded(found.ids, -1)
    assert ids.shape == (3, 4)
    assert ids[2].tolist()[3:] == [-1]
    left = found.padded(found.ids, -1, length=6, left=True)
    assert left.shape == (3, 6)
    for i in range(3):
        row = found.row(found.ids, i).tolist()
        assert ids[i].tolist() == row + [-1] * (4 - len(row))
        assert left[i].tolist() == [-1] * (6 - len(row)) + row
    assert found.padded(found.offsets).shape == (3, 4, 2)
    with pytest.raises(ValueError, match="length is 3"):
        found.padded(found.ids, length=3)
    same = tokenizer.encode_batch(["a cat", "", "a"], pad_length=6)
    assert same.sizes.tolist() == [6, 6, 6]
    assert same.attention_mask.reshape(3, 6).sum(1).tolist() == found.sizes.tolist()


def test_words(tokenizer: libbert.RawTokenizer) -> None:
    found = tokenizer.encode_words(["a", "cat", "on"], ["the", "bank"])
    assert found.tokens(0) == ["[CLS]", "a", "cat", "on", "[SEP]", "the", "bank", "[SEP]"]
    assert found.word_ids.tolist() == [-1, 0, 1, 2, -1, 0, 1, -1]
    assert tokenizer.encode_words([]).tokens(0) == ["[CLS]", "[SEP]"]


def test_vocabulary(tokenizer: libbert.RawTokenizer) -> None:
    assert tokenizer.algorithm == "WordPiece"
    assert tokenizer.special_count() == 2
    assert tokenizer.special_count(pair=True) == 3
    for token in ("[CLS]", "cat"):
        number = tokenizer.id(token)
        assert number is not None
        assert tokenizer.token(number) == token
    assert tokenizer.id("no such token") is None
    for unknown in (-1, tokenizer.vocab_size, 2**40):
        assert tokenizer.token(unknown) is None
    assert tokenizer.model_max_length >= 0


def test_cut_and_decode(tokenizer: libbert.RawTokenizer) -> None:
    assert tokenizer.cut("a cat on a mat", 2) == 5
    assert tokenizer.cut("a cat on a mat", 2, "left") == 9
    assert tokenizer.cut("É cat", 1) == 1
    assert tokenizer.cut("É cat".encode(), 1) == 2
    assert tokenizer.cut("a", 100) == 1
    ids = tokenizer.encode_batch(["a cat on a mat"]).ids
    assert tokenizer.decode(ids) == "a cat on a mat"
    assert tokenizer.decode(ids.tolist(), keep_special=True) == "[CLS] a cat on a mat [SEP]"
    assert tokenizer.decode(np.tile(ids, 5000)).startswith("a cat on a mat a cat")
    assert tokenizer.decode([]) == ""
    assert tokenizer.decode([-5, 2**40, *ids.tolist()]) == "a cat on a mat"
    with pytest.raises(TypeError):
        tokenizer.decode([1.5])  # type: ignore[list-item]


def test_from_files() -> None:
    files = {p.name: p.read_bytes() for p in PATH.iterdir() if "tokenizer" in p.name}
    with libbert.RawTokenizer.from_files(files) as made:
        assert made.encode_batch(["a cat"]).tokens(0) == ["[CLS]", "a", "cat", "[SEP]"]
    with pytest.raises(libbert.BertError):
        libbert.RawTokenizer.from_files({"tokenizer.json": b"{"})
    with pytest.raises(libbert.BertError):
        libbert.RawTokenizer.from_files({})


def test_threads(tokenizer: libbert.RawTokenizer) -> None:
    texts = [f"{text} {i}" for i in range(300) for text in TEXTS]
    want = tokenizer.encode_batch(texts)
    found = tokenizer.encode_batch(texts, threads=4)
    assert np.array_equal(found.ids, want.ids)
    assert np.array_equal(found.offsets, want.offsets)
