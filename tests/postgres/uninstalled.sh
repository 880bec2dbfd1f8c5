#!/bin/sh
# SPDX-License-Identifier: MIT
# The PostgreSQL extension without installing it: PGXS's `make install` and `make installcheck` in a
# copy of the server's installation, mostly links.  A server takes its folders as they lie to the
# program that runs.  With a script, that runs there instead of `make installcheck`.
#   S, B         source and build folder
set -eu
cd "$S"
unset MAKEFLAGS MFLAGS MAKELEVEL
. tests/postgres/server.sh
tree=$tmp/tree
for folder in "$bin" "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)" "$("$PG_CONFIG" --includedir-server)"; do
    mkdir -p "$tree${folder%/*}"
    case $folder in
    "$bin") cp -RL "$folder" "$tree$folder" ;;
    *) cp -Rs "$folder" "$tree$folder" ;;
    esac
done
bin=$tree$bin
PG_CONFIG=$bin/pg_config
rm -f "$("$PG_CONFIG" --pkglibdir)"/bert* "$("$PG_CONFIG" --sharedir)"/extension/bert*
case $("$PG_CONFIG" --pkglibdir) in "$tree"/*) ;; *) echo "the server can't be moved"; exit 1 ;; esac

mkdir "$tmp/build"
cd "$tmp/build"
# A library with AddressSanitizer: the module too, and its runtime comes into the server first.
if nm -D "$B/out/libbert.so.0" | grep -q ' __asan_init'; then
    ${CC:-gcc} -shared -fPIC -fno-builtin -o no_gettext.so "$S/tests/postgres/no_gettext.c"
    SERVER_PRELOAD=$(${CC:-gcc} -print-file-name=libasan.so):$tmp/build/no_gettext.so
    export SERVER_PRELOAD COPT='-fsanitize=address,undefined -O1 -g' ASAN_OPTIONS=detect_leaks=0
fi
postgres() { # targets of PGXS
    make -s -f "$S/bindings/postgres/Makefile" PG_CONFIG="$PG_CONFIG" BERT_BUILD="$B" ${COPT+COPT="$COPT"} "$@"
}
postgres all install >make.log 2>&1 || { cat make.log; exit 1; }
if ! as_user test -r "$B/out/libbert.so.0"; then
    cp -L "$B/out/libbert.so.0" .
    chmod a+r libbert.so.0
    export LD_LIBRARY_PATH="$tmp/build"
fi
if [ $# -gt 0 ]; then
    export PG_CONFIG
    sh "$S/$1"
else
    postgres installcheck
fi
