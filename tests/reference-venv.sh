#!/bin/sh
# SPDX-License-Identifier: MIT
# Make the reference environment (development only; several GB): sh tests/reference-venv.sh [DIR]
#
# A Python virtual environment [.reference below the source root] with the releases that
# fixtures, `make check-reference` and the rivals of `make bench` are pinned to.
# llama.cpp has to be built, and is left out unless you `pip install llama-cpp-python` too.
# To use one made elsewhere, set BERT_REFERENCE_PYTHON to its python instead.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$root/.reference}
python3 -m venv "$dir"
"$dir/bin/pip" install \
    nncf==3.4.0 \
    numpy==2.4.6 \
    onnxruntime==1.32.0 \
    openvino==2026.4.1 \
    protobuf==7.36.2 \
    safetensors==0.8.0 \
    scipy==1.17.1 \
    sentence-transformers==6.2.0 \
    sentencepiece==0.2.3 \
    tokenizers==0.23.3 \
    torch==2.15.0 \
    transformers==5.23.0
# Version 5 has no question answering: version 4 on the same packages, for
# tests/parity/answer_reference.py.
python3 -m venv "$dir/transformers4"
packages=$("$dir/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$packages" >"$("$dir/transformers4/bin/python" -c \
    'import sysconfig; print(sysconfig.get_path("purelib"))')/reference.pth"
"$dir/transformers4/bin/pip" install transformers==4.57.6
printf 'made %s\n' "$dir"
