#!/bin/sh
# SPDX-License-Identifier: MIT
# What the tests of the SQLite extension share; sourced, in the root of the sources.  $extension, as
# it is loaded; $tmp, which goes at the end; $preload, what a program has to open first for it.
extension=$B/out/sqlite3/bert
[ -e "$extension.so" ] || { echo 'skipped: no SQLite extension was built'; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
preload=''
case ${CFLAGS-} in
*-fsanitize=thread*) echo 'skipped: the program does not go with ThreadSanitizer'; exit 77 ;;
*-fsanitize=*address*)
    # What the program itself keeps is no leak of ours; host.c looks for those.
    preload=$($CC -print-file-name=libasan.so)
    [ -e "$preload" ] || { echo 'skipped: no libasan.so to load first'; exit 77; }
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" ;;
esac
