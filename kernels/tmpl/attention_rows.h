/* SPDX-License-Identifier: MIT */
/*
 * attention_rows.h - softmax over a row of scores that come block by block; included once per
 * ISA.
 *
 * Exponents are to base 2. A query keeps the largest score so far and the sum of the exponents of
 * all scores less it; where a block raises the largest, what was summed shrinks by `change`.
 */
#ifndef BERT_KERNELS_TMPL_ATTENTION_ROWS_H
#define BERT_KERNELS_TMPL_ATTENTION_ROWS_H

#include <float.h>

#include "kernels/kernels.h"
#include "kernels/tmpl/row.h"

struct K(online) {
    float most[BERT__ATTENTION_BLOCK], sum[BERT__ATTENTION_BLOCK];
    float block[BERT__ATTENTION_BLOCK]; /* the largest of this block of keys */
    float change[BERT__ATTENTION_BLOCK];
};

static size_t K(round_up)(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* a * b floats rounded up to 64 bytes, or 0. */
static size_t K(floats)(size_t a, size_t b)
{
    size_t n;

    if (__builtin_mul_overflow(a, b, &n) || n > SIZE_MAX / sizeof(float) - 16)
        return 0;
    return K(round_up)(n, 16);
}

/* A finite start, so that -INFINITY less it is no NaN: keys may be hidden block by block. */
static void K(online_start)(struct K(online) * o)
{
    for (size_t i = 0; i < BERT__ATTENTION_BLOCK; i++) {
        o->most[i] = -FLT_MAX;
        o->sum[i] = 0.0f;
        o->block[i] = 0.0f;
    }
}

/* Take in the largest of a block; `scale` makes differences of scores exponents. In the first
 * block no sum has to shrink. */
static void K(online_update)(struct K(online) * o, size_t n_q, float scale, int first)
{
    if (first) {
        for (size_t i = 0; i < n_q; i += VF)
            vf_store(o->most + i, vf_max(vf_load(o->most + i), vf_load(o->block + i)));
        return;
    }
    for (size_t i = 0; i < n_q; i += VF) { /* BLOCK is a multiple of VF */
        vf was = vf_load(o->most + i), is = vf_max(was, vf_load(o->block + i));
        vf change = K(exp2_negative)(vf_mul(vf_sub(was, is), vf_set1(scale)));

        vf_store(o->most + i, is);
        vf_store(o->change + i, change);
        vf_store(o->sum + i, vf_mul(vf_load(o->sum + i), change));
    }
}

/* row = scale * row + log2(e) * bias; the largest of it. */
static float K(row_biased)(float *row, const float *bias, size_t n, float scale)
{
    const vf k = vf_set1(scale), e = vf_set1(LOG2_E), lowest = vf_set1(-INFINITY);
    vf m = lowest;
    size_t i = 0;

    for (; i + VF <= n; i += VF) {
        vf s = vf_fma(k, vf_load(row + i), vf_mul(e, vf_load(bias + i)));

        vf_store(row + i, s);
        m = K(max_nan)(m, s);
    }
    if (i < n) {
        vt t = vt_make(n - i);
        vf s = vf_fma(k, vf_load_t(row + i, t), vf_mul(e, vf_load_t(bias + i, t)));

        vf_store_t(row + i, s, t);
        m = K(max_nan)(m, vf_keep_t(s, lowest, t));
    }
    return vf_hmax(m);
}

/* The largest score of query i in keys [from, from + n). Its bias is taken in, and with it the
 * scale. */
static float K(row_most)(const struct bert__attention_block *b, float *row, size_t i, size_t from,
                         size_t n, float scale)
{
    if (b->bias == NULL)
        return K(row_max)(row, n);
    return K(row_biased)(row, b->bias + (ptrdiff_t)i * b->ldb + (from - b->first), n, scale);
}

#endif
