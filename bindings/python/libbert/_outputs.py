# SPDX-License-Identifier: MIT
"""Windows of tokens to the lists and arrays that a call of AutoTokenizer gives."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ._windows import Windows, row_of_one

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._plan import Plan

# Names of what is given: the array of Encodings that it comes from, and its padding.
FIELDS: dict[str, tuple[str, int]] = {
    "input_ids": ("ids", 0),
    "token_type_ids": ("type_ids", 0),
    "attention_mask": ("", 0),
    "special_tokens_mask": ("special_mask", 1),
    "offset_mapping": ("offsets", 0),
}
RAGGED = (
    "Unable to create tensor: `{}` has rows of different lengths; 'padding=True' and "
    "'truncation=True' make them equal"
)
TENSORS = ("np", "pt")


def check_tensors(kind: str | None) -> str | None:
    """return_tensors as a name; ValueError for one that there is not."""
    kind = getattr(kind, "value", kind)
    if kind is not None and kind not in TENSORS:
        raise ValueError(f"return_tensors is {kind!r}; it can be None, 'np', 'pt'")
    return kind


def torch() -> Any:
    """The module torch; ImportError says who wants it."""
    try:
        module = importlib.import_module("torch")
    except ImportError:
        raise ImportError(
            "return_tensors='pt' needs torch, which is not installed; 'np' gives arrays of numpy"
        ) from None
    return module


def fill_of(name: str, windows: Windows) -> int:
    if name == "input_ids":
        return windows.pad_id
    if name == "token_type_ids":
        return windows.pad_type_id
    return FIELDS[name][1]


# ---- One text --------------------------------------------------------------------------


def row(windows: Windows, handle: int, size: int, plan: Plan) -> dict[str, Any]:
    """Ids, type ids and mask of one text as lists."""
    data: dict[str, Any] = {}
    more = max(0, windows.pad_to - size)
    for name in plan.names:
        values = (
            [1] * size if name == "attention_mask" else row_of_one(handle, name, size).tolist()
        )
        if more:
            fill = [fill_of(name, windows)] * more
            values = fill + values if plan.left else values + fill
        data[name] = values
    return data


def arrays_of_row(windows: Windows, handle: int, size: int, plan: Plan) -> dict[str, Any]:
    """The same as arrays [1, tokens], or tensors of torch."""
    width = max(size, windows.pad_to)
    start = width - size if plan.left else 0
    data: dict[str, Any] = {}
    for name in plan.names:
        values = np.full((1, width), fill_of(name, windows), np.int64)
        values[0, start:start + size] = (
            1 if name == "attention_mask" else row_of_one(handle, name, size)
        )
        data[name] = values
    return as_tensors(data, plan.tensors) if plan.tensors == "pt" else data


# ---- Arrays --------------------------------------------------------------------------


def arrays(windows: Windows, names: Iterable[str], kind: str) -> dict[str, Any]:
    """The fields as int64 arrays [windows, tokens], or tensors of torch."""
    sizes = windows.encodings.sizes
    n = len(sizes)
    width = windows.pad_to or (int(sizes[0]) if n else 0)
    if n and (int(sizes.max()) > width or (not windows.pad_to and int(sizes.min()) < width)):
        return _ragged(windows, names, kind)
    columns = np.arange(width)
    place = None  # where the tokens are; None: everywhere
    if n and int(sizes.min()) < width:
        ends = sizes[:, None]
        place = columns >= width - ends if windows.left else columns < ends
    found = {name: _padded(windows, name, (n, width), place) for name in names if name in FIELDS}
    if "length" in names:
        found["length"] = np.full(n, width, np.int64)
    if kind == "pt":
        from_numpy = torch().from_numpy
        return {name: from_numpy(value) for name, value in found.items()}
    return found


def _padded(
    windows: Windows, name: str, shape: tuple[int, int], place: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    if name == "attention_mask":
        return np.ones(shape, np.int64) if place is None else place.astype(np.int64)
    flat = getattr(windows.encodings, FIELDS[name][0])
    if place is None:
        whole: NDArray[np.int64] = flat.astype(np.int64).reshape(*shape, *flat.shape[1:])
        return whole
    fill = fill_of(name, windows)
    size = (*shape, *flat.shape[1:])
    out = np.full(size, fill, np.int64) if fill else np.zeros(size, np.int64)
    out[place] = flat
    return out


def _ragged(windows: Windows, names: Iterable[str], kind: str) -> dict[str, Any]:
    """Rows of different lengths: an array of arrays, as the reference has it; torch has none."""
    if kind == "pt":
        raise ValueError(RAGGED.format("input_ids"))
    found = {}
    for name, value in lists(windows, names).items():
        found[name] = _array(value)
    return found


def _array(value: Any) -> NDArray[Any]:
    rows = isinstance(value, (list, tuple)) and value and isinstance(value[0], (list, tuple))
    if rows and len({len(row) for row in value}) > 1:
        out = np.empty(len(value), object)
        out[:] = [np.asarray(row) for row in value]
        return out
    made = np.asarray(value)
    return made.astype(np.int64) if made.size == 0 else made


# ---- Lists --------------------------------------------------------------------------


def lists(windows: Windows, names: Iterable[str]) -> dict[str, Any]:
    """The fields as lists of lists."""
    encodings = windows.encodings
    starts = encodings.starts.tolist()
    pads = [windows.padding_of(i) for i in range(len(encodings))] if windows.pad_to else None
    found: dict[str, Any] = {}
    for name in names:
        if name == "length":
            found[name] = np.maximum(encodings.sizes, windows.pad_to).tolist()
        elif name == "token_type_ids" and pads is None and not encodings.type_ids.any():
            found[name] = [[0] * size for size in encodings.sizes.tolist()]  # sooner so
        elif name == "attention_mask":
            found[name] = _masks(encodings.sizes.tolist(), pads)
        else:
            rows = _rows(getattr(encodings, FIELDS[name][0]), starts)
            if pads is not None:
                fill: Any = (0, 0) if name == "offset_mapping" else fill_of(name, windows)
                rows = [
                    [fill] * left + row + [fill] * right if left or right else row
                    for row, (left, right) in zip(rows, pads)
                ]
            found[name] = rows
    return found


def _rows(values: NDArray[Any], starts: list[int]) -> list[list[Any]]:
    if values.ndim == 1:
        return [values[a:b].tolist() for a, b in zip(starts, starts[1:])]
    firsts, ends = values[:, 0].tolist(), values[:, 1].tolist()
    return [list(zip(firsts[a:b], ends[a:b])) for a, b in zip(starts, starts[1:])]


def _masks(sizes: list[int], pads: list[tuple[int, int]] | None) -> list[list[int]]:
    if pads is None:
        return [[1] * size for size in sizes]
    return [
        [0] * left + [1] * size + [0] * right for size, (left, right) in zip(sizes, pads)
    ]


# ---- From elsewhere -------------------------------------------------------------------


def as_tensors(data: dict[str, Any], kind: str | None) -> dict[str, Any]:
    """Lists as arrays of numpy or of torch."""
    kind = check_tensors(kind)
    if kind is None:
        return data
    found = {}
    for name, value in data.items():
        made = value if hasattr(value, "__array__") else _array(value)
        if kind == "pt" and isinstance(made, np.ndarray):
            if made.dtype == object:
                raise ValueError(RAGGED.format(name))
            made = torch().from_numpy(made)
        found[name] = made
    return found
