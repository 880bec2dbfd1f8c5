/* SPDX-License-Identifier: MIT */
/* bench_loops.h - loops that do nothing but multiply and add, one for each kind of instruction. */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include <stdint.h>

enum bench_type { BENCH_FP32, BENCH_BF16, BENCH_INT8 };

struct bench_loop {
    const char *name; /* of the instruction */
    enum bench_type type;
    uint32_t bits;          /* of its registers */
    double flops;           /* of one step: multiplications and additions */
    int (*usable)(void);    /* on this machine; NULL: always */
    float (*run)(uint64_t); /* so many steps; the result only keeps the work from being left out */
};

/* Ends with a NULL name.  Of those of one type the last usable one is the fastest. */
extern const struct bench_loop bench_loops[];

#endif
