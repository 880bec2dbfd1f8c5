#!/bin/sh
# SPDX-License-Identifier: MIT
# What packages are made of is of this version, and has a place for every file that `make install`
# puts somewhere, and for none else.  No tool of a distribution is needed; tests/debian.sh builds.
set -eu
cd "$S"
bad() { printf 'packages: %s\n' "$*" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL
version=$(sed -n 's/^AC_INIT(\[libbert\], \[\(.*\)\])$/\1/p' configure.ac)
abi=$(sed -n 's/^AC_SUBST(\[ABI_MAJOR\], \[\(.*\)\])$/\1/p' configure.ac)
debian=pkgconfig/debian spec=pkgconfig/libbert.spec

# ---- Versions ----------------------------------------------------------------
head -n 1 $debian/changelog | grep -q "^libbert ($version-" || bad "$debian/changelog is not for $version"
grep -qx "Version: *$version" $spec || bad "$spec is not for $version"
grep -qx "%global abi $abi" $spec || bad "$spec: the soname's number is $abi"
grep -qx "version = \"$version\"" bindings/python/pyproject.toml || bad "pyproject.toml is not for $version"
grep -qx "Package: libbert$abi" $debian/control || bad "$debian/control: no libbert$abi"
grep -qx "default_version = '${version%.*}'" bindings/postgres/bert.control || bad "bert.control is not for ${version%.*}"
[ -f "bindings/postgres/bert--${version%.*}.sql" ] || bad "no bindings/postgres/bert--${version%.*}.sql"
for node in $(sed -n 's/^\(LIBBERT_[0-9.]*\) {$/\1/p' lib/libbert.map); do
    grep -q "^ (symver)$node ${node#LIBBERT_}\.0~\?$" $debian/libbert$abi.symbols ||
        bad "$debian/libbert$abi.symbols has no line for $node"
done

# ---- Files -------------------------------------------------------------------
umask 077 # of an administrator; what is installed is for all
"${MAKE-make}" -s -C "$B" install DESTDIR="$tmp/root" prefix=/usr exec_prefix=/usr libdir=/usr/lib/multiarch \
    includedir=/usr/include datarootdir=/usr/share >/dev/null 2>"$tmp/log" || { cat "$tmp/log" >&2; bad 'make install'; }
(cd "$tmp/root" && find . ! -type d | sed 's|^\./||' | sort) >"$tmp/installed"
[ -s "$tmp/installed" ] || bad 'make install installs nothing'
closed=$(find "$tmp/root"/* ! -type l ! -perm -444 -o -type d ! -perm -555)
[ -z "$closed" ] || bad "not for all to read: $closed"

# placed LIST FILE: each line of FILE is, or lies below, one of LIST's patterns; each pattern has a file
placed() {
    while read -r file; do
        found=''
        while read -r pattern; do
            # shellcheck disable=SC2254 # patterns
            case $file in $pattern | $pattern/*) found=1; echo "$pattern" >>"$tmp/used" ;; esac
        done <"$1"
        [ -n "$found" ] || bad "$file: in no package of $3"
    done <"$2"
    sort -u "$tmp/used" >"$tmp/used.sorted"
    sort -u "$1" | comm -23 - "$tmp/used.sorted" >"$tmp/idle"
    rm "$tmp/used"
    # Left out of a build that lacks a library.
    grep -q '^usr/bin/bert$' "$2" || sed -i '/completions\|site-functions\|bin\/bert\|bert\.1/d' "$tmp/idle"
    grep -q '/sqlite3/' "$2" || sed -i '/sqlite/d' "$tmp/idle"
    grep -q 'libbert-blas' "$2" || sed -i '/lib\/.*\/bert/d' "$tmp/idle"
    [ ! -s "$tmp/idle" ] || bad "$3: nothing is installed as $(cat "$tmp/idle")"
}
# PGXS installs the PostgreSQL extension, and tests/debian.sh tells whether all of it is in its package.
cat $debian/*.install | grep -v /postgresql/ | sed 's|zsh/vendor-completions|zsh/site-functions|' >"$tmp/debian"
placed "$tmp/debian" "$tmp/installed" "$debian"
sed -n '/^%files/,/^%changelog/s/^%{\(.*\)$/%{\1/p' $spec | grep -v '^%{python3_sitelib}' |
    sed -e "s|%{abi}|$abi|; s|/\$||" -e 's|^%{_libdir}|usr/lib/multiarch|; s|^%{_includedir}|usr/include|' \
        -e 's|^%{_bindir}|usr/bin|; s|^%{_mandir}|usr/share/man|; s|^%{_datadir}|usr/share|' >"$tmp/rpm"
placed "$tmp/rpm" "$tmp/installed" "$spec"
# The test can fail: a file without a place, a place without a file.
echo usr/bin/another >"$tmp/other"
(placed "$tmp/debian" "$tmp/other" x) 2>/dev/null && bad 'a file without a package is not seen'
(echo usr/share/nothing >>"$tmp/debian"; placed "$tmp/debian" "$tmp/installed" x) 2>/dev/null && bad 'an idle line is not seen'

# ---- Syntax ------------------------------------------------------------------
skipped=''
if command -v rpmspec >/dev/null; then
    rpmspec --define "python3_sitelib /usr/lib/python3/site-packages" -P $spec >"$tmp/spec" 2>"$tmp/log" ||
        { cat "$tmp/log" >&2; bad "rpmspec -P $spec"; }
    ! grep -n '%{[a-z_]*python' "$tmp/spec" || bad "$spec: macros are left"
else
    skipped="$skipped rpmspec"
fi
if command -v rpmlint >/dev/null; then
    rpmlint $spec >"$tmp/log" 2>&1 || : # by what it says; but the tarball has no address yet, the
    # build root is RPM's own since 4.6, and %mklibname is Mandriva's
    grep -q '1 specfiles checked' "$tmp/log" || { cat "$tmp/log" >&2; bad "rpmlint $spec"; }
    ! grep ': [EW]: ' "$tmp/log" | grep -v 'invalid-url\|no-buildroot-tag\|lib-package-without-%mklibname' || bad "rpmlint $spec"
else
    skipped="$skipped rpmlint"
fi
echo x >"$tmp/libbert-$version.tar.gz"
sh pkgconfig/formula.sh "$tmp/libbert-$version.tar.gz" >"$tmp/libbert.rb"
! grep -n '@' "$tmp/libbert.rb" || bad 'formula.sh left something to fill in'
grep -q 'sha256 "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac"' "$tmp/libbert.rb" || bad 'formula.sh: sha256'
if command -v ruby >/dev/null; then
    ruby -c "$tmp/libbert.rb" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; bad 'ruby -c'; }
else
    skipped="$skipped ruby"
fi
for script in $debian/tests/compile $debian/tests/command $debian/tests/postgresql $debian/tests/python $debian/tests/sqlite $debian/metadata.sh; do
    sh -n $script
done
[ -z "$skipped" ] || printf 'packages: not checked, for want of tools:%s\n' "$skipped"
printf 'packages: %s files, each in one package\n' "$(wc -l <"$tmp/installed")"
