# SPDX-License-Identifier: MIT
"""The pages of the C, C++ and Python interfaces, as directives of breathe and autodoc.

Sections, and the order in them, are those of the headers, which docs/man/generator reads.
"""

from __future__ import annotations

import ast
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "man" / "generator"))
import headers

C_ORDER = [
    "base",
    "model",
    "tokenizer",
    "session",
    "tasks",
    "engine",
    "metrics",
    "drift",
    "privacy",
    "manifest",
]

PYTHON = {
    "Models and sessions": "Model Session RawTokenizer Encodings",
    "sentence-transformers": "SentenceTransformer CrossEncoder SparseEncoder SparseMatrix",
    "Pipelines": "pipeline",
    "Tokenizers, encoder": "Tokenizer AutoTokenizer BatchEncoding Encoding Encoder EncoderOutput",
    "Engines": "Engine Job AsyncEngine",
    "Results": (
        "Results Label Ranked Rankings Entity Answer Next Fill Choices Chunks Embeddings "
        "EmbedReport Explanation"
    ),
    "Library and machine": "version build_info features has_feature cpus families",
    "Errors": (
        "BertError InvalidArgumentError OutOfMemoryError FileError MissingFileError "
        "ForbiddenFileError FormatError UnsupportedError LengthError LimitError "
        "NonFiniteError BackendError CanceledError DeadlineError BusyError InternalError"
    ),
}
# Modules with names of their own; for those of other packages docs/ has a page.
PYTHON_MODULES = {"Tables: libbert.batch": "libbert.batch", "Vectors: libbert.util": "libbert.util"}
FUNCTIONS = {"pipeline", "version", "build_info", "features", "has_feature", "cpus", "families"}


def functions(source: pathlib.Path) -> set[str]:
    """Names of all functions of the library."""
    found = set()
    for header in headers.read_headers(source / "include"):
        found |= {name_of(code) for code in header.functions()}
    return found


def name_of(code: str) -> str:
    match = re.search(r"\b(bert_\w+)\(", code)
    assert match, code
    return match[1]


