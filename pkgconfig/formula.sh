#!/bin/sh
# SPDX-License-Identifier: MIT
# The Homebrew formula of a tarball of `make dist`:  sh formula.sh TARBALL [URL] >libbert.rb
#
# URL: where the tarball will be had from; without it, where it lies.
set -eu
die() { printf 'formula.sh: %s\n' "$*" >&2; exit 1; }
[ $# = 1 ] || [ $# = 2 ] || die 'use: formula.sh TARBALL [URL]'
[ -f "$1" ] || die "$1: no such file"
name=$(basename "$1" .tar.gz)
[ "$name" = "libbert-${name#libbert-}" ] || die "$1: not libbert-VERSION.tar.gz"
url=${2-file://$(cd "$(dirname "$1")" && pwd)/$(basename "$1")}
sum=$(sha256sum "$1")
sed -e "s|@URL@|$url|" -e "s|@VERSION@|${name#libbert-}|" -e "s|@SHA256@|${sum%% *}|" "$(dirname "$0")/libbert.rb.in"
