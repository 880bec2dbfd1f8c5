# SPDX-License-Identifier: MIT
"""Options as Python has them, names and None, to the structs of the library."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from ctypes import addressof, sizeof
from functools import cache, lru_cache
from typing import Any, TypeVar

from . import _constants, _structs
from ._texts import encode, make_texts, text_of

S = TypeVar("S", bound=ctypes.Structure)


@cache
def names(prefix: str) -> dict[str, int]:
    """The constants of an enum by their names: names("BERT_POOLING_") has "mean": 1."""
    return {
        name[len(prefix):].lower(): value
        for name, value in vars(_constants).items()
        if name.startswith(prefix)
    }


def number_of(prefix: str, what: str, value: str) -> int:
    """Number of a named option; ValueError lists the names that there are."""
    known = names(prefix)
    try:
        return known[value]
    except (KeyError, TypeError):
        raise ValueError(f"{what} is {value!r}; it can be {', '.join(known)}") from None


def name_of(prefix: str, number: int) -> str:
    """The name of a number that the library gave."""
    for name, value in names(prefix).items():
        if value == number:
            return name
    return str(number)


def names_of_bits(prefix: str, bits: int) -> tuple[str, ...]:
    """The names of the bits that are set."""
    return tuple(name for name, value in names(prefix).items() if bits & value)


def count(what: str, value: int | None) -> int:
    """A number of something, None for the default."""
    if value is None:
        return 0
    if not 0 <= value < 2**32:
        raise ValueError(f"{what} is {value}; it must be from 0 to 4294967295")
    return value


def size(what: str, value: int | None) -> int:
    """A number of bytes, None for the default."""
    if value is None:
        return 0
    if not 0 <= value < 2**63:  # ctypes would take the rest of it by 2**64
        raise ValueError(f"{what} is {value}; it must be from 0 to 9223372036854775807")
    return value


def nanoseconds(what: str, seconds: float | None) -> int:
    """Seconds as nanoseconds; None is no limit."""
    if seconds is None:
        return 0
    if not 0 < seconds < 2**33:  # also NaN
        raise ValueError(f"{what} is {seconds}; it must be above 0 seconds, or None")
    return max(1, int(seconds * 1e9))


def path_bytes(path: Any) -> bytes:
    """A path as the library takes it; ValueError for one with a NUL, which would end it there."""
    data = os.fsencode(path)
    if b"\0" in data:
        raise ValueError(f"the path {path!r} holds a NUL")
    return data


def optional(text: str | None) -> bytes | None:
    """A C string, or NULL."""
    if text is None:
        return None
    data = encode(text)
    if b"\0" in data:
        raise ValueError(f"{text!r} holds a NUL")
    return data


def make(kind: type[S], **fields: Any) -> S:
    """An options struct with its size."""
    made: S = kind(size=sizeof(kind))
    for name, value in fields.items():
        setattr(made, name, value)
    return made


NORMALIZE = {None: 0, True: 1, False: 2}


def normalize_number(value: bool | None) -> int:
    try:
        return NORMALIZE[value]
    except (KeyError, TypeError):
        raise ValueError(f"normalize is {value!r}; it can be None, True, False") from None


def overlong_number(value: str) -> int:
    return number_of("BERT_OVERLONG_", "overlong", value)


def stride_number(value: int | None) -> int:
    """Tokens that windows share; None: none."""
    return _constants.BERT_STRIDE_NONE if value is None else count("stride", value)


def keeps_errors(errors: str) -> bool:
    """Of errors="raise" or "keep"."""
    if errors not in ("raise", "keep"):
        raise ValueError(f"errors is {errors!r}; it can be raise, keep")
    return errors == "keep"


def set_prompt(options: Any, prompt: str | None, prompt_name: str | None) -> None:
    """Put a prompt, or a prompt's name, into options that have both fields."""
    if prompt is not None and prompt_name is not None:
        raise ValueError("prompt and prompt_name can't both be given")
    if prompt is not None:
        text = text_of(encode(prompt, "prompt"))
        options._kept = text  # the struct has its address only
        options.prompt = addressof(text)
    options.prompt_name = optional(prompt_name)


@lru_cache(maxsize=64)  # the library only reads them
def embed_options(
    pooling: str = "model",
    normalize: bool | None = None,
    dimensions: int = 0,
    overlong: str = "cut_right",
    max_length: int = 0,
    stride: int = 0,
    prompt: str | None = None,
    prompt_name: str | None = None,
) -> _structs.EmbedOptions:
    made = make(
        _structs.EmbedOptions,
        pooling=number_of("BERT_POOLING_", "pooling", pooling),
        normalize=normalize_number(normalize),
        dimensions=count("dimensions", dimensions),
        overlong=overlong_number(overlong),
        max_length=count("max_length", max_length),
        stride=count("stride", stride),
    )
    set_prompt(made, prompt, prompt_name)
    return made


