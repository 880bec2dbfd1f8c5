#!/bin/sh
# SPDX-License-Identifier: MIT
# The documentation as a site:  sh docs/site/build.sh OUT      (make docs: OUT is out/)
# writes OUT/site/; index.html is its first page.  Warnings are errors.  Needs Doxygen, Sphinx, breathe and
# myst-parser (Debian: doxygen python3-sphinx python3-breathe python3-myst-parser), and no network.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
missing=''
command -v doxygen >/dev/null || missing="$missing doxygen"
# A python3 that was put before Debian's doesn't have its packages.
for python in "${PYTHON-python3}" /usr/bin/python3 ''; do
    [ -n "$python" ] || { missing="$missing python3-sphinx python3-breathe python3-myst-parser"; break; }
    "$python" -c 'import sphinx, breathe, myst_parser' 2>/dev/null && break
done
[ -z "$missing" ] || { echo "the site needs (Debian's names):$missing" >&2; exit 1; }
export PYTHONDONTWRITEBYTECODE=1

rm -rf "$out/site" "$out/doxygen"
"$python" "$root/docs/site/stage.py" "$root" "$out/site-source"
(cd "$root/include" && {
    cat "$root/docs/site/Doxyfile"
    printf 'OUTPUT_DIRECTORY = "%s"\nINPUT_FILTER = "%s ../docs/site/header_filter.py"\n' "$out/doxygen" "$python"
} | doxygen -)
LIBBERT_DOXYGEN=$out/doxygen/xml "$python" -m sphinx -q -W --keep-going -j auto -d "$out/doxygen/doctrees" \
    -c "$root/docs/site" "$out/site-source" "$out/site"
echo "$out/site/index.html"
