/* SPDX-License-Identifier: MIT */
/* test_histogram.c - buckets, quantiles beside the exact ones of many distributions, and many
 * threads that record at once. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/serve/histogram.h"

enum { N = 20000, THREADS = 8, EACH = 100000, LAST = BERT_HISTOGRAM_BUCKETS - 1 };

#define TOP (UINT64_C(1) << 42) /* from here on everything is in the last bucket */

static uint64_t draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *state >> 11; /* 53 bits */
}

static double unit(uint64_t *state)
{
    return ((double)draw(state) + 0.5) * 0x1p-53;
}

/* ---- Buckets -------------------------------------------------------------- */

static void test_bounds(void **unused)
{
    uint64_t before = UINT64_MAX; /* + 1: the first value of a bucket */

    (void)unused;
    for (size_t i = 0; i < LAST; i++) {
        uint64_t first = before + 1, bound = bert_histogram_bound(i);

        assert_true(bound >= first);
        assert_int_equal(bert__histogram_index(first), i);
        assert_int_equal(bert__histogram_index(bound), i);
        assert_true((bound - first) * 16 < first || bound == first);
        before = bound;
    }
    assert_true(before == TOP - 1);
    assert_int_equal(bert__histogram_index(TOP), LAST);
    assert_int_equal(bert__histogram_index(UINT64_MAX), LAST);
    assert_true(bert_histogram_bound(LAST) == UINT64_MAX);
    assert_true(bert_histogram_bound(SIZE_MAX) == UINT64_MAX);
    for (unsigned e = 0; e <= 42; e++) /* as the writers need them */
        assert_true(bert_histogram_bound(bert__histogram_index((UINT64_C(1) << e) - 1))
                    == (UINT64_C(1) << e) - 1);
}

/* ---- Quantiles ------------------------------------------------------------ */

static uint64_t small(uint64_t *s)
{
    return draw(s) % 40;
}

static uint64_t uniform(uint64_t *s)
{
    return draw(s) % 3000000;
}

static uint64_t exponential(uint64_t *s)
{
    return (uint64_t)(-1e6 * log(unit(s)));
}

static uint64_t log_normal(uint64_t *s)
{
    double r = sqrt(-2 * log(unit(s)));

    return (uint64_t)exp(12 + 1.5 * r * cos(6.283185307179586 * unit(s)));
}

/* Beyond the last bound too. */
static uint64_t heavy(uint64_t *s)
{
    double x = 1000 / pow(unit(s), 3);

    return x < 0x1p62 ? (uint64_t)x : UINT64_C(1) << 62;
}

static uint64_t two_peaks(uint64_t *s)
{
    return draw(s) % 10 < 9 ? 1000 + draw(s) % 50 : 90000000 + draw(s) % 1000000;
}

static uint64_t constant(uint64_t *s)
{
    (void)s;
    return 123456789;
}

static uint64_t zero(uint64_t *s)
{
    (void)s;
    return 0;
}

static int compare(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

    return a < b ? -1 : a > b;
}

static void check_quantiles(const bert_histogram *h, const uint64_t *sorted, size_t n)
{
    static const double qs[] = {0, 1e-9, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1};

    for (size_t i = 0; i < sizeof qs / sizeof qs[0]; i++) {
        double want = ceil(qs[i] * (double)n);
        uint64_t exact = sorted[want < 1 ? 0 : (size_t)want - 1];
        uint64_t got = bert_histogram_quantile(h, qs[i]);

        assert_true(got >= exact);
        assert_true(exact >= TOP ? got == sorted[n - 1] : got - exact <= exact / 16);
    }
    assert_true(bert_histogram_quantile(h, 1) == sorted[n - 1]);
    assert_true(bert_histogram_quantile(h, 7) == sorted[n - 1]);
    assert_true(bert_histogram_quantile(h, -1) == bert_histogram_quantile(h, 0));
    assert_true(bert_histogram_quantile(h, (double)NAN) == bert_histogram_quantile(h, 0));
}

static void test_quantiles(void **unused)
{
    static uint64_t (*const distributions[])(uint64_t *) = {
        small, uniform, exponential, log_normal, heavy, two_peaks, constant, zero};
    static const size_t sizes[] = {1, 2, 3, 10, 101, N};
    static struct bert__histogram live;
    static bert_histogram h;
    static uint64_t values[N];
    uint64_t state = 1;

    (void)unused;
    for (size_t d = 0; d < sizeof distributions / sizeof distributions[0]; d++) {
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            uint64_t sum = 0;

            memset(&live, 0, sizeof live);
            for (size_t i = 0; i < sizes[k]; i++) {
                values[i] = distributions[d](&state);
                sum += values[i];
                bert__histogram_record(&live, values[i]);
            }
            qsort(values, sizes[k], sizeof values[0], compare);
            bert__histogram_snapshot(&live, &h);
            assert_true(h.count == sizes[k] && h.sum == sum && h.max == values[sizes[k] - 1]);
            check_quantiles(&h, values, sizes[k]);
        }
    }
}

static void test_empty(void **unused)
{
    static struct bert__histogram live;
    static bert_histogram h;

    (void)unused;
    bert__histogram_snapshot(&live, &h);
    assert_true(h.count == 0 && h.sum == 0 && h.max == 0);
    assert_true(bert_histogram_quantile(&h, 0) == 0);
    assert_true(bert_histogram_quantile(&h, 1) == 0);
}

/* ---- Threads -------------------------------------------------------------- */

static struct bert__histogram shared;
static atomic_uint running;

static uint64_t nth(unsigned thread, uint64_t *state)
{
    return thread % 2 == 0 ? heavy(state) >> 20 : two_peaks(state);
}

static void *record(void *thread)
{
    unsigned t = *(const unsigned *)thread;
    uint64_t state = t;

    for (unsigned i = 0; i < EACH; i++)
        bert__histogram_record(&shared, nth(t, &state));
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* What is counted is in the sum and below the maximum, at any time. */
static void check_while_recording(void)
{
    static bert_histogram h;
    uint64_t before = 0;

    while (atomic_load(&running) > 0) {
        uint64_t count = 0, least = 0, first = 0;

        bert__histogram_snapshot(&shared, &h);
        for (size_t i = 0; i <= LAST; i++) {
            count += h.buckets[i];
            least += h.buckets[i] * first;
            assert_true(h.buckets[i] == 0 || h.max >= first);
            first = bert_histogram_bound(i) + 1;
        }
        assert_true(h.count == count && count >= before && h.sum >= least);
        before = count;
    }
}

static void test_threads(void **unused)
{
    static struct bert__histogram alone;
    static bert_histogram got, want;
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];

    (void)unused;
    atomic_store(&running, THREADS);
    for (unsigned t = 0; t < THREADS; t++) {
        numbers[t] = t;
        assert_int_equal(pthread_create(&threads[t], NULL, record, &numbers[t]), 0);
    }
    check_while_recording();
    for (unsigned t = 0; t < THREADS; t++) {
        uint64_t state = t;

        assert_int_equal(pthread_join(threads[t], NULL), 0);
        for (unsigned i = 0; i < EACH; i++)
            bert__histogram_record(&alone, nth(t, &state));
    }
    bert__histogram_snapshot(&shared, &got);
    bert__histogram_snapshot(&alone, &want);
    assert_int_equal(got.count, THREADS * EACH);
    assert_memory_equal(&got, &want, sizeof got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
