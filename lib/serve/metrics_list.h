/* SPDX-License-Identifier: MIT */
/* metrics_list.h - metrics.inc as rows, for those who go through a snapshot. */
#ifndef BERT_LIB_SERVE_METRICS_LIST_H
#define BERT_LIB_SERVE_METRICS_LIST_H

#include <bert/metrics.h>
#include <stdbool.h>

enum bert__metric_kind {
    BERT__METRIC_COUNTER,
    BERT__METRIC_FAILURES,
    BERT__METRIC_GAUGE,
    BERT__METRIC_MEASURE,
    BERT__METRIC_HISTOGRAM
};

struct bert__metric {
    const char *name; /* of the field */
    const char *help; /* one line without quotes or backslashes */
    enum bert__metric_kind kind;
    uint32_t low, high; /* of a histogram: the powers of two that are shown */
    size_t at, size;    /* of the field in bert_metrics */
};

/* In the order of the fields. */
extern const struct bert__metric bert__metrics[];
extern const size_t bert__metrics_count;

/* Has this number (0 or negative) a name in bert/base.h? */
bool bert__status_known(int status);

/* Bytes of a bert_metrics before the first metric. */
size_t bert__metrics_head(void);
/* Does a snapshot of so many bytes have it? */
static inline bool bert__metric_in(const struct bert__metric *metric, size_t size)
{
    return metric->at + metric->size <= size;
}

/* The field itself. */
static inline const void *bert__metric_of(const struct bert__metric *metric,
                                          const bert_metrics *snapshot)
{
    return (const char *)snapshot + metric->at;
}

/* Is it in nanoseconds? */
bool bert__metric_time(const struct bert__metric *metric);
/* The name that Prometheus knows it by: bert_, seconds for times, _total for counters. */
void bert__metric_name(char out[64], const struct bert__metric *metric);

#endif
