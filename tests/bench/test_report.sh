#!/bin/sh
# SPDX-License-Identifier: MIT
# What the results of `make bench` become: tables in a page, and a chart that is XML.
set -eu
: "${S:?}"
python=${BERT_REFERENCE_PYTHON:-$(command -v python3 || true)}
[ -n "$python" ] && "$python" -c '' 2>/dev/null || { echo 'no python3'; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PYTHONDONTWRITEBYTECODE=1
cat >"$tmp/make.py" <<'EOF'
import json, sys
sys.path.insert(0, sys.argv[1])
import report
def contender(label, ms):
    return {"name": label + " 1", "label": label, "ms": ms, "turns": [ms], "disturbed": 0}
cells = []
for precision, mine in (("fp32", [contender("libbert", 2.0)]), ("int8", [])):
    cell = {"precision": precision, "model": "base", "batch": 1, "length": 16, "gflop": 2.73,
            "contenders": mine + [contender("openvino", 3.0), contender("a<b", 40.0)],
            "peak": 400.0, "compute_ms": 1.0, "weights_ms": 0.5}
    report.judge(cell)
    cells.append(cell)
machine = {"cpu": "CPU & co", "processors": 2, "system": "S", "threads": 2, "rounds": 9,
           "peaks": {"fp32": {"fma": 400.0}}, "reading_gb_s": {"64 KiB": 300.0}, "started": "now"}
json.dump({"machine": machine, "cells": cells, "text": [], "ragged": [], "busy": [],
           "scaling": [], "missing": ["libbert int8: why"]}, open(sys.argv[2], "w"))
EOF
"$python" "$tmp/make.py" "$S/tests/bench" "$tmp/results.json"
printf 'before\n<!-- bench -->\nold\n<!-- end of bench -->\nafter\n' >"$tmp/page.md"
bad=0
is() { # what, expected, found
    [ "$2" = "$3" ] || { printf '%s: %s, not %s\n' "$1" "$3" "$2"; bad=1; }
}
"$python" "$S/tests/bench/report.py" "$tmp/results.json" "$tmp/page.md"
"$python" "$S/tests/bench/report.py" "$tmp/results.json" "$tmp/page.md" # a second time as well
is 'old text' 0 "$(grep -c '^old$' "$tmp/page.md" || :)"
is 'frame' 4 "$(grep -c -e '^before$' -e '^after$' -e 'bench -->' "$tmp/page.md")"
is 'a cell' 1 "$(grep -c '^| BERT-base | 1 x 16 | 2.00 | 3.00 | 40.00 | 1.50 | 1.5 | 341 % |$' "$tmp/page.md")"
is 'not offered' 1 "$(grep -c '^| BERT-base | 1 x 16 | 3.00 | 40.00 | - | 1.3 | - |$' "$tmp/page.md")"
is 'left out' 1 "$(grep -c '^Left out: libbert int8: why.$' "$tmp/page.md")"
printf 'no place\n' >"$tmp/other.md"
rc=0
"$python" "$S/tests/bench/report.py" "$tmp/results.json" "$tmp/other.md" 2>/dev/null || rc=$?
is 'a page without a place' '1 no place' "$rc $(cat "$tmp/other.md")"
"$python" "$S/tests/bench/chart.py" "$tmp/results.json" "$tmp/chart.svg"
is 'chart' '5 bars' "$("$python" -c 'import sys, xml.etree.ElementTree as e
print(sum(x.get("fill-opacity") is not None for x in e.parse(sys.argv[1]).iter()), "bars")' "$tmp/chart.svg")"
exit $bad
