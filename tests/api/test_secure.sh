#!/bin/sh
# SPDX-License-Identifier: MIT
# A set-group-ID program with libbert in it opens no module from the folder that its caller
# names as its own; without the bit it does.  Needs a second group, and $B's BLAS module.
set -eu
module=$B/out/bert/libbert-blas.so
skip() { printf 'skipped: %s\n' "$*"; exit 77; }
die() { printf 'test_secure: %s\n' "$*" >&2; exit 1; }
case ${CFLAGS-} in *-fsanitize*) skip 'sanitizers do not go with set-group-ID' ;; esac
[ -e "$module" ] || skip 'no BLAS module in this build'
group=$(id -G | tr ' ' '\n' | grep -vx "$(id -g)" | head -n 1)
if [ -z "$group" ]; then
    [ "$(id -u)" = 0 ] || skip 'a member of one group only'
    group=65534
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"

# ask NAME PROGRAM: execute it as NAME; it prints whether it is secure and whether it sees the module.
cat >"$tmp/ask.c" <<'EOF'
#include <unistd.h>
int main(int argc, char **argv) { return argc == 3 ? execl(argv[2], argv[1], (char *)0) : 2; }
EOF
cat >"$tmp/program.c" <<'EOF'
#include <bert.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
int main(void)
{
    const char *name = bert_cpu_name(1);
    printf("%s %s\n", getauxval(AT_SECURE) != 0 ? "secure" : "plain",
           name != NULL && strcmp(name, "blas") == 0 ? "blas" : "none");
    return 0;
}
EOF
# shellcheck disable=SC2086 # lists of words
{
    $CC -o "$tmp/ask" "$tmp/ask.c"
    $CC $CFLAGS -I"$S/include" -o "$tmp/program" "$tmp/program.c" "$B/out/libbert.a" ${LDFLAGS-} $LIBS
}
mkdir -p "$tmp/caller/bert" "$tmp/empty"
cp "$module" "$tmp/caller/bert/"

[ "$("$tmp/ask" "$tmp/empty/program" "$tmp/program")" = 'plain none' ] || skip 'this libbert is installed'
[ "$("$tmp/ask" "$tmp/caller/program" "$tmp/program")" = 'plain blas' ] ||
    die 'the module beside a plain program is not seen'
chgrp "$group" "$tmp/program" && chmod 2755 "$tmp/program" || skip "can't give a file to group $group"
got=$("$tmp/ask" "$tmp/caller/program" "$tmp/program")
case $got in
'secure none') ;;
plain*) skip 'set-group-ID has no effect here' ;;
*) die "a set-group-ID program took a module from where its caller said: $got" ;;
esac
