#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/*.c: each compiles in strict C11 against the public headers, has less than 100
# lines, and answers.
set -u
cd "$S" || exit 1
. tests/cli/support.sh
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
# The others: what the reference answers, of tests/data/cli/tasks.
task=tests/data/models/task
is 'classify' 'no 0.4590, "ja" ☃ 0.3970, maybe so 0.1440' "$("$tmp/classify" "$task/classify" 'a cat on a mat')"
is 'tag' 'PER    0.3849  [0, 1)  a
PER    0.3238  [6, 8)  on' "$("$tmp/tag" "$task/tag" 'a cat on a mat')"
is 'answer' '0.1053  [2, 8)  cat on
0.0611  [2, 5)  cat
0.0395  [2, 14)  cat on a mat' "$("$tmp/answer" "$task/answer" 'who wrote the first program?' 'a cat on a mat')"
is 'rerank' '0.5204  The quick brown fox jumps over the lazy dog!
0.4929  Élan vital, naïve café
0.4622  a cat on a mat' "$("$tmp/rerank" "$task/classify_score" 'who wrote the first program for a machine ?' \
    'a cat on a mat' 'Élan vital, naïve café' 'The quick brown fox jumps over the lazy dog!')"
is 'fill' 'mask 1: 0.3771  ##u           au on a mat' "$("$tmp/fill" "$task/fill" 'a [MASK] on a mat' | head -n 1)"
is 'fill, lines' 10 "$("$tmp/fill" "$task/fill" 'a [MASK] on a [MASK]' | wc -l | tr -d ' ')"
is 'next' '0.8098' "$("$tmp/next" "$task/next" 'a cat' 'on a mat')"
"$tmp/fill" "$task/fill" 'no mask' >"$tmp/out" 2>"$tmp/err"
is 'fill, a text that fails' '1 the text has no mask' "$? $(cat "$tmp/err")"
"$tmp/tag" "$task/classify" x >"$tmp/out" 2>"$tmp/err"
is 'tag, a model that lacks the head' '1 1' "$? $(grep -c 'no token-classification head' "$tmp/err")"
for source in examples/*.c; do
    program=$(basename "$source" .c)
    "$tmp/$program" >"$tmp/out" 2>"$tmp/err"
    is "$program without arguments" '2 1' "$? $(grep -c "^usage: $program " "$tmp/err")"
done
for program in 'tokenize' 'embed' 'search' 'classify' 'tag' 'fill' 'answer x' 'rerank x' 'next x'; do
    # shellcheck disable=SC2086 # a program and what it wants besides
    set -- $program
    program=$1
    shift
    "$tmp/$program" "$tmp/nowhere" "$@" x </dev/null >"$tmp/out" 2>"$tmp/err"
    is "$program without a model" '1 1' "$? $(wc -l <"$tmp/err" | tr -d ' ')"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
