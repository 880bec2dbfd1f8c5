/* SPDX-License-Identifier: MIT */
/*
 * attention_bf16.h - the operands of attention on pairs of bf16; included once per ISA, before
 * a file that has the products and includes attention_blocks.h.
 *
 * K is packed as GEMM's bf16 panels are, [head / 2][keys][2] with keys as columns; V as
 * [keys / 2][head rounded up to WIDTH][2]. Queries and exponents are rows of bf16; exponents lie
 * where the scores were.
 *
 * The ISA's file defines, beside those of rows_bf16.h, A16_KEYS(head), the keys of a block: a
 * multiple of B16_NR and of B16_PAD.
 */
#ifndef BERT_KERNELS_TMPL_ATTENTION_BF16_H
#define BERT_KERNELS_TMPL_ATTENTION_BF16_H

#include <string.h>

#include "kernels/kernels.h"
#include "kernels/tmpl/attention_rows.h"
#include "kernels/tmpl/gemm_store.h"

#define AT(name)      K(attention_bf16_##name)
#define AT_NR         B16_NR
#define AT_KEYS(head) A16_KEYS(head)
#define AT_SCALE(b)   ((b)->scale * LOG2_E)

enum { A16_GAP = 16, A16_WIDTH = 32, A16_ROW = 2 * VF }; /* values of two vectors become one */

_Static_assert(B16_NR % VF == 0 && A16_WIDTH % A16_ROW == 0 && A16_ROW % B16_PAD == 0, "padding");
_Static_assert(A16_KEYS(0) % B16_NR == 0 && A16_KEYS(0) % A16_ROW == 0, "whole panels and rows");
_Static_assert(A16_KEYS(512) % B16_NR == 0 && A16_KEYS(512) % A16_ROW == 0, "the same");
_Static_assert(BERT__ATTENTION_BLOCK % VF == 0, "see online_update()");

/* ---- K and V -------------------------------------------------------------------------- */

/* uint16_t of K: V begins behind them. */
static size_t AT(k_elements)(size_t n_kv, size_t head)
{
    return K(round_up)(K(round_up)(n_kv, B16_NR) * K(round_up)(head, B16_PAD), 32);
}

static size_t AT(kv_floats)(size_t n_kv, size_t head)
{
    size_t keys, width;

    if (n_kv > SIZE_MAX / 64 || head > SIZE_MAX / 64)
        return 0;
    keys = K(round_up)(n_kv, B16_NR) + A16_ROW;
    width = K(round_up)(head, A16_WIDTH);
    if (K(floats)(keys, 4 * width) == 0)
        return 0;
    return AT(k_elements)(n_kv, head) / 2 + K(floats)(K(round_up)(n_kv, B16_PAD), width / 2);
}

/* VF values of a row that has n left. */
ALWAYS_INLINE vf AT(load)(const float *p, size_t n)
{
    return n >= VF ? vf_load(p) : vf_load_t(p, vt_make(n));
}

/* A16_ROW values of a row that has n left, as bf16. */
ALWAYS_INLINE vi AT(narrow)(const float *p, size_t n)
{
    return vi_bf16(AT(load)(p, n), n > VF ? AT(load)(p + VF, n - VF) : vf_zero());
}

/* Up to VF keys into a panel; those past the last stay undefined and are not used. */
static void AT(pack_keys)(uint16_t *to, const float *k, size_t ldk, size_t keys, size_t head)
{
    const size_t pairs = K(round_up)(head, B16_PAD) / 2;

    for (size_t d = 0; d < pairs; d += VF) {
        const size_t depth = pairs - d < VF ? pairs - d : VF;
        vf block[VF];

        for (size_t r = 0; r < VF; r++)
            block[r] = r < keys ? (vf)AT(narrow)(k + r * ldk + 2 * d, head - 2 * d) : vf_zero();
        vf_transpose(block);
        for (size_t p = 0; p < depth; p++)
            vf_store((float *)(void *)(to + (d + p) * 2 * B16_NR), block[p]);
    }
}

/* Two keys' values side by side; without a second, or past the head: 0. */
static void AT(pack_values)(uint16_t *to, const float *v, const float *next, size_t head)
{
    for (size_t d = 0; d < K(round_up)(head, A16_WIDTH); d += VF) {
        vf even = vf_zero(), odd = vf_zero();

        if (d < head && v != NULL)
            even = AT(load)(v + d, head - d);
        if (d < head && next != NULL)
            odd = AT(load)(next + d, head - d);
        vf_store((float *)(void *)(to + 2 * d), (vf)vi_bf16_pairs(even, odd));
    }
}

