#!/bin/sh
# SPDX-License-Identifier: MIT
# make lint, the part that needs tools that not everybody has: licence lines, shell
# scripts through shellcheck, C through clang-format (those of Debian 12).
set -eu
cd "$S"
bad=0
sources() { # name patterns of find
    find include lib tokenizer kernels examples tests bindings docs pkgconfig "$@" 2>/dev/null | sort
}
for f in $(sources -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.hpp' -o -name '*.cpp' -o -name '*.inc' -o -path 'docs/completions/*' -o -path 'docs/man/*.[137]'); do
    head -n 2 "$f" | grep -q 'SPDX-License-Identifier: MIT' || { echo "$f: no SPDX line"; bad=1; }
done
if command -v shellcheck >/dev/null; then
    # shellcheck disable=SC2046
    shellcheck -S warning -x -e SC1091 $(sources -name '*.sh' -o -name '*.bash' -o -path 'pkgconfig/debian/tests/*' ! -name control) || bad=1
else
    echo 'shellcheck is missing: scripts not checked'
fi
if clang-format --version 2>/dev/null | grep -q 'version 14'; then
    # shellcheck disable=SC2046
    clang-format --dry-run --Werror $(sources -name '*.[ch]' ! -name '*_tables*' ! -name '*generated*') || bad=1
else
    echo 'clang-format 14 is missing: layout of C not checked'
fi
exit $bad
