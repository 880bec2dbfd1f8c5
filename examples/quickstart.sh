#!/bin/sh
# SPDX-License-Identifier: MIT
# From nothing to a semantic search:  sh examples/quickstart.sh [OPTIONS] [QUERY...]
#
#   --no-install   don't install Debian packages; list what is missing and stop
#   --help
#
# Installs the missing packages (through sudo when not root), builds into build/, gets
# a model into models/, and looks for QUERY among the lines of examples/collection.txt.
set -eu
PROGRAM=quickstart.sh
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
NO_INSTALL=0
. examples/need.sh

while [ $# -gt 0 ]; do
    case $1 in
    --no-install) NO_INSTALL=1 ;;
    --help)
        sed -n '3,9s/^# \{0,1\}//p' "$0"
        exit 0 ;;
    --) shift; break ;;
    -*) printf '%s: unknown option %s; see --help\n' "$PROGRAM" "$1" >&2; exit 2 ;;
    *) break ;;
    esac
    shift
done
query=${*:-how can I keep my plants alive while I am on holiday?}
model=models/all-MiniLM-L6-v2
collection=examples/collection.txt

# ---- What is needed ----------------------------------------------------------
need_compiler
[ -e MANIFEST ] || need autoconf has autoconf
need libjansson-dev has_header jansson.h
[ -d "$model" ] || need python3-pip python3 -m pip --version
case $(uname -m) in
x86_64 | aarch64) ;; # own kernels
*) need libopenblas-dev has_library cblas_sgemm -lopenblas ;;
esac
install_missing

# ---- Build -------------------------------------------------------------------
run() { # what, command...: quiet unless it fails
    what=$1
    shift
    "$@" >build/quickstart.log 2>&1 || {
        tail -n 15 build/quickstart.log >&2
        die "$what failed; all of it is in build/quickstart.log"
    }
}
mkdir -p build
if [ ! -x build/bert ]; then
    printf '%s: building (build/)\n' "$PROGRAM"
fi
run autoconf make -s -f Makefile configure
[ -e build/GNUmakefile ] || run configure sh -c 'cd build && ../configure'
run make make -C build -j"$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)"
[ -x build/bert ] || die 'the bert command was not built; see build/config.log'

sh examples/fetch-model.sh "$root/$model"

# ---- Ask ---------------------------------------------------------------------
printf '\nQuery: %s\n\n' "$query"
build/bert search --model "$model" --input "$collection" --top 5 --query "$query"
cat <<END

That searched $(wc -l <"$collection" | tr -d ' ') lines by meaning.  Now with a question of your own:

    build/bert search -m $model -i $collection --top 5 --query 'my landlord keeps my money'

END
