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

/* store(y + i, x[i] ...) of VF values at a time; the tail as full vectors do. */
#define NARROW_LOOP(type, store)                                                                   \
    do {                                                                                           \
        size_t i = 0;                                                                              \
        for (; i + VF <= n; i += VF)                                                               \
            store(y + i, vf_load(x + i));                                                          \
        if (i < n) {                                                                               \
            type rest[VF];                                                                         \
            store(rest, vf_load_t(x + i, vt_make(n - i)));                                         \
            memcpy(y + i, rest, (n - i) * sizeof(type));                                           \
        }                                                                                          \
    } while (0)

static inline void K(narrow_bf16)(uint16_t *y, const float *x, size_t n)
{
    NARROW_LOOP(uint16_t, vf_store_bf16);
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

/* y[i] = q(x[i]) + offset, in `bits` bits each; without an inverse x may be infinite. */
#define NARROW_FN(bits)                                                                            \
    static inline void K(narrow_##bits)(void *to, const float *x, size_t n, float inverse,         \
                                        int offset)                                                \
    {                                                                                              \
        const vf by = vf_set1(inverse);                                                            \
        const vi add = vi_set1(offset);                                                            \
        uint##bits##_t *y = to;                                                                    \
                                                                                                   \
        for (size_t i = 0; i < n && inverse == 0.0f; i++)                                          \
            y[i] = (uint##bits##_t)offset;                                                         \
        if (inverse != 0.0f)                                                                       \
            NARROW_LOOP(uint##bits##_t, STORE_LOW_##bits);                                         \
    }
#define STORE_LOW_8(p, v)  vi_store_low8(p, vi_add(vi_nearest(vf_mul(v, by)), add))
#define STORE_LOW_16(p, v) vi_store_low16(p, vi_add(vi_nearest(vf_mul(v, by)), add))
NARROW_FN(8)
NARROW_FN(16)
#undef STORE_LOW_8
#undef STORE_LOW_16
#undef NARROW_FN

#endif
