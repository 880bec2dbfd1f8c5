/* SPDX-License-Identifier: MIT */
/*
 * attention.h - softmax(scale Q K^T) V of one head for a block of queries; included
 * once per ISA.
 *
 * K is packed as GEMM panels are (keys are the columns, K-major over the head) and V as
 * [n_kv][head rounded up to VF], so that both products run in the GEMM's register tile.
 * A query's bits depend on its own row and on the keys alone.
 */
#ifndef BERT_KERNELS_TMPL_ATTENTION_H
#define BERT_KERNELS_TMPL_ATTENTION_H

#include <string.h>

#include "kernels/kernels.h"
#include "kernels/tmpl/gemm_f32.h"
#include "kernels/tmpl/reduce.h"

static size_t K(round_up)(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* a * b rounded up to 64 bytes, or 0. */
static size_t K(floats)(size_t a, size_t b)
{
    size_t n;

    if (__builtin_mul_overflow(a, b, &n) || n > SIZE_MAX / sizeof(float) - 16)
        return 0;
    return K(round_up)(n, 16);
}

static size_t K(attention_kv_floats)(size_t n_kv, size_t head)
{
    size_t columns, k, v;

    if (n_kv > SIZE_MAX - GEMM_NR || head > SIZE_MAX - VF)
        return 0;
    columns = K(round_up)(n_kv, GEMM_NR);
    k = K(floats)(columns, head);
    v = K(floats)(n_kv, K(round_up)(head, VF));
    return k == 0 || v == 0 || k > SIZE_MAX / sizeof(float) - v ? 0 : k + v;
}

static size_t K(attention_scratch_floats)(size_t n_kv, size_t head)
{
    (void)head;
    if (n_kv > SIZE_MAX - GEMM_NR)
        return 0;
    return K(floats)(BERT__ATTENTION_BLOCK, K(round_up)(n_kv, GEMM_NR));
}

static void K(attention_prepare)(float *kv, const float *k, const float *v, size_t ldkv,
                                 size_t n_kv, size_t head)
{
    const size_t width = K(round_up)(head, VF);
    float *to;

    for (size_t j = 0; j < n_kv; j += VF) { /* columns past n_kv's vector are never read */
        size_t rows = n_kv - j < VF ? n_kv - j : VF;

        to = kv + j / GEMM_NR * GEMM_NR * head + j % GEMM_NR;
        K(pack_rows)(to, GEMM_NR, k + j * ldkv, ldkv, rows, head);
    }
    to = kv + K(floats)(K(round_up)(n_kv, GEMM_NR), head);
    for (size_t j = 0; j < n_kv; j++, to += width) {
        for (size_t d = 0; d < width; d += VF)
            vf_store(to + d, K(load_columns)(v + j * ldkv + d, 0, head - d));
    }
}

static const struct bert__epilogue K(no_epilogue);

/* scores[n_q][lds] = Q K^T */
static void K(attention_scores)(float *scores, size_t lds, const float *q, size_t ldq,
                                const float *kv, size_t n_q, size_t n_kv, size_t head)
{
    for (size_t j = 0; j < n_kv; j += GEMM_NR) {
        const TILE t = {.c = scores + j,
                        .ldc = lds,
                        .a = q,
                        .lda = ldq,
                        .b = kv + j * head,
                        .ldb = GEMM_NR,
                        .columns = n_kv - j < GEMM_NR ? n_kv - j : GEMM_NR,
                        .k = head,
                        .ep = &K(no_epilogue)};

        K(gemm_f32_panel_run)(t, n_q);
    }
}

/* out[n_q][head] = P V */
static void K(attention_values)(float *out, size_t ldo, const float *p, size_t ldp, const float *v,
                                size_t n_q, size_t n_kv, size_t head)
{
    const size_t width = K(round_up)(head, VF);
    const size_t tiles = (head + GEMM_NR - 1) / GEMM_NR;
    /* Even shares: 64 columns as 32 + 32 feed the multiply-adds better than 48 + 16. */
    const size_t share = K(round_up)((head + tiles - 1) / tiles, VF);

    for (size_t d = 0; d < head; d += share) {
        const TILE t = {.c = out + d,
                        .ldc = ldo,
                        .a = p,
                        .lda = ldp,
                        .b = v + d,
                        .ldb = width,
                        .columns = head - d < share ? head - d : share,
                        .k = n_kv,
                        .ep = &K(no_epilogue)};

        K(gemm_f32_panel_run)(t, n_q);
    }
}

/* row = scale * row + bias; the largest of it. */
static float K(row_biased)(float *row, const float *bias, size_t n, float scale)
{
    const vf k = vf_set1(scale), lowest = vf_set1(-INFINITY);
    vf m = lowest;
    size_t i = 0;

    for (; i + VF <= n; i += VF) {
        vf s = vf_fma(k, vf_load(row + i), vf_load(bias + i));

        vf_store(row + i, s);
        m = K(max_nan)(m, s);
    }
    if (i < n) {
        vt t = vt_make(n - i);
        vf s = vf_fma(k, vf_load_t(row + i, t), vf_load_t(bias + i, t));

        vf_store_t(row + i, s, t);
        m = K(max_nan)(m, vf_keep_t(s, lowest, t));
    }
    return vf_hmax(m);
}

/* Scores become exponents; their sum. */
static float K(attention_exp)(const struct bert__attention_block *b, float *row, size_t i)
{
    float max;

    if (b->bias == NULL)
        return K(row_exp_sum)(row, b->count, K(row_max)(row, b->count), b->scale);
    max = K(row_biased)(row, b->bias + (ptrdiff_t)i * b->ldb, b->count, b->scale);
    return K(row_exp_sum)(row, b->count, max, 1.0f);
}

static void K(attention)(const struct bert__attention_block *b)
{
    const size_t head = b->head, lead = b->first % GEMM_NR; /* the panel's keys before the first */
    const size_t lds = K(round_up)(lead + b->count, GEMM_NR);
    const float *v = b->kv + K(floats)(K(round_up)(b->n_kv, GEMM_NR), head);
    float inverse[BERT__ATTENTION_BLOCK];

    K(attention_scores)
    (b->scratch, lds, b->q, b->ldq, b->kv + (b->first - lead) * head, b->n_q, lead + b->count,
     head);
    for (size_t i = 0; i < b->n_q; i++) {
        float *row = b->scratch + i * lds + lead;

        inverse[i] = 1.0f / K(attention_exp)(b, row, i);
        if (b->probs)
            K(scale)(b->probs + i * b->ldp, row, inverse[i], b->count);
    }
    K(attention_values)
    (b->out, b->ldo, b->scratch + lead, lds, v + b->first * K(round_up)(head, VF), b->n_q, b->count,
     head);
    for (size_t i = 0; i < b->n_q; i++)
        K(scale)(b->out + i * b->ldo, b->out + i * b->ldo, inverse[i], head);
}

#endif
