#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's packages, from `make dist` to purge:  sh tests/debian.sh BUILD [--check] [--twice] [--no-root]
#
# BUILD is a configured build folder; all is made in BUILD/debian/.  The source package is built
# without a network, lintian has neither error nor warning, and in a root of its own the packages are
# installed, their own tests (debian/tests) run, and all is purged: no file may stay.
#   --check     with `make check`; left out otherwise (nocheck), since those tests ran before, on
#               the same source, and take minutes
#   --twice     a second build in another folder, umask, zone, locale, host name and year, with one
#               job, neither with ccache: each package has to have the same bits
#   --no-root   not the root
# Needs debhelper, dh-python, lintian and, for the root, debootstrap, a mirror of Debian, and to be root;
# where one of these three is missing the root is left out, with a message, and the status is 77.
set -eu
S=$(cd "$(dirname "$0")/.." && pwd)
B=$(cd "${1:?build folder}" && pwd)
shift
options=nocheck twice='' root=1
for word; do
    case $word in
    --check) options='' ;;
    --twice) twice=1 ;;
    --no-root) root='' ;;
    *) printf 'debian.sh: unknown option %s\n' "$word" >&2; exit 2 ;;
    esac
done
work=$B/debian
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
say() { printf '== debian: %s\n' "$*"; }
die() { printf 'debian.sh: %s\n' "$*" >&2; exit 1; }
unset MAKEFLAGS MFLAGS MAKELEVEL PYTHONPATH PYTHONHOME LIBBERT_LIBRARY LIBBERT_BUILD BERT_CPU LD_LIBRARY_PATH \
    CC CXX CFLAGS CXXFLAGS CPPFLAGS LDFLAGS SOURCE_DATE_EPOCH
for tool in dpkg-buildpackage dh dh_python3 lintian unshare; do
    command -v $tool >/dev/null || die "$tool is missing (Debian: dpkg-dev debhelper dh-python lintian util-linux)"
done
alone='unshare --net --uts'
[ "$(id -u)" = 0 ] || alone="unshare --map-root-user --net --uts"
$alone true 2>/dev/null || { alone=''; say 'no namespaces here: the network is not taken away'; }

# build NAME COMMAND...: the source package, anew in $work/NAME, and its packages by COMMAND
build() {
    name=$1
    shift
    rm -rf "${work:?}/$name"
    mkdir -p "$work/$name"
    sh "$S/pkgconfig/debian-source.sh" "$tarball" "$work/$name" >"$work/$name.log" 2>&1 &&
        (cd "$work/$name"/libbert-*/ && $alone "$@") >>"$work/$name.log" 2>&1 ||
        { tail -n 30 "$work/$name.log" >&2; die "the build failed; all of it: $work/$name.log"; }
}

say 'make dist'
mkdir -p "$work"
"${MAKE-make}" -s -C "$B" dist
tarball=$(ls "$B"/libbert-*.tar.gz)

say "dpkg-buildpackage ${options:-with the tests}"
began=$(date +%s)
if [ -n "$twice" ]; then
    CCACHE_DISABLE=1
    export CCACHE_DISABLE
fi
build first env DEB_BUILD_OPTIONS="$options parallel=$jobs" dpkg-buildpackage -us -uc
debs=$(find "$work/first" -name '*.deb' ! -name '*-dbgsym_*' | sort)
say "built after $(($(date +%s) - began)) s:" "$(printf '%s\n' "$debs" | sed 's|.*/||;s|_.*||' | tr '\n' ' ')"

