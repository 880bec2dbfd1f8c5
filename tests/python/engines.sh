#!/bin/sh
# SPDX-License-Identifier: MIT
# Batches in Dask, Ray Data and Spark (development only; 2 GB): sh tests/python/engines.sh [NAME...]
#
#   NAME   dask, ray, spark [all]
#
# The engines are their releases below, in a virtual environment of their own in ENGINES_DIR
# [build/engines below the source root], which is made where it is missing; Spark needs a Java
# runtime (Debian: openjdk-17-jre-headless), which is installed if it may be.  Each has two workers,
# one of which is killed in the middle of its job; what they had of the weights in memory is printed.
#
#   B                 build folder with out/libbert.so.0; or LIBBERT_LIBRARY
#   BERT_TEST_MODEL   all-MiniLM-L6-v2 [models/all-MiniLM-L6-v2]
set -eu
PROGRAM=engines.sh
root=$(cd "$(dirname "$0")/../.." && pwd)
NO_INSTALL=${NO_INSTALL-0}
cd "$root"
. examples/need.sh
. tests/python/pinned.sh
[ $# -gt 0 ] || set -- dask ray spark
for name in "$@"; do
    [ -e "bindings/python/tests/engines/test_$name.py" ] || die "no engine $name: dask, ray, spark"
    [ "$name" != spark ] || need openjdk-17-jre-headless has java
done
install_missing

dir=${ENGINES_DIR-$root/build/engines}
wanted='dask[dataframe]==2026.8.0 distributed==2026.8.0 ray[data]==2.60.0 pyspark==4.3.0 pandas==3.1.1
    pyarrow==26.0.1 numpy==2.4.6 pytest==9.2.0 pytest-timeout==2.4.0'
pinned "$dir" "$wanted"

export LIBBERT_LIBRARY="${LIBBERT_LIBRARY-${B-$root/build/tests/gcc}/out}" PYTHONDONTWRITEBYTECODE=1
export BERT_TEST_MODEL="${BERT_TEST_MODEL-$root/models/all-MiniLM-L6-v2}"
here=$root/bindings/python
# Workers import the package and the tests' own modules.
export PYTHONPATH="$here:$here/tests:$here/tests/engines" RAY_USAGE_STATS_ENABLED=0
BERT_TEST_ENGINES=$(mktemp)
export BERT_TEST_ENGINES
trap 'rm -f "$BERT_TEST_ENGINES"' EXIT
cd "$here"
failed=0
for name in "$@"; do
    timeout -k 10 400 "$dir/bin/python" -m pytest -q -p no:cacheprovider -p no:logging -W ignore \
        --show-capture=no --timeout=180 "tests/engines/test_$name.py" || failed=1
done
cat "$BERT_TEST_ENGINES"
exit $failed
