# SPDX-License-Identifier: MIT
"""Write libbert/_constants.py, _structs.py and _ffi.py from the public headers.

    python3 tools/make_ffi.py            write them
    python3 tools/make_ffi.py --check    exit 1 if they are not what the headers say

A public header has a narrow form (declarations and enums, no macros with arguments), so that
a few expressions read all of it; what they don't understand is an error here.
"""

from __future__ import annotations

import pathlib
import re
import sys
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parents[2] / "include" / "bert"
PACKAGE = HERE.parent / "libbert"
WIDTH = 99

SCALARS = {
    "void": "None",
    "int": "c_int",
    "float": "c_float",
    "double": "c_double",
    "size_t": "c_size_t",
    "int8_t": "c_int8",
    "int32_t": "c_int32",
    "uint8_t": "c_uint8",
    "uint32_t": "c_uint32",
    "uint64_t": "c_uint64",
}


@dataclass
class Headers:
    """What the headers declare, each in its order."""

    constants: dict[str, int] = field(default_factory=dict)
    version: str = ""
    enums: list[str] = field(default_factory=list)
    callbacks: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    structs: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    functions: dict[str, tuple[str, list[str]]] = field(default_factory=dict)


def strip(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"//[^\n]*", " ", text)
    return text.replace("\\\n", " ")


def number(expression: str, known: dict[str, int]) -> int:
    """Value of an enumerator or of a #define: a number, A << B, or one of <stdint.h>'s."""
    expression = expression.strip()
    shift = re.fullmatch(r"(\d+)\s*<<\s*(\d+)", expression)
    if shift:
        return int(shift[1]) << int(shift[2])
    if expression == "UINT32_MAX":
        return 2**32 - 1
    if expression in known:
        return known[expression]
    return int(expression)


def read_enum(body: str, into: dict[str, int]) -> None:
    value = -1
    for item in filter(None, (part.strip() for part in body.split(","))):
        name, _, expression = item.partition("=")
        value = number(expression, into) if expression else value + 1
        into[name.strip()] = value


def split_parameter(text: str) -> tuple[str, str]:
    """'const bert_text *texts' -> ('const bert_text *', 'texts'); arrays are pointers."""
    text = " ".join(text.split())
    array = re.fullmatch(r"(.*?)(\w+)\s*\[[^\]]*\]", text)
    if array:
        return array[1].strip() + " *", array[2]
    named = re.fullmatch(r"(.*?[\s*])(\w+)", text)
    if named and text not in SCALARS:
        return named[1].strip(), named[2]
    return text, ""


def read_fields(body: str, known: dict[str, int]) -> list[tuple[str, str, str]]:
    """(name, C type, array length or '') of each field."""
    fields = []
    for line in filter(None, (" ".join(part.split()) for part in body.split(";"))):
        pointer = re.fullmatch(r"(.+?) ?\(\*(\w+)\)\((.*)\)", line)
        if pointer:
            fields.append((pointer[2], f"{pointer[1]} (*)({pointer[3]})", ""))
            continue
        head, *more = line.split(",")
        array = re.fullmatch(r"(.*?)(\w+)\[(\w+)\]", head)
        if array:
            fields.append((array[2], array[1].strip(), str(number(array[3], known))))
            continue
        ctype, name = split_parameter(head)
        fields.append((name, ctype, ""))
        fields.extend((other.strip(), ctype, "") for other in more)
    return fields


