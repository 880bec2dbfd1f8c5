/* SPDX-License-Identifier: MIT */
/*
 * gemm_bf16_wide.h - weights of 16 bits, widened in the register tile, with rows of floats:
 * for instruction sets without products of bf16; included once per ISA.
 */
#ifndef BERT_KERNELS_TMPL_GEMM_BF16_WIDE_H
#define BERT_KERNELS_TMPL_GEMM_BF16_WIDE_H

#include "kernels/tmpl/gemm_store.h"

#define B16_NR   GEMM_NR
#define B16_STEP 1
#define B16_PAD  1
#include "kernels/tmpl/panel_bf16.h"

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

#define GEMM_BF16                                                                                  \
    {                                                                                              \
        .mr = GEMM_MR, .nr = GEMM_NR, .k_group = 1, .a_size = sizeof(float), .speed = GEMM_SPEED,  \
        .panel_bytes = K(gemm_bf16_panel_bytes), .pack = K(gemm_bf16_pack),                        \
        .run = K(gemm_bf16_run)                                                                    \
    }

#endif
