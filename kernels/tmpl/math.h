/* SPDX-License-Identifier: MIT */
/*
 * math.h - elementary functions on vectors; included once per ISA.
 *
 * The coefficients are our own minimax fits (tests/kernels/fit.py).  The bounds below
 * hold for every finite float and are tested through the activations and softmax
 * (tests/kernels/check_activate.c, check_rows.c); u = 2^-24.
 *   exp      |error| <= 3 u e^x (2 ulp); below -103.98 it is 0, above 88.73 infinity
 *   phi      |error| <= 2^-22, absolute
 *   tanh     |error| <= 6 u |tanh x|
 *   sigmoid  |error| <= 4 u s(x)
 * NaN gives NaN.
 */
#ifndef BERT_KERNELS_TMPL_MATH_H
#define BERT_KERNELS_TMPL_MATH_H

#include <float.h>

/* exp(x) = 2^n e^r, n = round(x / ln 2), |r| <= ln(2) / 2, e^r = 1 + r + r^2 p(r). */
static inline vf K(exp)(vf x)
{
    vf n, r, p;

    x = vf_min(vf_set1(89.0f), vf_max(vf_set1(-104.0f), x));
    n = vf_round(vf_mul(x, vf_set1(0x1.715476p+0f)));
    r = vf_fma(n, vf_set1(-0x1.62e4p-1f), x); /* ln 2 in two parts, n * high exact */
    r = vf_fma(n, vf_set1(-0x1.7f7d1cp-20f), r);
    p = vf_set1(1.381446724e-03f);
    p = vf_fma(p, r, vf_set1(8.368780836e-03f));
    p = vf_fma(p, r, vf_set1(4.166839272e-02f));
    p = vf_fma(p, r, vf_set1(1.666651964e-01f));
    p = vf_fma(p, r, vf_set1(4.999999404e-01f));
    p = vf_fma(p, vf_mul(r, r), r);
    return vf_ldexp(vf_add(p, vf_set1(1.0f)), n);
}

/* 2^t for t <= 0; 0 below -124: for softmax, where smaller terms don't count.
 * |error| <= 3 u 2^t.  2^0 is 1. */
static inline vf K(exp2_negative)(vf t)
{
    vf n = vf_round(t);
    vf f = vf_sub(t, n);
    vf p = vf_set1(1.326472731e-03f);

    p = vf_fma(p, f, vf_set1(9.671512991e-03f));
    p = vf_fma(p, f, vf_set1(5.550733581e-02f));
    p = vf_fma(p, f, vf_set1(2.402224243e-01f));
    p = vf_fma(p, f, vf_set1(6.931470037e-01f));
    p = vf_fma(p, f, vf_set1(1.0f));
    return vf_sel(vf_lt(t, vf_set1(-124.0f)), vf_zero(), vf_scale2(p, n));
}

/* Where |x| >= this, Phi(x) is 0 or 1 to within 2^-25. */
#define PHI_LIMIT 5.5f

/* Phi(x) = 1/2 + x p(x^2) / q(x^2) for |x| < PHI_LIMIT. */
static inline vf K(phi)(vf x)
{
    vf t = vf_mul(x, x);
    vf p = vf_set1(2.274949829e-08f);
    vf q = vf_set1(1.197508027e-06f);

    p = vf_fma(p, t, vf_set1(6.352119726e-06f));
    q = vf_fma(q, t, vf_set1(7.364732301e-05f));
    p = vf_fma(p, t, vf_set1(1.688249904e-04f));
    q = vf_fma(q, t, vf_set1(1.884440891e-03f));
    p = vf_fma(p, t, vf_set1(4.677256569e-03f));
    q = vf_fma(q, t, vf_set1(2.864583023e-02f));
    p = vf_fma(p, t, vf_set1(3.385256976e-02f));
    q = vf_fma(q, t, vf_set1(2.515217364e-01f));
    p = vf_fma(p, t, vf_set1(3.989422321e-01f));
    q = vf_fma(q, t, vf_set1(1.0f));
    return vf_fma(x, vf_div(p, q), vf_set1(0.5f));
}

/* tanh(x) = x p(x^2) / q(x^2), +-1 beyond 9.01. */
static inline vf K(tanh)(vf x)
{
    vf c = vf_min(vf_set1(9.02f), vf_max(vf_set1(-9.02f), x));
    vf t = vf_mul(c, c);
    vf p = vf_set1(1.331908983e-08f);
    vf q = vf_set1(7.762026826e-07f);

    p = vf_fma(p, t, vf_set1(2.058349492e-05f));
    q = vf_fma(q, t, vf_set1(3.283094265e-04f));
    p = vf_fma(p, t, vf_set1(3.494035453e-03f));
    q = vf_fma(q, t, vf_set1(2.587107569e-02f));
    p = vf_fma(p, t, vf_set1(1.337971836e-01f));
    q = vf_fma(q, t, vf_set1(4.671303332e-01f));
    p = vf_fma(p, t, vf_set1(1.0f));
    q = vf_fma(q, t, vf_set1(1.0f));
    t = vf_div(vf_mul(c, p), q);
    return vf_min(vf_set1(1.0f), vf_max(vf_set1(-1.0f), t));
}

/* x / (1 + exp(-z)); a finite x at x = -infinity, so that the limit is 0 and not NaN. */
static inline vf K(times_sigmoid)(vf x, vf z)
{
    vf e = K(exp)(vf_sub(vf_zero(), z));

    return vf_div(vf_max(vf_set1(-FLT_MAX), x), vf_add(vf_set1(1.0f), e));
}

static inline vf K(sigmoid)(vf x)
{
    return K(times_sigmoid)(vf_set1(1.0f), x);
}

#endif
