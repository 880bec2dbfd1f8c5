/* SPDX-License-Identifier: MIT */
/* metrics_list.c - metrics.inc as rows. */
#include "lib/serve/metrics_list.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
#define ROW(name, help, kind, low, high) \
    {#name, help, BERT__METRIC_##kind, low, high, offsetof(bert_metrics, name), sizeof((bert_metrics *)0)->name},

const struct bert__metric bert__metrics[] = {
#define BERT__COUNTER(name, line, help) ROW(name, help, COUNTER, 0, 0)
#define BERT__FAILURES(name, line, help) ROW(name, help, FAILURES, 0, 0)
#define BERT__GAUGE(name, line, help) ROW(name, help, GAUGE, 0, 0)
#define BERT__MEASURE(name, line, help) ROW(name, help, MEASURE, 0, 0)
#define BERT__HISTOGRAM(name, low, high, help) ROW(name, help, HISTOGRAM, low, high)
#include "lib/serve/metrics.inc"
};
/* clang-format on */

const size_t bert__metrics_count = sizeof bert__metrics / sizeof bert__metrics[0];

size_t bert__metrics_head(void)
{
    return bert__metrics[0].at;
}

bool bert__metric_time(const struct bert__metric *metric)
{
    size_t n = strlen(metric->name);

    return n > 3 && strcmp(metric->name + n - 3, "_ns") == 0;
}

void bert__metric_name(char out[64], const struct bert__metric *metric)
{
    bool counts = metric->kind == BERT__METRIC_COUNTER || metric->kind == BERT__METRIC_FAILURES;
    bool time = bert__metric_time(metric);
    int n = (int)strlen(metric->name);

    snprintf(out, 64, "bert_%.*s%s%s", time ? n - 3 : n, metric->name, time ? "_seconds" : "",
             counts ? "_total" : "");
}

bool bert__status_known(int status)
{
    return strcmp(bert_status_name((bert_status)status), "BERT_E?") != 0;
}
