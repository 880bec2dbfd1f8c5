#!/bin/sh
# SPDX-License-Identifier: MIT
# `make check-tokenizers`: libbert's tokenizers against the reference on millions of texts.
#   S, B               source and build folder
#   BERT_SHARED_DATA   folder with text/ and tokenizers/ [../shared/data]
#   SECTIONS           some of: added bytes codepoints decode lines long options stream
#                      tables vocab wordpiece [all; half an hour]
set -eu
: "${S:?}" "${B:?}"
. "$S/tests/reference.sh"
data=${BERT_SHARED_DATA:-$S/../shared/data}
[ -d "$data/tokenizers" ] || { printf '%s: no %s/tokenizers\n' "$0" "$data" >&2; exit 1; }
# shellcheck disable=SC2086 # one word per section
RUST_BACKTRACE=0 "$python" "$S/tests/parity/tokenizers_check.py" "$B/out/libbert.so" "$data" \
    ${SECTIONS-}
