# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# Sourced by the scripts that need the reference environment: sets $python, or says what
# to do and exits.  Needs S, the source folder.
python=${BERT_REFERENCE_PYTHON:-$S/.reference/bin/python}
if ! "$python" -c 'import torch, transformers, sentence_transformers, onnxruntime' 2>/dev/null; then
    cat >&2 <<EOF
$(basename "$0"): no reference environment at $python
  make one:      sh tests/reference-venv.sh       (several GB, development only)
  or name one:   BERT_REFERENCE_PYTHON=/path/to/python
EOF
    exit "${NO_REFERENCE:-1}"
fi
export HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
