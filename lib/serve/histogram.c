/* SPDX-License-Identifier: MIT */
/* histogram.c - log-linear histograms: recording, copying, bounds and quantiles. */
#include "lib/serve/histogram.h"

#include <math.h>

/*
 * Bucket i < STEPS holds the value i.  From there on the power of two 2^e has the STEPS buckets
 * from (e - STEP_BITS + 1) * STEPS on; 2^TOP and what is above are in the last.
 */
enum {
    STEP_BITS = 4,
    STEPS = 1 << STEP_BITS,
    TOP = 42,
    LAST = (TOP - STEP_BITS + 1) * STEPS,
};

_Static_assert(BERT_HISTOGRAM_BUCKETS == LAST + 1, "buckets of the public struct");

size_t bert__histogram_index(uint64_t value)
{
    unsigned e;

    if (value < STEPS)
        return (size_t)value;
    e = 63u - (unsigned)__builtin_clzll(value);
    if (e >= TOP)
        return LAST;
    return (size_t)(e - STEP_BITS) * STEPS + (size_t)(value >> (e - STEP_BITS));
}

uint64_t bert_histogram_bound(size_t i)
{
    if (i < STEPS)
        return i;
    if (i >= LAST)
        return UINT64_MAX;
    return ((uint64_t)(STEPS + i % STEPS + 1) << (i / STEPS - 1)) - 1;
}

void bert__histogram_record(struct bert__histogram *histogram, uint64_t value)
{
    uint64_t max = atomic_load_explicit(&histogram->max, memory_order_relaxed);

    while (value > max
           && !atomic_compare_exchange_weak_explicit(&histogram->max, &max, value,
                                                     memory_order_relaxed, memory_order_relaxed))
        ;
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
    /* last, and released: who sees it counted sees it in the sum and the maximum */
    atomic_fetch_add_explicit(&histogram->buckets[bert__histogram_index(value)], 1,
                              memory_order_release);
}

void bert__histogram_snapshot(const struct bert__histogram *histogram, bert_histogram *out)
{
    out->count = 0;
    for (size_t i = 0; i < BERT_HISTOGRAM_BUCKETS; i++) {
        out->buckets[i] = atomic_load_explicit(&histogram->buckets[i], memory_order_acquire);
        out->count += out->buckets[i];
    }
    out->sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    out->max = atomic_load_explicit(&histogram->max, memory_order_relaxed);
}

/* Which of `count` values in ascending order, from 1. */
static uint64_t rank_of(double q, uint64_t count)
{
    double want = q > 0 ? ceil(q * (double)count) : 1;

    if (want >= (double)count)
        return count;
    return want > 1 ? (uint64_t)want : 1;
}

uint64_t bert_histogram_quantile(const bert_histogram *histogram, double q)
{
    uint64_t rank = rank_of(q, histogram->count), seen = 0, bound;
    size_t i = 0;

    if (histogram->count == 0)
        return 0;
    while (i < LAST && (seen += histogram->buckets[i]) < rank)
        i++;
    bound = bert_histogram_bound(i);
    return bound < histogram->max ? bound : histogram->max;
}
