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

        K(panel_run)(t, n_q);
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

        K(panel_run)(t, n_q);
    }
}

static void K(attention)(float *out, size_t ldo, const float *q, size_t ldq, const float *kv,
                         size_t n_q, size_t n_kv, size_t head, float scale, float *scratch,
                         float *probs)
{
    const size_t lds = K(round_up)(n_kv, GEMM_NR);
    float inverse[BERT__ATTENTION_BLOCK];

    K(attention_scores)(scratch, lds, q, ldq, kv, n_q, n_kv, head);
    for (size_t i = 0; i < n_q; i++) {
        float *row = scratch + i * lds;

        inverse[i] = 1.0f / K(row_exp_sum)(row, n_kv, K(row_max)(row, n_kv), scale);
        if (probs)
            K(scale)(probs + i * n_kv, row, inverse[i], n_kv);
    }
    K(attention_values)(out, ldo, scratch, lds, kv + K(floats)(lds, head), n_q, n_kv, head);
    for (size_t i = 0; i < n_q; i++)
        K(scale)(out + i * ldo, out + i * ldo, inverse[i], head);
}

#endif
