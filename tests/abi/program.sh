#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the program that is kept (docs/abi.md), once, against the headers and the library of its version:
#   sh tests/abi/program.sh BUILD       writes tests/abi/program-0.1.x86_64
# Debian 12's gcc and binutils give the committed bytes.
set -eu
build=$(cd "$1" && pwd)
cd "$(dirname "$0")"
gcc -std=gnu11 -Os -Wall -Wextra -Wconversion -Wshadow -Werror -fno-asynchronous-unwind-tables \
    -I../../include -s -Wl,--build-id=none,-z,noseparate-code,--hash-style=gnu,--as-needed \
    -o program-0.1.x86_64 program-0.1.c "$build/out/libbert.so"
