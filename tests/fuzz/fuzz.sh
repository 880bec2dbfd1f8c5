#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzz one target with libFuzzer and both sanitizers:
#   sh tests/fuzz/fuzz.sh TARGET [SECONDS] [FOLDER]
# TARGET is json, safetensors, config, ...: tests/fuzz/fuzz_TARGET.c.  Starts from the seeds
# in tests/data/fuzz/TARGET; what it finds goes to FOLDER [build/fuzz/TARGET].  Needs clang.
# make check replays the seeds without libFuzzer (tests/unit/test_fuzz_seeds.c).
set -eu
target=${1:?which target?}
seconds=${2:-60}
cd "$(dirname "$0")/../.."
out=${3:-build/fuzz/$target}
mkdir -p "$out/found"
${CLANG:-clang} -std=c11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I. -Iinclude \
    -o "$out/fuzz" "tests/fuzz/fuzz_$target.c" lib/base/*.c lib/arch/*.c lib/model/*.c \
    tokenizer/*.c lib/api/tokenize.c lib/api/tokenizer.c lib/api/options.c -lm -lpthread
exec "$out/fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$out/" "$out/found" "tests/data/fuzz/$target"
