# SPDX-License-Identifier: MIT
"""bert(1): the parts of the page that come from what the command says of itself."""

from __future__ import annotations

import roff
from help_text import Command, Option, Program, one_line


def synopsis_source(text: str) -> str:
    """Words in capitals are for the user to choose."""
    words = []
    for word in text.split(" "):
        bare = word.strip("[]|.")
        if bare.startswith("-"):
            words.append(roff.verbatim(word).replace(roff.verbatim(bare), roff.bold(bare)))
        elif bare and bare == bare.upper():
            words.append(roff.italic(word))
        else:
            words.append(roff.verbatim(word))
    return " ".join(words)


def option_tag(option: Option) -> str:
    names = [f"-{option.letter}"] if option.letter else []
    names.append(f"--{option.name}")
    tag = ", ".join(roff.bold(name) for name in names)
    return f"{tag} {roff.italic(option.argument)}" if option.argument else tag


def option_source(option: Option) -> list[str]:
    out = [".TP", option_tag(option), *roff.prose(option.help, options=True)]
    missing = [word for word in option.choices if word not in option.help]
    if missing:
        out += [".br", *roff.prose(f"Values: {', '.join(option.choices)}.")]
    return out


def about_source(lines: list[str]) -> list[str]:
    """Prose, and what is indented as it stands."""
    out: list[str] = []
    run: list[str] = []
    shown = False

    def close() -> None:
        if run:
            out.extend(roff.example(run) if shown else [".PP", *roff.prose("\n".join(run), True)])
            run.clear()

    for line in lines:
        if line.startswith("  ") != shown or not line:
            close()
            shown = line.startswith("  ")
        if line:
            run.append(line)
    close()
    return out


def names_of(options: list[Option]) -> str:
    shown = []
    for option in options:
        letter = f"-{option.letter}, " if option.letter else ""
        shown.append(f"{letter}--{option.name}")
    return "; ".join(shown)


def command_source(command: Command, common: list[Option]) -> list[str]:
    shared = [option.same() for option in common]
    own = [option for option in command.options if option.same() not in shared]
    others = [option for option in command.options if option.same() in shared]
    out = roff.subsection(f"bert {command.name}")
    out += [rf"\fBbert {command.name}\fR {synopsis_source(command.synopsis)}"]
    out += about_source(command.about)
    for option in own:
        out += option_source(option)
    out += [".PP", "Common options:", *roff.prose(names_of(others) + ".", options=True)]
    return out + roff.example(command.examples)


def commands_list(program: Program) -> list[str]:
    out: list[str] = []
    for command in program.commands:
        summary = command.summary[0].upper() + command.summary[1:] + "."
        out += [".TP", rf"\fBbert {command.name}\fR", *roff.prose(summary)]
    return out


def common_source(program: Program) -> list[str]:
    out: list[str] = []
    for option in program.common():
        out += option_source(option)
    return out


def reference_source(program: Program) -> list[str]:
    common = program.common()
    out: list[str] = []
    for command in program.commands:
        out += command_source(command, common)
    return out


def status_source(program: Program) -> list[str]:
    """ "0 all records answered, 1 some failed or ..., 2 usage": one entry each."""
    out: list[str] = []
    for part in one_line(program.status).rstrip(".").split(", "):
        code, _, text = part.partition(" ")
        if not code.isdigit():
            raise SystemExit(f"command_page.py: exit status {part}")
        out += [".TP", rf"\fB{code}\fR", *roff.prose(text[0].upper() + text[1:] + ".")]
    return out
