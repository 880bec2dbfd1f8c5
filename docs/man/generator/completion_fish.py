# SPDX-License-Identifier: MIT
"""Completion of `bert` in fish."""

from __future__ import annotations

from help_text import Option, Program
from values import HELP, HELP_SUMMARY, Value, notice, summary, takes_files, value_of

HEAD = r"""
# Is the command one of these?
function __fish_bert_command
    set -l words (commandline -opc)
    set -q words[2]; and contains -- $words[2] $argv
end

function __fish_bert_no_command
    test (count (commandline -opc)) -eq 1
end

# Is nothing but the command there?
function __fish_bert_first_argument
    test (count (commandline -opc)) -eq 2
end

# Each word behind what a list that is joined by commas has so far.
function __fish_bert_list
    set -l before (commandline -ct | string replace -rf '(.*,)[^,]*' '$1')
    set before (string replace -r -- '^--[^=]*=' '' $before)
    printf '%s\n' "$before"$argv
end

complete -c bert -f
"""


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def value_flags(value: Value) -> str:
    if value.kind == "words":
        return f" -x -a {quoted(' '.join(value.words))}"
    if value.kind == "list":
        listed = " ".join(value.words)
        return f" -x -a {quoted(f'(__fish_bert_list {listed})')}"
    return {"flag": "", "file": " -r -F", "model": " -r -F", "any": " -x"}[value.kind]


def option_line(option: Option, commands: list[str]) -> str:
    letter = f" -s {option.letter}" if option.letter else ""
    condition = quoted("__fish_bert_command " + " ".join(commands))
    return (
        f"complete -c bert -n {condition}{letter} -l {option.name}"
        f"{value_flags(value_of(option))} -d {quoted(summary(option))}"
    )


def script(program: Program) -> str:
    lines = [*notice("#"), *HEAD.split("\n")]
    first = "complete -c bert -n __fish_bert_no_command"
    for command in program.commands:
        lines.append(f"{first} -a {command.name} -d {quoted(command.summary)}")
    lines.append(f"{first} -a {HELP} -d {quoted(HELP_SUMMARY)}")
    lines.append(f"{first} -s h -l help -d {quoted('print the commands')}")
    lines.append(f"{first} -s V -l version -d {quoted('print the version')}")
    listed = " ".join(command.name for command in program.commands)
    condition = quoted(f"__fish_bert_command {HELP}; and __fish_bert_first_argument")
    lines.append(f"complete -c bert -n {condition} -a {quoted(listed)}")
    files = " ".join(command.name for command in program.commands if takes_files(command))
    lines.append(f"complete -c bert -n {quoted(f'__fish_bert_command {files}')} -F")
    owners: dict[tuple[str, str, str, str], list[str]] = {}
    first_of: dict[tuple[str, str, str, str], Option] = {}
    for command in program.commands:
        for option in command.options:
            owners.setdefault(option.same(), []).append(command.name)
            first_of.setdefault(option.same(), option)
    lines += [option_line(first_of[key], owners[key]) for key in owners]
    return "\n".join(lines) + "\n"
