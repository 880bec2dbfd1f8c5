# SPDX-License-Identifier: MIT
"""What the shells propose for the values of options and for arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass

from help_text import Command, Option, one_line

HELP = "help"  # a command that `bert --help` doesn't list: the same as --help
HELP_SUMMARY = "options and examples of a command"


@dataclass(frozen=True)
class Value:
    kind: str  # flag, words, list (words joined by commas), file, model (a folder or a file), any
    words: tuple[str, ...] = ()


def value_of(option: Option) -> Value:
    if not option.argument:
        return Value("flag")
    if option.choices:
        joined = "," in option.argument or option.argument == "LIST"
        return Value("list" if joined else "words", tuple(option.choices))
    if option.argument == "FILE":
        return Value("file")
    if option.argument.endswith("DIR"):
        return Value("model")
    return Value("any")


def takes_files(command: Command) -> bool:
    """Are arguments that are no options names of files?"""
    places = re.sub(r"-\S+ \S+", "", command.synopsis)
    return bool(re.search(r"\b(FILE|MODEL)\b", places))


def repeats(option: Option) -> bool:
    return "twice" in option.help or "may be given up to" in one_line(option.help)


def summary(option: Option) -> str:
    """The help up to its default, at most 70 characters."""
    text = re.split(r" ?\(default|; ", one_line(option.help).replace("`", ""))[0].rstrip(" ;:,")
    if len(text) > 70:
        text = text[:67].rsplit(" ", 1)[0].rstrip(" ;:,") + "..."
    return text


def names(option: Option) -> list[str]:
    return ([f"-{option.letter}"] if option.letter else []) + [f"--{option.name}"]


def notice(comment: str) -> list[str]:
    return [
        f"{comment} SPDX-License-Identifier: MIT",
        f"{comment} Made by docs/man/generator (make man) of what `bert --help` says.",
    ]
