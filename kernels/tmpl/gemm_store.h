/* SPDX-License-Identifier: MIT */
/*
 * gemm_store.h - what GEMMs of all types end with: a tile of sums becomes rows of C through
 * the epilogue, while it is in registers or L1; included once per ISA.
 *
 * The ISA's file defines GEMM_MR, GEMM_NV, GEMM_TILES and, for types with chains, GEMM_PARTS:
 * the heights of tiles that few rows are split into (see tile_8x3.h).
 */
#ifndef BERT_KERNELS_TMPL_GEMM_STORE_H
#define BERT_KERNELS_TMPL_GEMM_STORE_H

#include <stdbool.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/tmpl/activate.h"

#define GEMM_NR (GEMM_NV * VF)

/*
 * The asking for the next panel, line by line of 64 bytes, evenly over the steps of this one: a
 * burst would hold up the reading of it.
 */
struct K(ahead) {
    const char *at, *end; /* NULL: nothing is asked for */
    size_t lines, every;  /* so many at every so manieth step */
    size_t wait;          /* steps to the next */
};

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
    const float *residual; /* ep's, of these rows */
    struct K(ahead) ahead;
    /* Of one chain among those of k: its steps, and where sums wait for the next one. */
    size_t depth;
    bool first, last;
    float *sums;
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

            if (t->residual)
                x = vf_add(x, K(load_columns)(t->residual + (row + r) * ep->ldr, v, t->columns));
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
    if (t->ep->onto) {
        UNROLL
        for (size_t r = 0; r < mr; r++) {
            UNROLL
            for (size_t v = 0; v < nv; v++)
                acc[r][v] = vf_add(acc[r][v], K(load_columns)(t->c + r * t->ldc, v, t->columns));
        }
    }
    if (t->ep->act == BERT__ACT_NONE)
        K(tile_store)(t, acc, mr, nv, 0);
    else
        K(tile_store_act)(t, acc, mr, nv);
}

/* Moves t->ahead on. */
typedef void (*K(tile_fn))(TILE *t);

ALWAYS_INLINE void K(ask_ahead)(struct K(ahead) * ahead)
{
    if (--ahead->wait > 0)
        return;
    ahead->wait = ahead->every;
    for (size_t i = 0; i < ahead->lines && ahead->at < ahead->end; i++, ahead->at += 64)
        __builtin_prefetch(ahead->at, 0, 2);
}

/* For `next`, or nothing, of `bytes` bytes, in so many steps. */
ALWAYS_INLINE struct K(ahead) K(plan_ahead)(const char *next, size_t bytes, size_t steps)
{
    const size_t lines = (bytes + 63) / 64;
    struct K(ahead) ahead = {.at = next, .end = next, .lines = 0, .every = SIZE_MAX};

    if (next) {
        ahead.end = next + lines * 64;
        ahead.lines = lines > steps ? (lines + steps - 1) / steps : 1;
        ahead.every = lines < steps ? steps / lines : 1;
    }
    ahead.wait = ahead.every;
    return ahead;
}

ALWAYS_INLINE void K(move_rows)(TILE *t, size_t rows, size_t a_size)
{
    t->a = (const char *)t->a + rows * t->lda * a_size;
    t->c += rows * t->ldc;
    if (t->residual)
        t->residual += rows * t->ep->ldr;
}

/* All m rows of one panel; the rows are split evenly over the tiles, because a short
 * tile costs as much panel traffic as a full one. */
ALWAYS_INLINE void K(panel_walk)(TILE t, size_t m, size_t a_size, size_t steps, size_t step_bytes,
                                 const K(tile_fn) tiles[GEMM_NV + 1][GEMM_MR + 1])
{
    size_t left = (m + GEMM_MR - 1) / GEMM_MR;
    size_t nv = (t.columns + VF - 1) / VF;

    t.ahead = K(plan_ahead)(t.ep->next, steps * step_bytes, steps * left);
    for (; left > 0; left--) {
        size_t rows = (m + left - 1) / left;

        tiles[nv][rows](&t);
        K(move_rows)(&t, rows, a_size);
        m -= rows;
    }
}

#endif
