/* SPDX-License-Identifier: MIT */
/*
 * gemm_f32.h - C[m][n] = epilogue(A[m][k] * W^T) on float panels; included once per ISA.
 *
 * The rounding error of a sum of k random terms in one chain grows like k, in chains of d
 * like sqrt(k (d + k / d)): a half at k = 384 and a quarter at 1536, for a hundredth of
 * the time (the partial sums stay in L1).
 */
#ifndef BERT_KERNELS_TMPL_GEMM_F32_H
#define BERT_KERNELS_TMPL_GEMM_F32_H

#include "kernels/tmpl/gemm_store.h"

#define GEMM_DEPTH 96

#define G(name) K(gemm_f32_##name)
#define G_A     float
#define G_B     float
#define G_W     vf
#define G_X     vs
#define G_STEP  1
#define G_SUM   vf
#define G_DEPTH GEMM_DEPTH

ALWAYS_INLINE vf G(zero)(void)
{
    return vf_zero();
}

ALWAYS_INLINE vf G(load)(const float *b)
{
    return vf_load(b);
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

static size_t K(gemm_f32_panel_bytes)(size_t k)
{
    size_t bytes;

    if (__builtin_mul_overflow(k, GEMM_NR * sizeof(float), &bytes) || bytes > SIZE_MAX - 63)
        return 0;
    return (bytes + 63) & ~(size_t)63;
}

/* to[k][ldt] (VF columns of it) = the transpose of up to VF rows of w, the rest zero. */
static void K(pack_rows)(float *to, size_t ldt, const float *w, size_t ldw, size_t rows, size_t k)
{
    for (size_t i = 0; i < k; i += VF) {
        size_t depth = k - i < VF ? k - i : VF;
        vt t = vt_make(depth);
        vf block[VF];

        for (size_t r = 0; r < VF; r++)
            block[r] = r < rows ? vf_load_t(w + r * ldw + i, t) : vf_zero();
        vf_transpose(block);
        for (size_t r = 0; r < depth; r++)
            vf_store(to + (i + r) * ldt, block[r]);
    }
}

static void K(gemm_f32_pack)(void *panel, const float *w, size_t ldw, size_t columns, size_t k)
{
    float *to = panel;

    for (size_t j = 0; j < GEMM_NR; j += VF) {
        size_t rows = columns < j ? 0 : columns - j < VF ? columns - j : VF;

        K(pack_rows)(to + j, GEMM_NR, w + (rows ? j * ldw : 0), ldw, rows, k);
    }
    memset(to + GEMM_NR * k, 0, K(gemm_f32_panel_bytes)(k) - GEMM_NR * k * sizeof(float));
}

#endif
