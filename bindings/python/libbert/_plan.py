# SPDX-License-Identifier: MIT
"""What the arguments of a call of AutoTokenizer come to."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from ._outputs import check_tensors
from ._structs import TokenizeOptions
from ._tokenizer import tokenize_options
from ._tokenizer_files import NO_LIMIT

if TYPE_CHECKING:
    from .auto_tokenizer import AutoTokenizer

LARGE = int(1e20)  # a model_max_length over this is none

NO_PADDING = (
    "Asking to pad but the tokenizer does not have a padding token. Set one that its vocabulary "
    "has: tokenizer.pad_token = '[PAD]'"
)
PADDING = ("longest", "max_length", "do_not_pad")
TRUNCATION = ("only_first", "only_second", "longest_first", "do_not_truncate")


class Plan(NamedTuple):
    """What the arguments of a call come to."""

    options: TokenizeOptions
    names: tuple[str, ...]  # of what is given
    pads: bool
    length: int  # of padding; 0: the longest
    multiple: int
    left: bool
    overflow: bool
    tensors: str | None
    warn_over: int  # tokens of a text that are worth a warning
    quick: bool  # a single text needs its ids, type ids and mask only


def choice(value: Any, what: str, known: tuple[str, ...], true: str, false: str) -> str:
    """A strategy by its name, or True or False."""
    value = getattr(value, "value", value)
    if value is True:
        return true
    if value is False or value is None:
        return false
    if value not in known:
        raise ValueError(f"{value} is not a valid {what}, please select one of {list(known)}")
    return str(value)


def make_plan(
    tokenizer: AutoTokenizer, add_special: bool, padding: Any, truncation: Any,
    max_length: int | None, stride: int, multiple: int | None, side: str | None,
    tensors: str | None, types: bool | None, mask: bool | None, overflow: bool, special: bool,
    offsets: bool, length: bool, verbose: bool,
) -> Plan:  # fmt: skip
    """The plan of the arguments of AutoTokenizer.__call__()."""
    if max_length is not None and padding is False and truncation is None:
        truncation = True
    pad = choice(padding, "PaddingStrategy", PADDING, "longest", "do_not_pad")
    cut = choice(
        truncation, "TruncationStrategy", TRUNCATION, "longest_first", "do_not_truncate"
    )
    if verbose and padding is True and max_length is not None and cut == "do_not_truncate":
        warnings.warn(
            "`max_length` is ignored when `padding`=`True` and there is no truncation "
            "strategy. To pad to max length, use `padding='max_length'`.",
            stacklevel=4,
        )
    warn_over = tokenizer.model_max_length if max_length is None and verbose else NO_LIMIT
    if max_length is None:
        max_length = tokenizer.model_max_length
        if max_length > LARGE:
            cut = "do_not_truncate"
            pad = "do_not_pad" if pad == "max_length" else pad
    if pad != "do_not_pad" and tokenizer.pad_token_id is None:
        raise ValueError(NO_PADDING)
    if multiple and pad != "do_not_pad" and cut != "do_not_truncate" and max_length % multiple:
        raise ValueError(
            "Truncation and padding are both activated but truncation length "
            f"({max_length}) is not a multiple of pad_to_multiple_of ({multiple})."
        )
    cuts = cut != "do_not_truncate"
    if cuts and max_length < 1:
        raise ValueError(f"max_length is {max_length}; it must be above 0")
    options = tokenize_options(
        add_special=add_special,
        max_length=max_length if cuts else 0,
        stride=stride if cuts else 0,
        overflow=cuts and overflow,
        strategy=cut if cuts else "longest_first",
        side=tokenizer.truncation_side,
        stop_early=cuts and not overflow,
    )
    side = tokenizer.padding_side if side is None else side
    if side not in ("left", "right"):
        raise ValueError(f"padding_side is {side!r}; it can be 'left', 'right'")
    inputs = tokenizer.model_input_names
    wanted = {
        "input_ids": True,
        "token_type_ids": "token_type_ids" in inputs if types is None else types,
        "attention_mask": "attention_mask" in inputs if mask is None else mask,
        "special_tokens_mask": special, "offset_mapping": offsets, "length": length,
    }  # fmt: skip
    tensors = check_tensors(tensors)
    return Plan(
        options, tuple(name for name, is_so in wanted.items() if is_so), pad != "do_not_pad",
        max_length if pad == "max_length" else 0, multiple or 0, side == "left", overflow,
        tensors, warn_over,
        not (overflow or special or offsets or length),
    )  # fmt: skip
