/* SPDX-License-Identifier: MIT */
/* metrics.c - the writers of bert/metrics.h. */
#include <bert/metrics.h>

#include "lib/base/error.h"
#include "lib/serve/metrics_list.h"
#include "lib/serve/metrics_text.h"

typedef void (*write_fn)(struct bert__sink *sink, const bert_metrics *snapshot);

/* Counted first, so that nothing is written that is not whole. */
static bert_status write_whole(write_fn fn, const bert_metrics *metrics, char *out, size_t capacity,
                               size_t *out_size, bert_error *err)
{
    struct bert__sink count = {NULL, 0, 0}, sink = {out, capacity, 0};

    if (out_size != NULL)
        *out_size = 0;
    if (metrics == NULL || out_size == NULL || (out == NULL && capacity > 0))
        return bert__fail(err, BERT_EINVAL, "metrics: NULL argument");
    if (metrics->size < bert__metrics_head())
        return bert__fail(err, BERT_EINVAL, "metrics: size %zu is under %zu", metrics->size,
                          bert__metrics_head());
    fn(&count, metrics);
    *out_size = count.size;
    if (count.size > capacity)
        return bert__fail(err, BERT_ERANGE, "metrics: %zu bytes do not fit into %zu", count.size,
                          capacity);
    fn(&sink, metrics);
    return BERT_OK;
}

bert_status bert_metrics_prometheus(const bert_metrics *metrics, char *out, size_t capacity,
                                    size_t *out_size, bert_error *err)
{
    return write_whole(bert__metrics_prometheus, metrics, out, capacity, out_size, err);
}

bert_status bert_metrics_json(const bert_metrics *metrics, char *out, size_t capacity,
                              size_t *out_size, bert_error *err)
{
    return write_whole(bert__metrics_json, metrics, out, capacity, out_size, err);
}
