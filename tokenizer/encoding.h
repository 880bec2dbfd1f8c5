/* SPDX-License-Identifier: MIT */
/* encoding.h - what bert_tokenize() gives. */
#ifndef BERT_TOKENIZER_ENCODING_H
#define BERT_TOKENIZER_ENCODING_H

#include "tokenizer/scratch.h"

struct bert_encoding {
    size_t n;
    int32_t *ids;
    int32_t *type_ids;
    bert_span *offsets;
    uint8_t *special_mask;
    uint8_t *attention_mask;
    int32_t *word_ids;
    int8_t *sequence_ids;
    bert_text *texts; /* NULL: each token is spelt as the vocabulary spells its id */
    size_t truncated;

    /* of the first window only, which owns all */
    bert_tokenizer *tokenizer;
    struct bert_encoding *windows; /* the further ones */
    size_t n_windows;
    void *arrays;       /* of all windows */
    char *surface_text; /* where `texts` point, vocabulary apart */
};

/* The internals of bert_tokenize() and bert_count_tokens(); options are checked. */
bert_status bert__encode(const bert_tokenizer *tokenizer, bert_text text, const bert_text *pair,
                         const bert_tokenize_options *options, bert_encoding **out,
                         bert_error *err);
bert_status bert__count(const bert_tokenizer *tokenizer, bert_text text, const bert_text *pair,
                        const bert_tokenize_options *options, size_t *out, bert_error *err);
void bert__encoding_free(bert_encoding *encoding);
bert_text bert__encoding_token(const bert_encoding *encoding, size_t i);

#endif
