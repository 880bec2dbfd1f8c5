/* SPDX-License-Identifier: MIT */
/*
 * gemm_store.h - what GEMMs of all types end with: a tile of sums becomes rows of C through
 * the epilogue, while it is in registers or L1; included once per ISA.
 *
 * The ISA's file defines GEMM_MR, GEMM_NV and GEMM_TILES (see isa_avx512.c).
 */
#ifndef BERT_KERNELS_TMPL_GEMM_STORE_H
#define BERT_KERNELS_TMPL_GEMM_STORE_H

#include <stdbool.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/tmpl/activate.h"

#define GEMM_NR (GEMM_NV * VF)

/* One tile: rows of a and c, columns (<= nv * VF) of the panel b, whose steps are ldb apart;
 * lda and ldb in elements. */
struct K(tile) {
    float *c;
    size_t ldc;
    const void *a;
    size_t lda;
    const void *b;
    size_t ldb;
    size_t columns;
    size_t k;
    const struct bert__epilogue *ep;
    /* This tile's share of the next panel: from, to, and lines of 64 bytes at each step. */
    const char *ahead, *ahead_end;
    size_t ahead_lines;
};

#define TILE struct K(tile)

/* Columns [v * VF, columns) of a row, at most VF of them. */
ALWAYS_INLINE vf K(load_columns)(const float *p, size_t v, size_t columns)
{
    if ((v + 1) * VF <= columns)
        return vf_load(p + v * VF);
    return vf_load_t(p + v * VF, vt_make(columns - v * VF));
}

ALWAYS_INLINE void K(store_columns)(float *p, vf x, size_t v, size_t columns)
{
    if ((v + 1) * VF <= columns)
        vf_store(p + v * VF, x);
    else
        vf_store_t(p + v * VF, x, vt_make(columns - v * VF));
}

/* sum + bias (+ residual) straight to C. */
ALWAYS_INLINE void K(tile_store)(const TILE *t, vf acc[GEMM_MR][GEMM_NV], size_t mr, size_t nv,
                                 size_t row)
{
    const struct bert__epilogue *ep = t->ep;

    UNROLL
    for (size_t r = 0; r < mr; r++) {
        float *c = t->c + (row + r) * t->ldc;

        UNROLL
        for (size_t v = 0; v < nv; v++) {
            vf x = acc[r][v];

            if (ep->residual)
                x = vf_add(x, K(load_columns)(ep->residual + (row + r) * ep->ldr, v, t->columns));
            K(store_columns)(c, x, v, t->columns);
        }
    }
}

/* The activation needs registers of its own: the tile goes through L1. */
ALWAYS_INLINE void K(tile_store_act)(const TILE *t, vf acc[GEMM_MR][GEMM_NV], size_t mr, size_t nv)
{
    float buf[GEMM_MR * GEMM_NR] __attribute__((aligned(64)));

    UNROLL
    for (size_t r = 0; r < mr; r++) {
        UNROLL
        for (size_t v = 0; v < nv; v++)
            vf_store(buf + (r * nv + v) * VF, acc[r][v]);
    }
    K(maps)[t->ep->act](buf, buf, mr * nv * VF);
    for (size_t r = 0; r < mr; r++) {
        vf out[GEMM_MR][GEMM_NV];

        UNROLL
        for (size_t v = 0; v < nv; v++)
            out[0][v] = vf_load(buf + (r * nv + v) * VF);
        K(tile_store)(t, out, 1, nv, r);
    }
}

/* The epilogue of a tile of sums. */
ALWAYS_INLINE void K(tile_finish)(const TILE *t, vf acc[GEMM_MR][GEMM_NV], size_t mr, size_t nv)
{
    if (t->ep->bias) {
        UNROLL
        for (size_t v = 0; v < nv; v++) {
            vf bias = K(load_columns)(t->ep->bias, v, t->columns);

            UNROLL
            for (size_t r = 0; r < mr; r++)
                acc[r][v] = vf_add(acc[r][v], bias);
        }
    }
    if (t->ep->act == BERT__ACT_NONE)
        K(tile_store)(t, acc, mr, nv, 0);
    else
        K(tile_store_act)(t, acc, mr, nv);
}

typedef void (*K(tile_fn))(const TILE *);

/* Memory is asked for the next panel a little at each step of this one: a burst at its start
 * would wait for it. */
ALWAYS_INLINE const char *K(ask_ahead)(const char *from, const char *end, size_t lines)
{
    for (; lines > 0 && from < end; lines--, from += 64)
        __builtin_prefetch(from, 0, 2);
    return from;
}

/* All m rows of one panel; the rows are split evenly over the tiles, because a short
 * tile costs as much panel traffic as a full one. */
ALWAYS_INLINE void K(panel_walk)(TILE t, size_t m, size_t a_size, size_t steps, size_t step_bytes,
                                 const K(tile_fn) tiles[GEMM_NV + 1][GEMM_MR + 1])
{
    struct bert__epilogue ep = *t.ep;
    size_t left = (m + GEMM_MR - 1) / GEMM_MR;
    size_t nv = (t.columns + VF - 1) / VF;
    size_t lines = (steps * step_bytes + 63) / 64, share = ep.next ? (lines + left - 1) / left : 0;

    t.ep = &ep;
    t.ahead_end = ep.next;
    t.ahead_lines = (share + steps - 1) / steps;
    for (; left > 0; left--) {
        size_t rows = (m + left - 1) / left;

        t.ahead = t.ahead_end;
        if (share > 0)
            t.ahead_end += share * 64;
        tiles[nv][rows](&t);
        t.a = (const char *)t.a + rows * t.lda * a_size;
        t.c += rows * t.ldc;
        if (ep.residual)
            ep.residual += rows * ep.ldr;
        m -= rows;
    }
}

#endif
