#!/bin/sh
# SPDX-License-Identifier: MIT
# `make check-drift`: how often drift is seen where there is none, and how soon where there is some,
# with all-MiniLM-L6-v2 on Banking77 (docs/drift.md).  Takes some minutes; nothing but Python is needed besides.
#   S, B               source and build folder
#   BERT_TEST_MODEL    folder of all-MiniLM-L6-v2 [models/all-MiniLM-L6-v2]
#   BERT_SHARED_DATA   folder with eval/ and text/ [../shared/data]
set -eu
: "${S:?}" "${B:?}"
model=${BERT_TEST_MODEL:-$S/models/all-MiniLM-L6-v2}
data=${BERT_SHARED_DATA:-$S/../shared/data}
for needed in "$model" "$data/eval" "$data/text"; do
    [ -e "$needed" ] || { printf '%s: no %s\n' "$0" "$needed" >&2; exit 1; }
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 "$S/tests/drift/texts.py" "$data" "$tmp"
"$B/out/check-drift" "$model" "$tmp/banking.tsv" "$tmp"/*.txt
