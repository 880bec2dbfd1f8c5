/* SPDX-License-Identifier: MIT */
/* rows_int8.h - quantised rows of an 8-bit GEMM, one after the other; see gemm_int8.h. */
#ifndef BERT_KERNELS_TMPL_ROWS_INT8_H
#define BERT_KERNELS_TMPL_ROWS_INT8_H

#include "kernels/tmpl/panel_int8.h"

/* Bytes of a row's elements; its scale follows. */
static size_t K(row_int8_bytes)(size_t k)
{
    return K(gemm_int8_padded)(k) * sizeof(Q_A);
}

/* Whole lines, an odd number of them: then rows of a block don't compete for the same sets of
 * a cache. */
static size_t K(row_int8_elements)(size_t k)
{
    const size_t lines = (K(row_int8_bytes)(k) + sizeof(float) + 63) / 64;

    return (lines | 1) * 64 / sizeof(Q_A);
}

static void K(row_int8)(Q_A *to, const float *x, size_t k)
{
    const struct K(quant) q = K(quant_of)(K(abs_max)(x, k));
    const size_t padded = K(gemm_int8_padded)(k);

    Q_NARROW(to, x, k, q.inverse, Q_OFFSET);
    memset(to + k, 0, (padded - k) * sizeof(*to));
    memcpy(to + padded, &q.scale, sizeof(q.scale));
}

static void K(rows_int8)(void *to, size_t first, const float *a, size_t lda, size_t m, size_t k)
{
    Q_A *row = (Q_A *)to + first * K(row_int8_elements)(k);

    for (size_t i = 0; i < m; i++, row += K(row_int8_elements)(k))
        K(row_int8)(row, a + i * lda, k);
}

#endif
