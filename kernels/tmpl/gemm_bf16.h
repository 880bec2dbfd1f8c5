/* SPDX-License-Identifier: MIT */
/*
 * gemm_bf16.h - products of pairs of bf16, summed as floats; included once per ISA.
 * The ISA's file defines K(b16_dot)(x, w, sum) on pairs held as vi.
 */
#ifndef BERT_KERNELS_TMPL_GEMM_BF16_H
#define BERT_KERNELS_TMPL_GEMM_BF16_H

#include "kernels/tmpl/gemm_store.h"
#include "kernels/tmpl/rows_bf16.h"

ALWAYS_INLINE vf K(b16_zero)(void)
{
    return vf_zero();
}

ALWAYS_INLINE vi K(b16_load)(const uint16_t *b)
{
    return vi_load((const int32_t *)(const void *)b);
}

ALWAYS_INLINE vi K(b16_set)(const uint16_t *a)
{
    int32_t pair;

    memcpy(&pair, a, sizeof(pair));
    return vi_set1(pair);
}

ALWAYS_INLINE vf K(b16_finish)(const TILE *t, vf sum, size_t r, size_t v)
{
    (void)t;
    (void)r;
    (void)v;
    return sum;
}

#define G(name) K(b16_##name)
#define G_A     uint16_t
#define G_B     uint16_t
#define G_W     vi
#define G_X     vi
#define G_STEP  B16_STEP
#define G_SUM   vf
#define G_DEPTH 0

#include "kernels/tmpl/gemm_tile.h"

#define GEMM_BF16                                                                                  \
    {                                                                                              \
        .mr = GEMM_MR, .nr = B16_NR, .k_group = B16_PAD, .a_size = sizeof(uint16_t),               \
        .speed = GEMM_SPEED, .row_elements = K(row_bf16_elements), .prepare = K(rows_bf16),        \
        .panel_bytes = K(gemm_bf16_panel_bytes), .pack = K(gemm_bf16_pack), .run = K(b16_run)      \
    }

#endif
