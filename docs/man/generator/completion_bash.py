# SPDX-License-Identifier: MIT
"""Completion of `bert` in bash, by COMP_WORDS alone: bash-completion's library is not needed."""

from __future__ import annotations

from help_text import Command, Program
from values import HELP, Value, names, notice, takes_files, value_of

BODY = r"""
# Sets COMPREPLY to those of the words $1 that begin with $cur.
_bert_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# The last of a list that is joined by commas.
_bert_list() {
    local before='' word
    [[ $cur == *,* ]] && before=${cur%,*},
    cur=${cur##*,}
    _bert_words "$1"
    for word in "${!COMPREPLY[@]}"; do
        COMPREPLY[word]=$before${COMPREPLY[word]}
    done
}

_bert_files() {
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    compopt -o filenames 2>/dev/null
}

# Sets `option` and `cur` where a value is being completed, and `before`, what of the word is to
# stay: "=" parts words, if COMP_WORDBREAKS has it.
_bert_find_option() {
    local back=1
    option='' before=''
    if [[ $cur == --*=* ]]; then
        option=${cur%%=*} before=${cur%%=*}= cur=${cur#*=}
        return
    fi
    if [[ $cur == = ]]; then
        cur=''
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
        back=2
    fi
    # NAME=DIR is three words as well.
    [[ $back == 2 && ${COMP_WORDS[COMP_CWORD - 2]} != -* ]] && back=3
    ((COMP_CWORD - back > 1)) && option=${COMP_WORDS[COMP_CWORD - back]}
}

_bert() {
    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} option before value i

    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _bert_words "$_bert_commands --help --version"
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            [[ " $_bert_takes_files " == *" $command "* ]] && _bert_files
            return
        fi
    done
    _bert_find_option
    value=$(_bert_value "$command" "$option")
    case $value in
    'file' | 'model') _bert_files ;;
    'any') ;;
    'words '*) _bert_words "${value#words }" ;;
    'list '*) _bert_list "${value#list }" ;;
    *)
        if [[ $command == help && $COMP_CWORD == 2 ]]; then
            _bert_words "$_bert_commands"
        elif [[ $cur == -* ]]; then
            _bert_words "$(_bert_options "$command")"
        elif [[ " $_bert_takes_files " == *" $command "* ]]; then
            _bert_files
        fi
        return ;;
    esac
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=$before${COMPREPLY[i]}
    done
}

complete -F _bert bert
"""


def option_words(command: Command) -> str:
    return " ".join(name for option in command.options for name in names(option))


def value_lines(program: Program) -> list[str]:
    """Patterns of "COMMAND OPTION", those of one command first."""
    seen: dict[str, dict[Value, list[str]]] = {}
    for command in program.commands:
        for option in command.options:
            value = value_of(option)
            for name in names(option) if value.kind != "flag" else []:
                seen.setdefault(name, {}).setdefault(value, []).append(command.name)
    special: dict[Value, list[str]] = {}
    general: dict[Value, list[str]] = {}
    for name, values in seen.items():
        usual = max(values, key=lambda value: len(values[value]))
        for value, commands in values.items():
            if value == usual:
                general.setdefault(value, []).append(f"*' {name}'")
            else:
                special.setdefault(value, []).extend(f"'{c} {name}'" for c in commands)
    # A command may have as a flag what others give a value.
    for command in program.commands:
        for option in command.options:
            for name in names(option) if value_of(option).kind == "flag" else []:
                if name in seen:
                    special.setdefault(Value("flag"), []).append(f"'{command.name} {name}'")
    lines = []
    for patterns in (special, general):
        for value, shown in patterns.items():
            said = " ".join((value.kind, *value.words)) if value.kind != "flag" else ""
            lines.append(f"    {' | '.join(shown)}) echo '{said}' ;;")
    return lines


def script(program: Program) -> str:
    commands = " ".join([command.name for command in program.commands] + [HELP])
    files = " ".join(command.name for command in program.commands if takes_files(command))
    lines = [*notice("#"), "# shellcheck shell=bash", ""]
    lines += [f"_bert_commands='{commands}'", f"_bert_takes_files='{files}'", ""]
    lines += ["# The options of a command.", "_bert_options() {", "    case $1 in"]
    for command in program.commands:
        lines.append(f"    {command.name}) echo '{option_words(command)}' ;;")
    lines += ["    esac", "}", ""]
    lines += ["# What the value of an option of a command is; nothing: it takes none."]
    lines += ["_bert_value() {", '    case "$1 $2" in', *value_lines(program), "    esac", "}"]
    return "\n".join(lines) + "\n" + BODY
