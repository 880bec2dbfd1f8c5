#!/bin/sh
# SPDX-License-Identifier: MIT
# sh run.sh peers        `make bench`: libbert beside its rivals (bench.py)
# sh run.sh page         `make bench-page`: puts what that found into docs/performance.md
# sh run.sh tokenizers   `make bench-tokenizers`: beside the reference's
#   S, B           source and build folder
#   CELLS PEERS ROUNDS SECTIONS THREADS MERGE   of bench.py; empty: all of it
#   BERT_REFERENCE_PYTHON   see tests/reference.sh; rivals that it lacks are left out
#   BERT_SHARED_DATA, BERT_TEST_MODEL     data and model for whole texts
set -eu
: "${S:?}" "${B:?}"
python=${BERT_REFERENCE_PYTHON:-$S/.reference/bin/python}
data=${BERT_SHARED_DATA:-$S/../shared/data}
model=${BERT_TEST_MODEL:-$S/models/all-MiniLM-L6-v2}
unset BERT_CPU
export HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false

alone() {
    printf 'no numpy and safetensors for %s: rivals are left out; see tests/reference-venv.sh\n' "$python"
    for shape in minilm6 base; do
        for precision in fp32 bf16 int8; do
            "$B/bert" bench --random "$shape" --precision "$precision" --threads "${THREADS:-2}" \
                --lengths 16,128,512 --batches 1 || :
        done
    done
}

peers() {
    if ! "$python" -c 'import numpy, safetensors' 2>/dev/null; then
        alone
        return
    fi
    "$python" "$S/tests/bench/bench.py" "$B" --data "$data" --model "$model" \
        ${CELLS:+--cells "$CELLS"} ${PEERS:+--peers "$PEERS"} ${ROUNDS:+--rounds "$ROUNDS"} \
        ${SECTIONS:+--sections "$SECTIONS"} ${THREADS:+--threads "$THREADS"} ${MERGE:+--merge}
}

page() {
    "$python" "$S/tests/bench/report.py" "$B/out/bench/results.json" "$S/docs/performance.md"
    cp "$B/out/bench/results.svg" "$S/docs/performance.svg"
}

tokenizers() {
    # shellcheck source=tests/reference.sh
    . "$S/tests/reference.sh"
    "$python" "$S/tests/bench/tok_peers.py" "$B/out/bench-tokenizers" "$data"
}

case $1 in
peers | page | tokenizers) "$1" ;;
*)
    printf 'run.sh: unknown: %s\n' "$1" >&2
    exit 2
    ;;
esac