def embed_all_options(
    kinds: Iterable[str] = (),
    role: str = "none",
    pooling: str = "model",
    normalize: bool | None = None,
    dimensions: int = 0,
    max_active: int = 0,
    max_length: int = 0,
    overlong: str = "cut_right",
    prompt: str | None = None,
    prompt_name: str | None = None,
) -> _structs.EmbedAllOptions:
    bits = 0
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        bits |= number_of("BERT_EMBEDDING_", "kind", kind)
    made = make(
        _structs.EmbedAllOptions,
        outputs=bits,
        pooling=number_of("BERT_POOLING_", "pooling", pooling),
        normalize=normalize_number(normalize),
        dimensions=count("dimensions", dimensions),
        max_active=count("max_active", max_active),
        max_length=count("max_length", max_length),
        overlong=overlong_number(overlong),
        role=number_of("BERT_ROLE_", "role", role),
    )
    set_prompt(made, prompt, prompt_name)
    return made


def chunk_options(
    chunk_tokens: int = 0,
    pooling: str = "model",
    normalize: bool | None = None,
    dimensions: int = 0,
    max_length: int = 0,
    windows: bool = False,
    stride: int = 0,
    prompt: str | None = None,
    prompt_name: str | None = None,
) -> _structs.ChunkOptions:
    made = make(
        _structs.ChunkOptions,
        pooling=number_of("BERT_POOLING_", "pooling", pooling),
        normalize=normalize_number(normalize),
        dimensions=count("dimensions", dimensions),
        max_length=count("max_length", max_length),
        chunk_tokens=count("chunk_tokens", chunk_tokens),
        windows=int(windows),
        stride=count("stride", stride),
    )
    set_prompt(made, prompt, prompt_name)
    return made


def classify_options(
    function: str = "auto", top: int = 0, max_length: int = 0, overlong: str = "cut_right"
) -> _structs.ClassifyOptions:
    return make(
        _structs.ClassifyOptions,
        function=number_of("BERT_FUNCTION_", "function", function),
        top=count("top", top),
        max_length=count("max_length", max_length),
        overlong=overlong_number(overlong),
    )


def rerank_options(
    raw: bool = False, top: int = 0, max_length: int = 0, overlong: str = "cut_right"
) -> _structs.RerankOptions:
    return make(
        _structs.RerankOptions,
        raw=int(raw),
        top=count("top", top),
        max_length=count("max_length", max_length),
        overlong=overlong_number(overlong),
    )


def tag_options(
    aggregation: str = "simple", max_length: int = 0, stride: int | None = 0
) -> _structs.TagOptions:
    return make(
        _structs.TagOptions,
        aggregation=number_of("BERT_AGGREGATE_", "aggregation", aggregation),
        max_length=count("max_length", max_length),
        stride=stride_number(stride),
    )


def answer_options(
    top: int = 1,
    null: bool = True,
    max_answer: int = 0,
    max_length: int = 0,
    stride: int | None = 0,
) -> _structs.AnswerOptions:
    return make(
        _structs.AnswerOptions,
        top=count("top", top),
        no_null=int(not null),
        max_answer=count("max_answer", max_answer),
        max_length=count("max_length", max_length),
        stride=stride_number(stride),
    )


def next_options(max_length: int = 0, overlong: str = "cut_right") -> _structs.NextOptions:
    return make(
        _structs.NextOptions,
        max_length=count("max_length", max_length),
        overlong=overlong_number(overlong),
    )


def fill_options(
    top: int = 5,
    targets: Iterable[str] | None = None,
    max_length: int = 0,
    overlong: str = "cut_right",
) -> _structs.FillOptions:
    made = make(
        _structs.FillOptions,
        top=count("top", top),
        max_length=count("max_length", max_length),
        overlong=overlong_number(overlong),
    )
    if targets is not None:
        wanted = make_texts(targets, "targets")
        made._kept = wanted
        made.n_targets = wanted.n
        made.targets = wanted.pointer
    return made


def choose_options(max_length: int = 0, overlong: str = "cut_right") -> _structs.ChooseOptions:
    return make(
        _structs.ChooseOptions,
        max_length=count("max_length", max_length),
        overlong=overlong_number(overlong),
    )


def explain_options(
    target: str = "auto", max_length: int = 0, overlong: str = "cut_right"
) -> _structs.ExplainOptions:
    return make(
        _structs.ExplainOptions,
        target=number_of("BERT_ROLLOUT_", "target", target),
        max_length=count("max_length", max_length),
        overlong=overlong_number(overlong),
    )
