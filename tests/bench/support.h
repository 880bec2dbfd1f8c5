/* SPDX-License-Identifier: MIT */
/* support.h - what the programs of tests/bench share. */
#ifndef BENCH_SUPPORT_H
#define BENCH_SUPPORT_H

#include <stddef.h>

/* Seconds, monotonic. */
double bench_now(void);

/* GB/s of reading `bytes` again and again, each thread its part; 0 where that can't be done. */
double bench_reading(unsigned threads, size_t bytes);

/* GB/s of copying on one thread where source and copy have `bytes` together; both ways count. */
double bench_copying(size_t bytes);

#endif
