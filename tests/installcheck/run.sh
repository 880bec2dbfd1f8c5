#!/bin/sh
# SPDX-License-Identifier: MIT
# make installcheck: install into a clean prefix, build host programs against it as
# strangers do (pkg-config shared and static, CMake), run them, uninstall, and
# look for what was left.   S, B: source and build folder; MAKE CC CXX CFLAGS.
set -eu
model=${BERT_TEST_MODEL-$S/models/all-MiniLM-L6-v2}
[ -d "$model" ] || model=
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
prefix=$tmp/prefix
say() { printf '== installcheck: %s\n' "$*"; }
die() { printf 'installcheck: %s\n' "$*" >&2; exit 1; }

# MAKEFLAGS of the calling make hold its job server; ours is a make of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL
cd "$B"
"$MAKE" -s install prefix="$prefix"

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
command -v pkg-config >/dev/null || die 'pkg-config is missing (Debian: pkg-config)'
version=$(pkg-config --modversion bert)
cd "$S/tests/installcheck"
run() { # program [env...]: with the model where there is one
    LD_LIBRARY_PATH="$prefix/lib" "$@" ${model:+"$model"} || die "$1 failed"
}
for source in program.c program.cpp; do
    case $source in
    *.cpp) compile="$CXX -std=c++11" ;;
    *) compile="$CC -std=c99" ;;
    esac
    say "$source, pkg-config, shared"
    # shellcheck disable=SC2046,SC2086
    $compile $CFLAGS -Wall -Wextra -Werror -o "$tmp/shared" "$source" $(pkg-config --cflags --libs bert)
    run "$tmp/shared"
    case $CFLAGS in *-fsanitize*) say 'no static program under a sanitizer'; continue ;; esac
    say "$source, pkg-config --static"
    # shellcheck disable=SC2046,SC2086
    $compile $CFLAGS -static -o "$tmp/static" "$source" $(pkg-config --static --cflags --libs bert) 2>"$tmp/log" ||
        { cat "$tmp/log" >&2; die 'static link failed'; }
    run "$tmp/static"
done

if command -v cmake >/dev/null; then
    say "CMake, moved prefix"
    cp -R "$prefix" "$tmp/moved"
    if ! cmake -S . -B "$tmp/cmake" -DCMAKE_PREFIX_PATH="$tmp/moved" -DCMAKE_C_COMPILER="$CC" \
        -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_C_FLAGS="$CFLAGS" -DCMAKE_CXX_FLAGS="$CFLAGS" >"$tmp/log" ||
        ! cmake --build "$tmp/cmake" >>"$tmp/log"; then
        cat "$tmp/log" >&2
        die 'CMake build failed'
    fi
    for program in "$tmp"/cmake/c-bert* "$tmp"/cmake/cpp-bert*; do
        [ ! -x "$program" ] || run "$program"
    done
else
    say 'CMake is missing: its part is skipped'
fi

if [ -x "$prefix/bin/bert" ]; then
    say 'the bert command'
    env -u LD_LIBRARY_PATH "$prefix/bin/bert" --version | grep -F "$version" || die 'bert --version'
fi

say 'manual pages, completions'
for name in $(sed -n 's/^ *\(bert_[a-z_0-9]*\);.*/\1/p' "$S/lib/libbert.map") libbert; do
    grep -q "^$name\b" "$prefix/share/man/man3/$name.3" || die "no manual page of $name"
done
[ -s "$prefix/share/man/man7/libbert.7" ] || die 'no libbert(7)'
if [ -x "$prefix/bin/bert" ]; then
    for file in man/man1/bert.1 bash-completion/completions/bert zsh/site-functions/_bert fish/vendor_completions.d/bert.fish; do
        [ -s "$prefix/share/$file" ] || die "no share/$file"
    done
fi
if command -v man >/dev/null; then
    man -M "$prefix/share/man" -w bert_model_load >/dev/null || die 'man does not find bert_model_load'
fi

say 'DESTDIR and uninstall'
cd "$B"
"$MAKE" -s install DESTDIR="$tmp/stage dir" prefix=/usr libdir=/usr/lib/triplet
[ -e "$tmp/stage dir/usr/lib/triplet/pkgconfig/bert.pc" ] || die 'DESTDIR install'
if grep -r -l "$tmp" "$tmp/stage dir"; then die 'DESTDIR is in the files above'; fi
"$MAKE" -s uninstall DESTDIR="$tmp/stage dir" prefix=/usr libdir=/usr/lib/triplet
"$MAKE" -s uninstall prefix="$prefix"
left=$(find "$tmp/stage dir" "$prefix" ! -type d)
[ -z "$left" ] || die "uninstall left: $left"
left=$(find "$tmp/stage dir" "$prefix" -name '*bert*')
[ -z "$left" ] || die "uninstall left: $left"
"$MAKE" -s all
printf '== installcheck passed\n'
