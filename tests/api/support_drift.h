/* SPDX-License-Identifier: MIT */
/* support_drift.h - observations of a made-up world, for the tests of bert/drift.h. */
#ifndef BERT_TESTS_API_SUPPORT_DRIFT_H
#define BERT_TESTS_API_SUPPORT_DRIFT_H

#include "support.h"

enum { DRIFT_DIM = 12, DRIFT_LABELS = 4, DRIFT_WINDOW = 60 };

/* Zeros (with a scale of 1) are the world that the profile is of. */
struct drift_world {
    uint64_t random;
    float shift, scale;        /* of the embeddings, about their means */
    uint32_t label;            /* so many of 100 observations have label 0 instead */
    float confidence, unknown; /* taken off, added */
};

void drift_world_init(struct drift_world *world, uint64_t seed);
/* Observations, the embedding of each in a row of `vectors`. */
void drift_observe(struct drift_world *world, float vector[DRIFT_DIM], bert_observation *out);

/* Options of profiles here: of this world, sample of 1200, 500 replicates. */
bert_profile_options drift_profile_options(void);
/* Finished. */
bert_profile *drift_profile(const bert_profile_options *options, uint64_t seed, int n);

#endif
