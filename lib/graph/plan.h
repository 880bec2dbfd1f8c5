/* SPDX-License-Identifier: MIT */
/*
 * plan.h - a network as a flat array of steps over a few buffers.
 *
 * A row of lib/arch and a config become steps once, at load; exec.c runs them in
 * order.  Buffers are [rows][width]; those that are never alive together share memory.
 */
#ifndef BERT_LIB_GRAPH_PLAN_H
#define BERT_LIB_GRAPH_PLAN_H

#include "lib/backend/backend.h"
#include "lib/base/alloc.h"

struct bert__network;
struct bert__linear;
struct bert__norm;

enum bert__buffer {
    BERT__BUFFER_HIDDEN,    /* [tokens][hidden]: between layers, and the result */
    BERT__BUFFER_MIDDLE,    /* [tokens][layer size]: between the halves of a layer */
    BERT__BUFFER_QKV,       /* [tokens][(heads + 2 key heads) * head]; with mixed attention, and the
                               values of its convolutions */
    BERT__BUFFER_CONTEXT,   /* [tokens][heads * head]: attention's output; twice that where mixed */
    BERT__BUFFER_FFN,       /* [tokens][intermediate], twice that where gated: shares memory
                               with the two above */
    BERT__BUFFER_EMBEDDING, /* [tokens][embedding size], where that isn't the hidden size: there too
                             */
    BERT__BUFFER_UNFOLDED,  /* [tokens][size * width]: what the convolution beside layer 0 sees, or
                               the embeddings' trigrams */
    BERT__BUFFER_CHOICES,   /* [tokens][heads * mix size]: what a mixed convolution's weights are of
                             */
    BERT__BUFFER_COUNT,
    BERT__BUFFER_NONE = BERT__BUFFER_COUNT
};

enum bert__step_kind {
    BERT__STEP_EMBED,
    BERT__STEP_PLACES, /* in place: positions and token types are added */
    BERT__STEP_NORM,
    BERT__STEP_LINEAR,
    BERT__STEP_GATE,   /* in place: the first half of each row becomes act(it) * the second */
    BERT__STEP_ROTATE, /* in place: queries and keys turn */
    BERT__STEP_UNFOLD,
    BERT__STEP_CONVOLVE,  /* the values' convolution is added to what attention gave */
    BERT__STEP_DEPTHWISE, /* of mixed attention: a convolution of each value by itself */
    BERT__STEP_MULTIPLY,  /* in place: the first values of each row, by the queries */
    BERT__STEP_MIX,       /* the second half of the context: convolutions by chosen weights */
    BERT__STEP_ATTENTION
};

struct bert__step {
    enum bert__step_kind kind;
    enum bert__buffer in, out, residual;
    const struct bert__linear *linear;
    const struct bert__norm *norm;
    enum bert__act act;
    uint32_t layer;
    uint32_t column; /* of norms: where they start in a row; of linear layers: where they write */
    uint32_t size;   /* of unfolding: places, and whether the last comes first */
    bool backwards;
    int32_t state; /* hidden state number that `out` holds after this step; -1: none */
};

struct bert__plan {
    struct bert__step *steps;
    uint32_t n_steps;
    uint32_t width[BERT__BUFFER_COUNT];  /* floats in a row */
    uint32_t offset[BERT__BUFFER_COUNT]; /* start, in floats per row that the session holds */
    uint32_t row_floats;                 /* of all buffers together */
};

/* The network's weights must be in place: steps point to them. */
bert_status bert__plan_build(struct bert__plan *plan, const struct bert__network *network,
                             bert_error *err);
void bert__plan_free(struct bert__plan *plan, struct bert__alloc *alloc);

#endif
