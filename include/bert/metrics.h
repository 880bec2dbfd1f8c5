/* SPDX-License-Identifier: MIT */
/**
 * @file bert/metrics.h
 * What an engine has done and is doing, as one snapshot: counters, gauges and histograms in a plain
 * struct, and writers that turn it into Prometheus' text format or JSON.
 *
 * A snapshot is read without stopping anybody: each number is exact, but those of one request may
 * be seen apart, some before and some after it was counted.  No text that was given to the engine
 * is ever in a metric.
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 *
 * static bert_metrics metrics;
 * static char text[1 << 16];
 *
 * int main(void)
 * {
 *     size_t size;
 *     bert_error err;
 *
 *     metrics.size = sizeof metrics; // an engine would fill in the rest
 *     metrics.texts = 3;
 *     if (bert_metrics_prometheus(&metrics, text, sizeof text, &size, &err) != BERT_OK) {
 *         fprintf(stderr, "%s\n", err.message);
 *         return 1;
 *     }
 *     fwrite(text, 1, size, stdout);
 *     return 0;
 * }
 * @endcode
 *
 * Threads: none of the calls here has any state; any thread.
 */
#ifndef BERT_METRICS_H
#define BERT_METRICS_H

#include <bert/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Histograms --------------------------------------------------------- */

enum {
    BERT_HISTOGRAM_BUCKETS = 625, /**< of a bert_histogram */
    BERT_METRICS_STATUSES = 32,   /**< length of bert_metrics.requests_failed */
    BERT_METRICS_VERSION = 1      /**< of bert_metrics, as these headers have it */
};

/**
 * How often which values came: a log-linear histogram.  Values below 32 have a bucket each; from
 * there on every power of two is cut into 16 buckets of equal width, so that a bucket's bounds are
 * less than 1/16 apart.  Values from 2^42 on (73 minutes in nanoseconds) share the last bucket.
 * Several may be added up field by field (of `max` the larger).
 */
typedef struct bert_histogram {
    uint64_t count;                           /**< values recorded: the sum of `buckets` */
    uint64_t sum;                             /**< of all values, modulo 2^64 */
    uint64_t max;                             /**< the largest value; 0 if there was none */
    uint64_t buckets[BERT_HISTOGRAM_BUCKETS]; /**< values in each, not cumulated */
} bert_histogram;

/** The largest value that bucket i counts; UINT64_MAX for the last one, and past it.  Since 0.1. */
BERT_API uint64_t bert_histogram_bound(size_t i);

/**
 * A quantile: the smallest recorded value that a share q of them does not exceed, rounded up to the
 * bound of its bucket (or to the maximum where that is smaller).  So never below the exact value,
 * and less than 1/16 above it.
 * @param q  0 to 1, such as 0.99; what lies outside, or is NaN, counts as the nearer end, or as 0.
 * @return 0 for a histogram that holds nothing.
 * Since 0.1.
 */
BERT_API uint64_t bert_histogram_quantile(const bert_histogram *histogram, double q);

/* ---- The snapshot ------------------------------------------------------- */

/**
 * All metrics of an engine.  Set `size` before the call that fills it in.  Fields are only ever
 * appended; those that the library in use does not know are 0.
 *
 * Counters start at 0 with the engine and never fall.  A request that was taken is in
 * requests_submitted, and from its end on in requests_answered or in one field of requests_failed;
 * in between it is queued or running.
 */
