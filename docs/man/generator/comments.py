# SPDX-License-Identifier: MIT
"""A header's comment as man(7) source: paragraphs, lists, parameters, examples."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import roff


@dataclass
class Block:
    kind: str  # text, item, tagged, param, return, code
    tag: str = ""
    lines: list[str] = field(default_factory=list)


STARTS = [
    ("param", re.compile(r"@param +(\w+) +(.*)")),
    ("return", re.compile(r"@return() +(.*)")),
    ("item", re.compile(r" *-() +(.*)")),
]
TAGGED = re.compile(r"([A-Z][a-z]+): +(\S.*)")


def start_of(line: str, tagged: bool) -> Block | None:
    starts = [*STARTS, ("tagged", TAGGED)] if tagged else STARTS
    for kind, pattern in starts:
        match = pattern.match(line)
        if match:
            return Block(kind, match[1], [match[2]])
    unknown = re.match(r" *(@\w+)", line)
    if unknown:
        raise SystemExit(f"comments.py: {unknown[1]} is not known: {line}")
    return None


def blocks_of(lines: list[str], tagged: bool) -> list[Block]:
    """`tagged`: a line such as "Threads: ..." opens an entry of its own."""
    blocks: list[Block] = []
    inside: Block | None = None
    for line in lines:
        if inside and inside.kind == "code":
            if line.strip() == "@endcode":
                inside = None
            else:
                inside.lines.append(line)
            continue
        if re.match(r" *@code(\{\.cpp\})?$", line):
            inside = Block("code")
        elif not line:
            inside = None
            continue
        else:
            started = start_of(line, tagged)
            # What is not indented is no longer part of an entry.
            goes_on = inside and (inside.kind == "text" or line.startswith(" "))
            if inside and not started and goes_on:
                inside.lines.append(line)
                continue
            inside = started or Block("text", "", [line])
        blocks.append(inside)
    return blocks


def block_source(block: Block) -> list[str]:
    text = roff.prose("\n".join(block.lines)) if block.kind != "code" else []
    if block.kind == "code":
        return roff.example(block.lines)
    if block.kind == "item":
        return [r".IP \(bu 2", *text]
    if block.kind == "param":
        return [".TP", roff.italic(block.tag), *text]
    if block.kind == "return":
        return [".TP", "Returns", *text]
    if block.kind == "tagged":
        return [".TP", rf"\fB{block.tag}\fR", *text]
    return [".PP", *text]


def source(lines: list[str], tagged: bool = False) -> list[str]:
    out: list[str] = []
    for block in blocks_of(lines, tagged):
        out += block_source(block)
    return out


def split_examples(lines: list[str]) -> tuple[list[str], list[list[str]]]:
    """A comment without its examples, and these."""
    rest: list[str] = []
    examples: list[list[str]] = []
    inside = False
    for line in lines:
        if re.match(r" *@(code|endcode)", line):
            inside = not inside
            if inside:
                examples.append([])
                rest.append("")
        elif inside:
            examples[-1].append(line)
        else:
            rest.append(line)
    return rest, examples
