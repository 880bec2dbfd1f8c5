/* SPDX-License-Identifier: MIT */
/**
 * @file bert/drift.h
 * Is what comes in still what the model was chosen for?  A profile says what embeddings, scores,
 * labels and lengths were like for a corpus; a detector holds the last texts, a window of them,
 * against it, and calls back when they are no longer alike.  Texts are never kept.
 *
 * What is compared, for a window of W observations:
 *  - PSI, the population stability index sum((p - q) ln(p / q)) over the bins of a histogram, with
 *    p = (count + 1/2) / (n + bins/2) of the window and q the same of the profile: symmetric
 *    (Jeffreys), 0 for equal shares.  Histograms: score, confidence, entropy, label, tokens, share
 *    of unknown tokens, and of embeddings their projections on the profile's principal directions,
 *    of which the largest PSI counts.  Bins are the 16-quantiles of the profile's own values, and
 *    what is below or above all of them.
 *  - KS, the largest difference of the two cumulative distributions, at the ends of those bins
 *    (Kolmogorov and Smirnov); of labels, which have no order, half of sum(|p - q|), the largest
 *    difference over all sets of labels.  Of projections again the largest.
 *  - COSINE, 1 - cosine of the means of the embeddings.
 *  - MMD, the squared maximum mean discrepancy (Gretton et al., "A kernel two-sample test", 2012)
 *    with the kernel exp(-|x - y|^2 / (2 s^2)), s the median distance of the profile's sample:
 *    mean k(y, y') + mean k(x, x') - 2 mean k(x, y), unbiased; k(x, x') is averaged over pairs at
 *    most 8 observations apart (an incomplete U-statistic), the others over all pairs with the
 *    sample, of 64 embeddings at most.
 *
 * Thresholds are not rules of thumb.  bert_profile_finish() draws windows out of the profile's own
 * observations, compares each with the rest, and so knows how far each statistic strays by chance:
 * z = (value - median) / (95 % quantile - median).  The largest z of a window, over all statistics
 * at once, decides: a quantile of that keeps the share of windows on which anything at all fires
 * (Westfall and Young, "Resampling-based multiple testing", 1993).  Directions, bins and the
 * sample for MMD come from a third of the observations, from which no window is drawn, so that a
 * window of the profile and one to come differ from them alike.
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 *
 * static float next(uint32_t *state)
 * {
 *     *state = *state * 1664525u + 1013904223u;
 *     return (float)(*state >> 8) / 16777216.0f;
 * }
 *
 * int main(void)
 * {
 *     bert_profile_options po = BERT_PROFILE_OPTIONS_INIT;
 *     bert_observation seen = BERT_OBSERVATION_INIT;
 *     bert_drift_values values = BERT_DRIFT_VALUES_INIT;
 *     bert_profile *profile = NULL;
 *     bert_drift *drift = NULL;
 *     uint32_t state = 1;
 *     bert_error err;
 *     int i;
 *
 *     po.window = 50;
 *     seen.has = BERT_OBSERVED_CONFIDENCE;
 *     if (bert_profile_create(&profile, &po, &err) != BERT_OK)
 *         goto failed;
 *     for (i = 0; i < 1000; i++) {
 *         seen.confidence = 1 - next(&state) / 2;
 *         if (bert_profile_add(profile, &seen, &err) != BERT_OK)
 *             goto failed;
 *     }
 *     if (bert_profile_finish(profile, &err) != BERT_OK
 *         || bert_drift_create(&drift, profile, NULL, &err) != BERT_OK)
 *         goto failed;
 *     for (i = 0; i < 50; i++) {
 *         seen.confidence = next(&state);
 *         bert_drift_add(drift, &seen, NULL);
 *     }
 *     bert_drift_get(drift, &values, NULL);
 *     for (i = 0; i < BERT_DRIFT_STATISTICS; i++)
 *         if (values.fired & 1u << i)
 *             printf("%s %.3f > %.3f\n", bert_drift_name((uint32_t)i), values.value[i],
 *                    values.threshold[i]);
 *     bert_drift_destroy(drift);
 *     bert_profile_unref(profile);
 *     return 0;
 * failed:
 *     fprintf(stderr, "%s\n", err.message);
 *     bert_profile_unref(profile);
 *     return 1;
 * }
 * @endcode
 */
#ifndef BERT_DRIFT_H
#define BERT_DRIFT_H

