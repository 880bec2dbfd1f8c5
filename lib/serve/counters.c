/* SPDX-License-Identifier: MIT */
/* counters.c - the live side of bert_metrics. */
#include "lib/serve/counters.h"

#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/sys.h"
#include "lib/serve/metrics_list.h"

void bert__counters_init(struct bert__counters *counters)
{
    memset(counters, 0, sizeof *counters);
    counters->started_ns = bert__sys()->now_ns();
#define BERT__MEASURE(name, line, help) bert__measure_set(&counters->name, (double)NAN);
#include "lib/serve/metrics.inc"
}

void bert__count_failed(struct bert__counters *counters, bert_status status)
{
    int code = -(int)status;

    if (code <= 0 || code >= BERT_METRICS_STATUSES)
        code = -BERT_EINTERNAL;
    bert__count(&counters->requests_failed[code], 1);
    if (status == BERT_ECANCELED)
        bert__count(&counters->requests_canceled, 1);
    if (status == BERT_ETIMEDOUT)
        bert__count(&counters->requests_timed_out, 1);
}

void bert__measure_set(_Atomic uint64_t *measure, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    atomic_store_explicit(measure, bits, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static double load_measure(const _Atomic uint64_t *measure)
{
    uint64_t bits = load(measure);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static void load_failures(const _Atomic uint64_t *from, uint64_t *to)
{
    for (size_t i = 0; i < BERT_METRICS_STATUSES; i++)
        to[i] = load(&from[i]);
}

/* Every field that ends within out->size. */
static void copy(const struct bert__counters *c, bert_metrics *out)
{
#define FITS(name)                       if (offsetof(bert_metrics, name) + sizeof out->name <= out->size)
#define BERT__COUNTER(name, line, help)  FITS(name) out->name = load(&c->name);
#define BERT__FAILURES(name, line, help) FITS(name) load_failures(c->name, out->name);
#define BERT__GAUGE(name, line, help)    FITS(name) out->name = load(&c->name);
#define BERT__MEASURE(name, line, help)  FITS(name) out->name = load_measure(&c->name);
#define BERT__HISTOGRAM(name, low, high, help)                                                     \
    FITS(name) bert__histogram_snapshot(&c->name, &out->name);
#include "lib/serve/metrics.inc"
}

bert_status bert__counters_snapshot(struct bert__counters *counters, bert_metrics *out,
                                    bert_error *err)
{
    size_t head = bert__metrics_head(), size = out->size;

    if (size < head)
        return bert__fail(err, BERT_EINVAL, "metrics: size %zu is under %zu", size, head);
    bert__gauge_set(&counters->uptime_ns, bert__sys()->now_ns() - counters->started_ns);
    memset(out, 0, size); /* what a newer host has beyond what is known here too */
    out->size = size < sizeof *out ? size : sizeof *out;
    out->version = BERT_METRICS_VERSION;
    copy(counters, out);
    return BERT_OK;
}
