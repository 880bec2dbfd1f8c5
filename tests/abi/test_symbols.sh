#!/bin/sh
# SPDX-License-Identifier: MIT
# Linker map, public headers and built library name the same functions.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C
cd "$S"
sed -n '/global:/,/local:/s/^ *\([A-Za-z_0-9]*\);.*/\1/p' lib/libbert.map | sort >"$tmp/map"
"$NM" -D --defined-only "$B/out/libbert.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    sort >"$tmp/library"
for h in include/bert/*.h; do
    sed 's|BERT_API |\nEXPORT |g' "$h"
done | awk '/^#/ { next } /^EXPORT / { on = 1 } on { printf "%s ", $0 } /;/ { if (on) print ""; on = 0 }' |
    sed -n 's/^EXPORT [^(]*\b\([a-z][a-z_0-9]*\) *(.*/\1/p' | sort >"$tmp/headers"
[ -s "$tmp/headers" ] || { echo 'no BERT_API function found in the headers'; exit 1; }
diff -u "$tmp/headers" "$tmp/map" || { echo 'headers (-) and lib/libbert.map (+) differ'; exit 1; }
diff -u "$tmp/map" "$tmp/library" || { echo 'lib/libbert.map (-) and libbert.so (+) differ'; exit 1; }
if grep -v '^bert_[a-z]' "$tmp/library"; then echo 'not ours, yet exported'; exit 1; fi
# A function has the node of the version that first had it, MAJOR.MINOR: an older one keeps its own
# (libbert.abi has them), a new one gets that of the version to come.  docs/abi.md
version=$(sed -n 's/^#define BERT_VERSION_STRING "\([0-9]*\.[0-9]*\)\..*/\1/p' include/bert/base.h)
sed -n "s/.*<elf-symbol name='\([^']*\)' version='\([^']*\)'.*/\1 \2/p" tests/abi/libbert.abi >"$tmp/old"
[ -s "$tmp/old" ] || { echo 'no symbol found in tests/abi/libbert.abi'; exit 1; }
awk -v new="LIBBERT_$version" '
    FILENAME == ARGV[1] { node[$1] = $2; next }
    /^LIBBERT_[0-9.]* *\{/ { now = $1 }
    /^ *[a-z_0-9]+;/ {
        sub(/;.*/, ""); sub(/^ */, "")
        wanted = $0 in node ? node[$0] : new
        if (now != wanted) { print "lib/libbert.map: " $0 " is in " now ", not in " wanted; bad = 1 }
    }
    END { exit bad }' "$tmp/old" lib/libbert.map
# libbert.a has no such map: what it shares with the host's names must be marked as ours.  (The
# place that sdt's notes are counted from is weak and hidden, and the same for all.)
"$NM" -g --defined-only "$B/out/libbert.a" | awk 'NF == 3 { print $3 }' | grep -v -e '^bert_' -e '^__odr_asan\.' -e '^_\.stapsdt\.base$' &&
    { echo 'external names of libbert.a that may clash with a host'; exit 1; }
echo "symbols: $(wc -l <"$tmp/library") exported, as in headers and map"
