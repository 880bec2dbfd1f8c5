#!/bin/sh
# SPDX-License-Identifier: MIT
# `make check-reference`: libbert against the reference itself, on real data.
#   S, B               source and build folder
#   BERT_TEST_MODEL    folder of all-MiniLM-L6-v2 [models/all-MiniLM-L6-v2]
#   BERT_SHARED_DATA   folder with eval/stsb-en-dev.csv, tokenizers/ [../shared/data]
#   BERT_REFERENCE_PYTHON4  a Python with transformers 4.57 [transformers4/ beside the reference];
#                      without one `bert tag` and `bert answer` are not compared
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
# Labels, rankings, masks, next sentence.
[ ! -x "$B/bert" ] || "$python" -W ignore "$S/tests/parity/tasks_check.py" "$B/bert" "$data" --texts 60
# Tagging and question answering, over tokenizers of every kind.
python4=${BERT_REFERENCE_PYTHON4:-${python%/bin/*}/transformers4/bin/python}
if [ -x "$B/bert" ] && [ -x "$python4" ]; then
    "$python" -W ignore "$S/tests/parity/tag_answer_check.py" "$B/bert" "$data" "$python4"
fi
