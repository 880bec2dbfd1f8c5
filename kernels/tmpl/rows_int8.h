/* SPDX-License-Identifier: MIT */
/* rows_int8.h - both operands of an 8-bit GEMM: panels and quantised rows; see gemm_int8.h. */
#ifndef BERT_KERNELS_TMPL_ROWS_INT8_H
#define BERT_KERNELS_TMPL_ROWS_INT8_H

#include "kernels/tmpl/narrow.h"

/* A sum of k products of 255 and 127 at most fits 31 bits. */
#define Q_K_MOST (INT32_MAX / (255 * 127))

#define P(name)                        K(gemm_int8_##name)
#define P_T                            int8_t
#define P_STEP                         Q_STEP
#define P_NR                           Q_NR
#define P_PAD                          Q_PAD
#define P_TRAILER                      (Q_NR * (sizeof(float) + sizeof(int32_t)))
#define P_K_MOST                       Q_K_MOST
#define P_NARROW(to, from, n, inverse) K(narrow_8)(to, from, n, inverse, 0)
#include "kernels/tmpl/gemm_pack.h"

static void K(gemm_int8_pack)(void *panel, const float *w, size_t ldw, size_t columns, size_t k)
{
    float *scales = (float *)(void *)((char *)panel + K(gemm_int8_element_bytes)(k));
    int32_t *sums = (int32_t *)(void *)(scales + Q_NR);

    memset(panel, 0, K(gemm_int8_panel_bytes)(k));
    for (size_t j = 0; j < columns; j++) {
        const struct K(quant) q = K(quant_of)(K(abs_max)(w + j * ldw, k));

        scales[j] = q.scale;
        sums[j] = Q_OFFSET * K(gemm_int8_pack_column)(panel, j, w + j * ldw, k, q.inverse);
    }
}

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
    const vf by = vf_set1(q.inverse);
    const vi add = vi_set1(Q_OFFSET);
    size_t i = 0;

    if (q.inverse == 0.0f) { /* x may be infinite */
        for (; i < k; i++)
            to[i] = Q_OFFSET;
    }
    for (; i + VF <= k; i += VF)
        Q_STORE(to + i, K(quantise)(vf_load(x + i), by, add));
    if (i < k) {
        Q_A rest[VF];

        Q_STORE(rest, K(quantise)(vf_load_t(x + i, vt_make(k - i)), by, add));
        memcpy(to + i, rest, (k - i) * sizeof(*to));
    }
    memset(to + k, 0, (padded - k) * sizeof(*to));
    memcpy(to + padded, &q.scale, sizeof(q.scale));
}

static void K(rows_int8)(void *to, size_t ldd, const float *a, size_t lda, size_t m, size_t k)
{
    for (size_t i = 0; i < m; i++)
        K(row_int8)((Q_A *)to + i * ldd, a + i * lda, k);
}

#endif
