#!/bin/sh
# SPDX-License-Identifier: MIT
# Every example in public headers (@code ... @endcode) that has a main() is compiled as it stands,
# and run where the model is there.  Those of the pages: tests/docs.
set -eu
cd "$S"
BERT_TEST_MODEL=$(realpath -m "$BERT_TEST_MODEL")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
compiled=0 ran=0

cat >"$tmp/extract.awk" <<'END'
# Writes example number n of a file to DIR/n.c or DIR/n.cpp.
/^[ *]*@code *$/ { n++; file = dir "/" n ".c"; print "" >file; next }
/^[ *]*@code\{\.cpp\} *$/ { n++; file = dir "/" n ".cpp"; print "" >file; next }
/^[ *]*@endcode/ { file = ""; next }
file != "" { sub(/^ \* ?/, ""); print >file }
END

example() { # file, where it stands
    grep -q '\bmain(' "$1" || return 0
    case $1 in
    *.cpp) compile="$CXX -std=c++11" ;;
    *) compile="$CC -std=c11" ;;
    esac
    # shellcheck disable=SC2086
    $compile $CFLAGS -Wall -Wextra -Wshadow -Werror -Iinclude -o "$tmp/program" "$1" $LDFLAGS \
        -L"$B/out" -Wl,-rpath,"$B/out" -lbert || { echo "$2 does not compile"; exit 1; }
    compiled=$((compiled + 1))
    [ -d "$BERT_TEST_MODEL" ] || return 0
    (cd "$tmp" && ./program "$BERT_TEST_MODEL") >"$tmp/said" || { echo "$2 fails"; exit 1; }
    [ -s "$tmp/said" ] || { echo "$2 says nothing"; exit 1; }
    ran=$((ran + 1))
}

for header in include/*.h include/*.hpp include/bert/*.h; do
    [ -e "$header" ] || continue
    rm -rf "$tmp/x"
    mkdir "$tmp/x"
    awk -v dir="$tmp/x" -f "$tmp/extract.awk" "$header"
    for x in "$tmp/x"/*.c "$tmp/x"/*.cpp; do
        [ ! -e "$x" ] || example "$x" "$header, example $(basename "$x")"
    done
done
[ "$compiled" -gt 0 ] || { echo 'no example found'; exit 1; }
echo "examples: $compiled compiled, $ran run"
[ -d "$BERT_TEST_MODEL" ] || echo 'no model: sh examples/fetch-model.sh gets it'
