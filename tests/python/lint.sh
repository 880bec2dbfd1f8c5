#!/bin/sh
# SPDX-License-Identifier: MIT
# Types and style of the Python package and of what makes the documentation: sh tests/python/lint.sh [DIR]
#
# mypy --strict and ruff of the releases below, from a virtual environment in DIR
# [build/python-lint below the source root], which is made where it is missing.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
dir=${1:-$root/build/python-lint}
wanted='mypy==2.4.1 ruff==0.17.6 numpy==2.4.6 pytest==9.2.0'
if [ "$(cat "$dir/wanted" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$dir"
    "${PYTHON-python3}" -m venv "$dir"
    # shellcheck disable=SC2086 # a list of words
    "$dir/bin/pip" -q --disable-pip-version-check install $wanted
    printf '%s\n' "$wanted" >"$dir/wanted"
fi
cd "$root/bindings/python"
"$dir/bin/ruff" check --no-cache .
"$dir/bin/ruff" check --no-cache --config pyproject.toml ../../examples/python
"$dir/bin/ruff" check --no-cache --config pyproject.toml ../../docs/man/generator ../../docs/site ../../tests/docs
"$dir/bin/mypy" --strict --cache-dir="$dir/mypy" libbert tools tests ../../examples/python
for folder in docs/man/generator docs/site tests/docs; do
    cd "$root/$folder"
    MYPYPATH=$root/docs/man/generator "$dir/bin/mypy" --strict --cache-dir="$dir/mypy" ./*.py
done
