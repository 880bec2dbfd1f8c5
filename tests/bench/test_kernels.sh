#!/bin/sh
# SPDX-License-Identifier: MIT
# bench-kernels has its line for each kernel and shape: measured once each, at the best level.  Not
# how fast they are.
set -eu
bench=$B/out/bench-kernels
[ -x "$bench" ] || exit 77
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
level=$("$bench" --seconds 0 --only none | sed -n 's/: peaks .*//p' | tail -n 1)
"$bench" --seconds 0 --level "$level" >"$tmp/lines"
for kernel in gemm pack attention activate layernorm softmax add dot; do
    grep -q "^  $kernel " "$tmp/lines" || { echo "$level: no line for $kernel"; exit 1; }
done
echo "$level: $(wc -l <"$tmp/lines") lines"
