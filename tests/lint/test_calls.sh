#!/bin/sh
# SPDX-License-Identifier: MIT
# What the library must never call, and state it must not have: read from the
# objects of libbert.a, so that no macro hides it.
#   forbidden.txt  SYMBOL [OBJECT...]: only those objects may refer to it
#   mutable.txt    OBJECT SYMBOL WHY: writable static data that is allowed
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
lint=$S/tests/lint
cd "$B/obj/static"
find . -name '*.o' | sed 's|^\./||' | sort >"$tmp/objects"
[ -s "$tmp/objects" ] || { echo "no objects in $B/obj/static"; exit 1; }

while read -r object; do
    "$NM" -u "$object" | sed "s|^ *[Uwv] *|$object |; s|@.*||"
done <"$tmp/objects" >"$tmp/undefined"
awk '
    FILENAME == ARGV[1] {
        if ($0 !~ /^#/ && NF) { never[$1] = 1; for (i = 2; i <= NF; i++) may[$1, $i] = 1 }
        next
    }
    never[$2] && !(($2, $1) in may) { print $1 ": calls " $2; bad = 1 }
    END { exit bad }' "$lint/forbidden.txt" "$tmp/undefined"

case ${CFLAGS-} in
*-fsanitize*) echo 'static data: not looked at under a sanitizer' ;;
*)  while read -r object; do
        # .data.rel.ro holds constants with pointers in them: the loader makes it read-only
        "$NM" -f sysv "$object" | tr -d ' ' | awk -F'|' -v o="$object" \
            '$3 ~ /^[dDbBcC]$/ && $7 !~ /^\.data\.rel\.ro/ { sub(/\.[0-9]+$/, "", $1); print o, $1 }'
    done <"$tmp/objects" >"$tmp/data"
    awk '
        FILENAME == ARGV[1] { if ($0 !~ /^#/) ok[$1, $2] = 1; next }
        !(($1, $2) in ok) { print $1 ": writable static " $2; bad = 1 }
        END { exit bad }' "$lint/mutable.txt" "$tmp/data" ;;
esac
cd "$S"
if grep -rnE 'fast-math|-Ofast' GNUmakefile.in configure.ac; then
    echo 'fast math changes the host'\''s floating point'; exit 1
fi
echo "calls: $(wc -l <"$tmp/objects") objects clean"
