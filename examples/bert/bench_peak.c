/* SPDX-License-Identifier: MIT */
#include "examples/bert/bench_peak.h"

#include <pthread.h>
#include <stdlib.h>

#include "examples/bert/memory.h"
#include "examples/bert/progress.h"

/* Chains that run side by side: more than latency (4 or 5) times units (2). */
enum { CHAINS = 12, ROUNDS = 3 };

typedef float peak_fn(uint64_t steps);

#define REPEAT_12(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11)

#if defined(__x86_64__)
#include <immintrin.h>

#define START_512(i) __m512 c##i = _mm512_set1_ps((float)i);
#define STEP_512(i)  c##i = _mm512_fmadd_ps(c##i, a, b);
#define SUM_512(i)   sum += _mm512_cvtss_f32(c##i);

__attribute__((target("avx512f"))) static float peak_avx512(uint64_t steps)
{
    const __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
    float sum = 0;

    REPEAT_12(START_512)
    for (uint64_t i = 0; i < steps; i++) {
        REPEAT_12(STEP_512)
    }
    REPEAT_12(SUM_512)
    return sum;
}

#define START_256(i) __m256 c##i = _mm256_set1_ps((float)i);
#define STEP_256(i)  c##i = _mm256_fmadd_ps(c##i, a, b);
#define SUM_256(i)   sum += _mm256_cvtss_f32(c##i);

__attribute__((target("avx2,fma"))) static float peak_avx2(uint64_t steps)
{
    const __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
    float sum = 0;

    REPEAT_12(START_256)
    for (uint64_t i = 0; i < steps; i++) {
        REPEAT_12(STEP_256)
    }
    REPEAT_12(SUM_256)
    return sum;
}
#endif

typedef float vector4 __attribute__((vector_size(16)));

#define START_4(i) vector4 c##i = {(float)i, (float)i, (float)i, (float)i};
#define STEP_4(i)  c##i = c##i * a + b;
#define SUM_4(i)   sum += c##i[0];

static float peak_portable(uint64_t steps)
{
    const vector4 a = {0.5f, 0.5f, 0.5f, 0.5f}, b = {0.25f, 0.25f, 0.25f, 0.25f};
    float sum = 0;

    REPEAT_12(START_4)
    for (uint64_t i = 0; i < steps; i++) {
        REPEAT_12(STEP_4)
    }
    REPEAT_12(SUM_4)
    return sum;
}

static peak_fn *choose(uint32_t *width)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        *width = 16;
        return peak_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        *width = 8;
        return peak_avx2;
    }
#endif
    *width = 4;
    return peak_portable;
}

struct worker {
    pthread_t thread;
    peak_fn *run;
    uint64_t steps;
    volatile float result; /* so that the work is not left out */
};

static void *work(void *argument)
{
    struct worker *worker = argument;

    worker->result = worker->run(worker->steps);
    return NULL;
}

/* Seconds that all take for `steps` each; workers[0] is the caller. */
static double run_all(struct worker *workers, uint32_t threads, uint64_t steps, uint32_t *started)
{
    double start = seconds_now();

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
    return seconds_now() - start;
}

double bench_peak_gflops(uint32_t threads)
{
    struct worker *workers = get_memory(threads, sizeof *workers);
    uint64_t steps = 1 << 20;
    uint32_t width, started;
    peak_fn *run = choose(&width);
    double best = 0;

    for (uint32_t i = 0; i < threads; i++)
        workers[i].run = run;
    while (run_all(workers, threads, steps, &started) < 0.05 && steps < (uint64_t)1 << 40)
        steps *= 2;
    for (int i = 0; i < ROUNDS; i++) {
        double taken = run_all(workers, threads, steps, &started);
        double rate = 2.0 * CHAINS * width * (double)steps * started / taken * 1e-9;

        best = rate > best ? rate : best;
    }
    free(workers);
    return best;
}
