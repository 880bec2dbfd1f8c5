#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's source package of a tarball of `make dist`:  sh debian-source.sh TARBALL DIR
#
# Puts into DIR, which is made: libbert_VERSION.orig.tar.gz, the folder libbert-VERSION with debian/
# (pkgconfig/debian of the tarball), and from them libbert_*.dsc and libbert_*.debian.tar.xz.
# Then, in that folder: dpkg-buildpackage -us -uc.
set -eu
die() { printf 'debian-source.sh: %s\n' "$*" >&2; exit 1; }
[ $# = 2 ] || die 'use: debian-source.sh TARBALL DIR'
[ -f "$1" ] || die "$1: no such file"
name=$(basename "$1" .tar.gz)
version=${name#libbert-}
[ "$name" = "libbert-$version" ] || die "$1: not libbert-VERSION.tar.gz"
mkdir -p "$2"
[ -z "$(ls -A "$2")" ] || die "$2: not empty"
umask 022
cp "$1" "$2/libbert_$version.orig.tar.gz"
cd "$2"
tar xzf "libbert_$version.orig.tar.gz" --no-same-permissions
[ -d "$name/pkgconfig/debian" ] || die "$1: has no pkgconfig/debian"
cp -R "$name/pkgconfig/debian" "$name/debian"
packaged=$(cd "$name" && dpkg-parsechangelog -S Version)
[ "${packaged%-*}" = "$version" ] || die "pkgconfig/debian/changelog is for $packaged, the tarball is $version"
dpkg-source --build "$name"
