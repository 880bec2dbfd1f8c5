/* SPDX-License-Identifier: MIT */
/*
 * token_heads.h - what makes more of tokens than a pooled vector: the modules of a ColBERT model,
 * and the two matrices that bge-m3 has beside its encoder (FlagEmbedding's BGEM3: a vector of each
 * token but the first, and a weight of each).
 */
#ifndef BERT_LIB_HEAD_TOKEN_HEADS_H
#define BERT_LIB_HEAD_TOKEN_HEADS_H

#include "lib/head/embedder.h"

/* Immutable; belongs to a model. */
struct bert__token_heads {
    struct bert__embedder *vectors; /* on tokens; NULL: there are none, */
    bert_error vectors_missing;     /* and why */
    bool skip_first;                /* the first token has none */
    struct bert__linear lexical;    /* one row; matrix NULL: none; */
    bert_error lexical_missing;     /* code BERT_OK: nothing is there of it */
    uint32_t head_width;            /* for bert__exec_options */
};

/* Those that the files have.  One that is not handled, or is a pickle, is left out, and *_missing
 * names it; a tensor of a wrong shape is BERT_EFORMAT. */
bert_status bert__token_heads_load(struct bert__token_heads *heads, struct bert__network *network,
                                   const struct bert__multi *multi,
                                   const struct bert__head_files *files, bert_error *err);
void bert__token_heads_free(struct bert__token_heads *heads, struct bert__network *network);

#endif
