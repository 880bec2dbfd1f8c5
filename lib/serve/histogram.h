/* SPDX-License-Identifier: MIT */
/* histogram.h - a bert_histogram that many threads record into at once, without locks. */
#ifndef BERT_LIB_SERVE_HISTOGRAM_H
#define BERT_LIB_SERVE_HISTOGRAM_H

#include <bert/metrics.h>
#include <stdatomic.h>

#include "lib/base/alloc.h"

/* All zero is empty. */
struct bert__histogram {
    _Alignas(BERT__CACHE_LINE) _Atomic uint64_t sum;
    _Atomic uint64_t max;
    _Atomic uint64_t buckets[BERT_HISTOGRAM_BUCKETS]; /* the count is their sum */
};

/* The bucket of a value. */
size_t bert__histogram_index(uint64_t value);
/* Any thread. */
void bert__histogram_record(struct bert__histogram *histogram, uint64_t value);
/* While others record: `count` is the sum of the buckets; `sum` and `max` have all that is counted,
 * and perhaps more. */
void bert__histogram_snapshot(const struct bert__histogram *histogram, bert_histogram *out);

#endif
