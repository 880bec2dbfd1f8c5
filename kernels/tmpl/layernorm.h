/* SPDX-License-Identifier: MIT */
/*
 * layernorm.h - LayerNorm and RMSNorm of one row; included once per ISA.
 *
 *   y[i] = (x[i] - mean) / sqrt(var + eps) * gamma[i] + beta[i]
 *
 * The variance is a second pass, not E[x^2] - E[x]^2: trained encoders have rows with
 * |mean| >> stddev, where the one-pass form cancels to noise.  The second pass also
 * sums x - mean, whose average is the rounding error of the mean, and takes it out.
 */
#ifndef BERT_KERNELS_TMPL_LAYERNORM_H
#define BERT_KERNELS_TMPL_LAYERNORM_H

#include <math.h>

/* Independent sums per pass: enough to hide the latency of an addition. */
#define LN_ACC 4

static float K(row_sum)(const float *x, size_t n)
{
    vf s[LN_ACC] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    size_t i = 0;

    for (; i + LN_ACC * VF <= n; i += LN_ACC * VF) {
        UNROLL
        for (size_t j = 0; j < LN_ACC; j++)
            s[j] = vf_add(s[j], vf_load(x + i + j * VF));
    }
    for (; i + VF <= n; i += VF)
        s[0] = vf_add(s[0], vf_load(x + i));
    if (i < n)
        s[1] = vf_add(s[1], vf_load_t(x + i, vt_make(n - i)));
    return vf_hsum(vf_add(vf_add(s[0], s[1]), vf_add(s[2], s[3])));
}

/* Sums of x - mean and of its square. */
static void K(row_deviation)(const float *x, size_t n, float mean, float *sum, float *squares)
{
    vf s[LN_ACC] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    vf q[LN_ACC] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    vf m = vf_set1(mean);
    size_t i = 0;

    for (; i + LN_ACC * VF <= n; i += LN_ACC * VF) {
        UNROLL
        for (size_t j = 0; j < LN_ACC; j++) {
            vf d = vf_sub(vf_load(x + i + j * VF), m);

            s[j] = vf_add(s[j], d);
            q[j] = vf_fma(d, d, q[j]);
        }
    }
    for (; i < n; i += VF) {
        vt t = vt_make(n - i < VF ? n - i : VF);
        vf d = vf_keep_t(vf_sub(vf_load_t(x + i, t), m), vf_zero(), t);

        s[0] = vf_add(s[0], d);
        q[0] = vf_fma(d, d, q[0]);
    }
    *sum = vf_hsum(vf_add(vf_add(s[0], s[1]), vf_add(s[2], s[3])));
    *squares = vf_hsum(vf_add(vf_add(q[0], q[1]), vf_add(q[2], q[3])));
}

static void K(layernorm)(float *y, const float *x, const float *gamma, const float *beta, size_t n,
                         float eps)
{
    float mean = K(row_sum)(x, n) / (float)n;
    float sum, squares, var, shift;
    vf m, s, rstd;
    size_t i = 0;

    K(row_deviation)(x, n, mean, &sum, &squares);
    shift = sum / (float)n;
    var = squares / (float)n - shift * shift;
    m = vf_set1(mean);
    s = vf_set1(shift);
    rstd = vf_set1(1.0f / sqrtf((var > 0.0f ? var : 0.0f) + eps));
    for (; i + VF <= n; i += VF) {
        vf d = vf_sub(vf_sub(vf_load(x + i), m), s);

        vf_store(y + i, vf_fma(vf_mul(d, rstd), vf_load(gamma + i), vf_load(beta + i)));
    }
    if (i < n) {
        vt t = vt_make(n - i);
        vf d = vf_sub(vf_sub(vf_load_t(x + i, t), m), s);

        d = vf_fma(vf_mul(d, rstd), vf_load_t(gamma + i, t), vf_load_t(beta + i, t));
        vf_store_t(y + i, d, t);
    }
}

static float K(row_squares)(const float *x, size_t n)
{
    vf q[LN_ACC] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    size_t i = 0;

    for (; i + LN_ACC * VF <= n; i += LN_ACC * VF) {
        UNROLL
        for (size_t j = 0; j < LN_ACC; j++) {
            vf a = vf_load(x + i + j * VF);

            q[j] = vf_fma(a, a, q[j]);
        }
    }
    for (; i < n; i += VF) {
        vf a = vf_load_t(x + i, vt_make(n - i < VF ? n - i : VF));

        q[0] = vf_fma(a, a, q[0]);
    }
    return vf_hsum(vf_add(vf_add(q[0], q[1]), vf_add(q[2], q[3])));
}

/* y[i] = x[i] / sqrt(mean of x^2 + eps) * gamma[i] */
static void K(rmsnorm)(float *y, const float *x, const float *gamma, size_t n, float eps)
{
    vf r = vf_set1(1.0f / sqrtf(K(row_squares)(x, n) / (float)n + eps));
    size_t i = 0;

    for (; i + VF <= n; i += VF)
        vf_store(y + i, vf_mul(vf_mul(vf_load(x + i), r), vf_load(gamma + i)));
    if (i < n) {
        vt t = vt_make(n - i);

        vf_store_t(y + i, vf_mul(vf_mul(vf_load_t(x + i, t), r), vf_load_t(gamma + i, t)), t);
    }
}

#endif
