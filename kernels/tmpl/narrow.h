/* SPDX-License-Identifier: MIT */
/*
 * narrow.h - floats to bf16 and to 8 bits; included once per ISA.
 *
 * 8 bits: q = round(x * 127 / max |x|), ties to even, and x is about q * scale, scale =
 * max |x| / 127.  All instruction sets give the same q and the same scale.
 */
#ifndef BERT_KERNELS_TMPL_NARROW_H
#define BERT_KERNELS_TMPL_NARROW_H

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

#define Q_MOST 127.0f

struct K(quant) {
    float scale, inverse;
};

static inline void K(narrow_bf16)(uint16_t *y, const float *x, size_t n)
{
    size_t i = 0;

    for (; i + VF <= n; i += VF)
        vf_store_bf16(y + i, vf_load(x + i));
    if (i < n) {
        uint16_t rest[VF];

        vf_store_bf16(rest, vf_load_t(x + i, vt_make(n - i)));
        memcpy(y + i, rest, (n - i) * sizeof(*y));
    }
}

/* The largest |x|, infinity if one is a NaN. */
static inline float K(abs_max)(const float *x, size_t n)
{
    vf most = vf_zero();
    size_t i = 0;

    for (; i + VF <= n; i += VF) {
        vf a = vf_abs(vf_load(x + i));

        most = vf_sel(vf_isnan(most), most, vf_max(most, a)); /* vf_max() passes a NaN of a */
    }
    if (i < n) {
        vf a = vf_abs(vf_load_t(x + i, vt_make(n - i)));

        most = vf_sel(vf_isnan(most), most, vf_max(most, a));
    }
    return vf_hmax(vf_sel(vf_isnan(most), vf_set1(INFINITY), most));
}

/* The scale of values of which the largest is `most`; all of them become 0 where that is 0,
 * and what follows from them NaN where it is not finite. */
static inline struct K(quant) K(quant_of)(float most)
{
    struct K(quant) q = {0.0f, 0.0f};

    if (!(most < INFINITY))
        q.scale = NAN;
    else if (most > 0x1p-100f) { /* below, the inverse would overflow */
        q.scale = most / Q_MOST;
        q.inverse = Q_MOST / most;
    }
    return q;
}

ALWAYS_INLINE vi K(quantise)(vf x, vf inverse, vi offset)
{
    return vi_add(vi_nearest(vf_mul(x, inverse)), offset);
}

/* y[i] = q(x[i]) + offset, 8 bits each. */
static inline void K(narrow_8)(void *y, const float *x, size_t n, float inverse, int offset)
{
    const vf by = vf_set1(inverse);
    const vi add = vi_set1(offset);
    uint8_t *to = y;
    size_t i = 0;

    if (inverse == 0.0f) { /* x may be infinite */
        memset(to, offset, n);
        return;
    }
    for (; i + VF <= n; i += VF)
        vi_store_low8(to + i, K(quantise)(vf_load(x + i), by, add));
    if (i < n) {
        uint8_t rest[VF];

        vi_store_low8(rest, K(quantise)(vf_load_t(x + i, vt_make(n - i)), by, add));
        memcpy(to + i, rest, n - i);
    }
}

#endif
