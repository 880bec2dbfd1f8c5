/* SPDX-License-Identifier: MIT */
/*
 * rows_bf16.h - both operands of a GEMM that multiplies pairs of bf16: panels and converted
 * rows; included once per ISA.  The ISA's file defines B16_NR and B16_PAD.
 */
#ifndef BERT_KERNELS_TMPL_ROWS_BF16_H
#define BERT_KERNELS_TMPL_ROWS_BF16_H

#include "kernels/tmpl/narrow.h"

#define P(name)                       K(gemm_bf16_##name)
#define P_T                           uint16_t
#define P_STEP                        2
#define P_NR                          B16_NR
#define P_PAD                         B16_PAD
#define P_TRAILER                     0
#define P_K_MOST                      SIZE_MAX
#define P_NARROW(to, from, n, unused) K(narrow_bf16)(to, from, n)
#include "kernels/tmpl/gemm_pack.h"

static void K(gemm_bf16_pack)(void *panel, const float *w, size_t ldw, size_t columns, size_t k)
{
    memset(panel, 0, K(gemm_bf16_panel_bytes)(k));
    for (size_t j = 0; j < columns; j++)
        K(gemm_bf16_pack_column)(panel, j, w + j * ldw, k, 0.0f);
}

/* Whole lines, an odd number of them: then rows of a block don't compete for the same sets of
 * a cache. */
static size_t K(row_bf16_elements)(size_t k)
{
    const size_t lines = (K(gemm_bf16_padded)(k) * sizeof(uint16_t) + 63) / 64;

    return (lines | 1) * 32;
}

static void K(rows_bf16)(void *to, size_t ldd, const float *a, size_t lda, size_t m, size_t k)
{
    const size_t padding = K(gemm_bf16_padded)(k) - k;

    for (size_t i = 0; i < m; i++) {
        uint16_t *row = (uint16_t *)to + i * ldd;

        K(narrow_bf16)(row, a + i * lda, k);
        memset(row + k, 0, padding * sizeof(*row));
    }
}

#endif
