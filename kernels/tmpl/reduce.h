/* SPDX-License-Identifier: MIT */
/*
 * reduce.h - softmax, dot, all_finite of one row; included once per ISA.
 * Sums run lane-wise in ascending order, then over lanes in a fixed tree.
 */
#ifndef BERT_KERNELS_TMPL_REDUCE_H
#define BERT_KERNELS_TMPL_REDUCE_H

#include <math.h>

#include "kernels/tmpl/elementwise.h"
#include "kernels/tmpl/row.h"

static void K(softmax)(float *x, size_t n)
{
    float sum = K(row_exp2_sum)(x, n, K(row_max)(x, n), LOG2_E);

    K(scale)(x, x, 1.0f / sum, n);
}

static float K(dot)(const float *a, const float *b, size_t n)
{
    vf s[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    size_t i = 0;

    for (; i + 4 * VF <= n; i += 4 * VF) {
        UNROLL
        for (size_t j = 0; j < 4; j++)
            s[j] = vf_fma(vf_load(a + i + j * VF), vf_load(b + i + j * VF), s[j]);
    }
    for (; i < n; i += VF) {
        vt t = vt_make(n - i < VF ? n - i : VF);

        s[0] = vf_fma(vf_load_t(a + i, t), vf_load_t(b + i, t), s[0]);
    }
    return vf_hsum(vf_add(vf_add(s[0], s[1]), vf_add(s[2], s[3])));
}

static int K(all_finite)(const float *x, size_t n)
{
    vi bad = vi_zero();
    size_t i = 0;

    for (; i + VF <= n; i += VF)
        bad = vi_or(bad, vf_all_ones_exponent(vf_load(x + i)));
    if (i < n)
        bad = vi_or(bad, vf_all_ones_exponent(vf_load_t(x + i, vt_make(n - i))));
    return !vi_any(bad);
}

#endif
