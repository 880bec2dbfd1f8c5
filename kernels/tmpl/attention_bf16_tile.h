/* SPDX-License-Identifier: MIT */
/*
 * attention_bf16_tile.h - attention on pairs of bf16 in the register tile of gemm_bf16.h;
 * included once per ISA.
 */
#ifndef BERT_KERNELS_TMPL_ATTENTION_BF16_TILE_H
#define BERT_KERNELS_TMPL_ATTENTION_BF16_TILE_H

#include "kernels/tmpl/attention_bf16.h"
#include "kernels/tmpl/gemm_bf16.h"

static void AT(scores)(const struct AT(room) * r, const struct bert__attention_block *b,
                       size_t from, size_t n)
{
    static const struct bert__epilogue plain;
    const size_t padded = K(round_up)(b->head, B16_PAD);
    const uint16_t *keys = (const uint16_t *)(const void *)b->kv;

    for (size_t j = 0; j < n; j += B16_NR) {
        const TILE t = {.c = r->scores + j,
                        .ldc = r->ld,
                        .a = r->q,
                        .lda = r->width,
                        .b = keys + (from + j) * padded,
                        .ldb = 2 * B16_NR,
                        .columns = n - j < B16_NR ? n - j : B16_NR,
                        .k = padded,
                        .ep = &plain};

        K(b16_panel_run)(t, b->n_q);
    }
}

static void AT(values)(const struct AT(room) * r, const struct bert__attention_block *b,
                       size_t from, size_t lead, size_t n, int add)
{
    const uint16_t *v = AT(values_from)(b, from - lead);
    const size_t tiles = (b->head + GEMM_NR - 1) / GEMM_NR;
    const size_t share = K(round_up)((b->head + tiles - 1) / tiles, VF);

    for (size_t d = 0; d < b->head; d += share) {
        const struct bert__epilogue ep = {.residual = add ? r->sums + d : NULL, .ldr = r->width};
        const TILE t = {.c = r->sums + d,
                        .ldc = r->width,
                        .a = r->scores,
                        .lda = 2 * r->ld,
                        .b = v + 2 * d,
                        .ldb = 2 * r->width,
                        .columns = b->head - d < share ? b->head - d : share,
                        .k = lead + n,
                        .ep = &ep};

        K(b16_panel_run)(t, b->n_q);
    }
}

#include "kernels/tmpl/attention_blocks.h"
#include "kernels/tmpl/attention_run.h"

#endif
