/* SPDX-License-Identifier: MIT */
#include "examples/bert/bench_peak.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 3 };

struct worker {
    pthread_t thread;
    const struct bench_loop *loop;
    uint64_t steps;
    volatile float result; /* so that the work is not left out */
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    worker->result = worker->loop->run(worker->steps);
    return NULL;
}

/* Seconds that all take for `steps` each; workers[0] is the caller. */
static double run_all(struct worker *workers, uint32_t threads, uint64_t steps, uint32_t *started)
{
    double start = now();

    *started = 1;
    for (uint32_t i = 0; i < threads; i++)
        workers[i].steps = steps;
    for (uint32_t i = 1; i < threads; i++) {
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            break;
        *started = i + 1;
    }
    work(&workers[0]);
    for (uint32_t i = 1; i < *started; i++)
        pthread_join(workers[i].thread, NULL);
    return now() - start;
}

double bench_loop_rate(const struct bench_loop *loop, uint32_t threads, double seconds)
{
    struct worker *workers;
    uint64_t steps = 1 << 10;
    uint32_t started = 1;
    double taken;

    if (loop->usable != NULL && !loop->usable())
        return 0;
    workers = calloc(threads > 0 ? threads : 1, sizeof *workers);
    if (workers == NULL)
        return 0;
    for (uint32_t i = 0; i < threads; i++)
        workers[i].loop = loop;
    taken = run_all(workers, 1, steps, &started);
    steps = (uint64_t)(seconds / (taken + 1e-9) * (double)steps) + 1;
    taken = run_all(workers, threads, steps, &started);
    free(workers);
    return loop->flops * (double)steps * started / taken * 1e-9;
}

double bench_peak_rate(enum bench_type type, uint32_t threads)
{
    double best = 0;

    for (const struct bench_loop *loop = bench_loops; loop->name != NULL; loop++) {
        for (int i = 0; loop->type == type && i < ROUNDS; i++) {
            double rate = bench_loop_rate(loop, threads, 0.05);

            best = rate > best ? rate : best;
        }
    }
    return best > 0 || type == BENCH_FP32 ? best : bench_peak_rate(BENCH_FP32, threads);
}
