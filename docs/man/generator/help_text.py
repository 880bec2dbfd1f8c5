# SPDX-License-Identifier: MIT
"""The `bert` command as it says itself that it is: what --help prints, of the command and of
each of its commands, and what it answers to a value that can't be right.

Both come from the tables that also parse the command line (examples/bert/options.h), so that
nothing can be here that isn't there.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field

WRONG = "?"  # no option with a closed set of values takes it


@dataclass
class Option:
    letter: str
    name: str
    argument: str
    help: str
    choices: list[str] = field(default_factory=list)

    def same(self) -> tuple[str, str, str, str]:
        return (self.letter, self.name, self.argument, self.help)


@dataclass
class Command:
    name: str
    summary: str
    synopsis: str
    about: list[str]
    options: list[Option]
    examples: list[str]


@dataclass
class Program:
    summary: str
    about: list[str]
    examples: list[str]
    status: str
    commands: list[Command]

    def common(self) -> list[Option]:
        """Options that more than half of the commands have, with the same text."""
        count: dict[tuple[str, str, str, str], int] = {}
        first: dict[tuple[str, str, str, str], Option] = {}
        for command in self.commands:
            for option in command.options:
                count[option.same()] = count.get(option.same(), 0) + 1
                first.setdefault(option.same(), option)
        return [first[key] for key in first if 2 * count[key] > len(self.commands)]


def run(*args: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("BERT_")}
    return subprocess.run(
        args, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=env
    )


def output_of(*args: str) -> list[str]:
    result = run(*args)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(args)}: {result.stderr}")
    return result.stdout.splitlines()


OPTION = re.compile(r" {2}(?:-(\w), |    )--([a-z][a-z0-9-]*)(?: (\S+))?(?:  +(\S.*))?")
COLUMN = 26


def read_options(lines: list[str]) -> list[Option]:
    options: list[Option] = []
    for line in lines:
        match = OPTION.fullmatch(line)
        if match:
            letter, name, argument, text = match.groups()
            options.append(Option(letter or "", name, argument or "", text or ""))
        elif line.startswith(" " * COLUMN) and options:
            options[-1].help = (options[-1].help + "\n" + line.strip()).strip()
        else:
            raise SystemExit(f"help_text.py: no option: {line}")
    return options


def parts(lines: list[str], *names: str) -> list[list[str]]:
    """What stands before and after each of the lines `names`."""
    out: list[list[str]] = [[]]
    wanted = list(names)
    for line in lines:
        if wanted and line == wanted[0]:
            out.append([])
            wanted.pop(0)
        else:
            out[-1].append(line)
    if wanted:
        raise SystemExit(f"help_text.py: no line {wanted[0]}")
    return [trim(part) for part in out]


def trim(lines: list[str]) -> list[str]:
    while lines and not lines[0]:
        lines = lines[1:]
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def choices_of(bert: str, command: str, option: Option) -> list[str]:
    """The values that an option takes, if they are a closed set: it names them."""
    said = run(bert, command, f"--{option.name}={WRONG}", "--help").stderr
    closed = re.search(rf"'{re.escape(WRONG)}' is none of ([\w|]+)", said)
    return closed[1].split("|") if closed else named_in(one_line(option.help))


def named_in(text: str) -> list[str]:
    """The values of lists and of --cpu, which are known by the help alone."""
    listed = re.findall(
        r"(?:^of|\bwhich of|\balso|^instruction set at most:) ([\w, ]+(?:; \w+, [\w, ]+)?)", text
    )
    if listed:
        words = re.split(r"[,;] +", ", ".join(part.strip() for part in listed))
        return words if len(words) > 1 and all(re.fullmatch(r"\w+", word) for word in words) else []
    described = re.findall(r"(\w+) \(", text)
    return described if {"dense", "sparse"} <= set(described) else []


def one_line(text: str) -> str:
    return " ".join(text.split())


Known = dict[tuple[str, ...], list[str]]  # choices of options that were seen before


def read_command(bert: str, name: str, summary: str, known: Known) -> tuple[Command, str]:
    """The command, and the exit statuses that it tells of."""
    lines = output_of(bert, name, "--help")
    usage, options, rest = parts(lines, "Options:", "Examples:")
    at = rest.index("")
    status = one_line(" ".join(rest[at:]))
    prefix = f"Usage: bert {name} "
    if not usage[0].startswith(prefix) or not status.startswith("Exit status: "):
        raise SystemExit(f"help_text.py: bert {name} --help has another form")
    synopsis, about = usage[0].removeprefix(prefix), trim(usage[1:])
    command = Command(name, summary, synopsis, about, read_options(options), rest[:at])
    for option in command.options:
        if option.argument:
            key = option.same()
            if key not in known:
                known[key] = choices_of(bert, name, option)
            option.choices = known[key]
    return command, status.removeprefix("Exit status: ")


def read_program(bert: str) -> Program:
    before, listed, rest = parts(output_of(bert, "--help"), "Commands:", "")
    about, examples = parts(rest, "Examples:")
    known: Known = {}
    commands, status = [], ""
    for line in listed:
        name, summary = line.split(maxsplit=1)
        command, status = read_command(bert, name, summary, known)
        commands.append(command)
    about = [line for line in about if not line.startswith("  bert ")]
    return Program(before[-1], trim(about), examples, status, commands)
