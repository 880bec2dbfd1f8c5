# SPDX-License-Identifier: MIT
"""Tokenizer and AutoTokenizer: the fixtures' values, forms, what is refused.  The same calls are
made through the originals in tests/reference."""

from __future__ import annotations

import json
import logging
import os
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from conftest import DATA, MODELS, TEXTS

import libbert

PATH = MODELS / "embed" / "base"
NAMES = ("ids", "type_ids", "offsets", "special_tokens_mask", "word_ids", "sequence_ids")


@pytest.fixture(scope="module")
def auto() -> libbert.AutoTokenizer:
    return libbert.AutoTokenizer(PATH)


@pytest.mark.parametrize("name", ["uncased", "cased", "added", "chars"])
def test_fixture(name: str) -> None:
    """What tokenizers says, as the C tests have it; their offsets are bytes."""
    tokenizer = libbert.Tokenizer.from_file(DATA / "tokenizer" / f"{name}.json")
    cases = json.loads((DATA / "tokenizer" / f"{name}.cases.json").read_text())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    n = 0
    for text, pair, options, windows, *_ in cases:
        if options is not None or len(windows) != 1 or not isinstance(text, str):
            continue
        encoding = tokenizer.encode(text, pair)
        for field, wanted in zip(NAMES, windows[0]):
            found: list[Any] = getattr(encoding, field)
            if field == "offsets":
                sources = [pair if of == 1 else text for of in encoding.sequence_ids]
                found = [len(source[:place].encode())
                         for source, span in zip(sources, found) for place in span]  # fmt: skip
            assert [-1 if value is None else value for value in found] == wanted, field
        n += 1
    assert n > 10


def test_encoding() -> None:
    tokenizer = libbert.Tokenizer(PATH)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    encoding = tokenizer.encode("a cat", "on a mat")
    assert encoding.tokens == ["[CLS]", "a", "cat", "[SEP]", "on", "a", "mat", "[SEP]"]
    assert encoding.offsets[2] == (2, 5)
    assert encoding.sequence_ids == [None, 0, 0, None, 1, 1, 1, None]
    assert encoding.n_sequences == 2
    assert len(encoding) == 8
    assert encoding.char_to_token(3) == 2
    assert encoding.char_to_token(1) is None
    assert encoding.char_to_token(0, 1) == 4
    assert encoding.char_to_word(6, 1) == 2
    assert encoding.token_to_chars(6) == (5, 8)
    assert encoding.token_to_chars(0) is None
    assert encoding.token_to_word(6) == 2
    assert encoding.token_to_sequence(6) == 1
    assert encoding.word_to_tokens(1) == (2, 3)
    assert encoding.word_to_chars(2, 1) == (5, 8)
    assert encoding.word_to_tokens(9) is None
    same = pickle.loads(pickle.dumps(encoding))
    assert same.tokens == encoding.tokens
    assert same.n_sequences == 2
    encoding.pad(10, direction="left", pad_token="[PAD]")
    assert encoding.tokens[:3] == ["[PAD]", "[PAD]", "[CLS]"]
    assert encoding.attention_mask == [0, 0] + [1] * 8
    encoding.truncate(4, stride=1)
    assert encoding.tokens == ["[PAD]", "[PAD]", "[CLS]", "a"]
    assert encoding.overflowing[0].tokens == ["a", "cat", "[SEP]", "on"]


def test_settings() -> None:
    tokenizer = libbert.Tokenizer(PATH)
    tokenizer.enable_truncation(4, stride=1)
    tokenizer.enable_padding(length=6, pad_id=0)
    encoding = tokenizer.encode("a cat on a mat")
    assert encoding.tokens == ["[CLS]", "a", "cat", "[SEP]", "[PAD]", "[PAD]"]
    assert [one.tokens[1:3] for one in encoding.overflowing] == [
        ["cat", "on"], ["on", "a"], ["a", "mat"],
    ]  # fmt: skip
    assert encoding.overflowing[0].overflowing == []
    assert pickle.loads(pickle.dumps(tokenizer)).padding == tokenizer.padding
    with pytest.raises(ValueError, match="`up`"):
        tokenizer.enable_truncation(3, direction="up")
    with pytest.raises(ValueError, match="`all`"):
        tokenizer.enable_truncation(3, strategy="all")
    with pytest.raises(ValueError, match="max_length is 0"):
        tokenizer.enable_truncation(0)
    with pytest.raises(ValueError, match="up"):
        tokenizer.enable_padding(direction="up")
    tokenizer.enable_truncation(4, stride=3)
    with pytest.raises(libbert.InvalidArgumentError, match="stride is 3"):
        tokenizer.encode("a cat on a mat")


