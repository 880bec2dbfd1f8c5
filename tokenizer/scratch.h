/* SPDX-License-Identifier: MIT */
/* scratch.h - the mutable half of a tokenizer: one caller's buffers. */
#ifndef BERT_TOKENIZER_SCRATCH_H
#define BERT_TOKENIZER_SCRATCH_H

#include "lib/base/watch.h"
#include "tokenizer/pipeline.h"

/* A token whose text is not what the vocabulary says of its id. */
struct bert__surface {
    size_t token; /* index in the sequence */
    size_t at;    /* of the text in `surface_text` */
    size_t size;
};

/* All tokens of one text, or of its words. */
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
    size_t length; /* of the text, in the unit of the offsets; of words: their number */
};

/*
 * Where the ids of the ids-only path go: the first `room` of them, or the last
 * (left), of any number.
 */
struct bert__id_sink {
    int32_t *ids;
    size_t room;
    bool left;
    uint64_t n;    /* all that came */
    uint64_t stop; /* that many are enough: the rest isn't read; 0: read all */
};

/* Looks for one token of a text, and stops there. */
struct bert__token_finder {
    uint64_t wanted;  /* index */
    uint64_t n;       /* tokens that came: more than `wanted` if it is there */
    bert_span found;  /* bytes of the text */
    bert_span before; /* of the token before it */
};

struct bert__token_scratch {
    struct bert__alloc *alloc;
    struct bert__work work;
    struct bert__sequence sequences[2];
    const bert_tokenizer *reserved_for;
    struct bert__watch *watch; /* asked while a text is tokenized; NULL: none */
    char *joined;              /* prompt and text */
    size_t joined_cap;
};

size_t bert__token_scratch_bytes(const struct bert__token_scratch *scratch);

/* Buffers for one call: those that the last call left, or new ones. */
bert_status bert__tokenizer_take(const bert_tokenizer *tokenizer, struct bert__token_scratch **out,
                                 bert_error *err);
void bert__tokenizer_give(const bert_tokenizer *tokenizer, struct bert__token_scratch *scratch);

void bert__sequence_clear(struct bert__sequence *sequence);
/* Append tokens of a text: all that there is to know of them.  stop: when the sequence has so
 * many, the rest is not read; 0: read all. */
bert_status bert__tokenize_sequence(const bert_tokenizer *tokenizer,
                                    struct bert__token_scratch *scratch, bert_text text,
                                    uint64_t stop, struct bert__sequence *out, bert_error *err);
/* Or the ids alone, */
bert_status bert__tokenize_sink(const bert_tokenizer *tokenizer,
                                struct bert__token_scratch *scratch, bert_text text,
                                struct bert__id_sink *out, bert_error *err);
/* or the place of one token. */
bert_status bert__find_token(const bert_tokenizer *tokenizer, struct bert__token_scratch *scratch,
                             bert_text text, struct bert__token_finder *out, bert_error *err);

/* Offsets of tokens `from` and on from bytes of the text to code points. */
void bert__offsets_to_chars(struct bert__sequence *sequence, size_t from, bert_text text);
/* Code points of a text; an ill-formed part counts as one. */
size_t bert__count_chars(bert_text text);

#endif