#include <bert/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What is observed ------------------------------------------------------ */

/** What an observation has, beside an embedding; bits to be or-ed. */
typedef enum bert_observed {
    BERT_OBSERVED_SCORE = 1 << 0,
    BERT_OBSERVED_CONFIDENCE = 1 << 1,
    BERT_OBSERVED_ENTROPY = 1 << 2,
    BERT_OBSERVED_LABEL = 1 << 3,
    BERT_OBSERVED_TOKENS = 1 << 4,
    BERT_OBSERVED_UNKNOWN = 1 << 5 /**< counts only with TOKENS, and above 0 of them */
} bert_observed;

/** One answered text. */
typedef struct bert_observation {
    size_t size;
    const float *embedding; /**< [dimensions of the profile]; NULL: none.  One with a number that is
                                 NaN, infinite or beyond 1e15 is counted, and is none */
    uint32_t has;           /**< of bert_observed: which of the following count; such a number
                                 never does */
    uint32_t label;         /**< below the profile's labels; larger ones are all alike */
    float score;            /**< of a ranking, a similarity, ...: what the host likes to follow */
    float confidence;       /**< such as the probability of the best label */
    float entropy;          /**< of the labels' probabilities */
    uint32_t tokens;        /**< of the text */
    uint32_t unknown;       /**< of these, that the vocabulary doesn't have */
    uint32_t reserved;      /**< 0 */
} bert_observation;
#define BERT_OBSERVATION_INIT                                                                      \
    {                                                                                              \
        sizeof(bert_observation), NULL, 0, 0, 0, 0, 0, 0, 0, 0                                     \
    }

/* ---- The profile ------------------------------------------------------------- */

/** Options of bert_profile_create(). */
typedef struct bert_profile_options {
    size_t size;
    uint32_t dimensions; /**< of an embedding, at most 8192; 0: there are none */
    uint32_t labels;     /**< at most 4096; 0: there are none */
    uint32_t window;     /**< W, for which thresholds are worked out: 20 to 16384; 0: 200 */
    uint32_t sample;     /**< observations that are kept, drawn from all (a reservoir): at least
                              6 W, at most 2^20; 0: 4096, or 6 W if that is more */
    uint32_t directions; /**< principal ones, at most 16 and not above dimensions; 0: 8 */
    uint32_t replicates; /**< windows that are drawn for the thresholds: 200 to 100000; 0: 4000 */
    uint64_t seed;       /**< of all that is drawn: equal seeds and observations, equal profiles */
    const char *model;   /**< whose answers these are: a name or digest, at most 255 bytes of UTF-8;
                              copied; NULL: "" */
    const bert_allocator *allocator; /**< copied; NULL: malloc */
    uint64_t max_bytes;              /**< limit on all memory of the profile; 0: none */
} bert_profile_options;
#define BERT_PROFILE_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(bert_profile_options), 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0                           \
    }

/** Shared by reference count; never changes once it is finished. */
typedef struct bert_profile bert_profile;

/**
 * A profile of nothing yet, with the memory that its observations will take: 4 bytes x sample x
 * (dimensions + 28), in the main.
 * @return BERT_OK; BERT_EINVAL, an option is out of its range; BERT_ENOMEM; BERT_ELIMIT.
 * Since 0.1.
 */
BERT_API bert_status bert_profile_create(bert_profile **out, const bert_profile_options *options,
                                         bert_error *err);

/**
 * Take one observation in.  Allocates nothing.  One caller at a time.
 * @return BERT_OK; BERT_EINVAL, a NULL argument, an embedding where the profile has no dimensions,
 *         or the profile is finished.
 * Since 0.1.
 */
BERT_API bert_status bert_profile_add(bert_profile *profile, const bert_observation *observation,
                                      bert_error *err);

/**
 * Work out directions, histograms and thresholds; from then on the profile can be saved and used,
 * by any number of threads.  Takes a second or so; the observations' memory is freed.
 * @return BERT_OK; BERT_EINVAL, it is finished, or there are less than 6 W observations;
 *         BERT_ENOMEM, BERT_ELIMIT: it can be tried again.
 * Since 0.1.
 */
BERT_API bert_status bert_profile_finish(bert_profile *profile, bert_error *err);