def test_tokenizer_from() -> None:
    text = (PATH / "tokenizer.json").read_text()
    for made in (
        libbert.Tokenizer.from_str(text),
        libbert.Tokenizer.from_buffer(text.encode()),
        libbert.Tokenizer.from_pretrained(PATH),
    ):
        assert made.encode("a cat").tokens[:3] == ["[CLS]", "a", "cat"]
        assert made.get_vocab_size() == len(made.get_vocab())
        assert made.token_to_id("[CLS]") in made.get_added_tokens_decoder()
    with pytest.raises(FileNotFoundError, match="snapshot_download"):
        libbert.Tokenizer.from_pretrained("someone/some-model")
    for name in ("add_tokens", "add_special_tokens", "train", "save", "to_str", "post_process"):
        with pytest.raises(libbert.UnsupportedError):
            getattr(made, name)(*["x"] * (name != "to_str"))


def test_call(auto: libbert.AutoTokenizer) -> None:
    one = auto("a cat")
    assert list(one) == ["input_ids", "token_type_ids", "attention_mask"]
    assert one.input_ids == one["input_ids"] == auto.encode("a cat")
    assert one.tokens() == ["[CLS]", "a", "cat", "[SEP]"]
    assert auto(["a cat"])["input_ids"] == [one.input_ids]
    arrays = auto(TEXTS, padding=True, return_tensors="np")
    lists = auto(TEXTS, padding=True)
    for name, rows in lists.items():
        assert arrays[name].dtype == np.int64
        assert arrays[name].tolist() == rows
        for text, row in zip(TEXTS, rows):
            alone = auto(text)[name]
            assert row[: len(alone)] == alone
    assert auto("a cat", return_tensors="np")["input_ids"].tolist() == [one.input_ids]
    left = auto(["a", "a cat"], padding=True, padding_side="left", return_tensors="np")
    assert left["attention_mask"].tolist() == [[0, 1, 1, 1], [1, 1, 1, 1]]
    assert left.tokens(0)[0] == "[PAD]"
    column = np.array(["a cat", "a"])
    assert auto(column)["input_ids"] == auto(["a cat", "a"])["input_ids"]
    assert auto([])["input_ids"] == []
    assert auto([], padding=True, return_tensors="np")["input_ids"].shape == (0, 0)


def test_overflow(auto: libbert.AutoTokenizer) -> None:
    found = auto(
        ["a", "a cat on a mat"], truncation=True, max_length=4, stride=1, padding=True,
        return_overflowing_tokens=True, return_offsets_mapping=True, return_tensors="np",
    )  # fmt: skip
    assert found.overflow_to_sample_mapping.tolist() == [0, 1, 1, 1, 1]
    assert found.input_ids.shape == (5, 4)
    assert found.offset_mapping.shape == (5, 4, 2)
    assert [found.tokens(i)[1] for i in range(5)] == ["a", "a", "cat", "on", "a"]
    assert len(found[1].overflowing) == 3


def test_batch_encoding(auto: libbert.AutoTokenizer) -> None:
    found = auto(["a cat", "on a mat"])
    assert found.is_fast
    assert found.word_ids(1) == [None, 0, 1, 2, None]
    assert found.sequence_ids(0) == [None, 0, 0, None]
    assert found.char_to_token(1, 3) == 2
    assert found.token_to_chars(1, 3) == (5, 8)
    assert found.token_to_chars(1, 3)._fields == ("start", "end")  # type: ignore[union-attr]
    assert found.word_to_tokens(1) == (2, 3)
    assert found.word_to_chars(1) == (2, 5)
    assert found.char_to_word(2) == 1
    assert found.token_to_word(-2) == 1
    assert found.token_to_sequence(1) == 0
    assert [len(encoding) for encoding in found[0:2]] == [4, 5]
    with pytest.raises(AttributeError):
        found.nothing  # noqa: B018
    with pytest.raises(KeyError):
        found["nothing"]
    same = pickle.loads(pickle.dumps(found))
    assert dict(same) == dict(found)
    assert same.tokens(1) == found.tokens(1)
    del found["attention_mask"]
    assert "attention_mask" not in found
    bare = libbert.BatchEncoding({"input_ids": [[1, 2]]})
    assert bare.encodings is None
    with pytest.raises(ValueError, match="tokens"):
        bare.tokens()
    assert bare.convert_to_tensors("np")["input_ids"].shape == (1, 2)


