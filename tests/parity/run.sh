#!/bin/sh
# SPDX-License-Identifier: MIT
# `make check-reference`: libbert against the reference itself, on real data.
#   S, B               source and build folder
#   BERT_TEST_MODEL    folder of all-MiniLM-L6-v2 [models/all-MiniLM-L6-v2]
#   BERT_SHARED_DATA   folder with eval/stsb-en-dev.csv [../shared/data]
set -eu
: "${S:?}" "${B:?}"
. "$S/tests/reference.sh"
model=${BERT_TEST_MODEL:-$S/models/all-MiniLM-L6-v2}
data=${BERT_SHARED_DATA:-$S/../shared/data}
for needed in "$model/model.safetensors" "$data/eval/stsb-en-dev.csv"; do
    [ -r "$needed" ] || { printf '%s: no %s\n' "$0" "$needed" >&2; exit 1; }
done
"$python" "$S/tests/parity/random_ids.py" "$B/out/libbert.so" "$model"
"$python" "$S/tests/parity/stsb.py" "$B/out/libbert.so" "$model" "$data/eval/stsb-en-dev.csv"
[ ! -x "$B/bert" ] || "$python" "$S/tests/parity/cli_compare.py" "$B/bert" "$model"