def title(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def escaped(text: str) -> str:
    return re.sub(r"([*_\\|])", r"\\\1", re.sub(r"`([^`]*)`", r"``\1``", text))


def directive(kind: str, name: str, *options: str) -> list[str]:
    return [f".. doxygen{kind}:: {name}", *(f"   {option}" for option in options), ""]


def item_lines(item: headers.Item) -> list[str]:
    if item.kind == "remark":
        return [escaped(" ".join(item.doc)), ""]
    if item.kind == "function":
        return [line for code in item.code for line in directive("function", name_of(code))]
    if item.kind == "constant":
        names = [member.code.split()[0] for member in item.members]
        return [line for name in names for line in directive("define", name)]
    if item.kind == "enum" and not item.name:
        return [
            line
            for member in item.members
            for line in directive("enumvalue", member.code.split()[0])
        ]
    if item.kind in ("struct", "enum"):
        lines = directive(
            item.kind,
            item.name,
            *([":members:", ":undoc-members:"] if item.kind == "struct" else []),
        )
        return lines + (directive("define", item.init) if item.init else [])
    names = (
        [code.rstrip(";").split()[-1] for code in item.code]
        if item.kind == "opaque"
        else [item.name]
    )
    return [line for name in names for line in directive("typedef", name)]


def summary(header: headers.Header) -> list[str]:
    """The functions of each section, since a page is long."""
    lines = []
    for section in header.sections:
        names = [
            name_of(code) for item in section.items if item.kind == "function" for code in item.code
        ]
        if names:
            said = " ".join(f":c:func:`{name}`" for name in names)
            lines.append(f"- {section.name}: {said}" if section.name else f"- {said}")
    return [*lines, ""]


def c_page(header: headers.Header) -> str:
    lines = title(f"bert/{header.name}.h", "=")
    lines += [".. highlight:: c", "", *summary(header)]
    lines += directive(
        "file", f"bert/{header.name}.h", ":sections: briefdescription detaileddescription"
    )
    for section in header.sections:
        if section.items and section.name:
            lines += title(section.name, "-")
        for item in section.items:
            lines += item_lines(item)
    return "\n".join(lines)


def toctree(names: list[str]) -> list[str]:
    return [".. toctree::", "   :maxdepth: 1", "", *(f"   {name}" for name in names), ""]


def write_c(source: pathlib.Path, target: pathlib.Path) -> None:
    found = {header.name: header for header in headers.read_headers(source / "include")}
    order = [*C_ORDER, *sorted({*found} - {*C_ORDER})]
    (target / "c").mkdir(parents=True)
    for name in order:
        (target / "c" / f"{name}.rst").write_text(c_page(found[name]), encoding="utf-8")
    lines = title("C interface", "=")
    lines += [
        "``#include <bert.h>`` includes them all; :doc:`base.h <c/base>` has the conventions, the",
        "status codes and the error.",
        "",
        *toctree([f"c/{name}" for name in order]),
        "All names are in the :ref:`index <genindex>`.",
        "",
    ]
    (target / "c.rst").write_text("\n".join(lines), encoding="utf-8")


def write_cpp(source: pathlib.Path, target: pathlib.Path) -> None:
    text = (source / "include/bert.hpp").read_text(encoding="utf-8")
    classes = re.findall(r"^class (\w+)", text, re.M)
    lines = [*title("C++ interface: bert.hpp", "="), ".. highlight:: cpp", ""]
    lines += directive("file", "bert.hpp", ":sections: briefdescription detaileddescription")
    for name in classes:
        lines += [
            *title(f"bert::{name}", "-"),
            *directive("class", f"bert::{name}", ":members:", ":undoc-members:"),
        ]
    (target / "cpp.rst").write_text("\n".join(lines), encoding="utf-8")


def python_names(source: pathlib.Path) -> set[str]:
    """Public ones, out of the package's table."""
    tree = ast.parse((source / "bindings/python/libbert/__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "_HOMES"
        ):
            return {*ast.literal_eval(node.value)}
    raise SystemExit("reference.py: libbert/__init__.py has no _HOMES")


def write_python(source: pathlib.Path, target: pathlib.Path) -> None:
    listed = {name for names in PYTHON.values() for name in names.split()}
    if listed != python_names(source):
        raise SystemExit(f"reference.py: PYTHON is not up to date: {listed ^ python_names(source)}")
    (target / "python").mkdir()
    pages = []
    for heading, names in PYTHON.items():
        page = re.sub(r"\W+", "-", heading.lower())
        pages.append(f"python/{page}")
        lines = [*title(heading, "="), ".. py:currentmodule:: libbert", ""]
        for name in names.split():
            if name in FUNCTIONS:
                lines += [f".. autofunction:: {name}", ""]
                continue
            inherited = [] if heading in ("Results", "Errors") else ["   :inherited-members:"]
            lines += [f".. autoclass:: {name}", "   :members:", *inherited, ""]
        (target / "python" / f"{page}.rst").write_text("\n".join(lines), encoding="utf-8")
    for heading, module in PYTHON_MODULES.items():
        page = module.rpartition(".")[2]
        pages.append(f"python/{page}")
        lines = [*title(heading, "="), f".. automodule:: {module}", "   :members:"]
        lines += ["   :inherited-members:", ""]
        (target / "python" / f"{page}.rst").write_text("\n".join(lines), encoding="utf-8")
    lines = title("Python interface", "=")
    lines += [
        ":doc:`../bindings/python/README` tells how to install it and what to expect.",
        "",
        *toctree(pages),
    ]
    (target / "python.rst").write_text("\n".join(lines), encoding="utf-8")


def write(source: pathlib.Path, target: pathlib.Path) -> list[str]:
    """All pages, into api/; the names of those at the top."""
    target.mkdir(parents=True)
    write_c(source, target)
    write_cpp(source, target)
    write_python(source, target)
    return ["api/c", "api/cpp", "api/python"]
