# SPDX-License-Identifier: MIT
"""Text and code as man(7) source."""

from __future__ import annotations

import re
import textwrap

WIDTH = 79
IDENTIFIER = r"`(?P<quoted>[^`]+)`|(?P<name>\b(?:bert|BERT)_\w+)"
OPTION = r"(?P<option>(?<![\w-])(?:--[a-z][\w-]*|-[a-zA-Z]\b))"


def verbatim(text: str) -> str:
    """Characters that stand for themselves, as they are to be copied from a page."""
    for char, escape in ("\\", r"\e"), ("'", r"\(aq"), ("`", r"\(ga"), ("-", r"\-"):
        text = text.replace(char, escape)
    text = text.replace("^", r"\(ha").replace("~", r"\(ti")
    return non_ascii(text)


def non_ascii(text: str) -> str:
    return "".join(c if ord(c) < 128 else rf"\[u{ord(c):04X}]" for c in text)


def plain(text: str) -> str:
    """Prose without names in it."""
    text = text.replace("\\", r"\e").replace("^", r"\(ha").replace("~", r"\(ti")
    text = re.sub(r"(?<![\w-])-(?=[\d\[\w(])", r"\\-", text)
    return non_ascii(text)


def bold(text: str) -> str:
    return rf"\fB{verbatim(text)}\fR"


def italic(text: str) -> str:
    return rf"\fI{verbatim(text)}\fR"


def inline(text: str, options: bool = False) -> str:
    """Prose; names of the library, `quoted` ones and, if asked for, options are bold."""
    pattern = re.compile(f"{IDENTIFIER}|{OPTION}" if options else IDENTIFIER)
    out, end = "", 0
    for match in pattern.finditer(text):
        name = match["quoted"] or match[0]
        out += plain(text[end : match.start()]) + bold(name)
        end = match.end()
    return out + plain(text[end:])


def guard(line: str) -> str:
    """A line that roff doesn't take for a request."""
    return r"\&" + line if line.startswith((".", "'")) else line


def prose(text: str, options: bool = False) -> list[str]:
    """A paragraph's lines: each sentence on a line of its own, and wrapped."""
    lines = []
    joined = re.sub(r" *\n *", "\n", text.strip())
    joined = re.sub(r"(?<=[.?!:;)])\n", "  ", joined).replace("\n", " ")
    for sentence in re.split(r"(?<=[.?!:)])  +", joined):
        sentence = inline(" ".join(sentence.split()), options)
        lines += textwrap.wrap(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [guard(line) for line in lines]


def example(lines: list[str]) -> list[str]:
    """Lines that are shown as they stand, indented."""
    body = textwrap.dedent("\n".join(lines)).strip("\n").split("\n")
    shown = [guard(verbatim(line.rstrip())) for line in body]
    return [".PP", ".RS 4", ".EX", *shown, ".EE", ".RE"]


def title(name: str, section: str, version: str, date: str) -> list[str]:
    return [
        r".\" SPDX-License-Identifier: MIT",
        r".\" Made by docs/man/generator (make man); changes belong into its sources.",
        f'.TH {name.upper()} {section} "{date}" "libbert {version}" "libbert manual"',
        ".nr HY 0",
        ".nh",
        ".ad l",
    ]


def section(name: str) -> list[str]:
    return [f".SH {name}" if " " not in name else f'.SH "{name}"']


def subsection(name: str) -> list[str]:
    return [f'.SS "{name}"']


def finish(lines: list[str]) -> str:
    """A page's text, without paragraphs that begin where one has begun anyway."""
    out: list[str] = []
    for line in lines:
        if line == ".PP" and out[-1].split(" ")[0] in (".SH", ".SS", ".PP"):
            continue
        out.append(line)
    return "\n".join(out) + "\n"
