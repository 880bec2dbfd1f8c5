/* SPDX-License-Identifier: MIT */
/* support_prometheus.h - a strict reader of Prometheus' text format 0.0.4. */
#ifndef BERT_TESTS_UNIT_SUPPORT_PROMETHEUS_H
#define BERT_TESTS_UNIT_SUPPORT_PROMETHEUS_H

#include <stddef.h>

enum { TEST_SAMPLES = 1024 };

struct test_sample {
    char series[128]; /* name{label="value"}, as written */
    char type[16];    /* of its family */
    double value;
};

struct test_samples {
    struct test_sample list[TEST_SAMPLES];
    size_t count, families;
};

/*
 * Read text of size bytes.  Fails the test unless each family has HELP and TYPE once and then its
 * samples, every series comes once, names and labels are well formed, counters end in _total and
 * nothing else does, and histograms have rising bounds, counts that never fall, +Inf, _sum, and a
 * _count equal to +Inf's.
 */
void test_prometheus_read(struct test_samples *out, const char *text, size_t size);

/* The value of a series; fails the test if it isn't there. */
double test_prometheus_get(const struct test_samples *samples, const char *series);

#endif
