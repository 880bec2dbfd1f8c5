#!/bin/sh
# SPDX-License-Identifier: MIT
# `make check-tasks`: each task on a model that has learnt it and on real texts, beside the
# reference's pipelines, and what bf16 and int8 lose.  Models that are missing are made first (examples/task-models.sh).
#   S, B               source and build folder
#   TASKS              some of entities intents answers ranker words next [all]
#   BERT_SHARED_DATA   folder with eval/ and text/ [../shared/data]
#   BERT_REFERENCE_PYTHON4  a Python with transformers 4.57 [transformers4/ beside the reference]
set -eu
: "${S:?}" "${B:?}"
. "$S/tests/reference.sh"
data=${BERT_SHARED_DATA:-$S/../shared/data}
python4=${BERT_REFERENCE_PYTHON4:-${python%/bin/*}/transformers4/bin/python}
for needed in "$B/bert" "$python4" "$data/eval"; do
    [ -e "$needed" ] || { printf '%s: no %s\n' "$0" "$needed" >&2; exit 1; }
done
# shellcheck disable=SC2086 # a list of words
sh "$S/examples/task-models.sh" ${TASKS-}
# What README shows with these models: the commands run (what they print is of one machine's models).
if [ -z "${TASKS-}" ]; then
    sed -n 's/^\$ bert \(.* -m models\/[a-z]* .*\)/\1/p' "$S/README.md" | while IFS= read -r line; do
        (cd "$S" && eval "\"$B/bert\" $line" >/dev/null) || { printf '%s: README: bert %s\n' "$0" "$line" >&2; exit 1; }
    done
fi
# shellcheck disable=SC2086
"$python" -W ignore "$S/tests/models/report_tasks.py" "$B/bert" "$S/models" "$data" "$python4" ${TASKS-}
# shellcheck disable=SC2086
exec "$python" -W ignore "$S/tests/models/report_precision.py" "$B/bert" "$S/models" "$data" ${TASKS-}
