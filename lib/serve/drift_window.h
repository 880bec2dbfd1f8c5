/* SPDX-License-Identifier: MIT */
/* drift_window.h - a window of observations held against a profile. */
#ifndef BERT_LIB_SERVE_DRIFT_WINDOW_H
#define BERT_LIB_SERVE_DRIFT_WINDOW_H

#include "lib/serve/profile.h"

/* What of an observation counts; *nonfinite is 1 where its embedding does not. */
void bert__features_read(struct bert__features *f, const bert_observation *observation,
                         uint32_t dimensions, uint32_t labels, uint32_t *nonfinite);
/* Bins and kernel, by a profile that has its frame.  `vector` is looked at only if it is embedded.
 */
void bert__features_place(struct bert__features *f, const bert_profile *p, const float *vector);
/* k of two embeddings. */
float bert__kernel(const bert_profile *p, const float *a, const float *b);

/* The observations order[0 .. n - 1] of rows and vectors, the oldest first. */
struct bert__window {
    const struct bert__features *rows;
    const float *vectors;
    const uint32_t *order;
    uint32_t n;
    bool own; /* they are the profile's own: compare with its others */
};

struct bert__scratch {
    uint32_t *counts, *others; /* [n_counts] */
    double *mean, *other_mean; /* [dimensions] */
};
/* False: out of memory; then, too, bert__scratch_free(). */
bool bert__scratch_make(struct bert__scratch *s, const bert_profile *p, struct bert__alloc *alloc);
void bert__scratch_free(struct bert__scratch *s, struct bert__alloc *alloc);

struct bert__comparison {
    uint32_t known; /* bits of statistics */
    double value[BERT_DRIFT_STATISTICS];
    uint32_t means; /* bits of fields */
    double mean[BERT__FIELDS];
};
void bert__window_compare(const bert_profile *p, const struct bert__window *w,
                          struct bert__scratch *s, struct bert__comparison *out);

#endif
