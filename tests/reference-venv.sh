#!/bin/sh
# SPDX-License-Identifier: MIT
# Make the reference environment (development only; several GB): sh tests/reference-venv.sh [DIR]
#
# A Python virtual environment [.reference below the source root] with the releases that
# fixtures, `make check-reference` and the rivals of `make bench` are pinned to.
# To use one made elsewhere, set BERT_REFERENCE_PYTHON to its python instead.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$root/.reference}
python3 -m venv "$dir"
"$dir/bin/pip" install \
    numpy==2.4.6 \
    onnxruntime==1.32.0 \
    protobuf==7.36.2 \
    safetensors==0.8.0 \
    scipy==1.17.1 \
    sentence-transformers==6.2.0 \
    sentencepiece==0.2.3 \
    tokenizers==0.23.3 \
    torch==2.15.0 \
    transformers==5.23.0
printf 'made %s\n' "$dir"
