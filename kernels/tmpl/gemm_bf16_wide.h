/* SPDX-License-Identifier: MIT */
/*
 * gemm_bf16_wide.h - weights of 16 bits, widened in the register tile, with rows of floats:
 * for instruction sets without products of bf16; included once per ISA.
 */
#ifndef BERT_KERNELS_TMPL_GEMM_BF16_WIDE_H
#define BERT_KERNELS_TMPL_GEMM_BF16_WIDE_H

#include "kernels/tmpl/gemm_store.h"
#include "kernels/tmpl/narrow.h"

#define P(name)                       K(gemm_bf16_##name)
#define P_T                           uint16_t
#define P_STEP                        1
#define P_NR                          GEMM_NR
#define P_PAD                         1
#define P_TRAILER                     0
#define P_K_MOST                      SIZE_MAX
#define P_NARROW(to, from, n, unused) K(narrow_bf16)(to, from, n)
#include "kernels/tmpl/gemm_pack.h"

#define G(name) K(gemm_bf16_##name)
#define G_A     float
#define G_B     uint16_t
#define G_W     vf
#define G_X     vs
#define G_STEP  1
#define G_SUM   vf
#define G_DEPTH 96

ALWAYS_INLINE vf G(zero)(void)
{
    return vf_zero();
}

ALWAYS_INLINE vf G(load)(const uint16_t *b)
{
    return vf_load_bf16(b);
}

ALWAYS_INLINE vs G(set)(const float *a)
{
    return vs_load(a);
}

ALWAYS_INLINE vf G(dot)(vs x, vf w, vf sum)
{
    return vs_fma(x, w, sum);
}

#include "kernels/tmpl/gemm_tile.h"

static void K(gemm_bf16_pack)(void *panel, const float *w, size_t ldw, size_t columns, size_t k)
{
    memset(panel, 0, K(gemm_bf16_panel_bytes)(k));
    for (size_t j = 0; j < columns; j++)
        K(gemm_bf16_pack_column)(panel, j, w + j * ldw, k, 0.0f);
}

#define GEMM_BF16                                                                                  \
    {                                                                                              \
        .mr = GEMM_MR, .nr = GEMM_NR, .k_group = 1, .a_size = sizeof(float), .speed = GEMM_SPEED,  \
        .panel_bytes = K(gemm_bf16_panel_bytes), .pack = K(gemm_bf16_pack),                        \
        .run = K(gemm_bf16_run)                                                                    \
    }

#endif
