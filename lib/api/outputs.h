/* SPDX-License-Identifier: MIT */
/* outputs.h - the inside of bert_outputs. */
#ifndef BERT_LIB_API_OUTPUTS_H
#define BERT_LIB_API_OUTPUTS_H

#include "lib/api/session.h"

/* Owns an allocator of its own, so that it may outlive its session. */
struct bert_outputs {
    struct bert__alloc *alloc;
    uint32_t which;
    uint32_t n_sequences;
    uint32_t hidden, layers, heads;
    uint32_t *offsets;
    float *last;
    float *pooler;
    float *states; /* each sequence: [layers + 1][tokens][hidden] */
    float *attentions;
    size_t *attention_at; /* start of each sequence */
};

/* Empty, with its shapes set. */
bert_status bert__outputs_create(bert_outputs **out, const bert_session *session, uint32_t which,
                                 const uint32_t *offsets, uint32_t n_sequences, bert_error *err);

/* bert_forward() inside a session that was entered. */
bert_status bert__forward(bert_session *session, uint32_t outputs, const struct bert__batch *batch,
                          bert_outputs **out, bert_error *err);

#endif
