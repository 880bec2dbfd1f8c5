#!/bin/sh
# SPDX-License-Identifier: MIT
# Completion in bash, zsh and fish: the commands and options of the built command and no others, by
# the text for all shells, and by completing for those that are there.
# Exit code 77: there is no `bert`, since jansson is missing.
set -u
cd "$S" || exit 1
bert=$B/bert
[ -x "$bert" ] || { echo 'skipped: bert was not built'; exit 77; }
. tests/cli/support.sh
. tests/cli/options.sh
bash=docs/completions/bert.bash zsh=docs/completions/_bert fish=docs/completions/bert.fish
{ sort "$tmp/commands"; echo help; } | sort | tr '\n' ' ' >"$tmp/words"
words=$(cat "$tmp/words")

# ---- By the text ----------------------------------------------------------------

in_bash() { # file
    sed -n "/^_bert_options/,/^}/s/^    \([a-z]*\)) echo '\(.*\)' ;;/\1 \2/p" "$1" |
        awk '{ for (i = 2; i <= NF; i++) print $1, $i }' >"$tmp/said"
    same "$1" "$tmp/said"
}
in_zsh() { # file: options of sets that commands share, and of each command
    sed 's/\[.*//' "$1" | awk '
        function options(line, owner, i, n, word) {
            sub(/^[^{]*\{/, "", line)
            gsub(/[^-A-Za-z0-9,]/, "", line)
            n = split(line, word, ",")
            for (i = 1; i <= n && owner != ""; i++)
                if (word[i] ~ /^-/) print owner, word[i]
        }
        /^    shared_[a-z_]*=\($/ { owner = $1; sub(/=.*/, "", owner); next }
        /^    \)$/ { owner = "" }
        /^    case/ { cases = 1 }
        cases && /^    [a-z]*\)$/ { owner = $1; sub(/\)/, "", owner) }
        owner && /\$\{shared_/ { set = $1; gsub(/[^a-z_]/, "", set); print owner, "=" set }
        /^            ?'"'"'|^        '"'"'/ { options($0, owner) }' >"$tmp/raw"
    awk '$1 ~ /^shared_/ { set[$1] = set[$1] " " $2; next }
        $2 ~ /^=/ { n = split(set[substr($2, 2)], word, " "); for (i = 1; i <= n; i++) print $1, word[i]; next }
        $1 != "help" { print $1, $2 }' "$tmp/raw" >"$tmp/said"
    same "$1" "$tmp/said"
}
in_fish() { # file
    sed -n "s/ -d .*//; s/^complete -c bert -n '__fish_bert_command \([a-z ]*\)'\( -s .\)\{0,1\} -l \([a-z0-9-]*\).*/\1:\2:\3/p" "$1" |
        awk -F: '{ n = split($1, command, " ")
            for (i = 1; i <= n; i++) {
                print command[i], "--" $3
                if ($2 != "") print command[i], "-" substr($2, 5)
            } }' >"$tmp/said"
    same "$1" "$tmp/said"
}
for check in in_bash in_zsh in_fish; do
    case $check in in_bash) file=$bash ;; in_zsh) file=$zsh ;; *) file=$fish ;; esac
    $check "$file"
    is "$file" 0 $?
    spoils "$file, an invented option" "$file" 's/no-special/no-specials/'
    spoils "$file, a lost letter" "$file" 's/ -t / /; s/-t+,//; s/ -s t//'
    spoils "$file, another command" "$file" 's/\bsimilarity\b/similar/'
done

# ---- By completing ----------------------------------------------------------------

