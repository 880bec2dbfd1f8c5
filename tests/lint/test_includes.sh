#!/bin/sh
# SPDX-License-Identifier: MIT
# The arrows between folders, from the #include lines; and that the lint can fail.
set -eu
cd "$S"
find include lib tokenizer kernels examples tests bindings -name '*.[ch]' -o -name '*.inc' \
    -o -name '*.hpp' -o -name '*.cpp' 2>/dev/null | sort | xargs awk -f tests/lint/arrows.awk

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
seed() { # folder, line that must be refused
    mkdir -p "$tmp/$1"
    printf '%s\n' "$2" >"$tmp/$1/seed.c"
    if (cd "$tmp" && awk -f "$S/tests/lint/arrows.awk" "$1/seed.c" >/dev/null); then
        printf 'the lint lets through, in %s: %s\n' "$1" "$2"
        exit 1
    fi
}
seed lib/model '#include "lib/graph/plan.h"'
seed lib/base '#include "tokenizer/tokenizer.h"'
seed kernels '#include <bert/base.h>'
seed kernels '#include "lib/base/alloc.h"'
seed examples/bert '#include "lib/base/json.h"'
seed tests/api '#include "lib/base/sys.h"'
seed lib/api '#include "options.h"'
echo 'includes: every arrow as designed'
