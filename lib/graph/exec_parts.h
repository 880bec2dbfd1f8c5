/* SPDX-License-Identifier: MIT */
/* exec_parts.h - what the files that run a plan share. */
#ifndef BERT_LIB_GRAPH_EXEC_PARTS_H
#define BERT_LIB_GRAPH_EXEC_PARTS_H

#include "lib/graph/exec.h"

struct bert__exec_room {
    size_t hidden;    /* floats of the hidden states, which lie first; and */
    size_t wave_rows; /* of every other buffer: of a batch, as small as they can be */
    size_t floats;    /* that there are */
};

struct bert__exec {
    struct bert__alloc *alloc;
    const struct bert__network *network;
    const struct bert__backend *backend;
    struct bert__stream *stream;
    const struct bert__batch *batch;      /* the wave that runs; after the run all of it */
    uint32_t first_sequence, first_token; /* of the wave in the whole batch */
    uint32_t *offsets;                    /* of the wave */
    float *memory;                        /* all buffers */
    uint32_t *firsts;                     /* first token of each sequence, for the pooler */
    uint32_t *positions;                  /* row of the position table of each token */
    uint32_t *places;                     /* of each token in its sequence */
    float *scales;                        /* of each token's embedding; NULL: the model has none */
    struct bert__exec_room room;
    uint32_t max_tokens, max_sequences, wave_tokens;
};

/* The first row of the wave. */
static inline float *bert__exec_buffer(const struct bert__exec *x, enum bert__buffer which)
{
    size_t hidden = x->network->config->hidden_size;

    if (which == BERT__BUFFER_NONE)
        return NULL;
    if (which == BERT__BUFFER_HIDDEN)
        return x->memory + x->first_token * hidden;
    return x->memory + x->room.hidden
           + x->room.wave_rows * (x->network->plan.offset[which] - hidden);
}

/* Who may end the steps from here on; NULL: nobody. */
void bert__exec_watch(struct bert__exec *exec, struct bert__watch *watch);

/* Steps of convolutions; see plan.h. */
bert_status bert__exec_convolve(struct bert__exec *exec, const struct bert__step *step,
                                bert_error *err);
bert_status bert__exec_multiply(struct bert__exec *exec, const struct bert__step *step,
                                bert_error *err);
bert_status bert__exec_mix(struct bert__exec *exec, const struct bert__step *step, bert_error *err);
bert_status bert__exec_unfold(struct bert__exec *exec, const struct bert__step *step,
                              bert_error *err);

#endif
