#!/bin/sh
# SPDX-License-Identifier: MIT
# Each header compiles alone: public ones as C99, C11, C17 and C++11, internal
# ones as C11.
set -eu
cd "$S"
warn='-Wall -Wextra -Wpedantic -Werror -fsyntax-only'
n=0
alone() { # compiler flags language header
    # shellcheck disable=SC2086
    printf '#include <%s>\n' "$4" | $1 ${CPPFLAGS-} $2 $warn -I"$B" -x "$3" - || { echo "$4 alone: $1 $2"; exit 1; }
    n=$((n + 1))
}
for h in include/*.h include/bert/*.h; do
    for std in c99 c11 c17; do
        alone "$CC" "-std=$std -Iinclude" c "${h#include/}"
    done
    alone "$CXX" '-std=c++11 -Iinclude' c++ "${h#include/}"
done
for h in include/*.hpp; do
    [ ! -e "$h" ] || for std in c++11 c++17 c++20; do
        alone "$CXX" "-std=$std -Iinclude" c++ "${h#include/}"
    done
done
# simd_*.h are bodies for one instruction set, not headers; so are templates.
warn="$warn -Wconversion -Wshadow -Wno-pedantic"
for h in $(find lib tokenizer kernels -name '*.h' ! -name 'simd_*' ! -path '*/tmpl/*' | sort); do
    alone "$CC" "-std=c11 -D_GNU_SOURCE -I. -Iinclude" c "$h"
done
echo "headers: $n compiled alone"
