#!/bin/sh
# SPDX-License-Identifier: MIT
# What hostile texts cost each tokenizer, beside ordinary ones: see hostile.c.
#   S, B, BERT_SHARED_DATA   as for run.sh
#   VOCABULARIES             folders below tokenizers/ [one of each model]
#   MILLION                  models with a million tokens [WordPiece BPE Unigram]
set -eu
: "${S:?}" "${B:?}"
data=${BERT_SHARED_DATA:-$S/../shared/data}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unzip -p "$data/text/multilingual-web.txt.zip" | head -c 1000000 >"$tmp/mixed"
for name in ${VOCABULARIES:-bert-base-uncased roberta-base modernbert \
    paraphrase-multilingual-mpnet-base-v2 deberta-v3}; do
    file=$data/tokenizers/$name/tokenizer.json
    if [ -f "$file.gz" ]; then
        gzip -dc "$file.gz" >"$tmp/tokenizer.json"
        file=$tmp/tokenizer.json
    elif [ ! -f "$file" ]; then
        file=$data/tokenizers/$name
    fi
    printf '\n%s\n' "$name"
    "$B/out/bench-hostile" "$file" "$data/text/wikitext2-test.txt" "$tmp/mixed"
done
for model in ${MILLION-WordPiece BPE Unigram}; do
    printf '\n%s, a million tokens\n' "$model"
    LC_ALL=C awk -v model="$model" -f "$S/tests/bench/hostile_vocabulary.awk" >"$tmp/tokenizer.json"
    "$B/out/bench-hostile" "$tmp/tokenizer.json" "$data/text/wikitext2-test.txt" "$tmp/mixed"
done
