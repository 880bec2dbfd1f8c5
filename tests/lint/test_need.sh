#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/need.sh, by which quickstart.sh and tests/run.sh tell what is missing: a compiler of
# several words is one that is there, and one that can't run is missing.
set -eu
cd "$S"
# shellcheck disable=SC2034 # read by need.sh
PROGRAM=test_need.sh NO_INSTALL=1
. examples/need.sh
gives() { # compiler, what is missing
    CC=$1 missing=''
    need_compiler
    [ "$missing" = "$2" ] || { printf 'need: CC=%s: missing <%s>, not <%s>\n' "$1" "$missing" "$2"; exit 1; }
}
real=${CC:-cc}
gives "$real" ''
gives "env $real" ''
gives '/nonexistent/cc' ' gcc libc6-dev'
gives 'env /nonexistent/cc' ' gcc libc6-dev'
said=$( (install_missing) 2>&1) && { echo 'need: it installs in spite of NO_INSTALL'; exit 1; }
[ "$said" = 'test_need.sh: missing packages (nothing was installed): gcc libc6-dev' ] || { printf 'need: %s\n' "$said"; exit 1; }
echo 'need: a compiler is found by running it'
