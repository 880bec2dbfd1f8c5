#!/bin/sh
# SPDX-License-Identifier: MIT
# make distcheck: from the tarball alone, in a folder with a space, sources read-only.
#   distcheck.sh NAME   with NAME.tar.gz in the current folder;  S: source folder;
#                       DISTCHECK_FLAGS: of configure
set -eu
name=$1
tarball=$PWD/$name.tar.gz
export BERT_TEST_MODEL="${BERT_TEST_MODEL-$S/models/all-MiniLM-L6-v2}"
export BERT_SHARED_DATA="${BERT_SHARED_DATA-$S/../shared/data}"
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
die() { printf 'distcheck: %s\n' "$*" >&2; exit 1; }
unset MAKEFLAGS MFLAGS MAKELEVEL
mkdir "$tmp/a b" "$tmp/a b/build"
cd "$tmp/a b"
tar xzf "$tarball"
chmod -R a-w "$name"
cd build
# shellcheck disable=SC2086 # a list of words
"../$name/configure" -q ${DISTCHECK_FLAGS-}
"$MAKE" -j2
"$MAKE" check
"$MAKE" installcheck
"$MAKE" dist
cmp "$tarball" "$name.tar.gz" || die 'the tarball of the tarball differs'
"$MAKE" distclean
left=$(find . ! -name .)
[ -z "$left" ] || die "distclean left: $left"
printf '== distcheck passed: %s\n' "$tarball"