def read_headers(folder: pathlib.Path = INCLUDE) -> Headers:
    out = Headers()
    pending = []
    for path in sorted(folder.glob("*.h")):
        text = strip(path.read_text())
        for name, value in re.findall(r'^#define (BERT_\w+)[ \t]+("[^"]*"|\w+)[ \t]*$', text, re.M):
            if name == "BERT_VERSION_STRING":
                out.version = value.strip('"')
            else:
                out.constants[name] = number(value, out.constants)
        text = re.sub(r"^#.*$", "", text, flags=re.M)
        for _, body, name in re.findall(r"enum\s*(\w*)\s*\{([^}]*)\}\s*(\w*)\s*;", text):
            read_enum(body, out.constants)
            if name:
                out.enums.append(name)
        for result, name, rest in re.findall(
            r"typedef\s+(\w+)\s*\(\*(\w+)\)\s*\((.*?)\)\s*;", text, re.S
        ):
            out.callbacks[name] = (result, [split_parameter(p)[0] for p in rest.split(",")])
        pending += re.findall(r"typedef\s+struct\s+\w+\s*\{(.*?)\}\s*(\w+)\s*;", text, re.S)
        for result, name, rest in re.findall(
            r"BERT_API\s+([\w\s*]+?)\s*\b(bert_\w+)\s*\((.*?)\)\s*;", text, re.S
        ):
            parameters = [split_parameter(p)[0] for p in rest.split(",")]
            parameters = [] if parameters == ["void"] else parameters
            out.functions[name] = (" ".join(result.split()), parameters)
        declared = len(re.findall(r"\bBERT_API\s+[a-z]", text))
        found = sum(1 for name in out.functions if re.search(rf"\b{name}\s*\(", text))
        if found < declared:
            raise SystemExit(f"{path.name}: {declared} functions, read {found}")
    for body, name in pending:
        out.structs[name] = read_fields(body, out.constants)
    return out


# ---- What Python calls them ------------------------------------------------------


def camel(name: str) -> str:
    """bert_embed_options -> EmbedOptions; bert_error -> Error."""
    return "".join(part.capitalize() for part in name.removeprefix("bert_").split("_"))


def python_type(ctype: str, headers: Headers) -> str:
    """The ctypes type of a C type.  Every pointer but a string is c_void_p, which takes an
    address, None, a ctypes array and byref() alike."""
    plain = ctype.replace("const ", "").replace(" const", "").strip()
    if ctype.replace(" ", "") == "constchar*":
        return "c_char_p"
    if "(*)" in ctype or plain.endswith("*"):
        return "c_void_p"
    if plain in headers.callbacks:
        return camel(plain)
    if plain in headers.enums:
        return "c_int"
    if plain in headers.structs:
        return camel(plain)
    return SCALARS[plain]


def keeps_gil(name: str, result: str, parameters: list[str]) -> bool:
    """Getters: they only look into a finished result, so that handing the GIL to another
    thread and waiting for it again would be all they cost."""
    if any("bert_error *" in p for p in parameters) or name.endswith(("_free", "_unref")):
        return False
    handles = [p for p in parameters if p.startswith(("bert_", "const bert_")) and "*" in p]
    return result != "void" and all(p.startswith("const ") for p in handles)


# ---- Writing -----------------------------------------------------------------------

NOTE = "Made by tools/make_ffi.py from include/bert/*.h: don't edit."


def wrap(prefix: str, items: list[str], suffix: str, indent: str) -> list[str]:
    """One line, or items filled into lines between the brackets."""
    line = prefix + ", ".join(items) + suffix
    if len(line) <= WIDTH:
        return [line]
    lines, current = [prefix], indent + "    "
    for item in items:
        if len(current) + len(item) + 2 > WIDTH:
            lines.append(current.rstrip())
            current = indent + "    "
        current += item + ", "
    return [*lines, current.rstrip(), indent + suffix]


def struct_order(headers: Headers) -> list[str]:
    """Structs by value come before those that hold them."""
    order: list[str] = []

    def put(name: str) -> None:
        for _, ctype, _ in headers.structs[name]:
            if ctype in headers.structs and ctype not in order:
                put(ctype)
        if name not in order:
            order.append(name)

    for name in headers.structs:
        put(name)
    return order


def make_constants(headers: Headers) -> str:
    lines = ["# SPDX-License-Identifier: MIT"]
    lines += ['"""Constants of the C interface.', "", NOTE, '"""', ""]
    lines += [f'VERSION = "{headers.version}"']
    lines += [f"{name} = {value}" for name, value in headers.constants.items()]
    return "\n".join(lines) + "\n"


