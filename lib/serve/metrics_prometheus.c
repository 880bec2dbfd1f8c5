/* SPDX-License-Identifier: MIT */
/* metrics_prometheus.c - a snapshot in the text format of Prometheus, 0.0.4. */
#include <math.h>
#include <string.h>

#include "lib/serve/metrics_list.h"
#include "lib/serve/metrics_text.h"

/* A metric that is being written. */
struct family {
    struct bert__sink *sink;
    const struct bert__metric *metric;
    char name[64];
    void (*number)(struct bert__sink *sink, uint64_t number); /* in the unit that is shown */
};

static void write_number(const struct family *f, uint64_t number)
{
    bert__sink_add(f->sink, f->name, " ", NULL);
    f->number(f->sink, number);
    bert__sink_add(f->sink, "\n", NULL);
}

/* Every status that there is has its line, also at 0: who takes a rate needs the first one too. */
static void write_failures(const struct family *f, const uint64_t *failures)
{
    for (int i = 1; i < BERT_METRICS_STATUSES; i++) {
        if (!bert__status_known(-i))
            continue;
        bert__sink_add(f->sink, f->name, "{code=\"", bert_status_name((bert_status)-i), "\"} ",
                       NULL);
        bert__sink_u64(f->sink, failures[i]);
        bert__sink_add(f->sink, "\n", NULL);
    }
}

static void write_measure(const struct family *f, double value)
{
    bert__sink_add(f->sink, f->name, " ", NULL);
    if (isfinite(value))
        bert__sink_double(f->sink, value);
    else
        bert__sink_add(f->sink, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf", NULL);
    bert__sink_add(f->sink, "\n", NULL);
}

static void write_histogram(const struct family *f, const bert_histogram *h)
{
    uint64_t seen = 0;
    size_t i = 0;

    for (uint32_t e = f->metric->low; e <= f->metric->high; e++) {
        uint64_t bound = (UINT64_C(1) << e) - 1;

        while (bert_histogram_bound(i) <= bound)
            seen += h->buckets[i++];
        bert__sink_add(f->sink, f->name, "_bucket{le=\"", NULL);
        f->number(f->sink, bound);
        bert__sink_add(f->sink, "\"} ", NULL);
        bert__sink_u64(f->sink, seen);
        bert__sink_add(f->sink, "\n", NULL);
    }
    bert__sink_add(f->sink, f->name, "_bucket{le=\"+Inf\"} ", NULL);
    bert__sink_u64(f->sink, h->count);
    bert__sink_add(f->sink, "\n", f->name, "_sum ", NULL);
    f->number(f->sink, h->sum);
    bert__sink_add(f->sink, "\n", f->name, "_count ", NULL);
    bert__sink_u64(f->sink, h->count);
    bert__sink_add(f->sink, "\n", NULL);
}

static void write_values(const struct family *f, const void *field)
{
    switch (f->metric->kind) {
    case BERT__METRIC_COUNTER:
    case BERT__METRIC_GAUGE:
        write_number(f, *(const uint64_t *)field);
        break;
    case BERT__METRIC_FAILURES:
        write_failures(f, field);
        break;
    case BERT__METRIC_MEASURE:
        write_measure(f, *(const double *)field);
        break;
    case BERT__METRIC_HISTOGRAM:
        write_histogram(f, field);
        break;
    }
}

static const char *type_of(const struct bert__metric *metric)
{
    switch (metric->kind) {
    case BERT__METRIC_COUNTER:
    case BERT__METRIC_FAILURES:
        return "counter";
    case BERT__METRIC_GAUGE:
    case BERT__METRIC_MEASURE:
        return "gauge";
    case BERT__METRIC_HISTOGRAM:
        break;
    }
    return "histogram";
}

void bert__metrics_prometheus(struct bert__sink *sink, const bert_metrics *snapshot)
{
    for (size_t i = 0; i < bert__metrics_count; i++) {
        struct family f = {sink, &bert__metrics[i], "", bert__sink_u64};

        if (!bert__metric_in(f.metric, snapshot->size))
            continue;
        if (bert__metric_time(f.metric))
            f.number = bert__sink_nano;
        bert__metric_name(f.name, f.metric);
        bert__sink_add(sink, "# HELP ", f.name, " ", f.metric->help, "\n# TYPE ", f.name, " ",
                       type_of(f.metric), "\n", NULL);
        write_values(&f, bert__metric_of(f.metric, snapshot));
    }
}
