# SPDX-License-Identifier: MIT
"""Texts out of tables, and answers into them: numpy, pandas, Arrow, dicts of arrays, lists."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrow import OFFSETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Fields of records, as Arrow names their types.
FIELDS: dict[str, str] = {
    "label": "string", "score": "float32", "start": "int64", "end": "int64", "text": "string",
    "id": "int32",
}  # fmt: skip


@dataclass
class Made:
    """A column of answers.

    Attributes:
        values: numbers [n] or [n, d], or of each row a list of named tuples.
        fields: names of such a tuple; None: numbers.
        reasons: why a row has no answer, None where it has one; None: all have.
    """

    values: Any
    fields: tuple[str, ...] | None = None
    reasons: list[str | None] | None = None

    def spread(self, valid: NDArray[np.bool_]) -> Made:
        """The answers of the rows that had texts, as rows among all."""
        rows = np.flatnonzero(valid)
        reasons: list[str | None] = ["null"] * len(valid)
        for i, row in enumerate(rows.tolist()):
            reasons[row] = None if self.reasons is None else self.reasons[i]
        if self.fields is None:
            values = np.zeros((len(valid), *self.values.shape[1:]), np.float32)
            values[rows] = self.values
            return Made(values, None, reasons)
        lists: list[list[Any]] = [[] for _ in valid]
        for row, records in zip(rows.tolist(), self.values):
            lists[row] = records
        return Made(lists, self.fields, reasons)

    def valid(self) -> NDArray[np.bool_] | None:
        """Which rows have an answer; None: all."""
        if self.reasons is None or not any(self.reasons):
            return None
        return np.array([reason is None for reason in self.reasons], np.bool_)


# ---- What was given ------------------------------------------------------------------


def _is(data: Any, module: str, *names: str) -> bool:
    loaded = sys.modules.get(module)  # who has none of it never loads it for us
    return loaded is not None and isinstance(data, tuple(getattr(loaded, n) for n in names))


def kind_of(data: Any) -> str:
    """"dict", "frame", "series", "table", "array" or "list"."""
    if isinstance(data, dict):
        return "dict"
    if _is(data, "pandas", "DataFrame"):
        return "frame"
    if _is(data, "pandas", "Series"):
        return "series"
    if _is(data, "pyarrow", "Table", "RecordBatch"):
        return "table"
    if _is(data, "pyarrow", "Array", "ChunkedArray"):
        return "array"
    return "list"


def names_of(data: Any, kind: str) -> list[str]:
    """Names of the columns of a table."""
    if kind == "table":
        return list(data.schema.names)
    return list(data) if kind == "dict" else list(data.columns)


def column_of(data: Any, kind: str, name: str) -> Any:
    """A column of a table; KeyError names those that there are."""
    names = names_of(data, kind)
    if names.count(name) > 1:
        raise ValueError(f"there is more than one column {name!r}")
    if name not in names:
        raise KeyError(f"no column {name!r}; there are {', '.join(map(repr, names))}")
    return data.column(name) if kind == "table" else data[name]


def texts_of(column: Any) -> Any:
    """A column as what the model's methods take."""
    kind = kind_of(column)
    if kind == "series":
        values = column.array
        if not hasattr(values, "__arrow_array__") or "pyarrow" not in sys.modules:
            return column.to_numpy(object)
        column, kind = values.__arrow_array__(), "array"
    if kind != "array":
        return column if isinstance(column, (list, np.ndarray, str, bytes)) else list(column)
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
        if hasattr(column, "chunks"):  # none, or more than one
            import pyarrow

            column = pyarrow.concat_arrays(column.chunks or [pyarrow.array([], column.type)])
    kind = str(column.type)
    kind = str(column.type.value_type) if kind.startswith("dictionary") else kind
    if kind not in (*OFFSETS, "string_view", "binary_view", "null"):
        raise TypeError(f"texts are {column.type}, not string")
    return column if str(column.type) in OFFSETS else column.cast("large_string")


def present(texts: Any) -> NDArray[np.bool_] | None:
    """Which rows hold something; None: all."""
    if kind_of(texts) == "array":
        if not texts.null_count:
            return None
        there: NDArray[np.bool_] = texts.is_valid().to_numpy(zero_copy_only=False)
        return there
    if isinstance(texts, (str, bytes)):
        return None
    there = np.fromiter((not _missing(text) for text in texts), np.bool_, len(texts))
    return None if there.all() else there


def _missing(text: Any) -> bool:
    if isinstance(text, (str, bytes)):
        return False
    return text is None or type(text).__name__ == "NAType" or text != text


def select(texts: Any, valid: NDArray[np.bool_]) -> Any:
    """The rows that are valid."""
    if kind_of(texts) == "array":
        import pyarrow

        return texts.filter(pyarrow.array(valid))
    return [text for text, there in zip(texts, valid) if there]


# ---- What is given back ----------------------------------------------------------------


