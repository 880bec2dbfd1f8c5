#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs that were linked with an earlier libbert.so and kept (program-VERSION.x86_64) run with this one,
# and get from it what they get when they are compiled anew.  So do option structs that are shorter or
# longer than this library's.  Then the same with libraries that break the rules: it is seen.
set -eu
abi=$S/tests/abi
models=$S/tests/data/models
skip() { printf 'program: %s: not run\n' "$*"; exit 77; }
case $($CC ${CPPFLAGS-} -dM -E -x c /dev/null) in
*__linux__*) ;;
*) skip 'not Linux' ;;
esac
case $($CC ${CPPFLAGS-} ${CFLAGS-} -dM -E -x c /dev/null) in
*__ILP32__*) skip 'not of 64 bits' ;;
*__x86_64__*) ;;
*) skip 'the programs are for x86-64' ;;
esac
[ -e /lib64/ld-linux-x86-64.so.2 ] || skip 'no glibc'
case ${CFLAGS-} in *-fsanitize*) skip 'the library is instrumented' ;; esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$B"

run() { # folder of the library, program, mode; what it prints
    rc=0
    LD_LIBRARY_PATH=$1 LD_BIND_NOW=1 timeout 120 "$2" "$models" "$3" 2>&1 || rc=$?
    [ $rc -eq 0 ] || echo "exit $rc"
}

# ---- This library ----------------------------------------------------------------
for kept in "$abi"/program-*.x86_64; do
    name=$(basename "$kept" .x86_64)
    # shellcheck disable=SC2086
    $CC ${CPPFLAGS-} -std=gnu11 -O1 -Wall -Werror -I"$S/include" -o "$tmp/$name" "$abi/$name.c" \
        "$B/out/libbert.so" ${LDFLAGS-}
    for mode in full long short zeroed; do
        run "$B/out" "$kept" $mode >"$tmp/$mode"
        # That it needs a newer libc than there is says nothing of this library.
        ! grep -q "version .GLIBC_.* not found" "$tmp/$mode" || skip "$name needs a newer glibc"
        if grep -e '^wrong:' -e '^exit ' -e 'symbol lookup' "$tmp/$mode"; then
            echo "program: $name $mode breaks with this library; see docs/abi.md"
            exit 1
        fi
        run "$B/out" "$tmp/$name" $mode >"$tmp/anew"
        diff -u "$tmp/anew" "$tmp/$mode" || { echo "program: $name $mode: compiled anew (-) and kept (+) differ"; exit 1; }
    done
    diff -u "$tmp/full" "$tmp/long" || { echo "program: $name: a longer option struct changes the answers"; exit 1; }
    diff -u "$tmp/zeroed" "$tmp/short" || { echo "program: $name: what lies past a short option struct counts"; exit 1; }
    ! cmp -s "$tmp/full" "$tmp/short" || { echo "program: $name: the options change nothing"; exit 1; }
    echo "program: $name runs, as when compiled anew"
done

# ---- Libraries that break the rules ------------------------------------------------
kept=$abi/program-0.1.x86_64
objects=$(sed -e 's/\.c\( \|$\)/.o\1/g' -e 's/[^ ][^ ]*/obj\/pic\/&/g' out/files)
broken() { # folder of headers, source below lib/api, program for sed
    sed "$3" "$S/lib/api/$2" >"$tmp/$2"
    mkdir -p "$tmp/broken"
    # shellcheck disable=SC2086
    $CC ${CPPFLAGS-} -std=c11 -D_GNU_SOURCE -O1 -fPIC -fvisibility=hidden -ffp-contract=off -I. -I"$S" -I"$1" \
        -c -o "$tmp/broken.o" "$tmp/$2"
    # shellcheck disable=SC2046,SC2086
    $CC ${CFLAGS-} ${LDFLAGS-} -shared -Wl,-soname,libbert.so.0 -Wl,--version-script,"$S/lib/libbert.map" \
        -o "$tmp/broken/libbert.so.0" $(echo "$objects" | tr ' ' '\n' | grep -v "/lib/api/${2%.c}\.o$") \
        "$tmp/broken.o" ${LIBS-}
}
seen() { # what, mode: this program's output with the broken library isn't that with the good one
    run "$tmp/broken" "$kept" "$2" >"$tmp/other"
    run "$B/out" "$kept" "$2" >"$tmp/good"
    ! cmp -s "$tmp/good" "$tmp/other" || { echo "program: $1: not seen"; exit 1; }
}
broken "$S/include" options.c ''
run "$tmp/broken" "$kept" full >"$tmp/other"
diff -u "$tmp/full" "$tmp/other" || { echo 'program: a library that was linked by hand differs'; exit 1; }

changes() { # what, the file that was changed, the one it comes from
    ! cmp -s "$2" "$3" || { echo "program: $1: changes nothing"; exit 1; }
}
broken "$S/include" options.c 's/memcpy(dst, src, .*);/memcpy(dst, src, known);/'
changes 'no size' "$tmp/options.c" "$S/lib/api/options.c"
seen 'options that are read further than they say' short
broken "$S/include" options.c 's/if (bytes\[i\] != 0)/if (bytes[i] == 255)/'
changes 'unknown' "$tmp/options.c" "$S/lib/api/options.c"
seen 'options that are not known, and let through' full
cp -R "$S/include" "$tmp/include"
chmod -R u+w "$tmp/include"
sed '/^typedef struct bert_rerank_options/,/^}/{s/uint32_t raw;/uint32_t TOP;/;s/uint32_t top;/uint32_t raw;/;s/TOP;/top;/}' \
    "$S/include/bert/tasks.h" >"$tmp/include/bert/tasks.h"
changes 'fields' "$tmp/include/bert/tasks.h" "$S/include/bert/tasks.h"
broken "$tmp/include" rerank.c ''
seen 'fields that changed places' short
echo 'program: a library that breaks the rules is seen'
