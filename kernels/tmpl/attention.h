/* SPDX-License-Identifier: MIT */
/*
 * attention.h - attention on floats; included once per ISA.
 *
 * K is packed as GEMM panels are (keys are the columns, K-major over the head) and V as
 * [n_kv][head rounded up to VF], so that both products run in the GEMM's register tile.
 */
#ifndef BERT_KERNELS_TMPL_ATTENTION_H
#define BERT_KERNELS_TMPL_ATTENTION_H

#include <string.h>

#include "kernels/kernels.h"
#include "kernels/tmpl/attention_rows.h"
#include "kernels/tmpl/gemm_f32.h"

#define AT(name)    K(attention_##name)
#define AT_NR       GEMM_NR
#define AT_SCALE(b) ((b)->scale * LOG2_E)
/* Of the usual heads 24 KB of scores, beside as much of K or V as a tile walks through. */
#define AT_KEYS(head) ((head) <= 64 ? 192 : 96)

_Static_assert(96 % GEMM_NR == 0, "blocks of keys are whole panels");
_Static_assert(BERT__ATTENTION_BLOCK % VF == 0, "see online_update()");

/* ---- K and V -------------------------------------------------------------------------- */

static size_t AT(kv_floats)(size_t n_kv, size_t head)
{
    size_t columns, k, v;

    if (n_kv > SIZE_MAX - GEMM_NR || head > SIZE_MAX - VF)
        return 0;
    columns = K(round_up)(n_kv, GEMM_NR);
    k = K(floats)(columns, head);
    v = K(floats)(n_kv, K(round_up)(head, VF));
    return k == 0 || v == 0 || k > SIZE_MAX / sizeof(float) - v ? 0 : k + v;
}

static void AT(prepare)(float *kv, const float *k, const float *v, size_t ldkv, size_t n_kv,
                        size_t head)
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

/* ---- Scratch --------------------------------------------------------------------------- */

struct AT(room) {
    size_t keys;   /* of a block */
    size_t ld;     /* of a row of scores */
    size_t width;  /* of a row of sums */
    float *scores; /* then their exponents */
    float *sums;
};

static size_t AT(scratch_floats)(size_t head)
{
    if (head > SIZE_MAX / 1024)
        return 0;
    return K(floats)((size_t)AT_KEYS(head) + K(round_up)(head, VF), BERT__ATTENTION_BLOCK);
}

static struct AT(room) AT(room_of)(const struct bert__attention_block *b)
{
    const size_t width = K(round_up)(b->head, VF), keys = AT_KEYS(b->head);

    return (struct AT(room)){.keys = keys,
                             .ld = keys,
                             .width = width,
                             .scores = b->scratch,
                             .sums = b->scratch + BERT__ATTENTION_BLOCK * keys};
}

/* ---- Products -------------------------------------------------------------------------- */

static const struct bert__epilogue K(no_epilogue);

static void AT(scores)(const struct AT(room) * r, const struct bert__attention_block *b,
                       size_t from, size_t n)
{
    for (size_t j = 0; j < n; j += GEMM_NR) {
        const TILE t = {.c = r->scores + j,
                        .ldc = r->ld,
                        .a = b->q,
                        .lda = b->ldq,
                        .b = b->kv + (from + j) * b->head,
                        .ldb = GEMM_NR,
                        .columns = n - j < GEMM_NR ? n - j : GEMM_NR,
                        .k = b->head,
                        .ep = &K(no_epilogue)};

        K(gemm_f32_panel_run)(t, b->n_q);
    }
}

static float AT(exponents)(float *row, size_t lead, size_t n, float most, float scale)
{
    return K(row_exp2_sum)(row + lead, n, most, scale);
}

static void AT(values)(const struct AT(room) * r, const struct bert__attention_block *b,
                       size_t from, size_t lead, size_t n, int add)
{
    const float *v = b->kv + K(floats)(K(round_up)(b->n_kv, GEMM_NR), b->head) + from * r->width;
    const size_t tiles = (b->head + GEMM_NR - 1) / GEMM_NR;
    /* Even shares: 64 columns as 32 + 32 feed the multiply-adds better than 48 + 16. */
    const size_t share = K(round_up)((b->head + tiles - 1) / tiles, VF);

    for (size_t d = 0; d < b->head; d += share) {
        const struct bert__epilogue ep = {.residual = add ? r->sums + d : NULL, .ldr = r->width};
        const TILE t = {.c = r->sums + d,
                        .ldc = r->width,
                        .a = r->scores + lead,
                        .lda = r->ld,
                        .b = v + d,
                        .ldb = r->width,
                        .columns = b->head - d < share ? b->head - d : share,
                        .k = n,
                        .ep = &ep};

        K(gemm_f32_panel_run)(t, b->n_q);
    }
}

#include "kernels/tmpl/attention_blocks.h"
#include "kernels/tmpl/attention_run.h"

#define ATTENTION_F32                                                                              \
    {                                                                                              \
        .kv_floats = K(attention_kv_floats), .scratch_floats = K(attention_scratch_floats),        \
        .prepare = K(attention_prepare), .run = K(attention_run)                                   \
    }

#endif
