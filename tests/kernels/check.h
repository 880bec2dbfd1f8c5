/* SPDX-License-Identifier: MIT */
/*
 * check.h - the kernel check: every kernel of a table against double-precision oracles.
 *
 * A check is a function that runs one kernel on many cases and counts failures instead
 * of stopping, so that the same functions serve the cmocka tests (none may fail), the
 * mutants (some must fail) and tables from elsewhere.  Buffers end or begin at guard
 * pages and are ringed by canaries; a crash is caught and counts as a failure.
 */
#ifndef BERT_TESTS_KERNELS_CHECK_H
#define BERT_TESTS_KERNELS_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

#define CHECK_SLOTS 12

/* Rounding unit of float. */
#define U 0x1p-24

struct check_slot {
    unsigned char *data; /* CHECK_SLOT_BYTES of it between two guard pages */
    unsigned char *used; /* what guard() gave last, NULL when free */
    size_t bytes;
};

struct check {
    const struct bert__kernels *k;
    enum bert__dtype dtype; /* of the GEMM or attention that is checked */
    unsigned failures;
    char message[256]; /* of the first failure */
    uint64_t seed;
    struct check_slot slots[CHECK_SLOTS];
};

typedef void (*check_fn)(struct check *c);

struct check_entry {
    const char *name;
    check_fn run;
    size_t at, bytes; /* what it checks, in the table */
};

/* One entry per kernel of kernels.inc and per check of GEMM or attention; ends with a NULL name. */
extern const struct check_entry check_list[];

/* Every how-many-th float the elementary functions are tested on (1: all of them). */
extern uint32_t check_float_step;

/* Run one check on a table; the number of failures, the first one in message. */
unsigned check_run(const struct bert__kernels *k, check_fn run, char *message, size_t size);
/* All of check_list; stops at nothing, returns the failures. */
unsigned check_table(const struct bert__kernels *k);

__attribute__((format(printf, 2, 3))) void check_fail(struct check *c, const char *format, ...);

/* If there was no failure before and is now: add where it came from to the message. */
__attribute__((format(printf, 3, 4))) void check_note(struct check *c, unsigned before,
                                                      const char *format, ...);

/* |got - want| <= bound, both NaN, or the same infinity. */
void check_near(struct check *c, double got, double want, double bound, const char *what, size_t i);
/* The same bits. */
void check_same(struct check *c, const float *a, const float *b, size_t n, const char *what);

/* ---- Buffers and data -------------------------------------------------- */

enum guard_side {
    GUARD_END,   /* the last byte is followed by a guard page */
    GUARD_START, /* the first byte follows a guard page */
    GUARD_SHIFT, /* one element after a START: the worst alignment */
    GUARD_SIDES
};

/* n elements of `size` bytes, filled with 0xa5; valid until check_release(). */
void *guard(struct check *c, size_t n, size_t size, enum guard_side side);
float *guard_floats(struct check *c, size_t n, enum guard_side side);
/* n random values in [-range, range]. */
float *guard_random(struct check *c, size_t n, float range, enum guard_side side);
/* 64-byte aligned floats, ending at a guard page when n is a multiple of 16. */
float *guard_aligned(struct check *c, size_t n);
/* Test the canaries of all buffers and free them. */
void check_release(struct check *c);

uint32_t check_random(struct check *c, uint32_t below);
float check_uniform(struct check *c, float low, float high);
/* Random rows [rows][n] at stride ld with NaN in the gaps between them. */
void check_fill_rows(struct check *c, float *p, size_t rows, size_t n, size_t ld, float range);
/* The gaps of such rows in an output hold the fill of guard() still. */
void check_gaps(struct check *c, const float *p, size_t rows, size_t n, size_t ld);

/* ---- Oracles ----------------------------------------------------------- */

/* gamma_n = n u / (1 - n u): the bound of n roundings in a row. */
double gamma_of(double n);
/* Roundings in a sum of n terms as the tables order it: at least four lanes, then a tree. */
double sum_roundings(size_t n);
/* Rounded to bf16. */
float oracle_bf16(float x);
double oracle_act(enum bert__act act, double x);
/* What activate() may be off by at x (see kernels/tmpl/math.h). */
double bound_act(enum bert__act act, double x);

/* ---- The checks: one for each kernel, for GEMM, attention ------------------------ */

#define BERT__KERNEL(ret, name, args) void check_##name(struct check *c);
#include "kernels/kernels.inc"
#undef BERT__KERNEL
/* Values; epilogues; bits don't depend on m, place, neighbours; panels. */
#define CHECK_GEMM(X)                                                                              \
    X(f32, BERT__F32)                                                                              \
    X(f32_epilogue, BERT__F32)                                                                     \
    X(f32_rows, BERT__F32)                                                                         \
    X(f32_pack, BERT__F32)                                                                         \
    X(bf16, BERT__BF16)                                                                            \
    X(bf16_epilogue, BERT__BF16)                                                                   \
    X(bf16_rows, BERT__BF16)                                                                       \
    X(bf16_pack, BERT__BF16)                                                                       \
    X(int8, BERT__INT8)                                                                            \
    X(int8_epilogue, BERT__INT8)                                                                   \
    X(int8_rows, BERT__INT8)                                                                       \
    X(int8_pack, BERT__INT8)                                                                       \
    X(int8_exact, BERT__INT8)
#define X(name, type) void check_gemm_##name(struct check *c);
CHECK_GEMM(X)
#undef X
/* Values and bits; what is read of the prepared keys; sizes. */
#define CHECK_ATTENTION(X)                                                                         \
    X(f32, BERT__F32)                                                                              \
    X(bf16, BERT__BF16)
#define X(name, type)                                                                              \
    void check_attention_##name(struct check *c);                                                  \
    void check_attention_##name##_prepare(struct check *c);                                        \
    void check_attention_##name##_sizes(struct check *c);
CHECK_ATTENTION(X)
#undef X

#endif
