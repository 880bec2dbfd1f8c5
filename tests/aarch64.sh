#!/bin/sh
# SPDX-License-Identifier: MIT
# The kernels for AArch64, and a few tests of the library, cross-built and run in emulation:
#   sh tests/aarch64.sh [--no-install] [--build DIR]      DIR: build/aarch64
#
# Needs Debian, or the packages below under other names.  cmocka and jansson for AArch64 are
# unpacked in the build folder: nothing of another architecture is installed, and the system's
# package lists stay as they are.  Ends with 77 where there are no such packages to be had.
set -eu
PROGRAM=aarch64.sh
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
NO_INSTALL=0
build=$root/build/aarch64
. examples/need.sh

while [ $# -gt 0 ]; do
    case $1 in
    --no-install) NO_INSTALL=1 ;;
    --build) shift; build=${1:?} ;;
    *) printf '%s: unknown option %s\n' "$PROGRAM" "$1" >&2; exit 2 ;;
    esac
    shift
done
mkdir -p "$build"
build=$(cd "$build" && pwd)
began=$(date +%s)

# ---- What is needed ----------------------------------------------------------
host=aarch64-linux-gnu
has_cross_libc() {
    echo '#include <stdlib.h>' | $host-gcc -E -o /dev/null -
}
need make has make
[ -e MANIFEST ] || need autoconf has autoconf
need gcc-$host has $host-gcc
need libc6-dev-arm64-cross has_cross_libc
need qemu-user has qemu-aarch64
install_missing

foreign=$build/foreign
fetch() { # lists of packages of its own
    mkdir -p "$foreign/lists/partial" "$foreign/cache/archives/partial"
    set -- -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
        -o Dir::State::lists="$foreign/lists" -o Dir::Cache="$foreign/cache" -o Acquire::Retries=2
    apt-get "$@" update && (
        cd "$foreign"
        apt-get "$@" download libcmocka-dev libcmocka0 libjansson-dev libjansson4
    )
}
if [ ! -e "$foreign/done" ]; then
    fetch >"$build/fetch.log" 2>&1 || {
        tail -n 3 "$build/fetch.log" >&2
        printf '%s: left out: no packages for arm64 to be had here\n' "$PROGRAM" >&2
        exit 77
    }
    for package in "$foreign"/*.deb; do
        dpkg -x "$package" "$foreign"
    done
    touch "$foreign/done"
fi

# ---- Build -------------------------------------------------------------------
make -s -f Makefile configure
(
    libraries=$foreign/usr/lib/$host
    tests='out/checkkern out/test_base out/test_thread out/api_test_guest out/api_test_embed'
    cd "$build"
    [ -e GNUmakefile ] || "$root/configure" -q --host=$host --enable-werror --with-blas=generic \
        CC=$host-gcc CXX=$host-g++ CFLAGS=-O2 CPPFLAGS="-I$foreign/usr/include" \
        LDFLAGS="-L$libraries -Wl,-rpath,$libraries"
    # shellcheck disable=SC2086 # a list of words
    make -s -j"$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" all $tests
)
printf '#### aarch64: built after %d s\n' $(($(date +%s) - began))

# ---- Run ---------------------------------------------------------------------
on() { # CPU, program of out/, arguments
    cpu=$1 program=$build/out/$2
    shift 2
    qemu-aarch64 -L /usr/$host -cpu "$cpu" "$program" "$@"
}

# levels CPU LEVEL...: what is found there is neither more nor less
levels() {
    cpu=$1
    shift
    for level in neon neon_dotprod neon_bf16 neon_i8mm; do
        want=2
        for name in "$@"; do
            [ "$name" != "$level" ] || want=0
        done
        got=0
        on "$cpu" checkkern --level "$level" --only scale >"$build/levels.log" 2>&1 || got=$?
        [ $got = $want ] || die "$cpu and level $level: checkkern's status is $got, not $want"
    done
    printf '%s: %s has%s\n' "$PROGRAM" "$cpu" " $*"
}

levels cortex-a53 neon
levels neoverse-n1 neon neon_dotprod
levels max neon neon_dotprod neon_bf16 neon_i8mm
export BERT_TEST_MODEL=none BERT_TEST_EMULATED=1
on max checkkern --level neon --step 20011
on max checkkern --level neon_dotprod --only gemm_int8
on max checkkern --level neon_bf16 --only gemm_bf16
on max checkkern --level neon_i8mm --only gemm_int8
on cortex-a53 checkkern --level neon --only gemm_int8
for program in test_base test_thread api_test_guest api_test_embed; do
    on max $program
done
printf '\n%s: every test passed, after %d s\n' "$PROGRAM" $(($(date +%s) - began))
