#!/bin/sh
# SPDX-License-Identifier: MIT
# The SQLite extension in Python's sqlite3: extension.py.  The first of python3 and /usr/bin/python3
# whose sqlite3 loads extensions.
set -eu
cd "$S"
. tests/sqlite/support.sh
for python in "${PYTHON-python3}" /usr/bin/python3 ''; do
    [ -n "$python" ] || { echo 'skipped: no python3 whose sqlite3 loads extensions'; exit 77; }
    "$python" -c 'import sqlite3
sqlite3.connect(":memory:").enable_load_extension(True)' 2>/dev/null && break
done
[ -d "${BERT_TEST_MODEL-}" ] || BERT_TEST_MODEL=''
[ -d "${BERT_SHARED_DATA-}" ] || BERT_SHARED_DATA=''
export BERT_TEST_MODEL BERT_SHARED_DATA PYTHONDONTWRITEBYTECODE=1
LD_PRELOAD=$preload "$python" tests/sqlite/extension.py "$extension" tests/data/models
