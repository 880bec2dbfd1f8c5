# SPDX-License-Identifier: MIT
"""Completion of `bert` in zsh."""

from __future__ import annotations

from help_text import Command, Option, Program
from values import HELP, HELP_SUMMARY, Value, notice, repeats, summary, takes_files, value_of

HEAD = r"""
_bert() {
    local curcontext=$curcontext state line
    typeset -A opt_args
    local -a commands
"""

MIDDLE = r"""
    _arguments -C \
        '(- : *)'{-h,--help}'[print the commands]' \
        '(- : *)'{-V,--version}'[print the version]' \
        '1:command:->command' \
        '*::argument:->argument' && return
    case $state in
    command)
        _describe -t commands command commands
        return ;;
    esac
    case $words[1] in
"""

TAIL = r"""    esac
}

_bert "$@"
"""


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def escaped(text: str) -> str:
    for char in "\\[]:":
        text = text.replace(char, "\\" + char)
    return text


def action(value: Value) -> str:
    listed = " ".join(value.words)
    return {
        "words": f"({listed})",
        "list": f"_sequence compadd - {listed}",
        "file": "_files",
        "model": "_files",
        "any": "",
    }[value.kind]


def spec(option: Option) -> str:
    """One argument of _arguments."""
    value = value_of(option)
    flag = value.kind == "flag"
    long = f"--{option.name}" + ("" if flag else "=")
    text = f"[{escaped(summary(option))}]"
    if not flag:
        text += f":{escaped(option.argument)}:{action(value)}"
    star = "*" if repeats(option) else ""
    if not option.letter:
        return quoted(f"{star}{long}{text}")
    short = f"-{option.letter}" + ("" if flag else "+")
    both = f"(-{option.letter} --{option.name})"
    return f"{quoted(star or both)}{{{short},{long}}}{quoted(text)}"


def shared_sets(program: Program) -> dict[str, list[Option]]:
    """Common options by the commands that have them: a name for each set."""
    sets: dict[tuple[str, ...], list[Option]] = {}
    for option in program.common():
        same = option.same()
        owners = [c.name for c in program.commands if same in [o.same() for o in c.options]]
        sets.setdefault(tuple(owners), []).append(option)
    return {f"shared_{options[0].name.replace('-', '_')}": options for options in sets.values()}


def command_case(command: Command, shared: dict[str, list[Option]]) -> list[str]:
    have = [option.same() for option in command.options]
    used = [name for name, options in shared.items() if options[0].same() in have]
    covered = [option.same() for name in used for option in shared[name]]
    own = [option for option in command.options if option.same() not in covered]
    # A text is what comes to mind.  By ' ', "no completions" as a message, zsh would show a single
    # option and not insert it.
    places = "'*:file:_files'" if takes_files(command) else "'*:text:{true}'"
    parts = [spec(option) for option in own]
    parts += [f'"${{{name}[@]}}"' for name in used] + [places]
    lines = [f"    {command.name})", "        _arguments -s -S : \\"]
    lines += [f"            {part} \\" for part in parts]
    lines[-1] = lines[-1].removesuffix(" \\") + " ;;"
    return lines


def script(program: Program) -> str:
    shared = shared_sets(program)
    lines = ["#compdef bert", *notice("#"), *HEAD.strip("\n").split("\n")]
    lines.append(f"    local -a {' '.join(shared)}")
    lines.append("    commands=(")
    summaries = [(c.name, c.summary) for c in program.commands] + [(HELP, HELP_SUMMARY)]
    lines += [f"        {quoted(f'{name}:{escaped(text)}')}" for name, text in summaries]
    lines.append("    )")
    for name, options in shared.items():
        lines += [f"    {name}=(", *(f"        {spec(option)}" for option in options), "    )"]
    lines += MIDDLE.strip("\n").split("\n")
    for command in program.commands:
        lines += command_case(command, shared)
    lines += [
        f"    {HELP})",
        f"        _arguments '1:command:({' '.join(c.name for c in program.commands)})' ;;",
    ]
    return "\n".join(lines) + "\n" + TAIL
