#!/bin/sh
# SPDX-License-Identifier: MIT
# `make bench`: libbert alone, then in turns with ONNX Runtime and PyTorch.
#   S, B         source and build folder
#   BENCH_ARGS   for peers.py, such as "--models minilm6 --shapes 1x128"
set -eu
: "${S:?}" "${B:?}"
for model in minilm6 base; do
    "$B/bert" bench --random "$model" --threads 2 --lengths 16,128,512 --batches 1 --seconds 1
    "$B/bert" bench --random "$model" --threads 2 --lengths 128 --batches 32 --seconds 1
done
# Without the rivals what was printed stands.
NO_REFERENCE=0
. "$S/tests/reference.sh"
unset BERT_CPU
# shellcheck disable=SC2086 # arguments are words
"$python" "$S/tests/bench/peers.py" "$B/out/bench-encode" "$B/out/bench" ${BENCH_ARGS-}
