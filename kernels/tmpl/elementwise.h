/* SPDX-License-Identifier: MIT */
/*
 * elementwise.h - activate, add, mul, rotate, axpy, vmax, scale, and the widening of stored halves;
 * included once per ISA.  Tails go through the same arithmetic as full vectors.
 */
#ifndef BERT_KERNELS_TMPL_ELEMENTWISE_H
#define BERT_KERNELS_TMPL_ELEMENTWISE_H

#include "kernels/tmpl/activate.h"
#include "kernels/tmpl/row.h"

static void K(activate)(float *y, const float *x, size_t n, enum bert__act act)
{
    K(maps)[act](y, x, n);
}

static void K(add)(float *y, const float *a, const float *b, const float *c, size_t n)
{
    size_t i = 0;

    for (; i + VF <= n; i += VF) {
        vf s = vf_add(vf_load(a + i), vf_load(b + i));

        vf_store(y + i, c ? vf_add(s, vf_load(c + i)) : s);
    }
    if (i < n) {
        vt t = vt_make(n - i);
        vf s = vf_add(vf_load_t(a + i, t), vf_load_t(b + i, t));

        vf_store_t(y + i, c ? vf_add(s, vf_load_t(c + i, t)) : s, t);
    }
}

static void K(mul)(float *y, const float *a, const float *b, size_t n)
{
    size_t i = 0;

    for (; i + VF <= n; i += VF)
        vf_store(y + i, vf_mul(vf_load(a + i), vf_load(b + i)));
    if (i < n) {
        vt t = vt_make(n - i);

        vf_store_t(y + i, vf_mul(vf_load_t(a + i, t), vf_load_t(b + i, t)), t);
    }
}

static void K(rotate)(float *x, const float *cosines, const float *sines, size_t n)
{
    float *y = x + n;
    size_t i = 0;

    for (; i + VF <= n; i += VF) {
        vf c = vf_load(cosines + i), s = vf_load(sines + i);
        vf a = vf_load(x + i), b = vf_load(y + i);

        vf_store(x + i, vf_sub(vf_mul(a, c), vf_mul(b, s)));
        vf_store(y + i, vf_fma(a, s, vf_mul(b, c)));
    }
    if (i < n) {
        vt t = vt_make(n - i);
        vf c = vf_load_t(cosines + i, t), s = vf_load_t(sines + i, t);
        vf a = vf_load_t(x + i, t), b = vf_load_t(y + i, t);

        vf_store_t(x + i, vf_sub(vf_mul(a, c), vf_mul(b, s)), t);
        vf_store_t(y + i, vf_fma(a, s, vf_mul(b, c)), t);
    }
}

static void K(axpy)(float *y, const float *x, float s, size_t n)
{
    vf k = vf_set1(s);
    size_t i = 0;

    for (; i + VF <= n; i += VF)
        vf_store(y + i, vf_fma(k, vf_load(x + i), vf_load(y + i)));
    if (i < n) {
        vt t = vt_make(n - i);

        vf_store_t(y + i, vf_fma(k, vf_load_t(x + i, t), vf_load_t(y + i, t)), t);
    }
}

static void K(vmax)(float *y, const float *x, size_t n)
{
    size_t i = 0;

    for (; i + VF <= n; i += VF)
        vf_store(y + i, K(max_nan)(vf_load(y + i), vf_load(x + i)));
    if (i < n) {
        vt t = vt_make(n - i);

        vf_store_t(y + i, K(max_nan)(vf_load_t(y + i, t), vf_load_t(x + i, t)), t);
    }
}

static void K(scale)(float *y, const float *x, float s, size_t n)
{
    K(row_times)(y, x, s, n);
}

static void K(f16_to_f32)(float *y, const void *x, size_t n)
{
    const unsigned char *p = x;
    size_t i = 0;

    for (; i + VF <= n; i += VF)
        vf_store(y + i, vf_load_f16(p + 2 * i));
    if (i < n)
        vf_store_t(y + i, vf_load_f16_t(p + 2 * i, n - i), vt_make(n - i));
}

static void K(bf16_to_f32)(float *y, const void *x, size_t n)
{
    const unsigned char *p = x;
    size_t i = 0;

    for (; i + VF <= n; i += VF)
        vf_store(y + i, vf_load_bf16(p + 2 * i));
    if (i < n)
        vf_store_t(y + i, vf_load_bf16_t(p + 2 * i, n - i), vt_make(n - i));
}

#endif
