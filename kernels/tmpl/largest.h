/* SPDX-License-Identifier: MIT */
/* largest.h - the largest of a row; included once per ISA. */
#ifndef BERT_KERNELS_TMPL_LARGEST_H
#define BERT_KERNELS_TMPL_LARGEST_H

#include <math.h>
#include <stddef.h>

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

#endif
