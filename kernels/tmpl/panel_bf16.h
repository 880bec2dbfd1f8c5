/* SPDX-License-Identifier: MIT */
/*
 * panel_bf16.h - panels of bf16, by default in pairs; included once per ISA.  The ISA's
 * file defines B16_NR and B16_PAD, and B16_STEP if that isn't 2.
 */
#ifndef BERT_KERNELS_TMPL_PANEL_BF16_H
#define BERT_KERNELS_TMPL_PANEL_BF16_H

#include "kernels/tmpl/narrow.h"

#ifndef B16_STEP
#define B16_STEP 2
#endif

#define P(name)                       K(gemm_bf16_##name)
#define P_T                           uint16_t
#define P_STEP                        B16_STEP
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

#endif
