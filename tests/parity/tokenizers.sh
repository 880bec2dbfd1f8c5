#!/bin/sh
# SPDX-License-Identifier: MIT
# `make check-tokenizers`: libbert's tokenizers against the reference on millions of texts.
#   S, B               source and build folder
#   BERT_SHARED_DATA   folder with text/ and tokenizers/ [../shared/data]
#   QUICK=1            a tenth, in some minutes
#   PROGRAMS           some of: stages tokenizers models settings outputs [all]
#   SECTIONS           of them, see each program [all]
#   VOCABULARIES       beginnings of names below tokenizers/ [all]
#   LOGS               folder that keeps what each program printed [none]
# Two programs run at a time.  Fails after any difference, and, where nothing was left out, with
# fewer than two million comparisons.
set -eu
: "${S:?}" "${B:?}"
. "$S/tests/reference.sh"
data=${BERT_SHARED_DATA:-$S/../shared/data}
[ -d "$data/tokenizers" ] || { printf '%s: no %s/tokenizers\n' "$0" "$data" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

one() {
    if [ ! -f "$S/tests/parity/$1_check.py" ]; then
        printf '%s: no program "%s"\n' "$0" "$1" >&2
        echo 1 >"$tmp/$1.rc"
        return 0
    fi
    # shellcheck disable=SC2086 # one word per section
    if RUST_BACKTRACE=0 TOKENIZERS_PARALLELISM=false "$python" "$S/tests/parity/$1_check.py" \
        "$B/out/libbert.so" "$data" ${SECTIONS-} >"$tmp/$1" 2>&1; then
        echo 0 >"$tmp/$1.rc"
    else
        echo 1 >"$tmp/$1.rc"
    fi
    sed "s/^/$1: /" "$tmp/$1"
    [ -z "${LOGS-}" ] || cp "$tmp/$1" "$LOGS/"
}

start=$(date +%s)
programs=${PROGRAMS:-stages tokenizers models settings outputs}
# The first takes about as long as the others together.
first=${programs%% *}
one "$first" &
for program in ${programs#"$first"}; do
    one "$program"
done
wait
total=$(cat "$tmp"/*[!c] | sed -n 's/^\([0-9]*\) [a-z]*, [0-9]* differences.*/\1/p' |
    awk '{ n += $1 } END { print n + 0 }')
bad=$(cat "$tmp"/*.rc | grep -c 1 || true)
printf '%d comparisons in %d s; programs with differences: %d\n' "$total" \
    $(($(date +%s) - start)) "$bad"
if [ -z "${QUICK-}${PROGRAMS-}${SECTIONS-}${VOCABULARIES-}" ] && [ "$total" -lt 2000000 ]; then
    echo 'that is fewer than two million' >&2
    exit 1
fi
[ "$bad" -eq 0 ]
