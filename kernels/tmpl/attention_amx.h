/* SPDX-License-Identifier: MIT */
/*
 * attention_amx.h - attention on AMX's tiles: 32 queries times 32 keys, or 32 values of a head,
 * are four tiles of sums; included by isa_amx.c.
 *
 * Of 0.5 ns per query and key (Sapphire Rapids, head of 64) softmax takes 0.23 and the products as
 * much, though the tiles' multiplier is busy for 0.1: loads and stores of tiles issue alone, for 8
 * and 16 cycles each, and the multiplier slows down while softmax runs.
 */
#ifndef BERT_KERNELS_TMPL_ATTENTION_AMX_H
#define BERT_KERNELS_TMPL_ATTENTION_AMX_H

#include "kernels/tmpl/attention_bf16.h"

/* c[16 or 32][32] = the products of `steps` tiles of a, side by side, with those of w, one below
 * the other, added to c if `add`; strides in bytes; `two`, of 32 rows, is a constant. */
ALWAYS_INLINE void AT(products)(float *c, size_t ldc, const char *a, size_t lda, const char *w,
                                size_t ldw, size_t steps, int two, int add)
{
    float *below = c + TILE_ROWS * ldc / sizeof(float);

    if (add) {
        _tile_loadd(0, c, ldc);
        _tile_loadd(1, c + VF, ldc);
        if (two) {
            _tile_loadd(2, below, ldc);
            _tile_loadd(3, below + VF, ldc);
        }
    } else {
        _tile_zero(0);
        _tile_zero(1);
        if (two) {
            _tile_zero(2);
            _tile_zero(3);
        }
    }
    for (size_t i = 0; i < steps; i++) {
        _tile_loadd(6, w, ldw);
        _tile_loadd(4, a, lda);
        _tile_loadd(7, w + STEP_BYTES, ldw);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        if (two) {
            _tile_loadd(5, a + TILE_ROWS * lda, lda);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        a += STEP_BYTES;
        w += TILE_ROWS * ldw;
    }
    _tile_stored(0, c, ldc);
    _tile_stored(1, c + VF, ldc);
    if (two) {
        _tile_stored(2, below, ldc);
        _tile_stored(3, below + VF, ldc);
    }
}

/* `n` blocks of 32 columns, whose w are w_block bytes apart. */
static void AT(product)(float *c, size_t ldc, const char *a, size_t lda, const char *w, size_t ldw,
                        size_t w_block, size_t steps, size_t n, size_t n_q, int add)
{
    READ_BY_TILES(a);
    for (size_t i = 0; i < n; i++, c += BLOCK, w += w_block) {
        if (n_q > TILE_ROWS)
            AT(products)(c, ldc, a, lda, w, ldw, steps, 1, add);
        else
            AT(products)(c, ldc, a, lda, w, ldw, steps, 0, add);
    }
    READ_BY_TILES(c);
}

static void AT(scores)(const struct AT(room) * r, const struct bert__attention_block *b,
                       size_t from, size_t n)
{
    const size_t padded = K(round_up)(b->head, B16_PAD);
    const uint16_t *keys = (const uint16_t *)(const void *)b->kv + from * padded;

    AT(product)
    (r->scores, r->ld * sizeof(float), (const char *)r->q, r->width * sizeof(uint16_t),
     (const char *)keys, W_STRIDE, BLOCK * padded * sizeof(uint16_t), padded / B16_PAD,
     (n + BLOCK - 1) / BLOCK, b->n_q, 0);
}

static void AT(values)(const struct AT(room) * r, const struct bert__attention_block *b,
                       size_t from, size_t lead, size_t n, int add)
{
    AT(product)
    (r->sums, r->width * sizeof(float), (const char *)r->scores, r->ld * sizeof(float),
     (const char *)AT(values_from)(b, from - lead), 2 * r->width * sizeof(uint16_t), W_STRIDE,
     (lead + n + B16_PAD - 1) / B16_PAD, r->width / BLOCK, b->n_q, add);
}

#include "kernels/tmpl/attention_blocks.h"
#include "kernels/tmpl/attention_run.h"

#endif
