# SPDX-License-Identifier: MIT
"""The prototypes, structs and constants against the headers.

Nothing here comes from tools/make_ffi.py, which made them: declarations are read again, in another
way, and sizes and offsets are those that the compiler holds tests/abi/layout.c against.
"""

from __future__ import annotations

import copy
import ctypes
import re
import subprocess
import sys
from typing import Any

import pytest
from conftest import ROOT

from libbert import _constants, _ffi, _read, _structs

HEADERS = sorted((ROOT / "include" / "bert").glob("*.h"))
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
BY_VALUE = {
    "int": ctypes.c_int,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "size_t": ctypes.c_size_t,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "void": None,
    "bert_text": _structs.Text,
    "bert_span": _structs.Span,
    "bert_shadow_fn": _structs.ShadowFn,
}


def sources() -> str:
    return COMMENT.sub(" ", "\n".join(path.read_text() for path in HEADERS))


def code(source: str) -> str:
    """Without the preprocessor's lines."""
    return re.sub(r"^#.*$", "", source.replace("\\\n", " "), flags=re.M)


def declared(source: str) -> dict[str, tuple[Any, list[Any]]]:
    """Every function: its result and the types of its parameters."""
    source = code(source)
    enums = set(re.findall(r"typedef enum \w+ \{[^}]*\} (bert_\w+);", source))
    found = {}
    for statement in source.split(";"):
        place = statement.find("BERT_API")
        if place < 0 or "(" not in statement:
            continue
        words = statement[place + len("BERT_API"):].replace("*", " * ").split("(", 1)
        *result, name = words[0].split()
        inside = words[1].rsplit(")", 1)[0]
        parameters = [p.split() for p in inside.split(",")]
        kinds = [kind_of(p[:-1] if p[-1] not in ("*", "void") else p, p[-1], enums)
                 for p in parameters if p != ["void"]]
        found[name] = (kind_of(result, "", enums), kinds)
    return found


def kind_of(words: list[str], name: str, enums: set[str]) -> Any:
    if words == ["const", "char", "*"]:
        return ctypes.c_char_p
    if "*" in words or "[" in name:
        return ctypes.c_void_p
    (word,) = words
    return ctypes.c_int if word in enums else BY_VALUE[word]


def differences(prototypes: dict[str, Any], source: str) -> list[str]:
    want = declared(source)
    wrong = sorted(set(want) ^ set(prototypes))
    for name in set(want) & set(prototypes):
        _, result, parameters = prototypes[name]
        if (result, list(parameters)) != want[name]:
            wrong.append(name)
    return wrong


def test_functions() -> None:
    source = sources()
    assert len(declared(source)) == code(source).count("BERT_API ")
    assert differences(_ffi.PROTOTYPES, source) == []
    exported = re.findall(r"^    (bert_\w+);", (ROOT / "lib" / "libbert.map").read_text(), re.M)
    assert sorted(exported) == sorted(_ffi.PROTOTYPES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("size_t n_tokens,", "uint32_t n_tokens,"),
        ("bert_embed_report *reports, bert_error *err", "bert_error *err"),
        ("BERT_API float bert_rankings_score", "BERT_API double bert_rankings_score"),
        ("BERT_API void bert_model_unref", "BERT_API void bert_model_let_go"),
    ],
)
def test_functions_can_fail(old: str, new: str) -> None:
    source = sources()
    assert source.count(old) == 1
    assert differences(_ffi.PROTOTYPES, source.replace(old, new)) != []
    assert differences(_ffi.PROTOTYPES, source) == []


def test_bound_functions() -> None:
    for name, (_, result, parameters) in _ffi.PROTOTYPES.items():
        function = getattr(_ffi.lib, name)
        assert function.restype is result
        assert tuple(function.argtypes) == parameters