typedef struct bert_metrics {
    /** In: sizeof(bert_metrics).  Out: bytes that were filled in, at most those that were given. */
    size_t size;
    uint32_t version;  /**< BERT_METRICS_VERSION of the library that filled it in */
    uint32_t reserved; /**< 0 */

    /* Counters: requests. */
    uint64_t requests_submitted; /**< taken into the queue, or answered at once from the cache */
    uint64_t requests_rejected;  /**< not taken, since the queue was full (BERT_EBUSY) */
    uint64_t requests_answered;  /**< ended with a result */
    uint64_t requests_canceled;  /**< ended by the host; in requests_failed too */
    uint64_t requests_timed_out; /**< passed their deadline; in requests_failed too */
    /** Ended with an error: [-code], such as [-BERT_ERANGE].  [0] stays 0. */
    uint64_t requests_failed[BERT_METRICS_STATUSES];
    uint64_t callbacks; /**< calls of the host's functions that take results */

    /* Counters: texts, where they were tokenized; what the cache answered is not in them. */
    uint64_t texts;            /**< tokenized; a pair counts as one */
    uint64_t tokens;           /**< of them, special ones too, after truncation */
    uint64_t texts_truncated;  /**< that lost tokens to the length limit */
    uint64_t tokens_truncated; /**< that were lost so */
    uint64_t tokens_unknown;   /**< that are the unknown token */
    uint64_t tokenize_errors;  /**< texts that could not be tokenized */

    /* Counters: batches. */
    uint64_t batches;        /**< run through a model */
    uint64_t batched_tokens; /**< rows of them */

    /* Counters: the cache. */
    uint64_t cache_hits;      /**< requests answered from it */
    uint64_t cache_misses;    /**< requests that had to be computed */
    uint64_t cache_coalesced; /**< requests that waited for an equal one in flight */
    uint64_t cache_inserts;   /**< answers stored */
    uint64_t cache_evictions; /**< answers dropped to make room */

    /* Counters: models. */
    uint64_t model_loads;         /**< that succeeded */
    uint64_t model_load_failures; /**< that failed, the check of golden inputs included */
    uint64_t model_swaps;         /**< a new version put in place of another */
    uint64_t model_rollbacks;     /**< an earlier version put back */
    uint64_t model_unloads;       /**< models let go, to save memory or on request */
    uint64_t shadow_runs;         /**< requests that a second model computed beside the first */
    uint64_t shadow_divergences;  /**< of them, those whose results differed too much */

    /* Counters: what is looked at beside the answers. */
    uint64_t drift_windows; /**< windows compared with the reference profile */
    uint64_t drift_alarms;  /**< windows past a threshold */
    uint64_t sampled_texts; /**< texts kept as a sample; 0 unless the host asked for one */

    /* Gauges: now. */
    uint64_t requests_queued;  /**< waiting */
    uint64_t tokens_queued;    /**< tokens of those that wait, as far as they are known */
    uint64_t requests_running; /**< in a batch */
    uint64_t queue_capacity;   /**< requests that may wait */
    uint64_t threads;          /**< of the engine and of its sessions */
    uint64_t models;           /**< loaded, all versions */
    uint64_t model_bytes;      /**< memory of models */
    uint64_t session_bytes;    /**< memory of sessions: scratch */
    uint64_t cache_entries;    /**< answers in the cache */
    uint64_t cache_bytes;      /**< memory of the cache */
    uint64_t uptime_ns;        /**< since the engine was made */

    /*
     * Gauges: the last window against the reference profile, NaN while there is none.  psi: the
     * population stability index; ks: the distance of Kolmogorov and Smirnov; mmd: the squared
     * maximum mean discrepancy.
     */
    double drift_psi_embedding;    /**< of projections on the profile's directions: the largest */
    double drift_psi_score;        /**< of the best score */
    double drift_psi_length;       /**< of lengths in tokens */
    double drift_psi_label;        /**< of labels */
    double drift_psi_unknown;      /**< of the share of unknown tokens */
    double drift_ks_embedding;     /**< of projections on the profile's directions: the largest */
    double drift_ks_score;         /**< of the best score */
    double drift_ks_length;        /**< of lengths in tokens */
    double drift_ks_unknown;       /**< of the share of unknown tokens */
    double drift_cosine_embedding; /**< 1 - cosine of the means */
    double drift_mmd_embedding;    /**< on a sample */

    /* Histograms. */
    bert_histogram queue_wait_ns;  /**< of a request: from submission to its batch */
    bert_histogram tokenize_ns;    /**< of a request: its texts to tokens */
    bert_histogram compute_ns;     /**< of a batch: encoder and head */
    bert_histogram total_ns;       /**< of a request that was answered: from submission to result */
    bert_histogram batch_tokens;   /**< of a batch */
    bert_histogram batch_requests; /**< of a batch */
    bert_histogram text_bytes;     /**< of a text, as given */
    bert_histogram text_tokens;    /**< of a text, special ones too, after truncation */
} bert_metrics;

/**
 * The snapshot in Prometheus' text format 0.0.4.  Names are those of the fields behind `bert_`;
 * seconds are the unit of time; counters end in `_total`, and requests_failed has the name of the
 * status as its label `code`.  Of a histogram's bounds every power of two is shown (less one, as
 * bounds include themselves), in a range that depends on the histogram only.
 *
 * @param metrics   Filled in; fields past its `size` are left out.
 * @param out       Buffer of `capacity` bytes (may be NULL if capacity is 0); not NUL-terminated.
 * @param out_size  Set to the bytes needed, also when the buffer is too small.
 * @return BERT_OK; BERT_EINVAL, an argument is NULL or `size` was not set; BERT_ERANGE, the
 *         buffer is too small, and nothing is written.
 * Allocates nothing, and no number depends on the locale.  Since 0.1.
 */
BERT_API bert_status bert_metrics_prometheus(const bert_metrics *metrics, char *out,
                                             size_t capacity, size_t *out_size, bert_error *err);

/**
 * The snapshot as one JSON object on one line, with the names and units of the fields:
 * `{"version": 1, "counters": {...}, "gauges": {...}, "histograms": {...}}`.  requests_failed is an
 * object with the names of the statuses; a drift value that is not known (or not finite) is null; a
 * histogram is `{"count", "sum", "max", "p50", "p90", "p95", "p99", "p999", "buckets"}`, and its
 * buckets are pairs of bound and count, not cumulated, of those that are not empty.  The bound of
 * the last bucket is null.
 *
 * Parameters and errors are those of bert_metrics_prometheus().  Since 0.1.
 */
BERT_API bert_status bert_metrics_json(const bert_metrics *metrics, char *out, size_t capacity,
                                       size_t *out_size, bert_error *err);

#ifdef __cplusplus
}
#endif

#endif /* BERT_METRICS_H */
