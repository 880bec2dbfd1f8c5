/* SPDX-License-Identifier: MIT */
/*
 * activate.h - the activations of enum bert__act; included once per ISA.
 *
 * Errors for every float, u = 2^-24 (tested so in tests/kernels/check_activate.c): gelu and
 * gelu_10 4 u |x|, gelu_tanh, quick_gelu and silu 3 u |x|, relu2 u x^2, tanh and sigmoid as in
 * math.h, none and relu exact; results below 2^-126 may be 0.
 *
 * Each has the limits of its formula at +-infinity (0 for the gated ones at -infinity,
 * where the formula as written would give NaN), and NaN gives NaN.
 */
#ifndef BERT_KERNELS_TMPL_ACTIVATE_H
#define BERT_KERNELS_TMPL_ACTIVATE_H

#include "kernels/kernels.h"
#include "kernels/tmpl/math.h"

static inline vf K(act_gelu)(vf x)
{
    vm inside = vf_lt(vf_abs(x), vf_set1(PHI_LIMIT));

    return vf_sel(inside, vf_mul(x, K(phi)(x)), vf_max(vf_zero(), x));
}

/* 0.5 x (1 + tanh u) = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3). */
static inline vf K(act_gelu_tanh)(vf x)
{
    vf t = vf_fma(vf_mul(x, x), vf_set1(0.0713548163f), vf_set1(1.5957691216f));

    return K(times_sigmoid)(x, vf_mul(x, t));
}

static inline vf K(act_gelu_10)(vf x)
{
    return vf_min(vf_set1(10.0f), vf_max(vf_set1(-10.0f), K(act_gelu)(x)));
}

static inline vf K(act_quick_gelu)(vf x)
{
    return K(times_sigmoid)(x, vf_mul(vf_set1(1.702f), x));
}

static inline vf K(act_relu)(vf x)
{
    return vf_max(vf_zero(), x);
}

static inline vf K(act_relu2)(vf x)
{
    vf y = vf_max(vf_zero(), x);

    return vf_mul(y, y);
}

static inline vf K(act_silu)(vf x)
{
    return K(times_sigmoid)(x, x);
}

/* y[0..n) = fn(x[0..n)), the tail as full vectors do. */
#define MAP_LOOP(fn)                                                                               \
    do {                                                                                           \
        size_t i = 0;                                                                              \
        for (; i + VF <= n; i += VF)                                                               \
            vf_store(y + i, fn(vf_load(x + i)));                                                   \
        if (i < n) {                                                                               \
            vt t = vt_make(n - i);                                                                 \
            vf_store_t(y + i, fn(vf_load_t(x + i, t)), t);                                         \
        }                                                                                          \
    } while (0)

#define MAP_FN(name, fn)                                                                           \
    static void K(map_##name)(float *y, const float *x, size_t n)                                  \
    {                                                                                              \
        MAP_LOOP(fn);                                                                              \
    }

static inline vf K(identity)(vf x)
{
    return x;
}

MAP_FN(none, K(identity))
MAP_FN(gelu, K(act_gelu))
MAP_FN(gelu_tanh, K(act_gelu_tanh))
MAP_FN(gelu_10, K(act_gelu_10))
MAP_FN(quick_gelu, K(act_quick_gelu))
MAP_FN(relu, K(act_relu))
MAP_FN(relu2, K(act_relu2))
MAP_FN(silu, K(act_silu))
MAP_FN(tanh, K(tanh))
MAP_FN(sigmoid, K(sigmoid))

static void (*const K(maps)[BERT__ACT_COUNT])(float *, const float *, size_t) = {
    [BERT__ACT_NONE] = K(map_none),
    [BERT__ACT_GELU] = K(map_gelu),
    [BERT__ACT_GELU_TANH] = K(map_gelu_tanh),
    [BERT__ACT_GELU_10] = K(map_gelu_10),
    [BERT__ACT_QUICK_GELU] = K(map_quick_gelu),
    [BERT__ACT_RELU] = K(map_relu),
    [BERT__ACT_RELU2] = K(map_relu2),
    [BERT__ACT_SILU] = K(map_silu),
    [BERT__ACT_TANH] = K(map_tanh),
    [BERT__ACT_SIGMOID] = K(map_sigmoid),
};

#endif
