# SPDX-License-Identifier: MIT
"""Encoder: the fixtures' values in padded arrays, and what is refused.  The same calls through
transformers are in tests/reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import MODELS, arrays

import libbert

CLOSE: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-5}
BERT = MODELS / "bert" / "mixed48"


@pytest.fixture(scope="module")
def encoder() -> libbert.Encoder:
    return libbert.Encoder(BERT)


def padded(wanted: dict[str, Any], n: int = 4) -> dict[str, Any]:
    rows = [wanted[f"{i}.ids"] for i in range(n)]
    width = max(map(len, rows)) + 2
    given = {name: np.zeros((n, width), np.int64)
             for name in ("input_ids", "attention_mask", "token_type_ids")}  # fmt: skip
    for i, row in enumerate(rows):
        given["input_ids"][i, : len(row)] = row
        given["attention_mask"][i, : len(row)] = 1
        given["token_type_ids"][i, : len(row)] = wanted.get(f"{i}.types", 0)
    return given


def test_values(encoder: libbert.Encoder) -> None:
    wanted = arrays(BERT / "expected.bin")
    given = padded(wanted)
    found = encoder(**given, output_hidden_states=True, output_attentions=True)
    assert list(found) == ["last_hidden_state", "pooler_output", "hidden_states", "attentions"]
    n, width = given["input_ids"].shape
    assert found.last_hidden_state.shape == (n, width, encoder.config.hidden_size)
    assert len(found.hidden_states) == encoder.config.num_hidden_layers + 1
    for i in range(n):
        size = len(wanted[f"{i}.ids"])
        hidden = wanted[f"{i}.hidden"]
        np.testing.assert_allclose(found.last_hidden_state[i, :size], hidden[-1], **CLOSE)
        np.testing.assert_allclose(found.pooler_output[i], wanted[f"{i}.pooler"], **CLOSE)
        for layer, states in enumerate(found.hidden_states):
            np.testing.assert_allclose(states[i, :size], hidden[layer], **CLOSE)
        for layer, scores in enumerate(found.attentions):
            expected = wanted[f"{i}.attentions"][layer]
            np.testing.assert_allclose(scores[i, :, :size, :size], expected, **CLOSE)
            assert not scores[i, :, size:].any()
        assert not found.last_hidden_state[i, size:].any()


def test_forms(encoder: libbert.Encoder) -> None:
    given = padded(arrays(BERT / "expected.bin"))
    found = encoder(**given)
    assert found.hidden_states is None
    assert found[0] is found["last_hidden_state"] is found.last_hidden_state
    pair = encoder(**given, return_dict=False)
    assert isinstance(pair, tuple)
    assert np.array_equal(pair[1], found.pooler_output)
    assert [len(part) for part in (found, found.to_tuple())] == [2, 2]
    lists = encoder(given["input_ids"].tolist(), given["attention_mask"].tolist(),
                    given["token_type_ids"].tolist())  # fmt: skip
    assert np.array_equal(lists[0], found[0])
    boolean = encoder(**{**given, "attention_mask": given["attention_mask"] == 1})
    assert np.array_equal(boolean[0], found[0])
    with pytest.raises(AttributeError):
        found.logits  # noqa: B018
    assert encoder.eval() is encoder.to("cpu") is encoder.train(False) is encoder
    assert encoder.num_parameters() == encoder.model.parameters


def test_same_bits(encoder: libbert.Encoder) -> None:
    """Whatever the padding, the batch and its parts."""
    random = np.random.default_rng(3)
    ids = random.integers(1, encoder.config.vocab_size, (40, 12))
    mask = (np.arange(12) < random.integers(0, 13, 40)[:, None]).astype(int)
    mask[5] = 0
    found = encoder(ids, mask)
    assert not found.last_hidden_state[5].any()
    assert not found.pooler_output[5].any()
    small = libbert.Encoder(BERT, max_tokens=30)
    parts = small(ids, mask)
    for name, value in found.items():
        assert np.array_equal(parts[name], value), name
    for i in range(0, 40, 7):
        size = int(mask[i].sum())
        if size:
            alone = encoder(ids[i:i + 1, :size])
            assert np.array_equal(alone.last_hidden_state[0], found.last_hidden_state[i, :size])
    empty = encoder(np.zeros((0, 4), int), output_hidden_states=True, output_attentions=True)
    assert empty.last_hidden_state.shape[:2] == (0, 4)
    assert len(empty.hidden_states) == encoder.config.num_hidden_layers + 1


def test_left_padding(encoder: libbert.Encoder) -> None:
    ids, mask = np.array([[0, 0, 7, 8], [5, 6, 7, 8]]), np.array([[0, 0, 1, 1], [1, 1, 1, 1]])
    with pytest.raises(libbert.UnsupportedError, match="row 0 has padding before its tokens"):
        encoder(ids, mask)
    counted = np.maximum(mask.cumsum(1) - 1, 0)
    found = encoder(ids, mask, position_ids=counted)
    assert np.array_equal(found[0][0, 2:], encoder(ids[:1, 2:])[0][0])
    with pytest.raises(libbert.UnsupportedError, match="position_ids of row 0"):
        encoder(ids, mask, position_ids=counted + 1)
    relative = libbert.Encoder(MODELS / "family" / "xlm_roberta")
    pad = relative.config.pad_token_id
    left = relative(np.array([[pad, pad, 7, 8]]), np.array([[0, 0, 1, 1]]))
    assert np.array_equal(left[0][0, 2:], relative(np.array([[7, 8]]))[0][0])


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({}, ValueError, "input_ids is None"),
        ({"input_ids": [1, 2]}, ValueError, r"shape \[2\]"),
        ({"input_ids": [[1, 2], [3]]}, ValueError, "rows of different lengths"),
        ({"input_ids": [[1.5]]}, TypeError, "float64"),
        ({"input_ids": [[1, 2**40]]}, ValueError, "32 bits"),
        ({"input_ids": [[1], [2], [10**6]]}, libbert.InvalidArgumentError, "of row 2"),
        ({"input_ids": [[1, 2, 3]], "attention_mask": [[1, 0, 1]]}, libbert.UnsupportedError,
         "hole in row 0"),
        ({"input_ids": [[1, 2]], "attention_mask": [[1]]}, ValueError, "attention_mask has shape"),
        ({"input_ids": [[1, 2]], "attention_mask": [[1, 2]]}, ValueError, "other numbers"),
        ({"input_ids": [[1, 2]], "token_type_ids": [[1]]}, ValueError, "token_type_ids has shape"),
        ({"input_ids": [[1]], "texts": ["a"]}, ValueError, "texts and input_ids"),
        ({"inputs_embeds": [[[1.0]]]}, libbert.UnsupportedError, "inputs_embeds"),
        ({"input_ids": [[1]], "nonsense": 1}, TypeError, "nonsense"),
        ({"input_ids": [[1] * 5000]}, libbert.LengthError, "row 0"),
    ],
    ids=str,
)  # fmt: skip
def test_refused(
    encoder: libbert.Encoder, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        encoder(**options)
    assert encoder([[1]])[0].shape[0] == 1  # and goes on


def test_loading() -> None:
    with pytest.raises(FileNotFoundError, match="snapshot_download"):
        libbert.Encoder.from_pretrained("someone/some-model")
    made: libbert.Encoder
    with libbert.Encoder.from_pretrained(
        BERT, attn_implementation="eager", trust_remote_code=True, dtype="float32", device_map="cpu"
    ) as made:
        assert made.model.precision == "fp32"
        with pytest.raises(libbert.UnsupportedError, match="cuda"):
            made.to("cuda")
        with pytest.raises(libbert.UnsupportedError, match="train"):
            made.train()
    for settings in ({"dtype": "float16"}, {"device_map": "auto"}):
        with pytest.raises(libbert.UnsupportedError, match=r"float16|device_map"):
            libbert.Encoder.from_pretrained(BERT, **settings)
    with pytest.raises(ValueError, match="closed"):
        made([[1]])


def test_texts(base: libbert.Model) -> None:
    encoder = libbert.Encoder(base)
    found = encoder(texts=["a cat on a mat", "a"])
    assert found.last_hidden_state.shape[:2] == found.inputs["input_ids"].shape
    same = encoder(**found.inputs)
    assert np.array_equal(same[0], found[0])
    rows = base.encode([[i for i, m in zip(*row) if m] for row in zip(
        found.inputs["input_ids"].tolist(), found.inputs["attention_mask"].tolist())])  # fmt: skip
    assert np.array_equal(found[0][1, : len(rows[1])], rows[1])
    assert encoder(texts="a")[0].shape[0] == 1
