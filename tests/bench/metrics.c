/* SPDX-License-Identifier: MIT */
/*
 * metrics.c - what counting costs: nanoseconds of one call on one thread and on two at once, of a
 * snapshot, and of the writers.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/serve/counters.h"
#include "tests/bench/support.h"

/* Many short rounds, so that some are undisturbed on a machine that has other work. */
enum { CALLS = 20000, ROUNDS = 1000, THREADS = 2 };

static struct bert__counters counters;
static bert_metrics snapshot;
static char text[1 << 18];

static void record_one(uint64_t i)
{
    bert__histogram_record(&counters.total_ns, 400000 + (i * 2654435761 & 0xFFFF));
}

static void count_one(uint64_t i)
{
    bert__count(&counters.texts, i & 1);
}

/* What a request costs in all, about. */
static void count_request(uint64_t i)
{
    bert__count(&counters.requests_submitted, 1);
    bert__gauge_add(&counters.requests_queued, 1);
    bert__count(&counters.texts, 1);
    bert__count(&counters.tokens, 16);
    bert__histogram_record(&counters.text_bytes, 60 + (i & 31));
    bert__histogram_record(&counters.text_tokens, 12 + (i & 7));
    bert__histogram_record(&counters.tokenize_ns, 3000 + (i & 1023));
    bert__gauge_sub(&counters.requests_queued, 1);
    bert__gauge_add(&counters.requests_running, 1);
    bert__histogram_record(&counters.queue_wait_ns, 30000 + (i & 4095));
    bert__count(&counters.cache_misses, 1);
    bert__count(&counters.batches, 1);
    bert__count(&counters.batched_tokens, 16);
    bert__histogram_record(&counters.batch_tokens, 16);
    bert__histogram_record(&counters.batch_requests, 1);
    bert__histogram_record(&counters.compute_ns, 400000 + (i & 65535));
    bert__gauge_sub(&counters.requests_running, 1);
    bert__count(&counters.requests_answered, 1);
    record_one(i);
}

struct work {
    pthread_t thread;
    void (*one)(uint64_t i);
    uint64_t calls;
    atomic_uint *missing;            /* threads that are not there yet */
    double began, seconds, computed; /* computed: of this thread alone */
};

static double thread_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *run(void *context)
{
    struct work *w = context;
    double computed;

    atomic_fetch_sub(w->missing, 1);
    while (atomic_load(w->missing) > 0)
        ;
    computed = thread_seconds();
    w->began = bench_now();
    for (uint64_t i = 0; i < w->calls; i++)
        w->one(i);
    w->seconds = bench_now() - w->began;
    w->computed = thread_seconds() - computed;
    return NULL;
}

/* Seconds of the slowest of n threads; 0 if one was held up, or they didn't run side by side. */
static double run_round(void (*one)(uint64_t i), unsigned n, uint64_t calls)
{
    atomic_uint missing = n;
    struct work work[THREADS];
    double slowest = 0;
    int disturbed = 0;

    for (unsigned t = 0; t < n; t++) {
        work[t] = (struct work){.one = one, .calls = calls, .missing = &missing};
        if (pthread_create(&work[t].thread, NULL, run, &work[t]) != 0)
            exit(1);
    }
    for (unsigned t = 0; t < n; t++) {
        pthread_join(work[t].thread, NULL);
        slowest = work[t].seconds > slowest ? work[t].seconds : slowest;
    }
    for (unsigned t = 0; t < n; t++)
        disturbed |= work[t].computed < 0.97 * work[t].seconds
                     || fabs(work[t].began - work[0].began) > 0.05 * slowest;
    return disturbed ? 0 : slowest;
}

static int compare(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return a < b ? -1 : a > b;
}

/* Nanoseconds of a call on each of n threads: the median; 0 if there was no quiet round. */
static double cost(void (*one)(uint64_t i), unsigned n, uint64_t calls)
{
    double took[ROUNDS];
    size_t kept = 0;

    for (int round = 0; round < ROUNDS; round++) {
        double t = run_round(one, n, calls) * 1e9 / (double)calls;

        if (t > 0)
            took[kept++] = t;
    }
    qsort(took, kept, sizeof took[0], compare);
    return kept > 0 ? took[kept / 2] : 0;
}

static void take(uint64_t i)
{
    (void)i;
    snapshot.size = sizeof snapshot;
    bert__counters_snapshot(&counters, &snapshot, NULL);
}

static void write_prometheus(uint64_t i)
{
    size_t size;

    (void)i;
    bert_metrics_prometheus(&snapshot, text, sizeof text, &size, NULL);
}

static void write_json(uint64_t i)
{
    size_t size;

    (void)i;
    bert_metrics_json(&snapshot, text, sizeof text, &size, NULL);
}

static void show(const char *what, void (*one)(uint64_t i), uint64_t calls)
{
    printf("%-32s %10.1f %10.1f\n", what, cost(one, 1, calls), cost(one, 2, calls));
    fflush(stdout);
}

int main(void)
{
    bert__counters_init(&counters);
    printf("%-32s %10s %10s\n", "ns of one call, on each of", "1 thread", "2 threads");
    show("bert__count", count_one, CALLS);
    show("bert__histogram_record", record_one, CALLS);
    show("all that a request counts", count_request, CALLS / 10);
    printf("%-32s %10.1f\n", "snapshot", cost(take, 1, 20));
    printf("%-32s %10.1f\n", "bert_metrics_prometheus", cost(write_prometheus, 1, 5));
    printf("%-32s %10.1f\n", "bert_metrics_json", cost(write_json, 1, 5));
    return 0;
}