def test_only_getters_keep_the_gil() -> None:
    kept = [name for name, (keep, *_) in _ffi.PROTOTYPES.items() if keep]
    assert "bert_entities_count" in kept
    for name in kept:
        assert not re.search(r"_(free|unref|destroy|embed|wait|encode|forward|stop|run)$", name)


def layout() -> tuple[dict[str, int], list[tuple[str, str, int]]]:
    text = (ROOT / "tests" / "abi" / "layout.c").read_text()
    sizes = {name: int(n) for name, n in re.findall(r"^SIZE\((\w+), (\d+)\)", text, re.M)}
    assert sizes.pop("bert_status") == ctypes.sizeof(ctypes.c_int)  # so are all enums
    places = [
        (struct, field, int(n))
        for struct, field, n in re.findall(r"^AT\((\w+), (\w+), (\d+)\)", text, re.M)
    ]
    return sizes, places


def class_of(struct: str) -> Any:
    return getattr(_structs, "".join(p.capitalize() for p in struct[len("bert_"):].split("_")))


def wrong_places(structs: dict[str, Any]) -> list[str]:
    sizes, places = layout()
    wrong = [name for name, size in sizes.items() if ctypes.sizeof(structs[name]) != size]
    for name, field, place in places:
        found = getattr(structs[name], field, None)
        if found is None or found.offset != place:
            wrong.append(f"{name}.{field}")
    return wrong


def test_structs() -> None:
    sizes, places = layout()
    structs = {name: class_of(name) for name in sizes}
    assert len(structs) > 40
    assert wrong_places(structs) == []
    ours = {k for k in vars(_structs).values()
            if isinstance(k, type) and issubclass(k, ctypes.Structure)} - {ctypes.Structure}
    assert set(structs.values()) == ours
    fields = {(name, field) for name, struct in structs.items() for field, *_ in struct._fields_}
    assert fields == {(name, field) for name, field, _ in places}


def test_structs_can_fail() -> None:
    sizes, _ = layout()
    structs = {name: class_of(name) for name in sizes}

    class Swapped(ctypes.Structure):
        _fields_ = [("end", ctypes.c_size_t), ("start", ctypes.c_size_t)]

    broken = copy.copy(structs)
    broken["bert_span"] = Swapped
    assert wrong_places(broken) == ["bert_span.start", "bert_span.end"]


def test_types_of_fields() -> None:
    """layout.c says where a field lies; what it is the headers say."""
    signed = {"float": "f", "double": "d", "int32_t": "i"}
    for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", sources(), re.S):
        kinds = dict(class_of(name)._fields_)
        for ctype, field in re.findall(r"\b(float|double|int32_t|uint32_t|uint64_t) (\w+)", body):
            code = getattr(kinds[field], "_type_", None)
            if ctype in signed:
                assert code == signed[ctype] or kinds[field]._type_._type_ == signed[ctype]
            elif isinstance(code, str):
                assert code in "IQL", (name, field)


def test_constants() -> None:
    source = sources()
    ours = {n: v for n, v in vars(_constants).items() if n.startswith("BERT_")}
    names = set(re.findall(r"^\s*(BERT_\w+)(?= *[,=}]| *\n)", source, re.M)) - {"BERT_API"}
    names |= set(re.findall(r"#define (BERT_\w+) +\d+\b", source))
    names.add("BERT_STRIDE_NONE")
    assert names == set(ours)
    for name, value in re.findall(r"(BERT_\w+) = (-?\d+)\b(?! *<<)", source):
        assert ours[name] == int(value), name
    for name, a, b in re.findall(r"(BERT_\w+) = (\d+) << (\d+)", source):
        assert ours[name] == int(a) << int(b), name


def test_records() -> None:
    for struct, size in _read.RECORDS:
        assert ctypes.sizeof(struct) == size, struct


def test_generated_files_are_current() -> None:
    tool = ROOT / "bindings" / "python" / "tools" / "make_ffi.py"
    subprocess.run([sys.executable, tool, "--check"], check=True)