def put(data: Any, kind: str, made: Made, name: str, variable: bool = False) -> Any:
    """The data with a column of answers, and one of reasons where there may be some."""
    if kind in ("list", "series", "array"):
        return _alone(data, kind, made, name)
    added = {name: made}
    for one in [name] if made.reasons is None else [name, f"{name}_error"]:
        if one in names_of(data, kind):
            raise ValueError(f"there is a column {one!r} already; `output` names another")
    columns: dict[str, Any] = {}
    for key, value in added.items():
        if kind == "table":
            columns[key] = to_arrow(value, variable)
        elif kind == "frame":
            columns[key] = to_pandas(value, data.index)
        else:
            columns[key] = to_numpy(value)
    if made.reasons is not None:
        columns[f"{name}_error"] = _reasons(made.reasons, kind, data)
    if kind == "dict":
        return {**data, **columns}
    if kind == "frame":
        return data.assign(**columns)
    import pyarrow

    return type(data).from_arrays(
        [*data.columns, *columns.values()],
        schema=pyarrow.schema(
            [*data.schema, *((key, value.type) for key, value in columns.items())],
            metadata=data.schema.metadata,
        ),
    )


def _reasons(reasons: list[str | None], kind: str, data: Any) -> Any:
    if kind == "table":
        import pyarrow

        return pyarrow.array(reasons, pyarrow.string())
    if kind == "frame":
        import pandas

        return pandas.Series(reasons, data.index, dtype=object)
    return _objects(reasons)


def _alone(data: Any, kind: str, made: Made, name: str) -> Any:
    if kind == "array":
        return to_arrow(made)
    if kind == "series":
        column = to_pandas(made, data.index)
        return column.rename(name)
    if made.fields is None:
        values = to_numpy(made)
        return values[0] if isinstance(data, (str, bytes)) else values
    return _objects(made.values) if isinstance(data, np.ndarray) else made.values


def _objects(rows: list[Any]) -> NDArray[Any]:
    made = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        made[i] = row
    return made


def _dicts(made: Made) -> list[Any]:
    reasons = made.reasons or [None] * len(made.values)
    return [
        None if reason else [record._asdict() for record in records]
        for records, reason in zip(made.values, reasons)
    ]


def to_numpy(made: Made) -> NDArray[Any]:
    """Numbers [n] or [n, d], with NaN where there is no answer; an object array of lists of dicts,
    with None there."""
    if made.fields is not None:
        return _objects(_dicts(made))
    valid = made.valid()
    if valid is not None:
        made.values[~valid] = np.nan
    values: NDArray[Any] = made.values
    return values


def to_pandas(made: Made, index: Any) -> Any:
    """A Series: numbers; arrays [d]; lists of dicts.  None (of numbers NaN) where there is no
    answer."""
    import pandas

    if made.fields is not None:
        return pandas.Series(_objects(_dicts(made)), index, dtype=object)
    if made.values.ndim == 1:
        return pandas.Series(to_numpy(made), index)
    rows = list(made.values)
    for i, reason in enumerate(made.reasons or ()):
        if reason is not None:
            rows[i] = None
    return pandas.Series(_objects(rows), index, dtype=object)


def to_arrow(made: Made, variable: bool = False) -> Any:
    """An array of float32, of fixed_size_list (variable: of list) of them, or of list of struct;
    null where there is no answer."""
    import pyarrow

    valid, n = made.valid(), len(made.values)
    if made.fields is not None:
        return _records_to_arrow(made, valid)
    values = np.ascontiguousarray(made.values)
    if values.ndim == 1:
        return pyarrow.array(values, mask=None if valid is None else ~valid)
    width = values.shape[1]
    flat = pyarrow.array(values.reshape(-1))
    bits = None if valid is None else pyarrow.array(valid).buffers()[1]
    if variable:
        offsets = pyarrow.py_buffer(_offsets(n, width))
        kind = pyarrow.list_(pyarrow.float32())
        return pyarrow.Array.from_buffers(kind, n, [bits, offsets], children=[flat])
    kind = pyarrow.list_(pyarrow.float32(), width)
    return pyarrow.Array.from_buffers(kind, n, [bits], children=[flat])


def _offsets(n: int, width: int) -> NDArray[np.int32]:
    if n * width > 2**31 - 1:
        raise ValueError(f"{n} vectors of {width} floats are more than an Arrow list holds")
    return np.arange(0, (n + 1) * width, width, dtype=np.int32)[: n + 1]


def record_type(fields: tuple[str, ...]) -> Any:
    """Arrow's type of a row of records."""
    import pyarrow

    return pyarrow.list_(pyarrow.struct([(name, FIELDS[name]) for name in fields]))


def _records_to_arrow(made: Made, valid: NDArray[np.bool_] | None) -> Any:
    import pyarrow

    assert made.fields is not None
    kind = record_type(made.fields)
    flat = [record for records in made.values for record in records]
    columns = list(zip(*flat)) or [()] * len(made.fields)
    struct = pyarrow.StructArray.from_arrays(
        [pyarrow.array(c, FIELDS[name]) for c, name in zip(columns, made.fields)],
        fields=list(kind.value_type),
    )
    offsets = np.zeros(len(made.values) + 1, np.int32)
    np.cumsum([len(records) for records in made.values], out=offsets[1:])
    bits = None if valid is None else pyarrow.array(valid).buffers()[1]
    return pyarrow.Array.from_buffers(
        kind, len(made.values), [bits, pyarrow.py_buffer(offsets)], children=[struct]
    )