def test_truncated_texts_are_not_read(auto: libbert.AutoTokenizer) -> None:
    text = "a cat on a mat " * 200
    whole = auto(text)["input_ids"]
    assert auto(text, truncation=True, max_length=8)["input_ids"] == [*whole[:7], whole[-1]]


def test_special_tokens(auto: libbert.AutoTokenizer) -> None:
    assert auto.cls_token == "[CLS]"
    assert auto.convert_ids_to_tokens(auto.sep_token_id) == "[SEP]"
    assert auto.bos_token is None
    assert auto.bos_token_id is None
    assert set(auto.all_special_tokens) == {"[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"}
    other = libbert.AutoTokenizer(PATH, pad_token="[MASK]", padding_side="left")
    rows = other(["a", "a cat"], padding=True)["input_ids"]
    assert rows[0][0] == other.mask_token_id == other.pad_token_id
    other.pad_token_id = auto.pad_token_id
    assert other(["a", "a cat"], padding=True)["input_ids"][0][0] == auto.pad_token_id
    other.pad_token = None
    with pytest.raises(ValueError, match="padding token"):
        other("a", padding=True)
    with pytest.raises(ValueError, match="no id"):
        other.cls_token_id = 10**6
    same = pickle.loads(pickle.dumps(other))
    assert same.pad_token is None
    assert same.padding_side == "left"
    assert same("a")["input_ids"] == auto("a")["input_ids"]


def test_close() -> None:
    with libbert.AutoTokenizer(PATH) as auto, libbert.Tokenizer(PATH) as tokenizer:
        encoding, made = tokenizer.encode("a cat"), auto("a cat")
    tokenizer.close()
    auto.close()
    for call in (tokenizer.encode, tokenizer.token_to_id, auto, auto.tokenize):
        with pytest.raises(ValueError, match="tokenizer is closed"):
            call("a cat")
    with pytest.raises(ValueError, match="tokenizer is closed"):
        auto(["a cat"])
    assert encoding.ids[: len(made["input_ids"])] == made["input_ids"]
    assert encoding.tokens[1:3] == ["a", "cat"]


def test_settings_between_texts() -> None:
    """One text takes the settings that were made last."""
    tokenizer = libbert.Tokenizer(PATH)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    assert len(tokenizer.encode("a cat on a mat").ids) == 7
    tokenizer.enable_truncation(4)
    cut = tokenizer.encode("a cat on a mat")
    assert len(cut) == 4
    assert [len(window) for window in cut.overflowing] == [4, 3]
    assert tokenizer.encode("a cat").overflowing == []
    assert len(tokenizer.encode("a cat on a mat", add_special_tokens=False)) == 4
    tokenizer.enable_padding(length=6, pad_id=3)
    assert tokenizer.encode("a").ids[3:] == [3, 3, 3]
    tokenizer.no_truncation()
    assert len(tokenizer.encode("a cat on a mat")) == 7


def test_decode(auto: libbert.AutoTokenizer) -> None:
    rows = auto(["a cat", "on a mat"])["input_ids"]
    assert auto.decode(rows[0]) == "[CLS] a cat [SEP]"
    assert auto.decode(rows, skip_special_tokens=True) == ["a cat", "on a mat"]
    assert auto.batch_decode(np.array(rows[0])) == ["[CLS] a cat [SEP]"]
    assert auto.decode([-1, 2**40, *rows[0]], skip_special_tokens=True) == "a cat"
    assert auto.decode(rows[0] * 3000).startswith("[CLS] a cat [SEP] [CLS]")
    assert auto.tokenize("a cat") == ["a", "cat"]