/**
 * Write a finished profile as JSON, whole or not at all.  No text is in it, but up to 64
 * embeddings are, from which much of a text can be guessed.
 * @return BERT_OK; BERT_EINVAL, it isn't finished; BERT_EIO; BERT_ENOMEM; BERT_ELIMIT.
 * Since 0.1.
 */
BERT_API bert_status bert_profile_save(const bert_profile *profile, const char *path,
                                       bert_error *err);

/**
 * Read a profile that bert_profile_save() wrote: what comes back is finished and the same to the
 * bit.
 * @param allocator  Copied; NULL: malloc.
 * @param max_bytes  Limit on all memory of the profile, 64 MB of file at most; 0: none.
 * @return BERT_OK; BERT_EIO; BERT_EFORMAT, the message names the file and the field;
 *         BERT_EUNSUPPORTED, its version; BERT_ENOMEM; BERT_ELIMIT.
 * Since 0.1.
 */
BERT_API bert_status bert_profile_load(bert_profile **out, const char *path,
                                       const bert_allocator *allocator, uint64_t max_bytes,
                                       bert_error *err);

/** One more reference; returns the profile.  Any thread.  Since 0.1. */
BERT_API bert_profile *bert_profile_ref(bert_profile *profile);
/** Give one reference back; the last frees.  NULL is fine.  Any thread.  Since 0.1. */
BERT_API void bert_profile_unref(bert_profile *profile);

/** The name or digest given at creation; never NULL; borrowed.  Since 0.1. */
BERT_API const char *bert_profile_model(const bert_profile *profile);
/** Numbers of an embedding; 0: it has none.  Since 0.1. */
BERT_API uint32_t bert_profile_dimensions(const bert_profile *profile);
/** Number of labels; 0: it has none.  Since 0.1. */
BERT_API uint32_t bert_profile_labels(const bert_profile *profile);
/** Observations of a window.  Since 0.1. */
BERT_API uint32_t bert_profile_window(const bert_profile *profile);
/** Observations that were added.  Since 0.1. */
BERT_API uint64_t bert_profile_observations(const bert_profile *profile);
/** Embeddings that were left out, since they had NaN or infinity.  Since 0.1. */
BERT_API uint64_t bert_profile_nonfinite(const bert_profile *profile);
/** Mean and variance (of the n, not n - 1) of each dimension over all embeddings that were added;
 *  borrowed; NULL before it is finished, or without dimensions.  Since 0.1. */
BERT_API const float *bert_profile_mean(const bert_profile *profile);
BERT_API const float *bert_profile_variance(const bert_profile *profile);

/* ---- The detector ------------------------------------------------------------- */

/** What is held against a threshold; bits 1 << statistic in bert_drift_values. */
typedef enum bert_drift_statistic {
    BERT_DRIFT_PSI_SCORE = 0,
    BERT_DRIFT_PSI_CONFIDENCE = 1,
    BERT_DRIFT_PSI_ENTROPY = 2,
    BERT_DRIFT_PSI_LABEL = 3,
    BERT_DRIFT_PSI_TOKENS = 4,
    BERT_DRIFT_PSI_UNKNOWN = 5,
    BERT_DRIFT_PSI_EMBEDDING = 6, /**< the largest of the projections' */
    BERT_DRIFT_KS_SCORE = 7,
    BERT_DRIFT_KS_CONFIDENCE = 8,
    BERT_DRIFT_KS_ENTROPY = 9,
    BERT_DRIFT_KS_LABEL = 10, /**< total variation */
    BERT_DRIFT_KS_TOKENS = 11,
    BERT_DRIFT_KS_UNKNOWN = 12,
    BERT_DRIFT_KS_EMBEDDING = 13, /**< the largest of the projections' */
    BERT_DRIFT_COSINE = 14,
    BERT_DRIFT_MMD = 15
} bert_drift_statistic;
/** How many there are, and room for more in the structs below. */
#define BERT_DRIFT_STATISTICS 16
#define BERT_DRIFT_ROOM       32

/** "psi_score", ..., "cosine", "mmd"; NULL past the end.  Static.  Any thread.  Since 0.1. */
BERT_API const char *bert_drift_name(uint32_t statistic);

