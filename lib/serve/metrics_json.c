/* SPDX-License-Identifier: MIT */
/* metrics_json.c - a snapshot as JSON. */
#include <math.h>

#include "lib/serve/metrics_list.h"
#include "lib/serve/metrics_text.h"

static void write_failures(struct bert__sink *sink, const uint64_t *failures)
{
    const char *before = "{\"";

    for (int i = 1; i < BERT_METRICS_STATUSES; i++) {
        if (!bert__status_known(-i))
            continue;
        bert__sink_add(sink, before, bert_status_name((bert_status)-i), "\": ", NULL);
        bert__sink_u64(sink, failures[i]);
        before = ", \"";
    }
    bert__sink_add(sink, "}", NULL);
}

static void write_measure(struct bert__sink *sink, double value)
{
    if (isfinite(value))
        bert__sink_double(sink, value);
    else
        bert__sink_add(sink, "null", NULL);
}

static void write_buckets(struct bert__sink *sink, const bert_histogram *h)
{
    const char *before = "[";

    bert__sink_add(sink, ", \"buckets\": [", NULL);
    for (size_t i = 0; i < BERT_HISTOGRAM_BUCKETS; i++) {
        if (h->buckets[i] == 0)
            continue;
        bert__sink_add(sink, before, NULL);
        if (i + 1 < BERT_HISTOGRAM_BUCKETS)
            bert__sink_u64(sink, bert_histogram_bound(i));
        else
            bert__sink_add(sink, "null", NULL);
        bert__sink_add(sink, ", ", NULL);
        bert__sink_u64(sink, h->buckets[i]);
        bert__sink_add(sink, "]", NULL);
        before = ", [";
    }
    bert__sink_add(sink, "]", NULL);
}

static void write_histogram(struct bert__sink *sink, const bert_histogram *h)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};

    bert__sink_add(sink, "{\"count\": ", NULL);
    bert__sink_u64(sink, h->count);
    bert__sink_add(sink, ", \"sum\": ", NULL);
    bert__sink_u64(sink, h->sum);
    bert__sink_add(sink, ", \"max\": ", NULL);
    bert__sink_u64(sink, h->max);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        bert__sink_add(sink, ", \"", quantiles[i].name, "\": ", NULL);
        bert__sink_u64(sink, bert_histogram_quantile(h, quantiles[i].q));
    }
    write_buckets(sink, h);
    bert__sink_add(sink, "}", NULL);
}

static void write_value(struct bert__sink *sink, enum bert__metric_kind kind, const void *field)
{
    switch (kind) {
    case BERT__METRIC_COUNTER:
    case BERT__METRIC_GAUGE:
        bert__sink_u64(sink, *(const uint64_t *)field);
        break;
    case BERT__METRIC_FAILURES:
        write_failures(sink, field);
        break;
    case BERT__METRIC_MEASURE:
        write_measure(sink, *(const double *)field);
        break;
    case BERT__METRIC_HISTOGRAM:
        write_histogram(sink, field);
        break;
    }
}

/* Metrics of the kinds `first` to `last` as one member. */
static void write_section(struct bert__sink *sink, const char *name, const bert_metrics *snapshot,
                          enum bert__metric_kind first, enum bert__metric_kind last)
{
    const char *before = "\"";

    bert__sink_add(sink, ", \"", name, "\": {", NULL);
    for (size_t i = 0; i < bert__metrics_count; i++) {
        const struct bert__metric *m = &bert__metrics[i];

        if (m->kind < first || m->kind > last || !bert__metric_in(m, snapshot->size))
            continue;
        bert__sink_add(sink, before, m->name, "\": ", NULL);
        write_value(sink, m->kind, bert__metric_of(m, snapshot));
        before = ", \"";
    }
    bert__sink_add(sink, "}", NULL);
}

void bert__metrics_json(struct bert__sink *sink, const bert_metrics *snapshot)
{
    bert__sink_add(sink, "{\"version\": ", NULL);
    bert__sink_u64(sink, snapshot->version);
    write_section(sink, "counters", snapshot, BERT__METRIC_COUNTER, BERT__METRIC_FAILURES);
    write_section(sink, "gauges", snapshot, BERT__METRIC_GAUGE, BERT__METRIC_MEASURE);
    write_section(sink, "histograms", snapshot, BERT__METRIC_HISTOGRAM, BERT__METRIC_HISTOGRAM);
    bert__sink_add(sink, "}\n", NULL);
}
