# SPDX-License-Identifier: MIT
"""The same calls through tokenizers and transformers and through libbert: the same values in the
same forms.  Needs transformers in the environment."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import numpy as np
import pytest

import libbert

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

ROOT = pathlib.Path(__file__).resolve().parents[4]
DATA = ROOT / "tests" / "data"
SHARED = pathlib.Path(os.environ.get("BERT_SHARED_DATA", ROOT.parent / "shared" / "data"))
FILES = [
    *sorted((DATA / "tokenizer").glob("*.json")),
    *sorted((SHARED / "tokenizers").glob("*/tokenizer.json")),
]
FILES = [path for path in FILES if "cases" not in path.name and path.stem not in
         ("decoders", "processors", "stages")]  # fmt: skip

TEXTS = [
    "a cat on a mat",
    "",
    "Élan vital,  naïve café 東京 ☃ zzz 🤗🤗\u200d👩",
    "prices rose again in the last quarter , said the bank .",
    "[MASK] <mask> [SEP] </s> x[PAD]",
    "don't " * 12,
    " leading and trailing \n\t",
]
PAIRS = ["the bank", "x", "", "naïve 東京", "y z", "it's", "mat"]
LISTS = ("ids", "type_ids", "tokens", "offsets", "attention_mask", "special_tokens_mask",
         "word_ids", "words", "sequence_ids")  # fmt: skip


def name_of(path: pathlib.Path) -> str:
    return path.parent.name if path.name == "tokenizer.json" else path.stem


def same_encoding(ours: Any, theirs: Any, sequences: bool = True) -> None:
    for name in LISTS:
        if name == "sequence_ids" and not sequences:
            continue
        mine, wanted = getattr(ours, name), getattr(theirs, name)
        assert mine == wanted, name
        assert type(mine) is type(wanted), name
    assert len(ours) == len(theirs)
    if sequences:
        assert ours.n_sequences == theirs.n_sequences
    assert repr(ours) == repr(theirs)
    assert len(ours.overflowing) == len(theirs.overflowing)
    for mine, wanted in zip(ours.overflowing, theirs.overflowing):
        same_encoding(mine, wanted, sequences)


def same_places(ours: Any, theirs: Any) -> None:
    for sequence in range(2):
        for i in range(len(theirs) + 3):
            for name in ("char_to_token", "char_to_word", "word_to_tokens", "word_to_chars"):
                mine = getattr(ours, name)(i, sequence)
                assert mine == getattr(theirs, name)(i, sequence), (name, i, sequence)
    for i in range(len(theirs)):
        for name in ("token_to_chars", "token_to_word", "token_to_sequence"):
            assert getattr(ours, name)(i) == getattr(theirs, name)(i), (name, i)


@pytest.fixture(scope="module", params=FILES, ids=name_of)
def both(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return libbert.Tokenizer.from_file(request.param), tokenizers.Tokenizer.from_file(
        str(request.param)
    )


def plain(both: tuple[Any, Any]) -> tuple[Any, Any]:
    for tokenizer in both:
        tokenizer.no_padding()
        tokenizer.no_truncation()
    return both


def test_settings_of_file(both: tuple[Any, Any]) -> None:
    ours, theirs = both
    assert ours.padding == theirs.padding
    assert ours.truncation == theirs.truncation


def test_encode(both: tuple[Any, Any]) -> None:
    ours, theirs = plain(both)
    for special in (True, False):
        for text, pair in zip(TEXTS, PAIRS):
            mine, wanted = (t.encode(text, add_special_tokens=special) for t in both)
            same_encoding(mine, wanted)
            same_places(mine, wanted)
            mine, wanted = (t.encode(text, pair, add_special_tokens=special) for t in both)
            same_encoding(mine, wanted)
            same_places(mine, wanted)
    for words in (["a", "cat's", "東京"], [], ["", "x"]):
        same_encoding(*(t.encode(words, is_pretokenized=True) for t in both))
        same_encoding(*(t.encode(words, ["the", "bank"], is_pretokenized=True) for t in both))
    mixed = ["a cat", ("a", "b c"), ["x", "y"], ""]
    for mine, wanted in zip(ours.encode_batch(mixed), theirs.encode_batch(mixed)):
        same_encoding(mine, wanted)


@pytest.mark.parametrize("direction", ["left", "right"])
@pytest.mark.parametrize("strategy", ["longest_first", "only_first"])
@pytest.mark.parametrize("padding", [None, {}, {"length": 14}, {"pad_to_multiple_of": 8}])
def test_truncation(
    both: tuple[Any, Any], direction: str, strategy: str, padding: dict[str, Any] | None
) -> None:
    for tokenizer in plain(both):
        tokenizer.enable_truncation(9, stride=2, strategy=strategy, direction=direction)
        if padding is not None:
            tokenizer.enable_padding(direction=direction, pad_id=3, pad_type_id=1,
                                     pad_token="<p>", **padding)  # fmt: skip
    ours, theirs = both
    assert ours.padding == theirs.padding
    assert ours.truncation == theirs.truncation
    pairs = [(text, pair) for text, pair in zip(TEXTS, ["a", "b"] * 4)]
    for batch in (TEXTS, pairs):
        try:
            wanted = theirs.encode_batch(batch)
        except Exception:
            with pytest.raises(ValueError, match="max_length"):
                ours.encode_batch(batch)
            continue
        found = ours.encode_batch(batch)
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted):
            # Without a template what is cut forgets its sequences there, and padding is the text's.
            same_encoding(one, other, theirs.post_processor is not None)


def test_changes(both: tuple[Any, Any]) -> None:
    ours, theirs = plain(both)
    for direction in ("left", "right"):
        mine, wanted = ours.encode(TEXTS[3], "x y"), theirs.encode(TEXTS[3], "x y")
        for encoding in (mine, wanted):
            encoding.pad(30, direction=direction, pad_id=7, pad_type_id=1, pad_token="?")
        same_encoding(mine, wanted)
        for length, stride in ((12, 3), (5, 0), (0, 0)):
            for encoding in (mine, wanted):
                encoding.truncate(length, stride=stride, direction=direction)
            same_encoding(mine, wanted)


def test_vocabulary(both: tuple[Any, Any]) -> None:
    """That of added.json has added tokens which normalise alike: which of them an id spells is
    chance there."""
    ours, theirs = both
    for added in (True, False):
        assert ours.get_vocab(added) == theirs.get_vocab(added)
        assert ours.get_vocab_size(added) == theirs.get_vocab_size(added)
    for id in (*range(120), 10**6):
        assert ours.id_to_token(id) == theirs.id_to_token(id)
    for token in ("a", "[CLS]", "no such token"):
        assert ours.token_to_id(token) == theirs.token_to_id(token)
    mine, wanted = ours.get_added_tokens_decoder(), theirs.get_added_tokens_decoder()
    assert list(mine) == list(wanted)
    for id, token in wanted.items():
        for name in ("content", "single_word", "lstrip", "rstrip", "normalized", "special"):
            assert getattr(mine[id], name) == getattr(token, name)
    for pair in (False, True):
        assert ours.num_special_tokens_to_add(pair) == theirs.num_special_tokens_to_add(pair)


def test_decode(both: tuple[Any, Any]) -> None:
    ours, theirs = plain(both)
    rows = [encoding.ids for encoding in theirs.encode_batch(TEXTS)]
    for skip in (True, False):
        assert ours.decode_batch(rows, skip) == theirs.decode_batch(rows, skip)
        assert ours.decode(rows[0], skip_special_tokens=skip) == theirs.decode(
            rows[0], skip_special_tokens=skip
        )
    assert ours.decode([]) == theirs.decode([])


# ---- AutoTokenizer ----------------------------------------------------------------------

FOLDERS = [
    *sorted(path.parent for path in (DATA / "models").glob("*/*/tokenizer_config.json")
            if (path.parent / "tokenizer.json").exists()),
    # LUKE's class has a call of its own, for entities.
    *sorted(path for path in (DATA / "tokenizer_models").iterdir()
            if path.is_dir() and path.name != "luke"),
    *[path for path in [pathlib.Path(os.environ.get("BERT_TEST_MODEL", "/no"))] if path.is_dir()],
]
CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("a cat on a mat",), {}),
    (("",), {}),
    (("a cat", "on a mat"), {}),
    (("a cat", ""), {}),
    ((TEXTS,), {}),
    ((tuple(TEXTS),), {}),
    ((TEXTS, PAIRS), {}),
    (([("a", "b c"), "x", ["y", "z"]],), {}),
    ((["a", "cat"],), {"is_split_into_words": True}),
    (([],), {"is_split_into_words": True}),
    (([["a", "cat"], ["on"]],), {"is_split_into_words": True, "padding": True}),
    (([["a", "cat"], ["on"]], [["x"], ["y", "z"]]), {"is_split_into_words": True}),
    (([(["a", "cat"], ["x"])],), {"is_split_into_words": True}),
    ((TEXTS,), {"add_special_tokens": False}),
    ((TEXTS,), {"return_tensors": "np"}),
    (("a cat",), {"return_tensors": "np"}),
    (("a cat",), {"return_tensors": "pt"}),
    (("a cat", "x"), {"return_tensors": "np", "return_length": True}),
    ((TEXTS,), {"padding": True, "return_tensors": "np"}),
    ((TEXTS,), {"padding": "longest", "return_tensors": "pt"}),
    ((TEXTS, PAIRS), {"padding": True, "padding_side": "left", "return_tensors": "np"}),
    ((TEXTS,), {"padding": "max_length", "max_length": 48}),
    ((TEXTS,), {"padding": "max_length", "max_length": 3}),
    ((TEXTS,), {"padding": "max_length", "max_length": 3, "return_tensors": "np"}),
    ((TEXTS,), {"padding": "max_length", "max_length": 8, "truncation": True,
                "return_tensors": "np"}),
    ((TEXTS,), {"padding": "do_not_pad", "truncation": "do_not_truncate"}),
    ((TEXTS,), {"max_length": 7}),
    ((TEXTS,), {"max_length": 7, "truncation": "only_first", "padding": True}),
    ((TEXTS, PAIRS), {"max_length": 9, "truncation": "longest_first"}),
    (("a cat on a mat", "x"), {"max_length": 9, "truncation": "only_first"}),
    (("x", "a cat on a mat " * 3), {"max_length": 12, "truncation": "only_second"}),
    ((TEXTS,), {"padding": True, "pad_to_multiple_of": 16, "return_tensors": "np"}),
    (("a cat",), {"padding": True, "pad_to_multiple_of": 8}),
    (("a cat",), {"padding": True, "pad_to_multiple_of": 8, "return_tensors": "np",
                  "padding_side": "left"}),
    (("a cat",), {"padding": "max_length", "max_length": 12, "padding_side": "left"}),
    ((TEXTS,), {"padding": True, "return_offsets_mapping": True, "return_length": True,
                "return_special_tokens_mask": True, "return_token_type_ids": True}),
    ((TEXTS,), {"padding": True, "return_offsets_mapping": True, "return_length": True,
                "return_special_tokens_mask": True, "return_tensors": "np"}),
    (("a cat",), {"return_offsets_mapping": True, "return_length": True}),
    (("a cat",), {"return_attention_mask": False, "return_token_type_ids": False}),
    ((TEXTS,), {"return_overflowing_tokens": True}),
    (("a cat",), {"return_overflowing_tokens": True}),
    ((TEXTS,), {"return_overflowing_tokens": True, "truncation": True, "max_length": 8,
                "stride": 2, "padding": True, "return_offsets_mapping": True}),
    ((TEXTS,), {"return_overflowing_tokens": True, "truncation": True, "max_length": 8,
                "stride": 2, "padding": "max_length", "return_tensors": "np"}),
    ((TEXTS,), {"return_overflowing_tokens": True, "truncation": True, "max_length": 8,
                "padding": "max_length", "return_tensors": "pt"}),
    (("x", "a cat on a mat " * 3), {"return_overflowing_tokens": True, "max_length": 14,
                                    "truncation": "only_second", "stride": 3}),
    (("a cat",), {"verbose": False, "split_special_tokens": False}),
]  # fmt: skip
WRONG: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((3,), {}),
    (({"a": "b"},), {}),
    ((["a", 3],), {}),
    ((["a", None],), {}),
    ((["a"], ["b", "c"]), {}),
    ((["a"], "b"), {}),
    (("a",), {"is_split_into_words": True}),
    (("a",), {"padding": "all"}),
    (("a",), {"truncation": "all"}),
    (("a",), {"return_tensors": "tf"}),
    (("a b c d",), {"truncation": "only_second", "max_length": 4}),
    (("a b c d",), {"truncation": True, "max_length": 8, "padding": True, "pad_to_multiple_of": 3}),
    ((["a", "b c"],), {"return_tensors": "pt"}),
    (("a",), {"padding_side": "middle", "padding": True}),
]


def folder_name(path: pathlib.Path) -> str:
    return f"{path.parent.name}-{path.name}"


def load(folder: pathlib.Path) -> tuple[Any, Any]:
    """Ours and theirs; skipped where theirs is not of tokenizers."""
    try:
        theirs = transformers.AutoTokenizer.from_pretrained(folder)
    except Exception as reason:
        pytest.skip(f"transformers: {str(reason)[:100]}")
    if not theirs.is_fast:
        pytest.skip("transformers has no fast tokenizer for it")
    return libbert.AutoTokenizer.from_pretrained(folder), theirs


@pytest.fixture(scope="module", params=FOLDERS, ids=folder_name)
def auto(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return load(request.param)


def same_value(name: str, mine: Any, wanted: Any) -> None:
    assert type(mine) is type(wanted), name
    if isinstance(wanted, np.ndarray):
        assert mine.dtype == wanted.dtype, name
        assert mine.shape == wanted.shape, name
        if wanted.dtype == object:
            for one, other in zip(mine, wanted):
                same_value(name, one, other)
            return
        assert np.array_equal(mine, wanted), name
    elif hasattr(wanted, "numpy"):
        assert mine.dtype == wanted.dtype
        same_value(name, mine.numpy(), wanted.numpy())
    else:
        assert mine == wanted, name


@pytest.mark.parametrize("call", CALLS, ids=lambda call: json.dumps(call, default=str)[-60:])
def test_call(auto: tuple[Any, Any], call: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
    arguments, options = call
    ours, theirs = auto
    try:
        wanted = theirs(*arguments, **options)
    except BaseException as reason:
        assert not isinstance(reason, KeyboardInterrupt)
        with pytest.raises(Exception):  # noqa: B017, PT011
            ours(*arguments, **options)
        return
    found = ours(*arguments, **options)
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        same_value(name, found[name], value)
        same_value(name, getattr(found, name), value)
    assert found.is_fast
    assert found.n_sequences == wanted.n_sequences
    assert len(found.encodings) == len(wanted.encodings)
    for i, encoding in enumerate(wanted.encodings):
        assert found.tokens(i) == wanted.tokens(i)
        assert found.word_ids(i) == wanted.word_ids(i)
        assert found.sequence_ids(i) == wanted.sequence_ids(i)
        mine = found[i]
        for name in LISTS:
            assert getattr(mine, name) == getattr(encoding, name), name


@pytest.mark.parametrize("call", WRONG, ids=lambda call: json.dumps(call, default=str)[-60:])
def test_wrong(auto: tuple[Any, Any], call: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
    arguments, options = call
    ours, theirs = auto
    try:
        theirs(*arguments, **options)
        pytest.skip("no error there")  # LUKE has a call of its own
    except pytest.skip.Exception:
        raise
    except BaseException as reason:
        assert not isinstance(reason, KeyboardInterrupt)
    with pytest.raises((ValueError, TypeError, libbert.BertError)):
        ours(*arguments, **options)


ATTRIBUTES = (
    "model_input_names", "padding_side", "truncation_side", "model_max_length",
    "special_tokens_map", "all_special_tokens", "all_special_ids", "vocab_size",
    "pad_token_type_id", "max_len_single_sentence", "max_len_sentences_pair",
    "clean_up_tokenization_spaces", "is_fast", "extra_special_tokens",
    *(f"{role}_token{end}" for role in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
      for end in ("", "_id")),
)  # fmt: skip


# Of these the reference takes the control symbols of a SentencePiece model to be special and added.
PIECES = ("extra_special_tokens", "all_special_tokens", "all_special_ids", "vocab_size")


# Folders whose added tokens collide, of which an id has one spelling here and two there.
ADDED_TWICE = ("bert_additional", "deberta_v2_lower", "electra", "splinter")


def has_pieces(tokenizer: Any) -> bool:
    return any(pathlib.Path(tokenizer.name_or_path).glob("*.model"))


def test_attributes(auto: tuple[Any, Any]) -> None:
    ours, theirs = auto
    pieces = has_pieces(ours)
    for name in ATTRIBUTES:
        if "special" in name and pathlib.Path(ours.name_or_path).name == "splinter":
            continue  # its class has a role of its own
        if not (pieces and name in PIECES):
            assert getattr(ours, name) == getattr(theirs, name), name


def test_methods(auto: tuple[Any, Any]) -> None:
    ours, theirs = auto
    name = pathlib.Path(ours.name_or_path).name
    if name not in ADDED_TWICE:
        assert len(ours) == len(theirs)
        assert ours.get_vocab() == theirs.get_vocab()
    if not has_pieces(ours) and name not in ADDED_TWICE:
        assert ours.get_added_vocab() == theirs.get_added_vocab()
    ids = theirs(TEXTS)["input_ids"]
    for skip in (False, True):
        assert ours.batch_decode(ids, skip) == theirs.batch_decode(ids, skip)
        assert ours.decode(ids[2], skip_special_tokens=skip) == theirs.decode(
            ids[2], skip_special_tokens=skip
        )
        assert ours.convert_ids_to_tokens(ids[4], skip) == theirs.convert_ids_to_tokens(
            ids[4], skip
        )
    assert ours.decode(ids[0][0]) == theirs.decode(ids[0][0])
    assert ours.decode({"input_ids": ids[0]}) == theirs.decode({"input_ids": ids[0]})
    assert ours.decode(np.array(ids[0])) == theirs.decode(np.array(ids[0]))
    clean = "it is n't so , he said ."
    for way in (True, False):
        same = [t.decode(t(clean)["input_ids"], clean_up_tokenization_spaces=way)
                for t in auto]  # fmt: skip
        assert same[0] == same[1]
    for tokens in ("a", ["a", "no such token"]):
        assert ours.convert_tokens_to_ids(tokens) == theirs.convert_tokens_to_ids(tokens)
    assert ours.tokenize(TEXTS[2]) == theirs.tokenize(TEXTS[2])
    assert ours.tokenize("a", "b", add_special_tokens=True) == theirs.tokenize(
        "a", "b", add_special_tokens=True
    )
    for options in ({}, {"add_special_tokens": False}, {"max_length": 6, "truncation": True}):
        assert ours.encode(TEXTS[3], **options) == theirs.encode(TEXTS[3], **options)
    assert ours.get_special_tokens_mask(
        ids[4], already_has_special_tokens=True
    ) == theirs.get_special_tokens_mask(ids[4], already_has_special_tokens=True)


@pytest.mark.parametrize("options", [
    {}, {"padding": "max_length", "max_length": 40}, {"return_tensors": "np"},
    {"return_tensors": "pt", "pad_to_multiple_of": 8}, {"padding_side": "left"},
    {"return_attention_mask": False},
], ids=str)  # fmt: skip
def test_pad(auto: tuple[Any, Any], options: dict[str, Any]) -> None:
    ours, theirs = auto
    if theirs.pad_token is None:
        pytest.skip("no padding token")
    rows = [dict(theirs(text)) for text in TEXTS]
    for given in (rows, dict(theirs(TEXTS)), [{"input_ids": np.array([1, 2])}]):
        found, wanted = ours.pad(given, **options), theirs.pad(given, **options)
        assert sorted(found) == sorted(wanted)
        for name, value in wanted.items():
            same_value(name, found[name], value)


def test_sides(auto: tuple[Any, Any]) -> None:
    for tokenizer in auto:
        tokenizer.truncation_side = "left"
    try:
        ours, theirs = (dict(t(TEXTS, truncation=True, max_length=8)) for t in auto)
        assert ours == theirs
    finally:
        for tokenizer in auto:
            tokenizer.truncation_side = "right"
