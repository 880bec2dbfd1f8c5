#!/bin/sh
# SPDX-License-Identifier: MIT
# `make bench`: libbert alone, then in turns with ONNX Runtime and PyTorch; tokenizers, ordinary
# and hostile texts, where there are real ones.
#   S, B         source and build folder
#   BERT_SHARED_DATA   folder with text/ and tokenizers/ [../shared/data]
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
data=${BERT_SHARED_DATA:-$S/../shared/data}
[ -d "$data/tokenizers" ] || { printf 'no %s/tokenizers: tokenizers are left out\n' "$data"; exit 0; }
"$python" "$S/tests/bench/tok_peers.py" "$B/out/bench-tokenizers" "$data"
sh "$S/tests/bench/hostile.sh"
