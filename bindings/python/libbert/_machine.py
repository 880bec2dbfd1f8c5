# SPDX-License-Identifier: MIT
"""What the library and this machine can do."""

from __future__ import annotations

from ctypes import byref
from typing import Any

from . import _constants as c
from ._ffi import lib
from ._structs import Error
from .errors import fail


def version() -> str:
    """Version of the library in use, "MAJOR.MINOR.PATCH"."""
    return str(lib.bert_version().decode())


def build_info() -> str:
    """What the library in use was built as, for a bug report: compiler, kernels, modules."""
    return str(lib.bert_build_info().decode())


def has_feature(name: str) -> bool:
    """Was the library in use built with this, such as "kernels.avx2" or "usdt"?  False for a
    name that it does not know; the names are at bert_has_feature() in bert/base.h."""
    return "\0" not in name and bool(lib.bert_has_feature(name.encode("utf-8", "replace")))


def features() -> list[str]:
    """The names that has_feature() is true for."""
    return _while_there(lib.bert_feature)


def _while_there(get: Any) -> list[str]:
    names: list[str] = []
    while True:
        name = get(len(names))
        if name is None:
            return names
        names.append(name.decode())


def cpus() -> list[str]:
    """Instruction sets that can be used here, slowest first."""
    return _while_there(lib.bert_cpu_name)


def check_backend(name: str = "cpu") -> None:
    """Raise, with the reason, unless a compute backend can be opened."""
    error = Error()
    if not lib.bert_backend_available(name.encode(), byref(error)):
        fail(error.code or c.BERT_EBACKEND, error)


def families() -> dict[str, dict[str, Any]]:
    """The families of models that can be loaded: by model_type code, position, distance, norm,
    ffn, and the tasks that they have heads for."""
    fields = {
        "code": c.BERT_FAMILY_CODE,
        "position": c.BERT_FAMILY_POSITION,
        "distance": c.BERT_FAMILY_DISTANCE,
        "norm": c.BERT_FAMILY_NORM,
        "ffn": c.BERT_FAMILY_FFN,
    }
    types = _while_there(lambda i: lib.bert_family(i, c.BERT_FAMILY_MODEL_TYPE))
    found: dict[str, dict[str, Any]] = {}
    for i, model_type in enumerate(types):
        row: dict[str, Any] = {
            name: lib.bert_family(i, number).decode() for name, number in fields.items()
        }
        row["tasks"] = _while_there(lambda k, i=i: lib.bert_family_task(i, k))
        # One model_type may stand for several families: that of its own code has its name too.
        found[f"{model_type} ({row['code']})" if row["code"] else model_type] = row
    return found
