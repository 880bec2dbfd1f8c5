#!/bin/sh
# SPDX-License-Identifier: MIT
# is(), which counts in $passed and $failed; sourced.  It shows what $tmp/err holds beside a failure.
passed=0 failed=0

is() { # what, expected, actual
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s: expected <%s>, have <%s>\n' "$1" "$2" "$3"
        [ ! -s "${tmp:?}/err" ] || sed 's/^/     /' "$tmp/err" | head -n 3
    fi
}
