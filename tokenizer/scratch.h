/* SPDX-License-Identifier: MIT */
/* scratch.h - the mutable half of a tokenizer: one caller's buffers. */
#ifndef BERT_TOKENIZER_SCRATCH_H
#define BERT_TOKENIZER_SCRATCH_H

#include "tokenizer/pipeline.h"

/* A token whose text is not what the vocabulary says of its id. */
struct bert__surface {
    size_t token; /* index in the sequence */
    size_t at;    /* of the text in `surface_text` */
    size_t size;
};

/* All tokens of one text. */
struct bert__sequence {
    int32_t *ids;
    bert_span *offsets;
    int32_t *words;
    size_t n;
    size_t ids_cap, offsets_cap, words_cap;
    struct bert__surface *surfaces;
    size_t n_surfaces, surfaces_cap;
    char *surface_text;
    size_t surface_used, surface_cap;
};

/*
 * Where the ids of the ids-only path go: the first `room` of them, or the last
 * (left), of any number.
 */
struct bert__id_sink {
    int32_t *ids;
    size_t room;
    bool left;
    uint64_t n; /* all that came */
};

struct bert__token_scratch {
    struct bert__alloc *alloc;
    struct bert__work work;
    struct bert__sequence sequences[2];
    const bert_tokenizer *reserved_for;
    char *joined; /* prompt and text */
    size_t joined_cap;
};

size_t bert__token_scratch_bytes(const struct bert__token_scratch *scratch);

/* Buffers for one call: those that the last call left, or new ones. */
bert_status bert__tokenizer_take(const bert_tokenizer *tokenizer, struct bert__token_scratch **out,
                                 bert_error *err);
void bert__tokenizer_give(const bert_tokenizer *tokenizer, struct bert__token_scratch *scratch);

/* Tokens of a text: all that there is to know of them, */
bert_status bert__tokenize_sequence(const bert_tokenizer *tokenizer,
                                    struct bert__token_scratch *scratch, bert_text text,
                                    struct bert__sequence *out, bert_error *err);
/* or the ids alone. */
bert_status bert__tokenize_sink(const bert_tokenizer *tokenizer,
                                struct bert__token_scratch *scratch, bert_text text,
                                struct bert__id_sink *out, bert_error *err);

/* Offsets from bytes of the text to code points. */
void bert__offsets_to_chars(struct bert__sequence *sequence, bert_text text);

#endif
