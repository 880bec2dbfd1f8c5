/* SPDX-License-Identifier: MIT */
/*
 * row.h - a row's largest value, its multiple, its exponents and their sum: what softmax of a whole
 * row and attention, block by block, are made of; included once per ISA.
 * Sums run lane-wise in ascending order, then over lanes in a fixed tree.
 */
#ifndef BERT_KERNELS_TMPL_ROW_H
#define BERT_KERNELS_TMPL_ROW_H

#include <math.h>
#include <stddef.h>

#include "kernels/tmpl/math.h"

#define LOG2_E 0x1.715476p+0f

/* vf_max() alone would lose a NaN of its first operand. */
static inline vf K(max_nan)(vf a, vf b)
{
    return vf_sel(vf_isnan(a), a, vf_max(a, b));
}

static inline float K(row_max)(const float *x, size_t n)
{
    const vf lowest = vf_set1(-INFINITY);
    vf m[2] = {lowest, lowest};
    size_t i = 0;

    for (; i + 2 * VF <= n; i += 2 * VF) {
        m[0] = vf_max(m[0], vf_load(x + i));
        m[1] = vf_max(m[1], vf_load(x + i + VF));
    }
    for (; i < n; i += VF) {
        vt t = vt_make(n - i < VF ? n - i : VF);

        m[0] = vf_max(m[0], vf_keep_t(vf_load_t(x + i, t), lowest, t));
    }
    return vf_hmax(K(max_nan)(m[0], m[1]));
}

/* to = s * from */
ALWAYS_INLINE void K(row_times)(float *to, const float *from, float s, size_t n)
{
    const vf k = vf_set1(s);
    size_t i = 0;

    for (; i + VF <= n; i += VF)
        vf_store(to + i, vf_mul(k, vf_load(from + i)));
    if (i < n) {
        vt t = vt_make(n - i);

        vf_store_t(to + i, vf_mul(k, vf_load_t(from + i, t)), t);
    }
}

/* x = 2^(scale (x - most)); the sum of it. */
ALWAYS_INLINE float K(row_exp2_sum)(float *x, size_t n, float most, float scale)
{
    const vf k = vf_set1(scale), m = vf_set1(most);
    vf s = vf_zero();
    size_t i = 0;

    for (; i + VF <= n; i += VF) {
        vf e = K(exp2_negative)(vf_mul(vf_sub(vf_load(x + i), m), k));

        vf_store(x + i, e);
        s = vf_add(s, e);
    }
    if (i < n) {
        vt t = vt_make(n - i);
        vf e = K(exp2_negative)(vf_mul(vf_sub(vf_load_t(x + i, t), m), k));

        vf_store_t(x + i, e, t);
        s = vf_add(s, vf_keep_t(e, vf_zero(), t));
    }
    return vf_hsum(s);
}

#endif
