# SPDX-License-Identifier: MIT
"""What bge-m3's matrices make of texts: libbert's answers with the new files, beside the same
arithmetic with the pickles' own numbers on libbert's hidden states."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .dtypes import BY_NAME, Array, convert
from .errors import EXIT_OUTPUT, ConvertError
from .outputs import TOLERANCE, Unavailable
from .tensors import Item

KINDS = {"colbert_linear": "multi", "sparse_linear": "sparse"}
TEXTS = ("What is a vector of tokens?", "Berlin 2026, Paris & London", "a")

Matrices = Mapping[str, "tuple[Array, Array]"]
"""Weight [rows, hidden] and bias [rows] by kind."""


def matrix(items: list[Item]) -> tuple[Array, Array]:
    """Weight and bias in float64, as the new file has them."""
    found = {
        item.name: np.concatenate(
            [convert(piece, item.dtype, BY_NAME["F32"]) for piece in item.pieces()]
        ).reshape(item.shape).astype(np.float64)
        for item in items
    }  # fmt: skip
    return found["weight"], found["bias"]


def compare(folder: Path, matrices: Matrices, name: Path) -> float:
    """The largest difference; ConvertError if it is over the tolerance.

    Unavailable: nothing can be asked for, as without a tokenizer.
    """
    import libbert

    largest = 0.0
    with libbert.Model(folder) as model:
        for text in TEXTS:
            try:
                tokens = model.tokenizer.encode_batch([text], max_length=model.max_length)
                ids = tokens.ids.tolist()
                found = model.embed_all([text], tuple(matrices))
            except libbert.BertError as error:
                reason = error.message.replace(os.fspath(folder), os.fspath(name))
                raise Unavailable(f"libbert takes no texts ({reason})") from None
            states = np.asarray(model.encode([ids])[0], np.float64)
            for kind, (weight, bias) in matrices.items():
                made = states @ weight.T + bias
                if kind == "multi":
                    here = _apart(found.multi, _units(made[1:]))
                else:
                    here = _apart_by_id(found.sparse, made[:, 0], ids, _special(model.tokenizer))
                if not here <= TOLERANCE:
                    raise ConvertError(
                        name, f"{kind} answers of libbert differ by {here:.3g} from those of "
                        f"the pickle, over {TOLERANCE:.3g}; nothing was changed",
                        "BERT_EINTERNAL", EXIT_OUTPUT,
                    )  # fmt: skip
                largest = max(largest, here)
    return largest


def _units(rows: Array) -> Array:
    result: Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return result


def _apart(found: Any, wanted: Array) -> float:
    (rows,) = found
    same = rows.shape == wanted.shape
    return float(np.max(np.abs(rows - wanted), initial=0)) if same else np.inf


def _apart_by_id(found: Any, weights: Array, ids: Any, special: set[int]) -> float:
    wanted: dict[int, float] = {}
    for i, weight in zip(ids, weights):
        if i not in special and weight > 0:
            wanted[int(i)] = max(wanted.get(int(i), 0.0), float(weight))
    ((indices, values),) = found
    got = {int(i): float(value) for i, value in zip(indices, values)}
    every = set(got) | set(wanted)  # what is next to 0 may be on one side alone
    scale = max(1.0, max(wanted.values(), default=0.0))
    return max((abs(got.get(i, 0.0) - wanted.get(i, 0.0)) for i in every), default=0.0) / scale


def _special(tokenizer: Any) -> set[int]:
    found = (tokenizer.special_id(name) for name in ("bos", "cls", "eos", "sep", "pad", "unk"))
    return {i for i in found if i is not None}
