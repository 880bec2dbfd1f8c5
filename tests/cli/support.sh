#!/bin/sh
# SPDX-License-Identifier: MIT
# What the tests of programs share; sourced, in the root of the sources.  $model, a tiny one, in $tmp,
# which goes at the end; what tests/counting.sh has.
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
model=$tmp/model
cp -r tests/data/models/embed/base "$model"
cp -r tests/data/models/embed/prompts/. "$model"
unset BERT_MODEL BERT_CPU
. tests/counting.sh
run() { # what, expected code, arguments
    what=$1 code=$2
    shift 2
    "${bert:?}" "$@" >"$tmp/stdout" 2>"$tmp/err" </dev/null
    is "$what" "$code" $?
}
says() { # part of the message
    is "the message has <$1>" 1 "$(grep -c -e "$1" "$tmp/err")"
}
there() { # what, names in the output's folder
    is "$1" "$2" "$(find "$tmp/out" -mindepth 1 | sed 's|.*/||' | sort | tr '\n' ' ')"
}
