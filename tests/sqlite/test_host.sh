#!/bin/sh
# SPDX-License-Identifier: MIT
# The SQLite extension linked into a program: tests/sqlite/host*.c.
set -eu
cd "$S"
[ -e "$B/out/libbert-sqlite.a" ] || { echo 'skipped: no SQLite extension was built'; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# shellcheck disable=SC2086
$CC -std=c11 -D_GNU_SOURCE $CFLAGS -Wall -Wextra -Iinclude -Ibindings/sqlite -o "$tmp/host" \
    tests/sqlite/host.c tests/sqlite/host_memory.c "$B/out/libbert-sqlite.a" "$B/out/libbert.so" -Wl,-rpath,"$B/out" $LDFLAGS -lsqlite3 $LIBS
"$tmp/host" tests/data/models