static void AT(prepare)(float *kv, const float *k, const float *v, size_t ldkv, size_t n_kv,
                        size_t head)
{
    const size_t padded = K(round_up)(head, B16_PAD), width = K(round_up)(head, A16_WIDTH);
    uint16_t *keys = (uint16_t *)(void *)kv, *values = keys + AT(k_elements)(n_kv, head);

    for (size_t j = 0; j < n_kv; j += VF) {
        uint16_t *to = keys + j / B16_NR * B16_NR * padded + j % B16_NR * 2;

        AT(pack_keys)(to, k + j * ldkv, ldkv, n_kv - j < VF ? n_kv - j : VF, head);
    }
    for (size_t j = 0; j < K(round_up)(n_kv, B16_PAD); j += 2, values += 2 * width) {
        const float *one = j < n_kv ? v + j * ldkv : NULL;

        AT(pack_values)(values, one, j + 1 < n_kv ? one + ldkv : NULL, head);
    }
}

/* ---- Queries --------------------------------------------------------------------------- */

struct AT(room) {
    size_t keys;   /* of a block */
    size_t ld;     /* of a row of scores */
    size_t width;  /* of a row of sums, and of q */
    float *scores; /* a row's exponents as bf16 overwrite the first half of it */
    float *sums;
    uint16_t *q;
};

static size_t AT(scratch_floats)(size_t head)
{
    if (head > SIZE_MAX / 1024)
        return 0;
    return K(floats)(2 * (size_t)(AT_KEYS(head) + A16_GAP) + 3 * K(round_up)(head, A16_WIDTH),
                     BERT__ATTENTION_BLOCK / 2);
}

/* V from a key on. */
static const uint16_t *AT(values_from)(const struct bert__attention_block *b, size_t from)
{
    const uint16_t *kv = (const uint16_t *)(const void *)b->kv;

    return kv + AT(k_elements)(b->n_kv, b->head) + from * K(round_up)(b->head, A16_WIDTH);
}

static struct AT(room) AT(room_of)(const struct bert__attention_block *b)
{
    const size_t width = K(round_up)(b->head, A16_WIDTH), keys = AT_KEYS(b->head);
    const size_t ld = keys + A16_GAP;
    float *const sums = b->scratch + BERT__ATTENTION_BLOCK * ld;
    const struct AT(room) r = {.keys = keys,
                               .ld = ld,
                               .width = width,
                               .scores = b->scratch,
                               .sums = sums,
                               .q = (uint16_t *)(void *)(sums + BERT__ATTENTION_BLOCK * width)};

    for (size_t i = 0; i < b->n_q; i++) {
        for (size_t d = 0; d < width; d += A16_ROW)
            vf_store((float *)(void *)(r.q + i * width + d),
                     d < b->head ? (vf)AT(narrow)(b->q + i * b->ldq + d, b->head - d) : vf_zero());
    }
    return r;
}

/* ---- Exponents ------------------------------------------------------------------------- */

/* -INFINITY into [0, from) and [end, whole), by vectors: floats that are stored one by one would
 * hold up the loads that follow. */
ALWAYS_INLINE void AT(hide_around)(float *row, size_t from, size_t end, size_t whole)
{
    const vf hidden = vf_set1(-INFINITY);

    for (size_t j = 0; j < from; j += VF) {
        const vt t = vt_make(from - j < VF ? from - j : VF);

        vf_store(row + j, vf_keep_t(hidden, vf_load(row + j), t));
    }
    for (size_t j = end / VF * VF; j < whole; j += VF) {
        const vt t = vt_make(end > j ? end - j : 0);

        vf_store(row + j, vf_keep_t(vf_load(row + j), hidden, t));
    }
}

/* Before and behind the keys, within a row of values(), stand zeros. */
static float AT(exponents)(float *row, size_t lead, size_t n, float most, float scale)
{
    const size_t whole = K(round_up)(lead + n, A16_ROW);
    const float least = -120.0f / scale; /* -infinity at 0: where all are equal */
    const vf k = vf_set1(scale), m = vf_set1(most);
    const vf l = vf_set1(least < -FLT_MAX ? -FLT_MAX : least);
    vf s[2] = {vf_zero(), vf_zero()};

    AT(hide_around)(row, lead, lead + n, whole);
    for (size_t j = 0; j < whole; j += A16_ROW) {
        vf low = vf_exp2_rough(vf_sub(vf_load(row + j), m), k, l);
        vf high = vf_exp2_rough(vf_sub(vf_load(row + j + VF), m), k, l);

        s[0] = vf_add(s[0], low);
        s[1] = vf_add(s[1], high);
        vf_store(row + j / 2, (vf)vi_bf16(low, high));
    }
    return vf_hsum(vf_add(s[0], s[1]));
}

#define ATTENTION_BF16                                                                             \
    .least = 17, .kv_floats = K(attention_bf16_kv_floats),                                         \
    .scratch_floats = K(attention_bf16_scratch_floats), .prepare = K(attention_bf16_prepare),      \
    .run = K(attention_bf16_run)

#endif
