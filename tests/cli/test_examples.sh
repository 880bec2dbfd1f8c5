#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/*.c: each compiles in strict C11 against the public headers, has less than 100
# lines, and answers.
set -u
cd "$S" || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
model=$tmp/model
cp -r tests/data/models/embed/base "$model"
cp -r tests/data/models/embed/prompts/. "$model"
passed=0 failed=0
is() { # what, expected, actual
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s: expected <%s>, have <%s>\n' "$1" "$2" "$3"
    fi
}
for source in examples/*.c; do
    # shellcheck disable=SC2086
    $CC -std=c11 $CFLAGS -Wall -Wextra -Wshadow -Wconversion -Werror -Iinclude \
        -o "$tmp/$(basename "$source" .c)" "$source" $LDFLAGS -L"$B/out" -Wl,-rpath,"$B/out" -lbert
    is "$source compiles" 0 $?
    is "$source is short" 1 "$(awk 'END { print NR < 100 }' "$source")"
done
is 'tokenize' '[CLS] [SEP]' "$("$tmp/tokenize" "$model" 'a cat' | awk '{ print $NF }' | sed -n '1p;$p' | xargs)"
is 'embed' '2 32' "$("$tmp/embed" "$model" 'a cat' 'a dog' | awk 'END { print NR, NF }')"
is 'search' 'a cat' "$(printf 'a dog\na cat\nprices\n' | "$tmp/search" "$model" 'a cat' | cut -c 9-)"
for program in tokenize embed search; do
    "$tmp/$program" "$tmp/nowhere" x </dev/null >"$tmp/out" 2>"$tmp/err"
    is "$program without a model" '1 1' "$? $(wc -l <"$tmp/err" | tr -d ' ')"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
