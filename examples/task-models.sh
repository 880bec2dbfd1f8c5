#!/bin/sh
# SPDX-License-Identifier: MIT
# Small models to try each task with, fine-tuned from all-MiniLM-L6-v2 into models/ (35 MB each):
#
#   sh examples/task-models.sh [entities|intents|answers|ranker|words|next ...]   default: all
#
# Models that are there are left alone.  It takes one core some minutes a model, and needs, for
# this alone, the reference environment (Python with PyTorch and transformers, several GB:
# sh tests/reference-venv.sh) and public data (docs/tasks.md says which, and from where), in
# BERT_SHARED_DATA [../shared/data].  EVERY=N learns from each N-th example only.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
S=$root
. "$root/tests/reference.sh"
data=${BERT_SHARED_DATA:-$root/../shared/data}
base=${BERT_TEST_MODEL:-$root/models/all-MiniLM-L6-v2}
[ $# -gt 0 ] || set -- entities intents answers ranker words next

missing=''
needs() { # files below the folder of the data
    for file in "$@"; do
        [ -r "$data/$file" ] || missing="$missing $file"
    done
}
wanted=''
for task in "$@"; do
    [ ! -d "$root/models/$task" ] || continue
    wanted="$wanted $task"
    case $task in
    entities) needs eval/wikiann-en-train.txt ;;
    intents) needs eval/banking77-train.csv ;;
    answers) needs eval/xquad-en.json ;;
    ranker) needs eval/stsb-en-dev.csv ;;
    words | next) needs text/wikitext2-test.txt ;;
    *) printf 'task-models.sh: no task %s; see the head of this file\n' "$task" >&2; exit 2 ;;
    esac
done
if [ -n "$missing" ]; then
    printf 'task-models.sh: not in %s:%s\n  docs/tasks.md says where they come from\n' "$data" "$missing" >&2
    exit 1
fi
[ -n "$wanted" ] || exit 0
sh "$root/examples/fetch-model.sh" "$base"
# shellcheck disable=SC2086 # a list of words
exec "$python" -W ignore "$root/tests/models/train_tasks.py" --every "${EVERY:-1}" \
    "$base" "$data" "$root/models" $wanted
