/* SPDX-License-Identifier: MIT */
/* bpe_path.h - inside BPE: a word's tokens without merging. */
#ifndef BERT_TOKENIZER_BPE_PATH_H
#define BERT_TOKENIZER_BPE_PATH_H

#include "tokenizer/bpe.h"

/* How merging a token's own text comes to the token.  By id. */
struct bert__bpe_made {
    int32_t left, right; /* of its last merge */
    int32_t rank;    /* of that; BERT__BPE_SYMBOL: it is one; BERT__BPE_NEVER: it comes to others */
    int32_t shorter; /* the longest other token that it begins with; -1: none */
    uint32_t size;   /* in bytes */
};

enum {
    BERT__BPE_SYMBOL = -1,
    BERT__BPE_LONGEST = 1024 /* bytes of a token that is searched for */
};

/* Build what the search needs, where it can answer for the merges at all: model->made is NULL else.
 * False: no memory. */
bool bert__bpe_path_init(struct bert__bpe *model, size_t n_merges);
void bert__bpe_path_free(struct bert__bpe *model);

/* Append the tokens of bytes [begin, end) of the piece; *found: false, with nothing appended, if a
 * character has no symbol.  False: no memory. */
bool bert__bpe_path(const struct bert__bpe *model, struct bert__work *work, uint32_t begin,
                    uint32_t end, size_t word, bool *found);

/* Are tokens a and b, side by side, what their texts merge to? */
bool bert__bpe_fit(const struct bert__bpe *model, int32_t a, int32_t b);

/* Append the first tokens of bytes [begin, end) of the piece, until there are work->wanted; *found:
 * false, with nothing appended, if the word ends before these are certain, or a character has no
 * symbol.  Some 5 times as slow as bert__bpe_path(), a byte.  False: no memory. */
bool bert__bpe_first(const struct bert__bpe *model, struct bert__work *work, uint32_t begin,
                     uint32_t end, size_t word, bool *found);

#endif
