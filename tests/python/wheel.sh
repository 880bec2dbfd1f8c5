#!/bin/sh
# SPDX-License-Identifier: MIT
# What `make wheel` and `make sdist` give:  sh tests/python/wheel.sh BUILD [--sdist]
#
# BUILD is a finished build folder.  The wheel goes into a fresh environment and answers there; of
# the sdist the list of files is looked at, and whether its C sources configure.  --sdist: it is
# built, in a clean folder, and has to answer too.
set -eu
S=$(cd "$(dirname "$0")/../.." && pwd)
B=$(cd "${1:?build folder}" && pwd)
full=${2-}
export BERT_TEST_MODEL="${BERT_TEST_MODEL-$S/models/all-MiniLM-L6-v2}"
say() { printf '== wheel: %s\n' "$*"; }
die() { printf 'wheel.sh: %s\n' "$*" >&2; exit 1; }
unset MAKEFLAGS MFLAGS MAKELEVEL PYTHONPATH PYTHONHOME LIBBERT_LIBRARY LIBBERT_BUILD BERT_CPU LD_LIBRARY_PATH
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tools=$B/out/wheel-tools

# fresh NAME WHAT...: an environment that has WHAT and what that requires
fresh() {
    environment=$tmp/$1
    shift
    "$tools/bin/python" -m venv --without-pip "$environment"
    "$tools/bin/pip" -q --disable-pip-version-check --python "$environment/bin/python" install "$@"
}

# answers ENVIRONMENT: the three lines, the command, what an import costs, all parts from there
answers() {
    mkdir -p "$tmp/empty"
    cd "$tmp/empty"
    want=$("$B/bert" similarity -m "$BERT_TEST_MODEL" 'a cat lies on a mat' 'a kitten sleeps on the rug')
    env=$1
    "$env/bin/python" "$S/tests/python/wheel_answers.py" "${want%% *}" || die 'no answer'
    "$env/bin/python" "$S/tests/python/wheel_import.py" || die 'import libbert costs too much'
    [ "$("$env/bin/python" -m libbert --version)" = "$("$B/bert" --version)" ] || die 'python -m libbert'
    "$env/bin/libbert" info -m "$BERT_TEST_MODEL" | grep -q '^hidden_size  *384$' || die 'libbert info'
}

say "make wheel sdist"
"${MAKE-make}" -s -C "$B" wheel sdist
wheel=$(ls "$B"/out/wheel/libbert-*.whl)
sdist=$(ls "$B"/out/wheel/libbert-*.tar.gz)
case $wheel in *-py3-none-manylinux_*_"$(uname -m)".whl) ;; *) die "the tag of $wheel" ;; esac
"$tools/bin/python" "$S/tests/python/wheel_files.py" "$wheel" "$sdist"

say 'the wheel in a fresh environment'
fresh wheel "$wheel"
answers "$tmp/wheel"
packages=$(cd "$tmp"/wheel/lib/python3*/site-packages && pwd)
for part in bin/bert lib/libbert.so.0 lib/bert/libbert-blas.so; do
    ldd "$packages/libbert/_native/$part" >"$tmp/linked"
    ! grep 'not found' "$tmp/linked" || die "$part lacks a library"
    outside=$(awk '$2 == "=>" && index($3, p) != 1 { print $1 }' p="$packages/" "$tmp/linked" |
        grep -vE '^(libc|libm|libdl|libpthread|libgcc_s|librt)\.so' || :)
    [ -z "$outside" ] || die "$part needs of the system: $outside"
done

say 'an editable install of a checkout with a build'
checkout=$tmp/checkout
mkdir -p "$checkout/bindings"
cp -RL "$S/include" "$checkout/"
cp -RL "$S/bindings/python" "$checkout/bindings/"
ln -s "$B" "$checkout/build"
(cd "$checkout/bindings/python" && "$tools/bin/python" -c 'import sys
from setuptools.build_meta import build_editable
build_editable(sys.argv[1])' "$tmp/editable-wheel" >"$tmp/log" 2>&1) || { cat "$tmp/log" >&2; die 'build_editable()'; }
fresh editable "$tmp"/editable-wheel/*.whl
found=$(cd "$tmp/empty" && "$tmp/editable/bin/python" -c 'import libbert
print(libbert.__file__, libbert.version(), *(p for p in open("/proc/self/maps") if "/out/libbert.so" in p))')
case $found in
"$checkout/bindings/python/libbert/__init__.py"*" $B/out/libbert.so"*) ;;
*) die "an editable install takes: $found" ;;
esac
[ "$(cd "$tmp/empty" && "$tmp/editable/bin/libbert" --version)" = "$("$B/bert" --version)" ] ||
    die 'the command of an editable install'

say 'the C sources in the sdist'
mkdir "$tmp/a b"
tar xzf "$sdist" -C "$tmp/a b"
chmod -R a-w "$tmp/a b"
mkdir "$tmp/configured"
(cd "$tmp/configured" && sh "$tmp/a b"/libbert-*/csrc/configure -q && "${MAKE-make}" -n python-parts >"$tmp/log") ||
    die 'the sdist lacks something'
chmod -R u+w "$tmp/a b"
if [ "$full" = --sdist ]; then
    say 'the sdist, built'
    "$tools/bin/pip" -q --disable-pip-version-check wheel --no-build-isolation --no-deps -w "$tmp/built" "$sdist"
    fresh sdist "$tmp"/built/*.whl
    answers "$tmp/sdist"
fi
say "passed: $(basename "$wheel") ($(($(wc -c <"$wheel") / 1000000)) MB), $(basename "$sdist") ($(($(wc -c <"$sdist") / 1000)) kB)"
