/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/support.h"

/* READ: bytes that one measurement goes over at least. */
enum { MAX_THREADS = 256, ROUNDS = 3, READ = 1 << 28 };

double bench_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct reader {
    pthread_t thread;
    const char *from;
    size_t bytes, times;
    volatile unsigned long long sink;
};

/* Vectors of 64 bytes, four sums: whatever the compiler has for them. */
typedef unsigned long long block __attribute__((vector_size(64), aligned(64)));

static inline __attribute__((always_inline)) unsigned long long sum_blocks(const char *from,
                                                                           size_t bytes)
{
    block s[4] = {{0}};

    for (size_t i = 0; i + 4 * sizeof(block) <= bytes; i += 4 * sizeof(block)) {
        const block *b = (const void *)(from + i);

        s[0] += b[0];
        s[1] += b[1];
        s[2] += b[2];
        s[3] += b[3];
    }
    s[0] += s[1] + s[2] + s[3];
    return s[0][0] + s[0][7];
}

static inline __attribute__((always_inline)) unsigned long long
copy_blocks(char *to, const char *from, size_t bytes)
{
    for (size_t i = 0; i + 4 * sizeof(block) <= bytes; i += 4 * sizeof(block)) {
        const block *b = (const void *)(from + i);
        block *c = (void *)(to + i);

        c[0] = b[0];
        c[1] = b[1];
        c[2] = b[2];
        c[3] = b[3];
    }
    __asm__ volatile("" : : "r"(to) : "memory");
    return 0;
}

/* With the widest vectors of the machine: sums `from`, or copies it if there is where to. */
#define BOTH(name, target)                                                                         \
    target static unsigned long long name(char *to, const char *from, size_t bytes)                \
    {                                                                                              \
        return to == NULL ? sum_blocks(from, bytes) : copy_blocks(to, from, bytes);                \
    }
#if defined(__x86_64__)
BOTH(go_avx512, __attribute__((target("avx512f"))))
BOTH(go_avx2, __attribute__((target("avx2"))))
#endif
BOTH(go_portable, )

static unsigned long long go(char *to, const char *from, size_t bytes)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return go_avx512(to, from, bytes);
    if (__builtin_cpu_supports("avx2"))
        return go_avx2(to, from, bytes);
#endif
    return go_portable(to, from, bytes);
}

static void *read_all(void *argument)
{
    struct reader *r = argument;
    unsigned long long total = 0;

    for (size_t i = 0; i < r->times; i++)
        total += go(NULL, r->from, r->bytes);
    r->sink = total;
    return NULL;
}

static double read_once(struct reader *readers, unsigned threads, size_t times)
{
    double start = bench_now();
    unsigned started = 1;

    for (unsigned i = 0; i < threads; i++)
        readers[i].times = times;
    while (started < threads
           && pthread_create(&readers[started].thread, NULL, read_all, &readers[started]) == 0)
        started++;
    read_all(&readers[0]);
    for (unsigned i = 1; i < started; i++)
        pthread_join(readers[i].thread, NULL);
    return started == threads ? bench_now() - start : 1e9;
}

double bench_reading(unsigned threads, size_t bytes)
{
    struct reader readers[MAX_THREADS];
    const size_t part = threads > 0 ? bytes / threads & ~(size_t)255 : 0;
    const size_t size = (bytes + 4095) & ~(size_t)4095, once = part * threads;
    const size_t times = once > 0 && once < READ ? READ / once : 1;
    char *memory = once > 0 && threads <= MAX_THREADS ? aligned_alloc(4096, size) : NULL;
    double best = 1e9;

    if (memory == NULL)
        return 0;
    memset(memory, 1, size);
    for (unsigned i = 0; i < threads; i++)
        readers[i] = (struct reader){.from = memory + i * part, .bytes = part};
    for (int i = 0; i < ROUNDS; i++) {
        double taken = read_once(readers, threads, times);

        best = taken < best ? taken : best;
    }
    free(memory);
    return (double)once * (double)times / best * 1e-9;
}

double bench_copying(size_t bytes)
{
    const size_t half = (bytes / 2 + 255) & ~(size_t)255;
    const size_t times = half < READ / 4 ? READ / 4 / half : 1;
    /* Half a page apart within their pages: else loads wait for stores of like addresses. */
    const size_t apart = ((half + 4095) & ~(size_t)4095) + 2048;
    char *from = aligned_alloc(4096, (apart + half + 4095) & ~(size_t)4095);
    double best = 1e9;

    if (from == NULL)
        return 0;
    memset(from, 1, apart + half);
    for (int i = 0; i < ROUNDS; i++) {
        double start = bench_now(), taken;

        for (size_t j = 0; j < times; j++)
            go(from + apart, from, half);
        taken = bench_now() - start;
        best = taken < best ? taken : best;
    }
    free(from);
    return 2 * (double)half * (double)times / best * 1e-9;
}
