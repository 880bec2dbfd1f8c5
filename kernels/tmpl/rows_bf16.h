/* SPDX-License-Identifier: MIT */
/* rows_bf16.h - converted rows, one after the other, of a GEMM that multiplies pairs of bf16. */
#ifndef BERT_KERNELS_TMPL_ROWS_BF16_H
#define BERT_KERNELS_TMPL_ROWS_BF16_H

#include "kernels/tmpl/panel_bf16.h"

/* Whole lines, an odd number of them: then rows of a block don't compete for the same sets of
 * a cache. */
static size_t K(row_bf16_elements)(size_t k)
{
    const size_t lines = (K(gemm_bf16_padded)(k) * sizeof(uint16_t) + 63) / 64;

    return (lines | 1) * 32;
}

static void K(rows_bf16)(void *to, size_t first, const float *a, size_t lda, size_t m, size_t k)
{
    const size_t padding = K(gemm_bf16_padded)(k) - k;

    for (size_t i = 0; i < m; i++) {
        uint16_t *row = (uint16_t *)to + (first + i) * K(row_bf16_elements)(k);

        K(narrow_bf16)(row, a + i * lda, k);
        memset(row + k, 0, padding * sizeof(*row));
    }
}

#endif
