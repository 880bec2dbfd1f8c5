/* SPDX-License-Identifier: MIT */
/* outputs.h - the inside of bert_outputs. */
#ifndef BERT_LIB_API_OUTPUTS_H
#define BERT_LIB_API_OUTPUTS_H

#include "lib/api/session.h"

/* What one task head gave. */
struct bert__logits {
    uint32_t which;   /* bert_output bits; 0: not asked for */
    bool by_token;    /* else by sequence */
    bool averaged;    /* of the tokens' rows only their means are left */
    bool flat;        /* rows of one value, listed as a vector */
    uint32_t width;   /* of a row */
    float *values;    /* [tokens or sequences][width] */
    float *halves[2]; /* the columns of a span head: [tokens] each */
};

/* Owns an allocator of its own, so that it may outlive its session. */
struct bert_outputs {
    struct bert__alloc *alloc;
    uint32_t which;
    uint32_t n_sequences;
    uint32_t hidden, layers, heads;
    uint32_t landmarks; /* that stand in for a sequence's keys; 0: none do */
    uint32_t *offsets;
    float *last;
    float *pooler;
    float *states; /* each sequence: [layers + 1][tokens][hidden] */
    float *attentions;
    size_t *attention_at; /* start of each sequence */
    struct bert__logits logits[BERT__MAX_HEADS];
};

/* Empty, with its shapes set. */
bert_status bert__outputs_create(bert_outputs **out, const bert_session *session, uint32_t which,
                                 const uint32_t *offsets, uint32_t n_sequences, bert_error *err);

/* bert_output bits of the model's task heads. */
uint32_t bert__logits_outputs(const bert_model *model);
/* Take the memory of the heads that `outputs->which` asks for; false: there is none. */
bool bert__logits_reserve(bert_outputs *outputs, const bert_model *model);
void bert__logits_free(bert_outputs *outputs);
/* Between bert__exec_run(), which gave `hidden`, and finish; `hidden` is gone afterwards. */
bert_status bert__logits_run(bert_outputs *outputs, bert_session *session,
                             const struct bert__batch *batch, const float *hidden, bert_error *err);
/* bert_outputs_get() for one bit of a head. */
const float *bert__logits_get(const bert_outputs *outputs, uint32_t which, uint32_t sequence,
                              uint32_t shape[2], uint32_t *rank);

/* bert_forward() inside a session that was entered. */
bert_status bert__forward(bert_session *session, uint32_t outputs, const struct bert__batch *batch,
                          bert_outputs **out, bert_error *err);

#endif
