#!/bin/sh
# SPDX-License-Identifier: MIT
# make bench-sqlite: how long a semantic search in SQL takes, by a flat index of ROWS texts [5000] of
# wikitext with BERT_TEST_MODEL.  VEC=PATH of sqlite-vec, without .so: its distance beside ours.
set -eu
cd "$S"
. tests/sqlite/support.sh
BERT_TEST_MODEL=${BERT_TEST_MODEL-$S/models/all-MiniLM-L6-v2}
BERT_SHARED_DATA=${BERT_SHARED_DATA-$S/../shared/data}
[ -d "$BERT_TEST_MODEL" ] || { echo 'no model: sh examples/fetch-model.sh gets it'; exit 1; }
[ -d "$BERT_SHARED_DATA" ] || BERT_SHARED_DATA=''
export BERT_TEST_MODEL BERT_SHARED_DATA PYTHONDONTWRITEBYTECODE=1
for python in "${PYTHON-python3}" /usr/bin/python3 ''; do
    [ -n "$python" ] || { echo 'no python3 whose sqlite3 loads extensions'; exit 1; }
    "$python" -c 'import sqlite3
sqlite3.connect(":memory:").enable_load_extension(True)' 2>/dev/null && break
done
"$python" tests/bench/sqlite_search.py "$extension" "${ROWS:-5000}" ${VEC:+"$VEC"}
