#!/bin/sh
# SPDX-License-Identifier: MIT
# Manual pages of section 3 and 7: each exported function is in one page, with the header's
# prototype; no page names what isn't there; roff is without warnings; the pages and completions are
# what their generator makes.  What a check would catch is shown on spoiled pages.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C
cd "$S"

# ---- What is asked of pages ----------------------------------------------------

plain() { # pages: their text without roff's escapes
    sed 's/\\f[BIR]//g; s/\\%//g; s/\\-/-/g; s/\\(aq/'"'"'/g' "$@"
}
squeeze() { # one prototype a line, each run of white space as one space
    awk '/^#/ { next } { printf "%s ", $0 } /;/ { print "" }' | sed 's/  */ /g; s/( /(/g; s/^ //; s/ $//'
}
in_header() {
    grep -v '^#' "$1" | sed 's|BERT_API |\nEXPORT |g' | awk '/^EXPORT / { on = 1; sub(/EXPORT /, "") }
        on { print } /;/ { on = 0 }' | squeeze
}
in_page() {
    plain "$1" | awk '/^\.SH/ { on = $2 == "SYNOPSIS"; next } /^\.|^\/\*|^$/ { next } on { print }' | squeeze
}
prototypes() { # folder of pages: a page for each header, with its prototypes and no others
    for h in include/bert/*.h; do
        page=$1/bert_$(basename "$h" .h).3
        [ -e "$page" ] || { echo "$h has no $page"; return 1; }
        in_header "$h" >"$tmp/have"
        in_page "$page" >"$tmp/said"
        diff -u "$tmp/have" "$tmp/said" || { echo "$h (-) and $page (+) differ"; return 1; }
    done
    for page in "$1"/bert_*.3; do
        name=$(basename "$page" .3)
        [ -e "include/bert/${name#bert_}.h" ] || { echo "$page is of no header"; return 1; }
    done
}
names() { # folder: what pages name of the library is in its headers; each function in one NAME
    plain "$1"/*.[137] | grep -v '^\.TH' | grep -o '\bbert_[a-z0-9_]*\|\bBERT_[A-Z0-9_]*' | sort -u >"$tmp/said"
    cat include/bert/*.h | grep -o '\bbert_[a-z0-9_]*\|\bBERT_[A-Z0-9_]*' | sort -u >"$tmp/have"
    # A file, a variable of the command, and pages that have the name of a header.
    printf '%s\n' bert_manifest BERT_MODEL >>"$tmp/have"
    for h in include/bert/*.h; do echo "bert_$(basename "$h" .h)"; done >>"$tmp/have"
    sort -u "$tmp/have" | comm -13 - "$tmp/said" >"$tmp/unknown"
    [ ! -s "$tmp/unknown" ] || { echo "no header has: $(tr '\n' ' ' <"$tmp/unknown")"; return 1; }
    for page in "$1"/bert_*.3; do
        awk '/^\.SH/ { on = $2 == "NAME"; next } /^\\-/ { on = 0 } on { sub(/,$/, ""); print }' "$page"
    done | sort >"$tmp/said"
    sed -n '/global:/,/local:/s/^ *\([A-Za-z_0-9]*\);.*/\1/p' lib/libbert.map >"$tmp/have"
    [ -s "$tmp/have" ] || { echo 'no function in lib/libbert.map'; return 1; }
    for page in "$1"/bert_*.3; do basename "$page" .3; done >>"$tmp/have"
    sort -u "$tmp/have" | diff -u - "$tmp/said" || { echo 'map and pages (-) and NAMEs (+) differ'; return 1; }
}
aliases() { # folder: each function is a page or leads to the one that has it
    while read -r name page; do
        plain "$1/$page.3" | grep -q "[ *]$name(.*[,;]$" || { echo "$page(3) lacks $name"; return 1; }
        echo "$name"
    done <"$1/aliases" >"$tmp/said" || { cat "$tmp/said"; return 1; }
    for page in "$1"/bert_*.3; do basename "$page" .3; done >>"$tmp/said"
    sed -n '/global:/,/local:/s/^ *\([A-Za-z_0-9]*\);.*/\1/p' lib/libbert.map | sort >"$tmp/have"
    sort "$tmp/said" | comm -23 "$tmp/have" - >"$tmp/missing"
    [ ! -s "$tmp/missing" ] || { echo "not found by name: $(cat "$tmp/missing")"; return 1; }
}
all() {
    prototypes "$1" && names "$1" && aliases "$1"
}

all docs/man || exit 1
pages=$(find docs/man -name '*.[137]' | sort)
echo "manual: $(echo "$pages" | wc -l) pages, $(wc -l <"$tmp/have") functions found by name"

# ---- Spoiled ones are caught ---------------------------------------------------

spoiled() { # what, page, edit
    rm -rf "$tmp/man"
    mkdir "$tmp/man"
    cp docs/man/*.[137] docs/man/aliases "$tmp/man"
    rm -f "$tmp/man/$2"
    sed "$3" "docs/man/$2" >"$tmp/man/$2"
    cmp -s "docs/man/$2" "$tmp/man/$2" && { echo "$1: nothing was spoiled"; exit 1; }
    if all "$tmp/man" >"$tmp/log" 2>&1; then
        echo "$1: not noticed"
        exit 1
    fi
}
spoiled 'a lost prototype' bert_base.3 '/SYNOPSIS/,/DESCRIPTION/{/bert_version/d;}'
spoiled 'another type' bert_session.3 '/SYNOPSIS/,/DESCRIPTION/s/uint64_t /uint32_t /'
spoiled 'an invented function' libbert.7 's/bert_model_load/bert_model_open/'
spoiled 'an invented constant' bert_model.3 's/BERT_EIO/BERT_EDISK/'
spoiled 'a lost alias' aliases '/^bert_embed /d'
spoiled 'a wrong alias' aliases 's/^\(bert_embed\) .*/\1 bert_base/'

# ---- Warnings of the formatters --------------------------------------------------

if command -v groff >/dev/null; then
    for page in $pages; do
        groff -man -Tutf8 -ww -z "$page" 2>"$tmp/log"
        [ ! -s "$tmp/log" ] || { cat "$tmp/log"; exit 1; }
    done
else
    echo 'groff is missing: its warnings not looked at'
fi
if command -v mandoc >/dev/null; then
    # A version has no date before it is released.
    # shellcheck disable=SC2086 # a list of words
    mandoc -Tlint $pages | grep -v 'missing date, using ""' >"$tmp/log" || true
    [ ! -s "$tmp/log" ] || { cat "$tmp/log"; exit 1; }
else
    echo 'mandoc is missing: its warnings not looked at'
fi

# ---- Are they current? ------------------------------------------------------------

if [ ! -x "$B/bert" ]; then
    echo 'bert was not built: not compared with what the generator makes'
elif python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    python3 docs/man/generator "$B/bert" --check
else
    echo 'no python3 of 3.9 or later: not compared with what the generator makes'
fi
