/* SPDX-License-Identifier: MIT */
/* bench_peak.h - the peaks of this machine, measured. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stdint.h>

#include "examples/bert/bench_loops.h"

/* 10^9 operations a second of `threads` threads that do nothing but this loop for about
 * `seconds`; 0 where the machine can't run it. */
double bench_loop_rate(const struct bench_loop *loop, uint32_t threads, double seconds);

/* The same of the fastest loop of the type, the best of a few runs; where a machine has no
 * instructions of the type, its fp32 peak. */
double bench_peak_rate(enum bench_type type, uint32_t threads);

#endif
