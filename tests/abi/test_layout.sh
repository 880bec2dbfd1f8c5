#!/bin/sh
# SPDX-License-Identifier: MIT
# Public structs and numbers are laid out as committed in layout.c; that file names every
# struct and every numbered constant; and its assertions can fail.
set -eu
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
echo 'layout: as committed'
