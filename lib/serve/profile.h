/* SPDX-License-Identifier: MIT */
/*
 * profile.h - what the parts of a profile share (bert/drift.h has the method).
 *
 * While observations come in, a bounded sample of them (a reservoir) and moments of all.  Finishing
 * shuffles the sample and parts it in two: of the first third, the frame, come principal
 * directions, edges of bins and the rows that MMD compares with; of the rest, the base, the
 * histograms and the windows by which thresholds are found.
 */
#ifndef BERT_LIB_SERVE_PROFILE_H
#define BERT_LIB_SERVE_PROFILE_H

#include <bert/drift.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/base/alloc.h"
#include "lib/serve/drift_math.h"

#define BERT__PROFILE_FORMAT "bert-profile"
enum {
    BERT__PROFILE_VERSION = 1,
    BERT__DIMENSIONS_MOST = 8192,
    BERT__LABELS_MOST = 4096,
    BERT__WINDOW_LEAST = 20,
    BERT__WINDOW_MOST = 16384,
    BERT__SAMPLE_MOST = 1 << 20,
    BERT__SAMPLE_WINDOWS = 6, /* windows that the sample holds at least */
    BERT__REPLICATES_LEAST = 200,
    BERT__REPLICATES_MOST = 100000,
    BERT__MODEL_BYTES = 255,

    BERT__FIELDS = 6, /* in the order of bert_observed */
    BERT__DIRECTIONS_MOST = 16,
    BERT__BINNED = BERT__FIELDS + BERT__DIRECTIONS_MOST,
    BERT__QUANTILES = 16,
    BERT__EDGES_MOST = BERT__QUANTILES + 1,
    BERT__NO_BIN = UINT16_MAX,
    BERT__KERNEL_ROWS = 64,
    BERT__PAIRS = 8,      /* how far apart the pairs of a window are at most */
    BERT__TAIL_PARTS = 5, /* the largest fifth of the replicates is kept */
};

/* Index of a field: its bit in bert_observed. */
enum { BERT__SCORE, BERT__CONFIDENCE, BERT__ENTROPY, BERT__LABEL, BERT__TOKENS, BERT__UNKNOWN };

/* One observation as windows compare it. */
struct bert__features {
    uint32_t has; /* of bert_observed */
    bool embedded;
    float values[BERT__FIELDS];  /* unknown: a share */
    uint16_t bins[BERT__BINNED]; /* BERT__NO_BIN: it has no such value */
    float kernel;                /* mean k(x, y) */
    float pairs[BERT__PAIRS];    /* k with the first, second, ... before it; -1: one has none */
};

struct bert__bins {
    uint32_t n_edges; /* of labels 0 */
    uint32_t n_bins;  /* 0: there is nothing to compare with */
    uint32_t first;   /* of its bins in bert_profile.counts */
    uint32_t n;       /* observations in it */
    float edges[BERT__EDGES_MOST];
};

struct bert_profile {
    struct bert__alloc *alloc;
    atomic_uint references;
    bool finished;
    uint32_t dimensions, labels, window, sample, directions, replicates;
    uint64_t seed;
    char *model;

    uint64_t observed, embedded, nonfinite;
    uint64_t counted[BERT__FIELDS]; /* observations with each field */
    double sums[BERT__FIELDS];

    /* Until it is finished. */
    double *mean, *squares; /* by Welford's recurrence */
    struct bert__features *rows;
    float *vectors; /* [sample][dimensions] */
    uint32_t n_rows;
    bool shuffled;
    struct bert__random random;

    /* From then on.  Floats, so that what is read back is the same. */
    float means[BERT__FIELDS];
    float *vector_mean, *vector_variance;
    float *axes;        /* [directions][dimensions]; directions may be 0 */
    float *kernel_rows; /* [n_kernel][dimensions] */
    uint32_t n_kernel;
    float gamma, self; /* k(x, y) = exp(-gamma |x - y|^2); mean k(y, y') */
    uint32_t n_base, n_base_embedded;
    struct bert__bins histograms[BERT__BINNED];
    uint32_t *counts, n_counts;
    uint32_t known; /* statistics that have thresholds */
    float middle[BERT_DRIFT_STATISTICS], spread[BERT_DRIFT_STATISTICS];
    float *tail; /* the largest z of windows, descending */
    uint32_t n_tail;
};

/* Options are whole and within their ranges. */
bert_status bert__profile_create(bert_profile **out, const bert_profile_options *options,
                                 bert_error *err);
bert_status bert__profile_add(bert_profile *p, const bert_observation *observation,
                              bert_error *err);
bert_status bert__profile_finish(bert_profile *p, bert_error *err);
bert_status bert__profile_save(const bert_profile *p, const char *path, bert_error *err);
bert_status bert__profile_load(bert_profile **out, const char *path,
                               const bert_allocator *allocator, uint64_t max_bytes,
                               bert_error *err);
bert_profile *bert__profile_ref(bert_profile *p);
void bert__profile_unref(bert_profile *p);

/* An empty one with its model's name; the rest is zeros. */
bert_profile *bert__profile_new(const bert_allocator *allocator, uint64_t max_bytes,
                                bert_text model, bert_status *status, bert_error *err);
/* Places in `counts` for the bins of all histograms, and the block; false: out of memory. */
bool bert__profile_place_counts(bert_profile *p);
uint32_t bert__profile_tail_size(uint32_t replicates);
/* "score", ...: names of the fields, in the file too. */
const char *bert__field_name(uint32_t field);

/* profile_fit.c, profile_axes.c, profile_thresholds.c: the steps of finishing. */
bert_status bert__profile_fit(bert_profile *p, uint32_t n_frame, bert_error *err);
/*
 * The first k principal axes of n rows about `centre`, into out [k][dim], each of length 1 (0 where
 * there is nothing left), its largest number positive.  `scratch` holds 2 * dim.
 */
void bert__principal_axes(const float *const *rows, size_t n, size_t dim, const double *centre,
                          uint32_t k, struct bert__random *random, double *scratch, float *out);
bert_status bert__profile_thresholds(bert_profile *p, uint32_t n_frame, bert_error *err);

#endif
