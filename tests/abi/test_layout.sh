#!/bin/sh
# SPDX-License-Identifier: MIT
# Public structs and numbers are laid out as committed in layout.c; that file names every
# struct and every numbered constant; and its assertions can fail.
set -eu
tmp=$(mktemp)
trap 'rm -f "$tmp" "$tmp.2"' EXIT
cd "$S/tests/abi"
compile() {
    $CC -std=c11 -Wall -Werror -fsyntax-only -I"$S/include" -x c -
}
compile <layout.c
if sed 's/^SIZE(bert_error, [0-9]*)/SIZE(bert_error, 1)/' layout.c | compile 2>/dev/null; then
    echo 'a wrong size is let through'
    exit 1
fi
for name in $(sed -n 's/^} \(bert_[a-z_]*\);$/\1/p' "$S"/include/bert/*.h); do
    grep -q "($name," layout.c || grep -q "enum $name " "$S"/include/bert/*.h ||
        { echo "layout.c lacks $name"; exit 1; }
done
for name in $(sed -n 's/^ *\(BERT_[A-Z_0-9]*\) = .*/\1/p' "$S"/include/bert/*.h); do
    grep -q "IS($name," layout.c || { echo "layout.c lacks $name"; exit 1; }
done
# Macros that are numbers: not the version's, and no initialisers or attributes.
for name in $(sed -n 's/^#define \(BERT_[A-Z_0-9]*\) [0-9A-Z(].*/\1/p' "$S"/include/bert/*.h | grep -v '^BERT_VERSION_\|_INIT$\|^BERT_API$'); do
    grep -q "IS($name," layout.c || { echo "layout.c lacks $name"; exit 1; }
done
# A struct that may grow has no padding at its end: a new field would be where older programs have anything.
{
    cat layout.c
    sed -n 's/^AT(\([a-z_]*\), \([a-z_]*\), [0-9]*)/\1 \2/p' layout.c | awk '
        $2 == "size" && $1 != before { grows[$1] = 1 }
        { last[$1] = $2; before = $1 }
        END { for (t in grows)
            printf "_Static_assert(sizeof(%s) == offsetof(%s, %s) + sizeof(((%s *)0)->%s), \"%s\");\n",
                t, t, last[t], t, last[t], "padding at the end of " t }'
} >"$tmp"
compile <"$tmp"
grep -q 'padding at the end of bert_tag_options' "$tmp" || { echo 'no struct that grows was found'; exit 1; }
grep -v '^AT(bert_tag_options, reserved' "$tmp" | sed 's/bert_tag_options, reserved)/bert_tag_options, stride)/;s/(bert_tag_options \*)0)->reserved/(bert_tag_options *)0)->stride/' >"$tmp.2"
if compile <"$tmp.2" 2>/dev/null; then echo 'padding at the end is let through'; exit 1; fi
echo 'layout: as committed'
