# SPDX-License-Identifier: MIT
"""The snippets of a page: its fences, what is said of them, what they are expected to print.

docs/writing.md has the rules.
"""

from __future__ import annotations

import pathlib
import re
import shlex
from dataclasses import dataclass, field

RUN = ("c", "cpp", "python", "console")
SHOWN = (
    "text",
    "sql",
    "cmake",
    "make",
    "json",
    "diff",
    "ini",
    "yaml",
    "toml",
    "rust",
    "go",
    "html",
    "nginx",
)

FENCE = re.compile(r"^( *)(`{3,}|~{3,})\s*([^`]*?)\s*$")
HIDDEN = re.compile(r"^[ >]*[>\t][ >\t]*(`{3,}|~{3,})")
MARK = re.compile(r"^ *<!-- *snippet: *(.*?) *-->\s*$")


class PageError(Exception):
    """A page that breaks a rule; the message begins with its name and line."""


@dataclass
class Snippet:
    page: str
    line: int  # of the fence
    language: str
    lines: list[str]
    marks: dict[str, str] = field(default_factory=dict)
    expected: list[str] | None = None

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    @property
    def saved(self) -> str:
        return self.marks.get("file", "")

    @property
    def is_program(self) -> bool:
        return re.search(r"\bmain\(", self.text) is not None

    @property
    def exempt(self) -> str | None:
        return self.marks.get("not run")


def read_mark(said: str, where: str) -> dict[str, str]:
    """What a line `<!-- snippet: ... -->` says."""
    if said.startswith("not run"):
        reason = said.removeprefix("not run").lstrip(":").strip()
        if not reason:
            raise PageError(f"{where}: `not run` wants its reason")
        return {"not run": reason}
    marks = {}
    for word in shlex.split(said):
        name, has_value, value = word.partition("=")
        known = ("file", "args", "exit", "needs") if has_value else ("file", "continues")
        if name not in known or (has_value and not value):
            raise PageError(f"{where}: a mark `{word}` is not known")
        marks["at file scope" if word == "file" else name] = value
    if not re.fullmatch(r"\d*", marks.get("exit", "")):
        raise PageError(f"{where}: exit={marks['exit']} is no number")
    if not re.fullmatch(r"[\w.-]*", marks.get("file", "")):
        raise PageError(f"{where}: file={marks['file']} is no plain file name")
    return marks


def marks_before(lines: list[str], at: int, where: str) -> dict[str, str]:
    """Of the lines just above line `at`, which follow each other."""
    marks: dict[str, str] = {}
    while at > 0 and (match := MARK.match(lines[at - 1])):
        marks.update(read_mark(match[1], where))
        at -= 1
    return marks


def check_language(language: str, where: str) -> None:
    if not language:
        raise PageError(f"{where}: a fence that doesn't name its language")
    if language not in RUN + SHOWN:
        raise PageError(f"{where}: a fence in `{language}`; there are {' '.join(RUN + SHOWN)}")


def follows(lines: list[str], end: int, start: int) -> bool:
    """Between two fences there is nothing, or a sentence that ends in a colon."""
    between = [line for line in lines[end:start] if not MARK.match(line)]
    while between and not between[-1].strip():
        between.pop()
    while between and not between[0].strip():
        between.pop(0)
    if not between:
        return True
    return between[-1].rstrip().endswith(":") and all(line.strip() for line in between)


def read_fences(name: str, lines: list[str]) -> list[tuple[Snippet, int, int]]:
    """Snippets with the numbers of their first line and of the line after them."""
    found, at = [], 0
    while at < len(lines):
        opened = FENCE.match(lines[at])
        if not opened:
            if HIDDEN.match(lines[at]):
                raise PageError(f"{name}:{at + 1}: a fence behind a tab or `>` would not be run")
            if MARK.match(lines[at]) and not re.match(
                r" *(```|~~~|<!-- *snippet:)", (lines[at + 1 :] or [""])[0]
            ):
                raise PageError(f"{name}:{at + 1}: a mark without a fence below it")
            at += 1
            continue
        indent, ticks, language = opened.groups()
        where = f"{name}:{at + 1}"
        check_language(language, where)
        end = at + 1
        while end < len(lines) and lines[end].strip() != ticks:
            end += 1
        if end == len(lines):
            raise PageError(f"{where}: the fence has no end")
        body = [re.sub(f"^ {{0,{len(indent)}}}", "", line) for line in lines[at + 1 : end]]
        snippet = Snippet(name, at + 1, language, body, marks_before(lines, at, where))
        found.append((snippet, at, end + 1))
        at = end + 1
    return found


def read_page(name: str, text: str) -> list[Snippet]:
    lines = text.splitlines()
    fences = read_fences(name, lines)
    snippets: list[Snippet] = []
    for i, (snippet, start, _) in enumerate(fences):
        before = fences[i - 1] if i > 0 else None
        if (
            snippet.language == "text"
            and not snippet.saved
            and before
            and before[0].language in RUN
            and follows(lines, before[2], start)
        ):
            before[0].expected = snippet.lines
        snippets.append(snippet)
    return snippets


def pages(root: pathlib.Path) -> list[pathlib.Path]:
    found = [root / "README.md", root / "bindings" / "python" / "README.md"]
    found += sorted((root / "docs").glob("*.md")) + sorted((root / "docs" / "guide").glob("*.md"))
    return [page for page in found if page.exists()]
