/* SPDX-License-Identifier: MIT */
/* isa_scalar.c - the kernels in portable C: the level that every CPU has. */
#include "kernels/simd_scalar.h"
#include "kernels/tables.h"

/* 4 x 8: with 16 registers of four lanes, 8 sums, 2 of the panel, 1 of A. */
#define GEMM_MR       4
#define GEMM_SPEED    10
#define GEMM_NV       2
#define GEMM_TILES(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2)
#define GEMM_PARTS(X) X(3) X(4)

/* 8 bits: rows of int16, a step is one product. */
#define Q_A      int16_t
#define Q_STEP   1
#define Q_NR     GEMM_NR
#define Q_PAD    8
#define Q_OFFSET 0
#define Q_W      vi
#define Q_X      vi
#define Q_NARROW K(narrow_16)

ALWAYS_INLINE vi K(q8_load)(const int8_t *w)
{
    return (vi){w[0], w[1], w[2], w[3]};
}

ALWAYS_INLINE vi K(q8_set)(const int16_t *a)
{
    return vi_set1(*a);
}

ALWAYS_INLINE vi K(q8_dot)(vi x, vi w, vi sum)
{
    return sum + x * w;
}

#include "kernels/tmpl/activate.h"
#include "kernels/tmpl/elementwise.h"
#include "kernels/tmpl/gemm_bf16_wide.h"
#include "kernels/tmpl/gemm_f32.h"
#include "kernels/tmpl/gemm_int8.h"
#include "kernels/tmpl/layernorm.h"
#include "kernels/tmpl/reduce.h"

#include "kernels/tmpl/attention.h"

const struct bert__kernels bert__kernels_scalar = {
    .name = "scalar",
    .level = 0,
    .needs = 0,
#include "kernels/tmpl/table.inc"
};
