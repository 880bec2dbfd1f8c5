/* SPDX-License-Identifier: MIT */
/* panel_int8.h - panels of an 8-bit GEMM; see gemm_int8.h. */
#ifndef BERT_KERNELS_TMPL_PANEL_INT8_H
#define BERT_KERNELS_TMPL_PANEL_INT8_H

#include "kernels/tmpl/narrow.h"

/* A sum of k products of 255 and 127 at most fits 31 bits. */
#define Q_K_MOST (INT32_MAX / (255 * 127))

#define P(name)                        K(gemm_int8_##name)
#define P_T                            int8_t
#define P_STEP                         Q_STEP
#define P_NR                           Q_NR
#define P_PAD                          Q_PAD
#define P_TRAILER                      ((Q_NR * (sizeof(float) + sizeof(int32_t)) + 63) & ~(size_t)63)
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

#endif
