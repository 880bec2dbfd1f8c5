#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/languages/*: each has at most 60 lines, is built by pkg-config as its head says, and
# prints the similarity that C has.  A language whose compiler is missing is left out, and said so.
set -u
cd "$S" || exit 1
. tests/cli/support.sh
source=$S/examples/languages/similarity
command -v pkg-config >/dev/null || { echo 'pkg-config is missing (Debian: pkg-config)'; exit 77; }
for file in "$S"/examples/languages/*; do
    is "$(basename "$file") is short" 1 "$(awk 'END { print NR <= 60 }' "$file")"
done

# What `make install` would write, for the build folder; by names without a space, which the tools
# can't take.
mkdir "$tmp/pkgconfig"
ln -s "$B/out" "$tmp/lib"
ln -s "$S/include" "$tmp/include"
sed -e "s|@libdir@|$tmp/lib|; s|@includedir@|$tmp/include|; s|@VERSION@|0|; s|@LIBS@|$LIBS|; s|@[a-z_]*prefix@|/nowhere|" \
    pkgconfig/bert.pc.in >"$tmp/pkgconfig/bert.pc"
export PKG_CONFIG_PATH="$tmp/pkgconfig" LD_LIBRARY_PATH="$tmp/lib"

same() { "$tmp/similarity" "$model" "$1" 'the quick brown fox' 2>&1; }
try() { # language; $tmp/similarity is its program
    is "$1, a tiny model" "$tiny" "$("$tmp/similarity" "$model" 'a cat on a mat' 'the quick brown fox' 2>&1)"
    if [ -d "$BERT_TEST_MODEL" ]; then
        is "$1" 0.7663 "$("$tmp/similarity" "$BERT_TEST_MODEL" 'a cat' 'a kitten' 2>&1)"
    fi
    # Bytes that are no UTF-8 are replaced, and the text goes on.
    is "$1, other bytes" "$(same "$(printf 'a \357\277\275 b')")" "$(same "$(printf 'a \377 b')")"
    "$tmp/similarity" "$tmp/nowhere" x y >"$tmp/out" 2>"$tmp/err"
    is "$1, no model" '1 1 0' "$? $(grep -c "nowhere: can't be opened" "$tmp/err") $(wc -c <"$tmp/out" | tr -d ' ')"
    "$tmp/similarity" x >"$tmp/out" 2>"$tmp/err" || :
    is "$1, a usage" '1 0' "$(grep -c 'usage: similarity MODEL_DIR TEXT TEXT' "$tmp/err") $(wc -c <"$tmp/out" | tr -d ' ')"
    rm -f "$tmp/similarity"
    languages="$languages $1"
}
languages='' missing=''

# C, as examples/embed.c prints its vectors: what the others are compared with.
# shellcheck disable=SC2086
$CC -std=c11 $CFLAGS -Iinclude -o "$tmp/embed" examples/embed.c $LDFLAGS -L"$B/out" -Wl,-rpath,"$B/out" -lbert
tiny=$("$tmp/embed" "$model" 'a cat on a mat' 'the quick brown fox' | awk '
{ for (i = 1; i <= NF; i++) v[NR, i] = $i; n = NF }
END { for (i = 1; i <= n; i++) { ab += v[1, i] * v[2, i]; aa += v[1, i] ^ 2; bb += v[2, i] ^ 2 }; printf "%.4f", ab / sqrt(aa * bb) }')

# shellcheck disable=SC2046,SC2086
if ${CXX:-c++} -std=c++11 $CFLAGS -Wall -Wextra -Werror -o "$tmp/similarity" "$source.cpp" $LDFLAGS $(pkg-config --cflags --libs bert); then
    try C++
else
    is 'C++ compiles' 0 1
fi

rustc=$(command -v rustc || echo "$HOME/.cargo/bin/rustc") go=$(command -v go) java=$(command -v java)
case $CFLAGS in
*-fsanitize*) # a sanitizer's runtime has to be in the program
    echo 'Rust, Go and Java are left out: the library was built with a sanitizer'
    rustc=/none go='' java='' ;;
esac
if [ -x "$rustc" ]; then
    # shellcheck disable=SC2046
    "$rustc" --edition 2021 -D warnings -O -o "$tmp/similarity" "$source.rs" $(pkg-config --libs-only-L --libs-only-l bert)
    is 'Rust compiles' 0 $?
    try Rust
else
    missing="$missing rustc"
fi
if [ -n "$go" ]; then
    (cd "$tmp" && GOCACHE="$tmp/gocache" GOPATH="$tmp/gopath" GOTOOLCHAIN=local "$go" build -o similarity "$source.go")
    is 'Go compiles' 0 $?
    try Go
else
    missing="$missing go"
fi
jna=/usr/share/java/jna.jar
if [ -n "$java" ] && [ -e "$jna" ]; then
    printf '#!/bin/sh\nexec "%s" -Duser.language=de -cp %s "-Djna.library.path=%s" "%s" "$@"\n' \
        "$java" "$jna" "$(pkg-config --variable=libdir bert)" "$S/examples/languages/Similarity.java" >"$tmp/similarity"
    chmod +x "$tmp/similarity"
    try Java
else
    missing="$missing java or jna"
fi
[ -z "$missing" ] || echo "not tried, for want of:$missing"
printf '%d passed, %d failed:%s\n' "$passed" "$failed" "$languages"
[ "$failed" -eq 0 ]
