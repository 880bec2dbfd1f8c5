/* SPDX-License-Identifier: MIT */
/* embed_all.h - one call of bert_embed_all(): what its kinds of embeddings share. */
#ifndef BERT_LIB_API_EMBED_ALL_H
#define BERT_LIB_API_EMBED_ALL_H

#include "lib/api/embed.h"
#include "lib/api/task_texts.h"
#include "lib/head/vectors.h"

/* Which of the vectors are a record's. */
struct bert__vector_range {
    size_t first, count;
};

struct bert_embeddings {
    struct bert__records records; /* their items are the terms */
    uint32_t outputs;
    uint32_t width;
    float *dense; /* [n][width] */
    /* of tokens: */
    uint32_t size;  /* floats of one */
    float *vectors; /* [n_vectors][size] */
    size_t n_vectors, cap;
    struct bert__vector_range *ranges; /* [n] */
};

/* Scratch of the terms' weights. */
struct bert__terms_job {
    const struct bert__task_head *head; /* fill-mask; NULL: the lexical matrix */
    int32_t unused[4];                  /* ids that have no lexical weight; -1: none */
    uint32_t width;                     /* of row */
    uint32_t part;                      /* tokens at a time */
    uint32_t max_active;
    float *logits; /* [part][width], of the lexical matrix [part] */
    float *row;    /* [width] */
    uint32_t *best;
    float *kept; /* [max_active] */
};

/* Scratch of the tokens' vectors. */
struct bert__vectors_job {
    const struct bert__vector_rule *rule;
    bool modules_normalize, normalize; /* their Normalize; each, at the very end */
    uint32_t part;                     /* tokens at a time */
    uint32_t *places;                  /* [max_tokens] */
    float *rows, *spare;               /* [part][max_width] */
};

/* A call in progress. */
struct bert__embed_all {
    struct bert__task_run run; /* session, tokenizer and packer */
    struct bert__task_texts texts;
    struct bert__embed_request request;
    uint32_t outputs;
    bert_embeddings *out;
    float *hidden; /* [max_tokens][hidden]: heads use up what the encoder gives */
    struct bert__terms_job terms;
    struct bert__vectors_job vectors;
};

/* Of each kind: whether the model has it, scratch, one text's tokens [first, first + n) of the
 * batch into the result, and the scratch given back. */
bert_status bert__embed_terms_find(struct bert__embed_all *job, bert_error *err);
bert_status bert__embed_terms_reserve(struct bert__embed_all *job, bert_error *err);
bert_status bert__embed_terms(struct bert__embed_all *job, const struct bert__batch *batch,
                              uint32_t sequence, bert_error *err);
void bert__embed_terms_free(struct bert__embed_all *job);

bert_status bert__embed_vectors_find(struct bert__embed_all *job, uint32_t normalize, uint32_t role,
                                     bert_error *err);
bert_status bert__embed_vectors_reserve(struct bert__embed_all *job, bert_error *err);
bert_status bert__embed_vectors(struct bert__embed_all *job, const struct bert__batch *batch,
                                uint32_t sequence, bert_error *err);
void bert__embed_vectors_free(struct bert__embed_all *job);

#endif
