/* SPDX-License-Identifier: MIT */
/*
 * counters.h - the live side of bert_metrics: atomics of the same names, from the same list.
 * Counted by any thread without locks; each number is exact, their order among each other is not
 * kept.
 */
#ifndef BERT_LIB_SERVE_COUNTERS_H
#define BERT_LIB_SERVE_COUNTERS_H

#include "lib/serve/histogram.h"

#define BERT__NEW_LINE _Alignas(BERT__CACHE_LINE)
#define BERT__SAME_LINE

/* Part of an object of bert__alloc(), whose alignment it needs. */
struct bert__counters {
    uint64_t started_ns;
#define BERT__COUNTER(name, line, help)        line _Atomic uint64_t name;
#define BERT__FAILURES(name, line, help)       line _Atomic uint64_t name[BERT_METRICS_STATUSES];
#define BERT__GAUGE(name, line, help)          line _Atomic uint64_t name;
#define BERT__MEASURE(name, line, help)        line _Atomic uint64_t name; /* a double's bits */
#define BERT__HISTOGRAM(name, low, high, help) struct bert__histogram name;
#include "lib/serve/metrics.inc"
};

#undef BERT__NEW_LINE
#undef BERT__SAME_LINE

/* All zero, measures unknown; the uptime starts. */
void bert__counters_init(struct bert__counters *counters);

static inline void bert__count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* A request that ended with an error; requests_canceled and requests_timed_out follow from it. */
void bert__count_failed(struct bert__counters *counters, bert_status status);

/* Add before others can take away, and a gauge never falls below 0. */
static inline void bert__gauge_add(_Atomic uint64_t *gauge, uint64_t n)
{
    atomic_fetch_add_explicit(gauge, n, memory_order_relaxed);
}

static inline void bert__gauge_sub(_Atomic uint64_t *gauge, uint64_t n)
{
    atomic_fetch_sub_explicit(gauge, n, memory_order_relaxed);
}

static inline void bert__gauge_set(_Atomic uint64_t *gauge, uint64_t n)
{
    atomic_store_explicit(gauge, n, memory_order_relaxed);
}

/* NAN: not known. */
void bert__measure_set(_Atomic uint64_t *measure, double value);

/*
 * Copy what out->size has room for, and tell in it how much that is.  Any thread, while others
 * count.  BERT_EINVAL if out->size ends before the first metric.
 */
bert_status bert__counters_snapshot(struct bert__counters *counters, bert_metrics *out,
                                    bert_error *err);

#endif