/** What the last whole window was like; filled by bert_drift_get(). */
typedef struct bert_drift_values {
    size_t size;
    uint64_t observed;      /**< observations so far */
    uint64_t nonfinite;     /**< of these, embeddings with NaN or infinity, which were left out */
    uint64_t windows;       /**< windows compared so far; 0: what follows is all 0 */
    uint64_t windows_fired; /**< on which something fired */
    uint32_t window;        /**< W */
    uint32_t drifting;      /**< 1 from the callback that said so to the one that took it back */
    uint32_t known;         /**< bits of statistics: profile and window have what they compare */
    uint32_t fired;         /**< bits of those above their thresholds */
    uint32_t means;         /**< of bert_observed: which of the following means there are */
    uint32_t reserved;
    double value[BERT_DRIFT_ROOM];     /**< by bert_drift_statistic; 0 where not known */
    double threshold[BERT_DRIFT_ROOM]; /**< infinite: never fires */
    double score, confidence, entropy; /**< means of the window */
    double tokens, unknown;            /**< likewise; unknown is a share of tokens */
    double profile_score, profile_confidence, profile_entropy; /**< and those of the profile */
    double profile_tokens, profile_unknown;
} bert_drift_values;
#define BERT_DRIFT_VALUES_INIT                                                                     \
    {                                                                                              \
        sizeof(bert_drift_values), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, {0}, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0                                                                                   \
    }

/** Called by the bert_drift_add() whose window began or ended a drift, on its thread, with no lock
 *  held: it may use the detector, but not destroy it.  With several threads an older call may
 *  come after a newer one; values->windows tells. */
typedef void (*bert_drift_fn)(void *context, int drifting, const bert_drift_values *values);

/** Options of bert_drift_create(). */
typedef struct bert_drift_options {
    size_t size;
    uint32_t window; /**< must be the profile's, whose thresholds hold for no other; 0: that */
    uint32_t step;   /**< observations from one window to the next; at most W; 0: W / 4 */
    uint32_t calm;   /**< windows in a row without anything firing that end a drift; 0: 3 */
    uint32_t n_thresholds;
    double false_alarms; /**< share of windows like the profile on which anything may fire, from
                              1 / (replicates + 1) to 0.2; 0: 0.0025, for less than 0.01 with a
                              margin for what the profile itself has by chance */
    const double *thresholds; /**< [n_thresholds] by bert_drift_statistic, in place of those that
                                   false_alarms gives; 0: that one; infinite: never; copied */
    const char *model;        /**< if not NULL: must be the profile's */
    bert_drift_fn callback;   /**< NULL: none */
    void *context;
    const bert_allocator *allocator; /**< copied; NULL: malloc */
    uint64_t max_bytes;              /**< limit on all memory of the detector; 0: none */
} bert_drift_options;
#define BERT_DRIFT_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(bert_drift_options), 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, 0                 \
    }

/** Thread-safe. */
typedef struct bert_drift bert_drift;

/**
 * A detector, with all the memory that it will take: 4 bytes x W x (dimensions + 30), in the main.
 * @param profile  Finished; the detector keeps a reference.
 * @return BERT_OK; BERT_EINVAL, the profile isn't finished, or an option is out of its range;
 *         BERT_ENOMEM; BERT_ELIMIT.
 * Since 0.1.
 */
BERT_API bert_status bert_drift_create(bert_drift **out, bert_profile *profile,
                                       const bert_drift_options *options, bert_error *err);

/** Free it; no call may be under way.  NULL is fine.  Since 0.1. */
BERT_API void bert_drift_destroy(bert_drift *drift);

/**
 * Take one observation in; when a window is full, and from then on after every `step` of them,
 * compare.  Allocates nothing.  Any thread, also at once; the order in which they get in is the
 * window's.
 * @return BERT_OK; BERT_EINVAL, a NULL argument, or an embedding where the profile has none.
 * Since 0.1.
 */
BERT_API bert_status bert_drift_add(bert_drift *drift, const bert_observation *observation,
                                    bert_error *err);

/** What the last window was like.  Any thread.  @return BERT_OK; BERT_EINVAL, a NULL argument or a
 *  size that can't be.  Since 0.1. */
BERT_API bert_status bert_drift_get(bert_drift *drift, bert_drift_values *values, bert_error *err);

/** Forget window and drift, but not what was counted; no callback comes.  For a host that knows why
 *  it drifts.  Any thread.  Since 0.1. */
BERT_API void bert_drift_reset(bert_drift *drift);

#ifdef __cplusplus
}
#endif

#endif /* BERT_DRIFT_H */
