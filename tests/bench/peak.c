/* SPDX-License-Identifier: MIT */
/*
 * peak.c - what this machine can do, for bench.py: bench-peak, then lines on standard input:
 *   rates THREADS           for each kind of instruction its name, type and 10^9 operations a
 * second burn THREADS SECONDS    10^9 operations a second of fp32 just now: is the machine
 * disturbed? read THREADS BYTES      GB/s of reading so many bytes, each thread its part, again and
 * again Every answer is one line.  `bench-peak busy` computes until it is killed, on one thread.
 */
#include <stdio.h>
#include <string.h>

#include "examples/bert/bench_peak.h"
#include "tests/bench/support.h"

enum { ROUNDS = 3 };

static const char *const types[] = {"fp32", "bf16", "int8"};

static const struct bench_loop *fp32_loop(void)
{
    const struct bench_loop *best = bench_loops;

    for (const struct bench_loop *l = bench_loops; l->name != NULL; l++) {
        if (l->type == BENCH_FP32 && (l->usable == NULL || l->usable()))
            best = l;
    }
    return best;
}

static void rates(unsigned threads)
{
    for (const struct bench_loop *l = bench_loops; l->name != NULL; l++) {
        double best = 0;

        for (int i = 0; i < ROUNDS; i++) {
            double rate = bench_loop_rate(l, threads, 0.05);

            best = rate > best ? rate : best;
        }
        if (best > 0)
            printf("%s %s %.6g ", l->name, types[l->type], best);
    }
    printf("\n");
}

/* ---- Commands ------------------------------------------------------------- */

static int answer(const char *line)
{
    unsigned threads;
    unsigned long long bytes;
    double seconds;

    if (sscanf(line, "rates %u", &threads) == 1)
        rates(threads);
    else if (sscanf(line, "burn %u %lf", &threads, &seconds) == 2)
        printf("%.6g\n", bench_loop_rate(fp32_loop(), threads, seconds));
    else if (sscanf(line, "read %u %llu", &threads, &bytes) == 2)
        printf("%.6g\n", bench_reading(threads, (size_t)bytes));
    else
        return -1;
    return 0;
}

int main(int argc, char **argv)
{
    char line[200];

    while (argc == 2 && strcmp(argv[1], "busy") == 0)
        bench_loop_rate(fp32_loop(), 1, 0.1);
    printf("bench-peak\n");
    for (fflush(stdout); fgets(line, sizeof line, stdin) != NULL; fflush(stdout)) {
        if (answer(line) != 0) {
            fprintf(stderr, "bench-peak: %s", line);
            return 1;
        }
    }
    return 0;
}
