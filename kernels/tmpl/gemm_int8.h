/* SPDX-License-Identifier: MIT */
/*
 * gemm_int8.h - 8-bit weights with a scale for each column, and rows quantised with a scale
 * for each; sums are exact integers, so that all instruction sets give the same bits:
 *   c[i][j] = (float)(sum over k of qa[i][k] qw[j][k]) * (scale_a[i] * scale_w[j])
 * Included once per ISA.  A panel is [k / step][nr][step], then the scales, then what is
 * to be taken off the sums: Q_OFFSET times the sum of each column, where rows hold q + Q_OFFSET.
 *
 * The ISA's file defines Q_A (a row's element), Q_STEP, Q_PAD, Q_OFFSET, and the functions
 * K(q8_load), K(q8_set), K(q8_dot) with their types Q_W, Q_X; Q_NARROW is the function of narrow.h
 * that makes Q_A.
 */
#ifndef BERT_KERNELS_TMPL_GEMM_INT8_H
#define BERT_KERNELS_TMPL_GEMM_INT8_H

#include "kernels/tmpl/gemm_store.h"
#include "kernels/tmpl/narrow.h"
#include "kernels/tmpl/rows_int8.h"

ALWAYS_INLINE vn K(q8_zero)(void)
{
    return (vn)vi_zero();
}

ALWAYS_INLINE vf K(q8_finish)(const TILE *t, vn sum, size_t r, size_t v)
{
    const char *scales = (const char *)t->b + K(gemm_int8_element_bytes)(t->k);
    const char *sums = scales + Q_NR * sizeof(float);
    const char *row = (const char *)((const Q_A *)t->a + r * t->lda);
    const vi exact = vi_sub((vi)sum, vi_load((const int32_t *)(const void *)sums + v * VF));
    float scale;

    memcpy(&scale, row + K(row_int8_bytes)(t->k), sizeof(scale));
    return vf_mul(vf_from_vi(exact),
                  vf_mul(vf_set1(scale), vf_load((const float *)(const void *)scales + v * VF)));
}

#define G(name) K(q8_##name)
#define G_A     Q_A
#define G_B     int8_t
#define G_W     Q_W
#define G_X     Q_X
#define G_STEP  Q_STEP
#define G_SUM   vn
#define G_DEPTH 0

#include "kernels/tmpl/gemm_tile.h"

#define GEMM_INT8                                                                                  \
    {                                                                                              \
        .mr = GEMM_MR, .nr = Q_NR, .k_group = Q_PAD, .a_size = sizeof(Q_A), .speed = GEMM_SPEED,   \
        .row_elements = K(row_int8_elements), .prepare = K(rows_int8),                             \
        .panel_bytes = K(gemm_int8_panel_bytes), .pack = K(gemm_int8_pack), .run = K(q8_run)       \
    }

#endif
