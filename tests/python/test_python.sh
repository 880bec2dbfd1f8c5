#!/bin/sh
# SPDX-License-Identifier: MIT
# The tests of the Python package (bindings/python/tests), with the library of this build.
# PYTHON names an interpreter; without it the first of python3 and /usr/bin/python3 that has numpy
# and pytest.  Skipped where there is none.
set -eu
for python in "${PYTHON-python3}" /usr/bin/python3 ''; do
    [ -n "$python" ] || { echo 'skipped: no python3 with numpy and pytest'; exit 77; }
    "$python" -c 'import numpy, pytest, sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null && break
done
preload=''
case ${CFLAGS-} in
*-fsanitize=thread*)
    echo 'skipped: Python does not go with ThreadSanitizer'
    exit 77 ;;
*-fsanitize=*address*)
    # The runtime has to come first; what Python itself keeps is no leak of ours.
    preload=$($CC -print-file-name=libasan.so)
    [ -e "$preload" ] || { echo 'skipped: no libasan.so to load into Python'; exit 77; }
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" BERT_TEST_SANITIZED=1 ;;
esac
# Nothing is written into the source folder.
export LIBBERT_LIBRARY="$B/out" PYTHONPATH="$S/bindings/python" PYTHONDONTWRITEBYTECODE=1
cd "$S/bindings/python"
LD_PRELOAD=$preload "$python" -m pytest -q -p no:cacheprovider tests
