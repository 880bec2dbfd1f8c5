#!/bin/sh
# SPDX-License-Identifier: MIT
# All tests, from nothing:  sh tests/run.sh [OPTIONS]
#
#   --full         also clang, sanitizers, each BLAS, installcheck, distcheck, lint,
#                  Debian packages
#   --no-install   don't install Debian packages; list what is missing and stop
#   --build DIR    build folder [build/tests]; --full adds more beside it
#
# Installs the missing packages (through sudo when not root), builds out of tree, gets the
# model, and runs `make check`.  Exits 0 if every test passed.
set -eu
PROGRAM=run.sh
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
NO_INSTALL=0
full=0
build=$root/build/tests
. examples/need.sh

while [ $# -gt 0 ]; do
    case $1 in
    --no-install) NO_INSTALL=1 ;;
    --full) full=1 ;;
    --build) shift; mkdir -p "${1:?}"; build=$(cd "$1" && pwd) ;;
    --help)
        sed -n '3,11s/^# \{0,1\}//p' "$0"
        exit 0 ;;
    *) printf '%s: unknown option %s; see --help\n' "$PROGRAM" "$1" >&2; exit 2 ;;
    esac
    shift
done
model=${BERT_TEST_MODEL:-$root/models/all-MiniLM-L6-v2}
export BERT_TEST_MODEL="$model"

# ---- What is needed ----------------------------------------------------------
has_cmocka() {
    has_header stdarg.h stddef.h setjmp.h stdint.h cmocka.h
}
has_python() { # module: in the interpreter that tests/python takes
    python3 -c "import $1" || /usr/bin/python3 -c "import $1"
}
has_nginx() { # not in the PATH of ordinary users
    command -v nginx || [ -x /usr/sbin/nginx ]
}
need_compiler
need g++ has "${CXX:-c++}"
[ -e MANIFEST ] || need autoconf has autoconf
need libjansson-dev has_header jansson.h
need libcmocka-dev has_cmocka
need libsqlite3-dev has_header sqlite3ext.h
need sqlite3 has sqlite3
need python3-numpy has_python numpy
need python3-pytest has_python pytest
need libopenblas-dev has_library cblas_sgemm -lopenblas
[ -d "$model" ] || need python3-pip python3 -m pip --version
if [ $full = 1 ]; then
    [ -e MANIFEST ] || need git has git
    need pkg-config has pkg-config
    need cmake has cmake
    need clang has clang
    need libblis-dev has_library cblas_sgemm -lblis
    need systemtap-sdt-dev has_header sys/sdt.h
    need shellcheck has shellcheck
    need clang-format has clang-format
    need groff-base has groff
    need mandoc has mandoc
    need doxygen has doxygen
    need python3-sphinx has_python sphinx
    need python3-breathe has_python breathe
    need python3-myst-parser has_python myst_parser
    need zsh has zsh
    need fish has fish
    need ccache has ccache
    need nginx has_nginx
    need nginx-dev test -e /usr/share/nginx/src/src/core/nginx.h
    need curl has curl
    need abigail-tools has abidiff
    need python3-venv python3 -m ensurepip --version
    # Other languages: Go and Rust always, Java where the machine has it.
    need golang-go has go
    need rustc has rustc
    ! has java >/dev/null || need libjna-java test -e /usr/share/java/jna.jar
    need dpkg-dev has dpkg-buildpackage
    need debhelper has dh
    need dh-python has dh_python3
    need lintian has lintian
    need debootstrap has debootstrap
    need postgresql-15 test -x /usr/lib/postgresql/15/bin/initdb
    need postgresql-server-dev-15 test -e /usr/lib/postgresql/15/lib/pgxs/src/makefiles/pgxs.mk
    need rpm has rpmspec
    need rpmlint has rpmlint
    need ruby has ruby
fi
install_missing

# ---- Run ---------------------------------------------------------------------
make -s -f Makefile configure
sh examples/fetch-model.sh "$model"
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
if [ $full = 1 ] && [ -d /usr/lib/ccache ]; then
    # Most objects are the same in several of the variants.
    PATH=/usr/lib/ccache:$PATH
    export PATH CCACHE_DIR="$build/ccache" CCACHE_NOHASHDIR=1
fi

step() { # title; says how long the last one took
    now=$(date +%s)
    [ -z "${title-}" ] || printf '#### %s: %d s\n' "$title" $((now - began))
    title=$1
    began=$now
    [ -z "$title" ] || printf '\n#### %s\n' "$title"
}

# variant NAME TARGET CONFIGURE-ARGUMENT...: in a build folder of its own
variant() {
    step "$1: make $2"
    mkdir -p "$build/$1"
    (
        cd "$build/$1"
        target=$2
        shift 2
        [ -e GNUmakefile ] || "$root/configure" -q "$@"
        make -s -j"$jobs"
        make -s -j"$jobs" "$target"
    )
}

variant gcc check --enable-werror CC="${CC:-gcc}" CXX="${CXX:-g++}"
if [ $full = 1 ]; then
    step 'gcc: abidiff' # once more than in make check, since there it may be skipped
    S=$root B=$build/gcc CC=${CC:-gcc} sh tests/abi/test_abidiff.sh
    step 'gcc: make installcheck distcheck'
    make -s -C "$build/gcc" installcheck
    # Once is enough for what reads sources or runs other compilers.
    once='tests/lint tests/packages tests/docs languages'
    WITHOUT=$once make -s -C "$build/gcc" distcheck DISTCHECK_FLAGS=--enable-werror
    step 'gcc: make check-postgres'
    make -s -C "$build/gcc" check-postgres
    # And what calls the library from outside has gcc's, and the sanitized one.
    export WITHOUT="$once tests/python usecases cli/test_man completion nginx"
    variant clang check --enable-werror CC=clang CXX=clang++
    variant blis check --enable-werror --with-blas=blis --enable-sdt
    variant generic check --enable-werror --with-blas=generic
    export WITHOUT="$once"
    export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
    # Instrumented code draws warnings that are not the source's: no --enable-werror.
    variant asan check --with-sanitizer=address,undefined CFLAGS='-O1 -g'
    step 'asan: make check-postgres'
    make -s -C "$build/asan" check-postgres
    # Only what has threads, and tiny models: the sanitizer makes the rest slow for nothing.
    BERT_TEST_MODEL=none TESTS='thread guest cancel test_watch backend embed invariance heads tokenizer histogram metrics engine registry observe sampler sqlite' \
        variant tsan check --with-sanitizer=thread CFLAGS='-O1 -g'
    unset WITHOUT
    step 'lint' # tests/lint were part of gcc's check
    S=$root B=$build/gcc sh tests/lint/style.sh
    step 'the documentation site'
    sh tests/docs/site.sh "$build/site"
    step 'mypy and ruff'
    sh tests/python/lint.sh "$build/python-lint"
    step 'gcc: make wheel sdist'
    sh tests/python/wheel.sh "$build/gcc"
    step 'gcc: packages of Debian'
    sh tests/debian.sh "$build/gcc" || [ $? -eq 77 ]
fi
step ''
printf '\n%s: every test passed\n' "$PROGRAM"
