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
# libbert.a has no such map: what it shares with the host's names must be marked as ours.  (The
# place that sdt's notes are counted from is weak and hidden, and the same for all.)
"$NM" -g --defined-only "$B/out/libbert.a" | awk 'NF == 3 { print $3 }' | grep -v -e '^bert_' -e '^__odr_asan\.' -e '^_\.stapsdt\.base$' &&
    { echo 'external names of libbert.a that may clash with a host'; exit 1; }
echo "symbols: $(wc -l <"$tmp/library") exported, as in headers and map"
