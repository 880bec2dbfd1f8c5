# SPDX-License-Identifier: MIT
"""bert_*(3), a page for each public header, and the list of them for libbert(3) and (7)."""

from __future__ import annotations

import re

import comments
import roff
from headers import Header, Item, Section

NAME = re.compile(r"(\bbert_\w+)\(")


def page_name(header: Header) -> str:
    return f"bert_{header.name}"


def brief(header: Header) -> str:
    """The first sentence of a header's comment."""
    first = " ".join(comments.blocks_of(header.doc, tagged=True)[0].lines)
    return re.split(r"(?<=[^.])[.?:](?: |$)", " ".join(first.split()))[0]


def function_names(header: Header) -> list[str]:
    return [name_of(code) for code in header.functions()]


def name_of(prototype: str) -> str:
    found = NAME.search(prototype)
    if not found:
        raise SystemExit(f"api_pages.py: no name in {prototype}")
    return found[1]


# ---- Prototypes --------------------------------------------------------------------


def parameters(text: str) -> list[str]:
    """What stands between the commas of a parameter list; types are bold, names italic."""
    out = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(.*?)(\w+)((?:\[\w*\])?)\s*", part, re.S)
        if not match or not match[1]:
            out.append(rf"\fB{part.strip()}\fR")
        else:
            kind, name, size = match.groups()
            out.append(rf"\fB{kind}\fI{name}\fB{size}\fR")
    return out


def shown_width(source: str) -> int:
    return len(re.sub(r"\\f[BIR]", "", source))


def prototype(code: str) -> list[str]:
    """Of a function or a callback: lines of at most 71 characters, to be shown unfilled."""
    match = re.fullmatch(r"(.*?\w|.*?\(\*\w+\))\((.*)\);", code, re.S)
    if not match:
        raise SystemExit(f"api_pages.py: no prototype: {code}")
    lines = [rf"\fB{match[1]}(\fR"]
    parts = parameters(match[2])
    for i, part in enumerate(parts):
        part += r"\fB,\fR" if i < len(parts) - 1 else r"\fB);\fR"
        space = "" if i == 0 else " "
        if i > 0 and shown_width(lines[-1] + space + part) > 71:
            lines.append("    " + part)
        else:
            lines[-1] += space + part
    return [merge_fonts(line) for line in lines]


def merge_fonts(line: str) -> str:
    line = line.replace(r"\fR\fB", "").replace(r"\fR \fB", " ")
    return re.sub(r"\\fB(?=\\fI)", "", line)


def unfilled(lines: list[str]) -> list[str]:
    return [".nf", *lines, ".fi"]


# ---- Sections ----------------------------------------------------------------------


def synopsis(header: Header) -> list[str]:
    lines = [rf"\fB#include <bert/{header.name}.h>\fR"]
    for section in header.sections:
        items = [item for item in section.items if item.kind == "function"]
        if items:
            lines.append("")
        if items and section.name:
            lines += [f"/* {roff.verbatim(section.name)} */"]
        for item in items:
            for code in item.code:
                lines += prototype(code)
    return [*roff.section("SYNOPSIS"), ".nf", *lines, ".fi"]


def members(item: Item) -> list[str]:
    out: list[str] = []
    for member in item.members:
        if member.code:
            out += [".TP", roff.bold(member.code)]
            out += roff.prose(member.doc) if member.doc else [r"\&"]
        else:
            out += [".PP", *roff.prose(member.doc)]
    return out


def heading(item: Item) -> list[str]:
    if item.kind == "function":
        names = [roff.bold(name_of(code)) + "()" for code in item.code]
        return [".PP", ", ".join(names)]
    if item.kind == "callback":
        return [".PP", *unfilled(prototype(item.code[0]))]
    if item.kind == "constant":
        return [".PP", roff.bold("#define")]
    return [".PP", *unfilled([roff.bold(code) for code in item.code])]


def item_source(item: Item) -> list[str]:
    if item.kind == "remark":
        return comments.source(item.doc)
    body = comments.source(item.doc)
    if item.init:
        body += [".PP", f"Initialised by {roff.bold(item.init)}."]
    body += members(item)
    return [*heading(item), *([".RS 4", *body, ".RE"] if body else [])]


def section_source(section: Section) -> list[str]:
    if not section.items:
        return []
    out = roff.subsection(roff.verbatim(section.name)) if section.name else []
    for item in section.items:
        out += item_source(item)
    return out


def see_also(header: Header, owners: dict[str, str]) -> list[str]:
    """Pages of the functions and types that this header names."""
    mentioned = set()
    texts = [*header.doc, *header.functions()]
    for section in header.sections:
        for item in section.items:
            texts += [*item.doc, *item.code]
            texts += [f"{member.code} {member.doc}" for member in item.members]
    for name in re.findall(r"\bbert_\w+", "\n".join(texts)):
        mentioned.add(owners.get(name, ""))
    mentioned -= {"", page_name(header)}
    links = [rf"\fB{page}\fR(3)," for page in sorted(mentioned)]
    return [*roff.section("SEE ALSO"), *links, r"\fBlibbert\fR(3),", r"\fBlibbert\fR(7)"]


def page(header: Header, owners: dict[str, str], version: str, date: str) -> list[str]:
    description, examples = comments.split_examples(header.doc)
    names = function_names(header)
    listed = names if page_name(header) in names else [page_name(header), *names]
    out = roff.title(page_name(header), "3", version, date)
    out += roff.section("NAME")
    summary = roff.plain(brief(header))
    out += ["\n".join(f"{name}," for name in listed)[:-1], r"\-"]
    out += roff.prose(summary[0].lower() + summary[1:])
    out += [*roff.section("LIBRARY"), r"libbert (\fB\-lbert\fR;"]
    out += [r"\fBpkg\-config \-\-cflags \-\-libs bert\fR)"]
    out += synopsis(header)
    out += [*roff.section("DESCRIPTION"), *comments.source(description, tagged=True)]
    out += roff.section("TYPES AND FUNCTIONS")
    for section in header.sections:
        out += section_source(section)
    if examples:
        out += roff.section("EXAMPLES")
        for lines in examples:
            out += roff.example(lines)
    return out + see_also(header, owners)


def owners_of(headers: list[Header]) -> dict[str, str]:
    """Which page tells of a function or type."""
    owners = {}
    for header in headers:
        for name in function_names(header):
            owners[name] = page_name(header)
        for section in header.sections:
            for item in section.items:
                if item.name:
                    owners.setdefault(item.name, page_name(header))
    return owners


def aliases(headers: list[Header]) -> list[str]:
    """Lines "function page": names under which a page is found too."""
    pages = {page_name(header) for header in headers}
    lines = []
    for header in headers:
        for name in function_names(header):
            if name in pages and name != page_name(header):
                raise SystemExit(f"api_pages.py: {name}() has the name of another page")
            if name != page_name(header):
                lines.append(f"{name} {page_name(header)}")
    return lines


def page_list(headers: list[Header]) -> list[str]:
    out: list[str] = []
    for header in headers:
        summary = brief(header)
        text = summary[0].upper() + summary[1:] + "."
        out += [".TP", rf"\fB{page_name(header)}\fR(3)", rf"\fI<bert/{header.name}.h>\fR:"]
        out += roff.prose(text)
    return out
