#!/bin/sh
# SPDX-License-Identifier: MIT
# The interface of a built libbert.so as abidw sees it, on standard output: exported functions and the
# types of the public headers, no folder or line.  It needs debug information (-g, as is the default).
#   sh tests/abi/dump.sh BUILD/out/libbert.so >tests/abi/libbert.abi      makes the baseline (docs/abi.md)
set -eu
library=$1
here=$(cd "$(dirname "$0")" && pwd)
xml=$(mktemp)
trap 'rm -f "$xml"' EXIT
abidw --suppressions "$here/public.abignore" --drop-private-types --exported-interfaces-only \
    --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --no-parameter-names \
    --type-id-style hash --out-file "$xml" "$library"
# Sources are named by the way from the build folder.
sed "s@\(<abi-instr .*path='\)[^']*/\(\(lib\|tokenizer\|kernels\)/[^']*'\)@\1\2@" "$xml"
