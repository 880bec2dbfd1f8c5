# SPDX-License-Identifier: MIT
"""The public headers: what they declare and what their comments say of it.

They have a narrow form; what is not understood is an error here, not left out.
"""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass, field


@dataclass
class Member:
    """A field, an enumerator, or (without code) a remark between them."""

    code: str
    doc: str = ""


@dataclass
class Item:
    """A declaration with its comment; functions under one comment are one item."""

    kind: str  # function, struct, enum, opaque, callback, constant, remark
    name: str
    doc: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    init: str = ""  # macro that initialises a struct


@dataclass
class Section:
    name: str
    items: list[Item] = field(default_factory=list)


@dataclass
class Header:
    name: str  # "model"
    doc: list[str]
    sections: list[Section]

    def functions(self) -> list[str]:
        """Prototypes, in their order."""
        return [
            code
            for section in self.sections
            for item in section.items
            if item.kind == "function"
            for code in item.code
        ]


TOKEN = re.compile(r"/\*.*?\*/|#(?:[^\n\\]|\\\n|\\.)*|[^\s/#][^;{]*(?:\{[^}]*\}[^;]*)?;", re.S)
NAME = re.compile(r"\b(bert_\w+)\s*\(")


def comment_lines(comment: str) -> list[str]:
    """Lines of a comment without its stars, and without the indentation that all share."""
    body = re.sub(r"^/\*\*?<?", "", comment)[:-2]
    first, *rest = body.split("\n")
    rest = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in rest]
    filled = [line for line in rest if line]
    margin = min((len(line) - len(line.lstrip()) for line in filled), default=0)
    lines = [first.strip(), *(line[margin:] for line in rest)]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def comment_text(comment: str) -> str:
    return "\n".join(line.strip() for line in comment_lines(comment))


def squeeze(code: str) -> str:
    code = re.sub(r"/\*.*?\*/", " ", code, flags=re.S)
    return re.sub(r"\(\s+", "(", " ".join(code.split())).removeprefix("BERT_API ")


def read_members(body: str, end: str) -> list[Member]:
    """Fields (end is ";") or enumerators (",") with their comments."""
    members: list[Member] = []
    before = ""
    pattern = re.compile(rf"/\*.*?\*/|[^\s/{end}](?:\([^)]*\)|[^{end}/(])*(?:{end}|$)?", re.S)
    for match in pattern.finditer(body):
        token = match[0]
        if token.startswith("/**<"):
            members[-1].doc = comment_text(token)
        elif token.startswith("/**"):
            before = comment_text(token)
        elif token.startswith("/*"):
            members.append(Member("", comment_text(token)))
        else:
            members.append(Member(squeeze(token).rstrip(end).strip(), before))
            before = ""
    return members


def read_type(code: str) -> Item:
    braces = re.fullmatch(
        r"(?:typedef\s+)?(struct|enum)\s*(\w*)\s*\{(.*)\}\s*(\w*)\s*;", code, re.S
    )
    if braces:
        kind, _, body, name = braces.groups()
        item = Item(kind, name, code=[f"typedef {kind} {name}" if name else kind])
        item.members = read_members(body, ";" if kind == "struct" else ",")
        return item
    opaque = re.fullmatch(r"typedef struct (\w+) \1;", squeeze(code))
    if opaque:
        return Item("opaque", opaque[1], code=[squeeze(code)])
    callback = re.fullmatch(r"typedef [\w ]+\*?\(\*(\w+)\)\(.*\);", squeeze(code))
    if callback:
        return Item("callback", callback[1], code=[squeeze(code)])
    raise SystemExit(f"headers.py: what is this? {code}")


def read_code(code: str) -> Item:
    if not code.startswith("BERT_API"):
        return read_type(code)
    named = NAME.search(code)
    if not named:
        raise SystemExit(f"headers.py: a function without a name: {code}")
    return Item("function", named[1], code=[squeeze(code)])


class Reader:
    """Puts the pieces of one header together."""

    def __init__(self) -> None:
        self.doc: list[str] = []
        self.sections = [Section("")]
        self.pending: list[str] | None = None
        self.touching = False  # nothing but a line's end since the last declaration

    @property
    def items(self) -> list[Item]:
        return self.sections[-1].items

    def comment(self, token: str) -> None:
        heading = re.match(r"/\* -+ (.*?) -{2,}", token)
        if token.startswith("/**"):
            self.pending = comment_lines(token)
            if self.pending and self.pending[0].startswith("@file"):
                self.doc, self.pending = self.pending[1:], None
            return
        if heading:
            self.sections.append(Section(heading[1]))
            token = "/*" + token[heading.end() :]
        if comment_lines(token):
            self.items.append(Item("remark", "", doc=comment_lines(token)))

    def macro(self, token: str) -> None:
        defined = re.match(r"#define (BERT_\w+)[ \t]*(.*)", token)
        if not defined or defined[1].endswith("_H"):
            return
        if defined[1].endswith("_INIT"):
            self.items[-1].init = defined[1]
            return
        if self.pending is None and self.touching and self.items[-1].kind == "constant":
            self.items[-1].members.append(Member(f"{defined[1]} {defined[2]}"))
            return
        item = Item("constant", defined[1], doc=self.pending or [])
        item.members.append(Member(f"{defined[1]} {defined[2]}"))
        self.items.append(item)
        self.pending = None

    def code(self, token: str) -> None:
        item = read_code(token)
        last = self.items[-1] if self.items else None
        alike = last and last.kind == item.kind and item.kind in ("function", "opaque")
        if last and alike and self.pending is None and self.touching:
            last.code += item.code
            return
        item.doc, self.pending = self.pending or [], None
        self.items.append(item)


def read_header(path: pathlib.Path) -> Header:
    text = path.read_text(encoding="utf-8")
    text = re.sub(
        r"^#if(def __cplusplus| defined\(__GNUC__\)).*?^#endif\n", "", text, flags=re.S | re.M
    )
    reader, end = Reader(), 0
    text = text.removeprefix("/* SPDX-License-Identifier: MIT */\n")
    for match in TOKEN.finditer(text):
        between, token = text[end : match.start()], match[0]
        if between.strip():
            raise SystemExit(f"{path.name}: what is this? {between.strip()}")
        reader.touching = "\n\n" not in between and between.count("\n") <= 1
        end = match.end()
        if token.startswith("/*"):
            reader.comment(token)
        elif token.startswith("#"):
            reader.macro(token)
        else:
            reader.code(token)
    if not reader.doc:
        raise SystemExit(f"{path.name}: no @file comment")
    return Header(path.stem, reader.doc, reader.sections)


def read_headers(folder: pathlib.Path) -> list[Header]:
    return [read_header(path) for path in sorted((folder / "bert").glob("*.h"))]


def version(folder: pathlib.Path) -> str:
    found = re.search(r'VERSION_STRING "(.*)"', (folder / "bert" / "base.h").read_text())
    if not found:
        raise SystemExit("base.h: no BERT_VERSION_STRING")
    return found[1]