def test_pad(auto: libbert.AutoTokenizer) -> None:
    rows = [dict(auto(text)) for text in ("a", "on a mat")]
    found = auto.pad(rows, return_tensors="np")
    assert found["input_ids"].shape == (2, 5)
    assert found["attention_mask"].tolist()[0] == [1, 1, 1, 0, 0]
    assert found["input_ids"].tolist() == auto(["a", "on a mat"], padding=True)["input_ids"]


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"text": None}, ValueError, "text is None"),
        ({"text": 3}, ValueError, "text is int"),
        ({"text": ["a", 3]}, TypeError, r"texts\[1\] is int"),
        ({"text": ["a"], "text_pair": "b"}, TypeError, "text_pair must be a list"),
        ({"text": ["a"], "text_pair": ["b", "c"]}, ValueError, "batch length"),
        ({"padding": "all"}, ValueError, "all is not a valid PaddingStrategy"),
        ({"truncation": "all"}, ValueError, "all is not a valid TruncationStrategy"),
        ({"return_tensors": "tf"}, ValueError, "return_tensors is 'tf'"),
        ({"padding_side": "up"}, ValueError, "padding_side is 'up'"),
        ({"text_target": "a"}, libbert.UnsupportedError, "text_target"),
        ({"split_special_tokens": True}, libbert.UnsupportedError, "split_special_tokens"),
        ({"nonsense": 1}, TypeError, "nonsense"),
        ({"max_length": 1}, libbert.InvalidArgumentError, "max_length is 1"),
        ({"max_length": 0}, ValueError, "max_length is 0"),
        ({"max_length": 4, "stride": 2}, libbert.InvalidArgumentError, "stride is 2"),
        ({"max_length": 4, "truncation": "only_second"}, libbert.LengthError, "second"),
        ({"text": "a", "is_split_into_words": True}, ValueError, "text is str"),
        ({"text": ["a", "b"], "is_split_into_words": True, "text_pair": "c"}, TypeError, "pair"),
        (
            {"padding": True, "truncation": True, "max_length": 7, "pad_to_multiple_of": 4},
            ValueError, "multiple",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_refused(
    auto: libbert.AutoTokenizer, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        auto(**{"text": "a cat on a mat", **options})
    assert auto("a cat")["input_ids"]  # and goes on


def test_refused_methods(auto: libbert.AutoTokenizer) -> None:
    for name in ("add_tokens", "add_special_tokens", "save_pretrained", "apply_chat_template",
                 "get_special_tokens_mask"):  # fmt: skip
        with pytest.raises(libbert.UnsupportedError):
            getattr(auto, name)([1])
    with pytest.raises(TypeError, match="setting nonsense"):
        libbert.AutoTokenizer(PATH, nonsense=1)
    with pytest.raises(FileNotFoundError, match="snapshot_download"):
        libbert.AutoTokenizer.from_pretrained("someone/some-model")


def test_warnings(caplog: pytest.LogCaptureFixture) -> None:
    tokenizer = libbert.AutoTokenizer(PATH, model_max_length=8)
    with caplog.at_level(logging.WARNING, "libbert"):
        tokenizer("a cat on a mat " * 3)
        tokenizer("a cat on a mat " * 3)
    assert len(caplog.records) == 1
    assert "17 > 8" in caplog.text
    with pytest.warns(UserWarning, match="max_length"):
        tokenizer("a", padding=True, max_length=5)


def test_threads() -> None:
    tokenizer = libbert.AutoTokenizer(PATH)
    texts = [f"{text} {i}" for i in range(200) for text in TEXTS]
    wanted = tokenizer(texts, padding=True, return_tensors="np")["input_ids"]
    for threads in (1, 3):
        tokenizer.threads = threads
        assert np.array_equal(tokenizer(texts, padding=True, return_tensors="np").input_ids, wanted)
    found: list[Any] = [None] * 6

    def work(i: int) -> None:
        found[i] = tokenizer(texts, padding=True, return_tensors="np").input_ids

    workers = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(np.array_equal(one, wanted) for one in found)


@pytest.mark.skipif("BERT_TEST_SANITIZED" in os.environ, reason="freed memory is kept")
def test_memory(auto: libbert.AutoTokenizer) -> None:
    """Encodings go with what holds them."""
    import resource

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    text = "a cat on a mat " * 1000
    for _ in range(20):
        auto(text, verbose=False)
        auto([text] * 4, padding=True, return_tensors="np", verbose=False)
    before = peak()
    for _ in range(200):
        auto(text, verbose=False)
        auto([text] * 4, padding=True, return_tensors="np", verbose=False)
    assert peak() - before < 30000  # KiB; each round holds some MiB