say 'lintian'
lintian --fail-on error,warning --allow-root "$work"/first/*.changes >"$work/lintian.log" 2>&1 ||
    { cat "$work/lintian.log" >&2; die 'lintian found something'; }

if [ -n "$twice" ]; then
    say 'the same once more'
    clock=''
    command -v faketime >/dev/null && clock='faketime -f +400d'
    # shellcheck disable=SC2016,SC2086 # for the inner shell; words
    build 'another/place/of/it' sh -c 'hostname elsewhere 2>/dev/null; umask 002; exec "$@"' sh \
        env TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 LANG=de_DE.UTF-8 HOME=/nonexistent USER=somebody \
        DEB_BUILD_OPTIONS=nocheck $clock dpkg-buildpackage -us -uc
    for deb in "$work"/first/*.deb; do
        cmp "$deb" "$work/another/place/of/it/$(basename "$deb")" || die "not reproducible: $deb (diffoscope tells why)"
    done
    say 'each package has the same bits'
fi
if [ -z "$root" ]; then
    say 'passed, without a root'
    exit 0
fi

# ---- A root ------------------------------------------------------------------
# What the packages and their tests need of others is in the root from the start, so that what stays
# after the purge is theirs.
base=$work/root
others=gcc,iproute2,libc6-dev,libjansson4,pkg-config,postgresql-15,python3-numpy,sqlite3
left_out() {
    say "the root is left out: $*; the packages are built, and clean for lintian"
    exit 77
}
[ "$(id -u)" = 0 ] || left_out 'not root'
command -v debootstrap >/dev/null || left_out 'no debootstrap'
if [ "$(cat "$base.done" 2>/dev/null)" != "$others" ]; then
    . /etc/os-release
    mirror=$(apt-get indextargets --format '$(CODENAME) $(SITE)' | awk -v s="$VERSION_CODENAME" '$1 == s { print $2; exit }')
    say "debootstrap $VERSION_CODENAME ${mirror:=http://deb.debian.org/debian}"
    rm -rf "$base" "$base.done"
    # No server is to be started as it is installed.
    mkdir -p "$base/usr/sbin" "$base/etc/postgresql-common"
    printf '#!/bin/sh\nexit 101\n' >"$base/usr/sbin/policy-rc.d"
    chmod +x "$base/usr/sbin/policy-rc.d"
    echo 'create_main_cluster = false' >"$base/etc/postgresql-common/createcluster.conf"
    if ! debootstrap --variant=minbase --include=$others "$VERSION_CODENAME" "$base" "$mirror" >"$work/root.log" 2>&1; then
        tail -n 3 "$work/root.log" >&2
        left_out 'none to be had (above)'
    fi
    echo $others >"$base.done"
fi

# inside COMMAND...: in the root, in namespaces of its own, whose network is the machine itself
inside() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --net --uts --pid --fork sh -c 'mount -t proc proc "$0/proc" && chroot "$0" ip link set lo up && exec chroot "$0" "$@"' "$base" \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
files() { # what may change: logs, and dpkg's own lists
    (cd "$base" && find . -xdev ! -path './proc/*' ! -path './tmp/*' ! -path './var/log/*' ! -path './var/lib/dpkg/*-old' \
        ! -path './var/lib/dpkg/triggers/*' ! -path './var/lib/dpkg/lock*' ! -path './var/cache/ldconfig/*' | sort)
}
names=$(for deb in $debs; do dpkg-deb -f "$deb" Package; done)
rm -rf "$base/tmp/debs" "$base/tmp/source"
mkdir "$base/tmp/debs"
# shellcheck disable=SC2086 # words
inside dpkg --purge $names >"$work/purge.log" 2>&1 || : # of a run that broke off
files >"$work/before"
# shellcheck disable=SC2086 # words
cp $debs "$base/tmp/debs"
cp -R "$(dirname "$(ls -d "$work"/first/libbert-*/debian)")" "$base/tmp/source"
say 'install'
inside sh -c 'dpkg -i /tmp/debs/*.deb' >"$work/install.log" 2>&1 || { cat "$work/install.log" >&2; die 'dpkg -i'; }
# Over itself, as an upgrade goes.
inside sh -c 'dpkg -i /tmp/debs/*.deb' >>"$work/install.log" 2>&1 || { cat "$work/install.log" >&2; die 'dpkg -i, once more'; }
[ -z "$(inside dpkg --audit)" ] || die 'dpkg --audit has something to say'
[ -z "$(find "$base/usr/lib/python3/dist-packages/libbert" -name '*.so*')" ] || die 'python3-libbert holds a library'
say 'the tests of debian/tests'
for test in $(sed -n 's/^Tests: //p' "$S/pkgconfig/debian/tests/control"); do
    inside "/tmp/source/debian/tests/$test" >"$work/test.log" 2>&1 || { cat "$work/test.log" >&2; die "debian/tests/$test"; }
    sed "s/^/$test: /" "$work/test.log"
done
say 'remove, purge'
# shellcheck disable=SC2086 # words
inside dpkg --remove $names >"$work/remove.log" 2>&1 || { cat "$work/remove.log" >&2; die 'dpkg --remove'; }
# shellcheck disable=SC2086 # words
inside dpkg --purge $names >>"$work/remove.log" 2>&1 || { cat "$work/remove.log" >&2; die 'dpkg --purge'; }
files >"$work/after"
diff "$work/before" "$work/after" || die 'something stays after the purge, or was taken along'
touch "$base/var/lib/left" # the comparison can fail
! files | cmp -s "$work/before" - || die 'a file that stays is not seen'
rm "$base/var/lib/left"
for name in $names; do
    ! inside dpkg -s "$name" >/dev/null 2>&1 || die "dpkg still knows $name"
done
say 'passed'