def make_structs(headers: Headers) -> str:
    lines = ["# SPDX-License-Identifier: MIT"]
    lines += ['"""Callbacks and structs of the C interface: bert_embed_options is EmbedOptions.']
    lines += ["", "A Text's `data` is for writing; to read one, see text_bytes() of _texts.py."]
    lines += ["", NOTE]
    lines += ['"""', ""]
    used = {v for v in SCALARS.values() if v != "None"} | {"c_char", "c_char_p", "c_void_p"}
    lines += wrap("from ctypes import (", ["CFUNCTYPE", "Structure", *sorted(used)], ")", "")
    lines.append("")
    for name, (result, parameters) in headers.callbacks.items():
        types = [python_type(t, headers) for t in [result, *parameters]]
        if "Text" in types:  # by value: after the struct
            continue
        lines += wrap(f"{camel(name)} = CFUNCTYPE(", types, ")", "")
    for name in struct_order(headers):
        items = []
        for field_name, ctype, length in headers.structs[name]:
            kind = "c_char" if ctype == "char" else python_type(ctype, headers)
            items.append(f'("{field_name}", {kind}{" * " + length if length else ""})')
        lines += ["", "", f"class {camel(name)}(Structure):"]
        lines += wrap("    _fields_ = [", items, "]", "    ")
        for callback, (result, parameters) in headers.callbacks.items():
            if name in parameters:
                types = [python_type(t, headers) for t in [result, *parameters]]
                lines += ["", "", *wrap(f"{camel(callback)} = CFUNCTYPE(", types, ")", "")]
    return "\n".join(lines) + "\n"


# The pointers of the table below.
SHORT = {"c_void_p": "ptr", "c_char_p": "string", "c_size_t": "size"}


def make_ffi(headers: Headers) -> str:
    rows = []
    used = set()
    for name, (result, parameters) in sorted(headers.functions.items()):
        kept = keeps_gil(name, result, parameters)
        types = [python_type(t, headers) for t in [result, *parameters]]
        used.update(types)
        short = [SHORT.get(t, t) for t in types]
        many = ", ".join(short[1:]) + ("," if len(types) == 2 else "")
        rows += wrap(f'    "{name}": ({int(kept)}, {short[0]}, (', [many], ")),", "    ")
    structs = sorted(t for t in used if t[0].isupper() and t != "None")
    scalars = sorted(t for t in used if t.startswith("c_"))
    lines = ["# SPDX-License-Identifier: MIT"]
    lines += ['"""Prototypes of every function of the C interface.', ""]
    lines += [
        "`lib.bert_...` calls them.  Calls that may take time let other threads run; getters,",
        "which only look into a result, keep the GIL (1 in PROTOTYPES): a thread that gives it",
        "away waits for it again, up to 5 ms for each call where others compute.",
        "",
        NOTE,
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "import ctypes",
    ]
    lines += wrap("from ctypes import (", scalars, ")", "")
    lines += ["from typing import Any", "", "from ._constants import VERSION"]
    lines += ["from ._lib import open_library", "from ._structs import " + ", ".join(structs), ""]
    lines += [f"{short} = {t}" for t, short in SHORT.items()] + [""]
    lines += [
        "# name: (keeps the GIL, result, parameters)",
        "PROTOTYPES: dict[str, tuple[int, Any, tuple[Any, ...]]] = {",
        *rows,
        "}",
        "",
        "",
        "class Library:",
        '    """The functions of libbert as attributes."""',
        "",
        "    def __init__(self, handle: ctypes.CDLL) -> None:",
        "        getters = ctypes.PyDLL(handle._name, handle=handle._handle)",
        "        for name, (keep, result, parameters) in PROTOTYPES.items():",
        "            function = getattr(getters if keep else handle, name)",
        "            function.argtypes = parameters",
        "            function.restype = result",
        "            setattr(self, name, function)",
        "",
        "    def __getattr__(self, name: str) -> Any:",
        '        raise AttributeError(f"libbert has no function {name}")',
        "",
        "",
        "lib = Library(open_library(VERSION, PROTOTYPES))",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    headers = read_headers()
    stale = 0
    for name, text in (
        ("_constants.py", make_constants(headers)),
        ("_structs.py", make_structs(headers)),
        ("_ffi.py", make_ffi(headers)),
    ):
        path = PACKAGE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != text:
                print(f"{path.name} is not what the headers say: run tools/make_ffi.py")
                stale = 1
        else:
            path.write_text(text)
    return stale


if __name__ == "__main__":
    sys.exit(main())
