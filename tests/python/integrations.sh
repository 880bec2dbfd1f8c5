#!/bin/sh
# SPDX-License-Identifier: MIT
# The Python package inside others (development only; 1 GB): sh tests/python/integrations.sh [NAME...]
#
#   NAME   langchain, sklearn, faiss, llama_index, haystack, chroma, topics [all]
#
# The packages are their releases below, in a virtual environment of their own in INTEGRATIONS_DIR
# [build/integrations below the source root], which is made where it is missing.  What was measured
# on the way (accuracy, recall) is printed.
#
#   B                  build folder with out/libbert.so.0; or LIBBERT_LIBRARY
#   BERT_TEST_MODEL    all-MiniLM-L6-v2 [models/all-MiniLM-L6-v2]
#   BERT_SHARED_DATA   folder of large test data [../shared/data]; without it nothing is measured
set -eu
PROGRAM=integrations.sh
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
. examples/need.sh
. tests/python/pinned.sh
[ $# -gt 0 ] || set -- langchain sklearn faiss llama_index haystack chroma topics
for name in "$@"; do
    [ -e "bindings/python/tests/integrations/test_$name.py" ] ||
        die "no integration $name: langchain, sklearn, faiss, llama_index, haystack, chroma, topics"
done

dir=${INTEGRATIONS_DIR-$root/build/integrations}
wanted='langchain-core==1.8.3 langchain-tests==1.1.9 scikit-learn==1.9.1 faiss-cpu==1.15.1
    llama-index-core==0.14.25 haystack-ai==3.4.1 chromadb==1.5.9 pandas==3.1.1
    numpy==2.4.6 pytest==9.2.0 pytest-asyncio==1.5.0 pytest-timeout==2.4.0'
pinned "$dir" "$wanted"

export LIBBERT_LIBRARY="${LIBBERT_LIBRARY-${B-$root/build/tests/gcc}/out}" PYTHONDONTWRITEBYTECODE=1
export BERT_TEST_MODEL="${BERT_TEST_MODEL-$root/models/all-MiniLM-L6-v2}"
export BERT_SHARED_DATA="${BERT_SHARED_DATA-$root/../shared/data}"
here=$root/bindings/python
export PYTHONPATH="$here:$here/tests:$here/tests/integrations"
# None of them has to tell anybody that it was tried.
export HAYSTACK_TELEMETRY_ENABLED=False ANONYMIZED_TELEMETRY=False LANGSMITH_TRACING=false
BERT_TEST_INTEGRATIONS=$(mktemp)
export BERT_TEST_INTEGRATIONS
trap 'rm -f "$BERT_TEST_INTEGRATIONS"' EXIT
cd "$here"
failed=0
for name in "$@"; do
    timeout -k 10 900 "$dir/bin/python" -m pytest -q -p no:cacheprovider -W ignore -o asyncio_mode=auto \
        --timeout=800 "tests/integrations/test_$name.py" || failed=1
done
cat "$BERT_TEST_INTEGRATIONS"
exit $failed
