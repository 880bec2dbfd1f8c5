# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# What the built command has, for the tests of what is written about it; sourced after support.sh,
# with $bert set.  Lists are sorted lines "COMMAND OPTION", such as "embed --top" and "embed -m".
LC_ALL=C
export LC_ALL

"$bert" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }' >"$tmp/commands"
while read -r command; do
    "$bert" "$command" --help | awk -v command="$command" '
        /^Options:/ { on = 1; next } /^Examples:/ { on = 0 }
        on && /^  (-[A-Za-z],|   ) --/ {
            if ($1 ~ /^-.,$/) { print command, substr($1, 1, 2); print command, $2 } else print command, $1
        }'
done <"$tmp/commands" | sort >"$tmp/options"

# Is a list the command's?
same() { # what, list
    sort -u "$2" | diff -u "$tmp/options" - >"$tmp/diff" || {
        printf '%s: the command (-) has other options (+):\n' "$1"
        grep '^[-+][a-z]' "$tmp/diff" | head -n 5
        return 1
    }
}
# $check, which takes a file, has to refuse it when it is edited.
spoils() { # what, file, edit
    sed "$3" "$2" >"$tmp/spoiled"
    is "$1: spoiled" 1 "$(cmp -s "$2" "$tmp/spoiled"; echo $?)"
    "$check" "$tmp/spoiled" >"$tmp/log" 2>&1
    is "$1: noticed" 1 $?
}
