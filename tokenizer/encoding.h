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
    bert_span kept[2];

    /* of the first window only, which owns all */
    bert_tokenizer *tokenizer;
    struct bert_encoding *windows; /* the further ones */
    size_t n_windows;
    void *arrays;       /* of all windows */
    char *surface_text; /* where `texts` point, vocabulary apart */
};

/* A text, or the words that it was split into. */
struct bert__input {
    const bert_text *texts;
    size_t n;   /* 1, if it is a text */
    bool words; /* offsets count from the start of each word */
};

/* The internals of bert_tokenize() and bert_count_tokens(); options are checked, `pair` may be
 * NULL, and so may `watch`, which may end it. */
bert_status bert__encode(const bert_tokenizer *tokenizer, struct bert__watch *watch,
                         const struct bert__input *text, const struct bert__input *pair,
                         const bert_tokenize_options *options, bert_encoding **out,
                         bert_error *err);
/* With buffers that the caller took. */
bert_status bert__encode_with(const bert_tokenizer *tokenizer, struct bert__token_scratch *scratch,
                              const struct bert__input *text, const struct bert__input *pair,
                              const bert_tokenize_options *options, bert_encoding **out,
                              bert_error *err);
bert_status bert__count(const bert_tokenizer *tokenizer, struct bert__watch *watch,
                        const struct bert__input *text, const struct bert__input *pair,
                        const bert_tokenize_options *options, size_t *out, bert_error *err);
/* bert_cut_text() behind its checks. */
bert_status bert__cut(const bert_tokenizer *tokenizer, bert_text text, size_t n_tokens, bool left,
                      size_t *at, bert_error *err);
void bert__encoding_free(bert_encoding *encoding);
bert_text bert__encoding_token(const bert_encoding *encoding, size_t i);

#endif
