#!/bin/sh
# SPDX-License-Identifier: MIT
# USDT probes: lib/base/probe.h and docs/metrics.md list the same ones; without --enable-sdt they
# leave no trace in the code; with it each has its note, in a library of this test's own, and those
# that the library calls in libbert.so.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C
cd "$S"

# name(arguments), as header and page have them
sed -e ':more' -e '/\\$/{N;s/\\\n *//;b more' -e '}' lib/base/probe.h |
    sed -n 's/^#define BERT__PROBE_[A-Z_]*(\([a-z_, ]*\)) *BERT__PROBE[0-9](\([a-z_]*\), .*/\2(\1)/p' |
    sort >"$tmp/header"
[ -s "$tmp/header" ] || { echo 'no probe found in lib/base/probe.h'; exit 1; }
sed -n 's/^| `\([a-z]*__[a-z]*\)` | `\([a-z_, ]*\)` |.*/\1(\2)/p' docs/metrics.md | sort >"$tmp/page"
diff -u "$tmp/header" "$tmp/page" || { echo 'lib/base/probe.h (-) and docs/metrics.md (+) differ'; exit 1; }
sed 's/(.*//' "$tmp/header" >"$tmp/names"

# A function that has every probe, and one that has none.
{
    echo '#include "lib/base/probe.h"'
    echo 'int run(long x); int run(long x) {'
    # request__submit(request, bytes) becomes BERT__PROBE_REQUEST_SUBMIT(x, x);
    sed -e 's/__/_/' -e 's/,[^,)]*/, x/g' -e 's/([^,)]*/(x/' -e 's/$/;/' "$tmp/header" |
        sed -e 's/^\([a-z_]*\)/BERT__PROBE_\U\1/'
    echo 'return (int)x; }'
} >"$tmp/all.c"
echo 'int run(long x); int run(long x) { return (int)x; }' >"$tmp/none.c"
compile() { # source, flags...: with our own config.h
    source=$1
    shift
    # shellcheck disable=SC2086
    $CC ${CPPFLAGS-} -std=c11 -O2 -Wall -Wextra -Werror -I"$tmp" -I. "$@" -x c - <"$source"
}
: >"$tmp/config.h"
for f in all none; do
    compile "$tmp/$f.c" -S -o "$tmp/$f.s"
done
cmp "$tmp/all.s" "$tmp/none.s" || { echo 'probes that are off leave code'; exit 1; }

notes() { # library: the names of its probes
    readelf -n "$1" | awk '/Provider: libbert$/ { ours = 1 } / Name: / { if (ours) print $2; ours = 0 }' |
        sort -u
}
if grep -q '^#define BERT_HAVE_SDT' "$B/config.h"; then
    command -v readelf >/dev/null || { echo 'readelf is missing (Debian: binutils)'; exit 1; }
    # shellcheck disable=SC2046
    while read -r name; do
        macro=BERT__PROBE_$(echo "$name" | sed 's/__/_/' | tr a-z A-Z)
        # shellcheck disable=SC2015
        ! grep -rq --include='*.c' "$macro(" lib || echo "$name"
    done <"$tmp/names" >"$tmp/called"
    notes "$B/out/libbert.so" >"$tmp/library"
    diff -u "$tmp/called" "$tmp/library" || { echo 'called in lib/ (-) and in libbert.so (+) differ'; exit 1; }
    echo "probes: $(wc -l <"$tmp/library") in libbert.so"
fi
# shellcheck disable=SC2086
if ! echo '#include <sys/sdt.h>' | $CC ${CPPFLAGS-} -fsyntax-only -x c - 2>/dev/null ||
    ! command -v readelf >/dev/null; then
    echo 'no sys/sdt.h (Debian: systemtap-sdt-dev): probes listed and off, not looked for in a library'
    exit 77
fi
echo '#define BERT_HAVE_SDT 1' >"$tmp/config.h"
compile "$tmp/all.c" -shared -fPIC -o "$tmp/all.so"
notes "$tmp/all.so" >"$tmp/found"
diff -u "$tmp/names" "$tmp/found" || { echo 'probes (-) and notes (+) differ'; exit 1; }
echo "probes: $(wc -l <"$tmp/found") with a note each"
