#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/architecture.svg is what the #include lines say, and would be seen not to be.
set -eu
cd "$S"
command -v python3 >/dev/null || { echo 'skipped: no python3'; exit 77; }
python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' || { echo 'skipped: python3 is older than 3.9'; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
python3 docs/site/draw_includes.py . --check

# One arrow, counted otherwise.
n=$(cat lib/api/*.[ch] | grep -c '^#include "lib/head/')
grep -q "class=\"number\"[^>]*>$n</text>" docs/architecture.svg || { echo "no arrow has the $n of lib/api to lib/head"; exit 1; }

tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
mkdir "$tmp/docs"
cp docs/architecture.svg "$tmp/docs"
cp -r include lib tokenizer kernels examples bindings "$tmp"
chmod -R u+w "$tmp"
spoiled() { # what, file, line to add, part of the message
    cp "$tmp/$2" "$tmp/kept"
    printf '%s\n' "$3" >>"$tmp/$2"
    ! python3 docs/site/draw_includes.py "$tmp" --check >"$tmp/said" 2>&1 || { echo "$1: not seen"; exit 1; }
    grep -q "$4" "$tmp/said" || { echo "$1: <$4> is not in:"; cat "$tmp/said"; exit 1; }
    cp "$tmp/kept" "$tmp/$2"
}
spoiled 'one more' lib/head/pooling.c '#include "lib/base/size.h"' 'make architecture draws it'
spoiled 'a new arrow' tokenizer/tokenizer.h '#  include "lib/model/config.h"' 'no place for the arrow from tokenizer to lib/model'
spoiled 'a host that looks inside' examples/embed.c '#include "lib/base/size.h"' 'examples includes lib/base'
mkdir "$tmp/lib/new"
: >"$tmp/lib/new/new.c"
spoiled 'a new folder' lib/new/new.c '' 'no place for the folder lib/new'
echo 'architecture.svg: as the sources are'
