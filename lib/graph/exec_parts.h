/* SPDX-License-Identifier: MIT */
/* exec_parts.h - what the files that run a plan share. */
#ifndef BERT_LIB_GRAPH_EXEC_PARTS_H
#define BERT_LIB_GRAPH_EXEC_PARTS_H

#include "lib/graph/exec.h"

struct bert__exec {
    struct bert__alloc *alloc;
    const struct bert__network *network;
    const struct bert__backend *backend;
    struct bert__stream *stream;
    const struct bert__batch *batch; /* while one runs */
    float *memory;                   /* all buffers */
    uint32_t *firsts;                /* first token of each sequence, for the pooler */
    uint32_t *positions;             /* row of the position table of each token */
    uint32_t *places;                /* of each token in its sequence */
    float *scales;                   /* of each token's embedding; NULL: the model has none */
    size_t rows;                     /* that each buffer holds */
    size_t floats;                   /* of memory */
    uint32_t max_tokens, max_sequences;
};

static inline float *bert__exec_buffer(const struct bert__exec *x, enum bert__buffer which)
{
    if (which == BERT__BUFFER_NONE)
        return NULL;
    return x->memory + x->rows * x->network->plan.offset[which];
}

/* Steps of convolutions; see plan.h. */
bert_status bert__exec_convolve(struct bert__exec *exec, const struct bert__step *step,
                                bert_error *err);
bert_status bert__exec_multiply(struct bert__exec *exec, const struct bert__step *step,
                                bert_error *err);
bert_status bert__exec_mix(struct bert__exec *exec, const struct bert__step *step, bert_error *err);
bert_status bert__exec_unfold(struct bert__exec *exec, const struct bert__step *step,
                              bert_error *err);

#endif