# The words that bash proposes for the last of these, one a line.
cat >"$tmp/complete.bash" <<'END'
source "$1"
shift
[[ $1 == :* ]] && COMP_WORDBREAKS=${1#:} && shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
function_of=$(complete -p bert)
[[ $function_of =~ -F\ ([a-z_]+) ]] && "${BASH_REMATCH[1]}" bert "${@: -1}" "${@: -2:1}"
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
END
gives() { # what it is, words that are to come, words of the line
    what=$1 want=$2
    shift 2
    bash "$tmp/complete.bash" "$bash" "$@" >"$tmp/stdout" 2>"$tmp/err"
    is "bash: $what" "$want" "$(sort "$tmp/stdout" | tr '\n' ' ')"
    is "bash: $what, no message" '' "$(cat "$tmp/err")"
}
if command -v bash >/dev/null; then
    root=$(pwd)
    bash=$root/$bash
    mkdir "$tmp/dir" && : >"$tmp/dir/a file" && : >"$tmp/dir/abc"
    gives 'commands' "--help --version $words" bert ''
    gives 'a command' 'search serve ' bert se
    gives 'none' '' bert sx
    gives 'of help' "$words" bert help ''
    gives 'an option' '--prompt --prompt-name ' bert embed --prom
    gives 'not of another command' '' bert mask --prom
    gives 'values' 'bf16 ' bert embed --precision b
    gives 'values after =' 'auto bf16 fp32 int8 ' bert embed --precision =
    is 'bash: four of them' 4 "$(wc -l <"$tmp/stdout" | tr -d ' ')"
    gives 'a value after =' 'int8 ' bert embed --precision = i
    gives 'one word with =' '--precision=int8 ' bert embed --precision=i
    gives 'a list' 'multi ' bert embed --outputs m
    gives 'a list goes on' 'dense,sparse ' bert embed --outputs dense,s
    gives 'a list in one word' '--kinds=ip,url ' bert mask --kinds=ip,u
    gives 'one of them where one is taken' '' bert search --outputs dense,s
    gives 'nothing for a text' '' bert embed -m DIR a
    gives 'nothing for a number' '' bert search --top 1
    gives 'an option after a value' '--top ' bert search --query text --to
    gives 'after --' '' bert embed -- --pr
    gives 'a flag that elsewhere takes a file' '' bert manifest --check "$tmp/dir/"
    gives 'files' "$tmp/dir/a file $tmp/dir/abc " bert embed -i "$tmp/dir/a"
    gives 'files, =' "$tmp/dir/abc " bert embed --input = "$tmp/dir/ab"
    gives 'files of arguments' "$tmp/dir/abc " bert pack "$tmp/dir/ab"
    gives 'NAME=DIR' "$tmp/dir/abc " bert serve -m name = "$tmp/dir/ab"
    while read -r command; do
        want=$(awk -v c="$command" '$1 == c { print $2 }' "$tmp/options" | sort | tr '\n' ' ')
        gives "options of $command" "$want" bert "$command" -
    done <"$tmp/commands"
else
    echo 'bash is missing: its completion not tried'
fi

# In zsh by the arguments that _arguments is given.
cat >"$tmp/complete.zsh" <<'END'
_arguments() {
    if [[ $1 == -C ]]; then
        state=$wanted words=($command)
        return 1
    fi
    for spec in "$@"; do
        [[ $spec == (*|)(\*|\(*\)|)-*\[* ]] && print -r -- $command ${${${spec#(\*|\(*\))}%%\[*}%[+=]}
    done
    return 0
}
_describe() {
    print -rl -- ${commands%%:*}
}
file=$1 wanted=$2
shift 2
for command in "$@"; do
    source $file
done
END
if command -v zsh >/dev/null; then
    zsh -n "$zsh"
    is "zsh -n" 0 $?
    # shellcheck disable=SC2046 # a list of words
    zsh -f "$tmp/complete.zsh" "$zsh" argument $(cat "$tmp/commands") >"$tmp/said" 2>"$tmp/err"
    is 'zsh: no message' '' "$(cat "$tmp/err")"
    same 'zsh' "$tmp/said"
    is 'zsh: options' 0 $?
    is 'zsh: commands' "$words" "$(zsh -f "$tmp/complete.zsh" "$zsh" command none | sort | tr '\n' ' ')"
    # And in a zsh that somebody types into: a single option is inserted.
    cat >"$tmp/type.zsh" <<'END'
zmodload zsh/zpty || exit 1
zpty shell env TERM=dumb HOME=$1 zsh -f -i
zpty -w shell "PS1='> '; fpath=(${(q)2} \$fpath); autoload -Uz compinit; compinit -D -u; echo rea''dy"
zpty -r -m shell said '*ready*> *' # what is typed before the prompt is not the editor's
zpty -w -n shell "$3"$'\t\x01'"print -r -- \"GO''T "$'\x05\"\n'
zpty -r -m shell said $'*\nGO\'\'T *\n*'
print -r -- ${${said##*$'\nGO\'\'T '}%%$'\r'*}
END
    typed() { # what, expected, line
        for _ in 1 2 3; do # a terminal has its own time
            typed=$(timeout 30 zsh -f "$tmp/type.zsh" "$tmp" "$S/docs/completions" "$3" 2>&1 | sed 's/=$//')
            [ "$typed" != "$2" ] || break
        done
        is "zsh, typed: $1" "$2" "$typed"
    }
    typed 'an option' 'bert embed --pooling' 'bert embed --pool'
    typed 'a command' 'bert embed' 'bert emb'
    typed 'a value' 'bert embed --precision=bf16' 'bert embed --precision=b'
else
    echo 'zsh is missing: its completion not tried'
fi

in_line() { # what, words, line
    HOME=$tmp XDG_CONFIG_HOME=$tmp XDG_DATA_HOME=$tmp fish --no-config -c "source $fish; complete -C '$3'" >"$tmp/stdout" 2>"$tmp/err"
    is "fish: $1" "$2" "$(cut -f1 "$tmp/stdout" | sort | tr '\n' ' ')"
    is "fish: $1, no message" '' "$(cat "$tmp/err")"
}
if command -v fish >/dev/null; then
    fish -n "$fish"
    is 'fish -n' 0 $?
    in_line 'commands' "$words" 'bert '
    in_line 'of help' "$(sort "$tmp/commands" | tr '\n' ' ')" 'bert help '
    in_line 'values' 'bf16 ' 'bert embed --precision b'
    in_line 'a value after =' '--precision=bf16 ' 'bert embed --precision=b'
    in_line 'a list goes on' 'dense,sparse ' 'bert embed --outputs dense,s'
    in_line 'a list in one word' '--kinds=ip,url ' 'bert mask --kinds=ip,u'
    in_line 'nothing for a text' '' 'bert embed -m DIR a'
    while read -r command; do
        want=$(awk -v c="$command" '$1 == c && /--/ { print $2 }' "$tmp/options" | sort | tr '\n' ' ')
        in_line "options of $command" "$want" "bert $command --"
    done <"$tmp/commands"
else
    echo 'fish is missing: its completion not tried'
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
