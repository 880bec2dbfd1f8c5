# SPDX-License-Identifier: MIT
"""Padding of what was tokenized before: AutoTokenizer.pad(), which data loaders call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._outputs import as_tensors
from ._plan import LARGE, NO_PADDING, PADDING, choice
from .batch_encoding import BatchEncoding

if TYPE_CHECKING:
    from .auto_tokenizer import AutoTokenizer


def _plain(value: Any) -> Any:
    """Arrays and tensors as lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _kind(value: Any) -> str | None:
    """return_tensors that gives back what was put in."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    if type(value).__module__.split(".")[0] == "torch":
        return "pt"
    return "np" if type(value).__module__.split(".")[0] == "numpy" else None


def pad(
    tokenizer: AutoTokenizer, inputs: Any, padding: Any, max_length: int | None,
    multiple: int | None, side: str | None, mask: bool | None, tensors: str | None,
) -> BatchEncoding:  # fmt: skip
    if isinstance(inputs, (list, tuple)) and all(isinstance(row, Mapping) for row in inputs):
        inputs = {key: [row[key] for row in inputs] for key in (inputs[0] if inputs else {})}
    if not isinstance(inputs, Mapping) or "input_ids" not in inputs:
        raise ValueError("pad() takes an encoding or a list of encodings, with input_ids")
    tensors = tensors if tensors is not None else _kind(inputs["input_ids"])
    data = {key: _plain(value) for key, value in inputs.items()}
    rows = data["input_ids"]
    if mask is None:
        mask = "attention_mask" in tokenizer.model_input_names
    if not rows:
        return BatchEncoding({**data, "attention_mask": []} if mask else data)
    many = isinstance(rows[0], list)
    if not many:
        data = {key: [value] for key, value in data.items()}
        rows = data["input_ids"]
    how = choice(padding, "PaddingStrategy", PADDING, "longest", "do_not_pad")
    if how == "max_length" and max_length is None:
        max_length = tokenizer.model_max_length
        how = "do_not_pad" if max_length > LARGE else how
    if mask and "attention_mask" not in data:
        data["attention_mask"] = [[1] * len(row) for row in rows]
    if how != "do_not_pad":
        if tokenizer.pad_token_id is None:
            raise ValueError(NO_PADDING)
        length = max(map(len, rows)) if how == "longest" else max_length or 0
        length += -length % multiple if multiple else 0
        left = (side or tokenizer.padding_side) == "left"
        fills = {
            "input_ids": tokenizer.pad_token_id, "token_type_ids": 0, "special_tokens_mask": 1,
            **({"attention_mask": 0} if mask else {}),
        }  # fmt: skip
        for key, fill in fills.items():
            if key in data:
                data[key] = [_fill(row, fill, length, left) for row in data[key]]
    if not many:
        data = {key: value[0] for key, value in data.items()}
    return BatchEncoding(as_tensors(data, tensors))


def _fill(row: list[int], fill: int, length: int, left: bool) -> list[int]:
    more = [fill] * (length - len(row))
    return more + row if left else row + more
