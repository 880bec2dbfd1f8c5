#!/bin/sh
# SPDX-License-Identifier: MIT
# bert(1) has every command and option of the built command, and no others.
# Exit code 77: there is no `bert`, since jansson is missing.
set -u
cd "$S" || exit 1
bert=$B/bert
[ -x "$bert" ] || { echo 'skipped: bert was not built'; exit 77; }
. tests/cli/support.sh
. tests/cli/options.sh

documented() { # page: "COMMAND OPTION" of each command's section; of COMMON OPTIONS with "common"
    awk '
        function options(line, command) {
            while (match(line, /\\fB\\-[A-Za-z\\-]*\\fR/)) {
                option = substr(line, RSTART + 3, RLENGTH - 6)
                gsub(/\\/, "", option)
                print command, option
                line = substr(line, RSTART + RLENGTH)
            }
        }
        /^\.SH/ { command = /COMMON OPTIONS/ ? "common" : ""; reference = /COMMAND REFERENCE/ }
        /^\.SS "bert / && reference { command = $3; sub(/"$/, "", command) }
        /^\.PP/ { listed = 0 }
        /^Common options:/ { listed = 1 }
        listed || (tag && /^\\fB\\-/) { options($0, command) }
        { tag = /^\.TP/ }' "$1" | sort -u
}
man1() { # page
    documented "$1" >"$tmp/all"
    grep -v '^common ' "$tmp/all" >"$tmp/said"
    same "$1" "$tmp/said" || return 1
    # What sections only list has its entry among the common options.
    awk '/^Common options:/ { on = 1; next } /^\.PP/ { on = 0 } on' "$1" |
        grep -o 'fB\\-[A-Za-z\\-]*' | sed 's/^fB//; s/\\fR$//; s/\\//g; s/^/common /' | sort -u >"$tmp/listed"
    grep '^common ' "$tmp/all" >"$tmp/entries"
    diff "$tmp/listed" "$tmp/entries" >"$tmp/diff" || { echo "$1: common options"; return 1; }
    awk '/^\.SH/ { on = /"?COMMANDS"?$/ } on && /^\\fBbert [a-z]*\\fR$/ { sub(/\\fR$/, ""); print $2 }' "$1" >"$tmp/said"
    { cat "$tmp/commands"; echo help; } | diff - "$tmp/said" >"$tmp/diff" || { echo "$1: commands"; return 1; }
}
check=man1
page=docs/man/bert.1
is 'there are commands and options' 1 "$(awk 'END { print (NR > 300) }' "$tmp/options")"
man1 "$page"
is "$page" 0 $?
spoils 'a lost option' "$page" '/^\\fB\\-\\-prompt\\-name\\fR/d'
spoils 'an invented option' "$page" 's/^\\fB\\-\\-normalize\\fR/\\fB\\-\\-normalise\\fR/'
spoils 'a lost common option' "$page" '/COMMON OPTIONS/,/COMMAND REFERENCE/s/^\\fB\\-\\-verify\\fR//'
spoils 'a lost command' "$page" 's/^\\fBbert rerank\\fR$//'
spoils 'a lost section' "$page" '/^\.SS "bert tag"/d'
run 'bert help' 0 help
run 'bert help COMMAND' 0 help embed
is 'is --help' 0 "$("$bert" embed --help | cmp -s - "$tmp/stdout"; echo $?)"

# Exit codes and variables of the environment, as the sources have them.
for name in $(sed -n 's/.*getenv("\([A-Z_]*\)").*/\1/p' examples/bert/*.c lib/*/*.c | sort -u); do
    is "$name" 1 "$(grep -c "^.fB$name.fR\$" "$page")"
done
for code in 0 1 2 3 130; do
    is "exit status $code" 1 "$(sed -n '/^\.SH EXIT/,/^\.SH ENV/p' "$page" | grep -c "^.fB$code.fR\$")"
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
