#!/bin/sh
# SPDX-License-Identifier: MIT
# Every snippet of README.md, docs/ and docs/guide/ is compiled and run, and prints what its page says
# (docs/writing.md).  Needs python3; without the model programs are compiled only.
set -eu
command -v python3 >/dev/null || { echo 'skipped: no python3'; exit 77; }
python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' || { echo 'skipped: python3 is older than 3.9'; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PYTHONDONTWRITEBYTECODE=1
python3 "$S/tests/docs/check_rules.py" "$S" "$B" "$tmp/rules"
python3 "$S/tests/docs/run_snippets.py" "$S" "$B" "$tmp/pages"
