/* SPDX-License-Identifier: MIT */
/*
 * gemm_f32.h - C[m][n] = epilogue(A[m][k] * W^T) on float panels; included once per ISA.
 *
 * A register tile holds MR x NV vectors of sums.  Every element of C is a chain of
 * multiply-adds in ascending k, begun anew every GEMM_DEPTH steps and added up, whatever
 * the tile's height or width: its bits depend neither on m nor on where its row or column
 * falls.  The rounding error of a sum of k random terms in one chain grows like k, in
 * chains of d like sqrt(k (d + k / d)): a half at k = 384 and a quarter at 1536, for a
 * hundredth of the time (the partial sums stay in L1).
 *
 * The ISA's file defines GEMM_MR, GEMM_NV and GEMM_TILES (see isa_avx512.c).
 */
#ifndef BERT_KERNELS_TMPL_GEMM_F32_H
#define BERT_KERNELS_TMPL_GEMM_F32_H

#include <stdbool.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/tmpl/activate.h"

#define GEMM_NR    (GEMM_NV * VF)
#define GEMM_DEPTH 96

/* One tile: rows of a and c, columns (<= nv * VF) of the panel b, whose rows are ldb apart. */
struct K(tile) {
    float *c;
    size_t ldc;
    const float *a;
    size_t lda;
    const float *b;
    size_t ldb;
    size_t columns;
    size_t k;
    const struct bert__epilogue *ep;
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

/* The sums over `depth` steps of k.  mr and nv are constants at every call. */
ALWAYS_INLINE void K(tile_chain)(vf acc[GEMM_MR][GEMM_NV], const float *a, size_t lda,
                                 const float *b, size_t ldb, size_t depth, size_t mr, size_t nv)
{
    UNROLL
    for (size_t r = 0; r < mr; r++) {
        UNROLL
        for (size_t v = 0; v < nv; v++)
            acc[r][v] = vf_zero();
    }
    for (size_t k = depth; k > 0; k--) {
        vf w[GEMM_NV];

        UNROLL
        for (size_t v = 0; v < nv; v++)
            w[v] = vf_load(b + v * VF);
        UNROLL
        for (size_t r = 0; r < mr; r++) {
            vf x = vf_set1(a[r * lda]);

            UNROLL
            for (size_t v = 0; v < nv; v++)
                acc[r][v] = vf_fma(x, w[v], acc[r][v]);
        }
        a++;
        b += ldb;
    }
}

/* acc += the sums so far, which move to `sums` unless this was the last chain. */
ALWAYS_INLINE void K(tile_carry)(vf acc[GEMM_MR][GEMM_NV], float *sums, bool first, bool last,
                                 size_t mr, size_t nv)
{
    UNROLL
    for (size_t r = 0; r < mr; r++) {
        UNROLL
        for (size_t v = 0; v < nv; v++) {
            float *sum = sums + (r * nv + v) * VF;

            if (!first)
                acc[r][v] = vf_add(vf_load(sum), acc[r][v]);
            if (!last)
                vf_store(sum, acc[r][v]);
        }
    }
}

ALWAYS_INLINE void K(tile_run)(const TILE *t, size_t mr, size_t nv)
{
    float sums[GEMM_MR * GEMM_NR] __attribute__((aligned(64)));
    vf acc[GEMM_MR][GEMM_NV];

    size_t k = 0;

    do {
        size_t depth = t->k - k < GEMM_DEPTH ? t->k - k : GEMM_DEPTH;
        bool first = k == 0;

        K(tile_chain)(acc, t->a + k, t->lda, t->b + k * t->ldb, t->ldb, depth, mr, nv);
        k += depth;
        K(tile_carry)(acc, sums, first, k == t->k, mr, nv);
    } while (k < t->k);
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

#define TILE_FN(mr, nv)                                                                            \
    static void K(tile_##mr##x##nv)(const TILE *t)                                                 \
    {                                                                                              \
        K(tile_run)(t, mr, nv);                                                                    \
    }
GEMM_TILES(TILE_FN)
#undef TILE_FN

typedef void (*K(tile_fn))(const TILE *);

static const K(tile_fn) K(tiles)[GEMM_NV + 1][GEMM_MR + 1] = {
#define TILE_FN(mr, nv) [nv][mr] = K(tile_##mr##x##nv),
    GEMM_TILES(TILE_FN)
#undef TILE_FN
};

/* All m rows of one panel; the rows are split evenly over the tiles, because a short
 * tile costs as much panel traffic as a full one. */
static void K(panel_run)(TILE t, size_t m)
{
    struct bert__epilogue ep = *t.ep;
    size_t tiles = (m + GEMM_MR - 1) / GEMM_MR;
    size_t nv = (t.columns + VF - 1) / VF;

    t.ep = &ep;
    for (; tiles > 0; tiles--) {
        size_t rows = (m + tiles - 1) / tiles;

        K(tiles)[nv][rows](&t);
        t.a += rows * t.lda;
        t.c += rows * t.ldc;
        if (ep.residual)
            ep.residual += rows * ep.ldr;
        m -= rows;
    }
}

static void K(gemm_f32_run)(float *c, size_t ldc, const void *a, size_t lda, const void *panel,
                            size_t m, size_t columns, size_t k, const struct bert__epilogue *ep)
{
    const TILE t = {.c = c,
                    .ldc = ldc,
                    .a = a,
                    .lda = lda,
                    .b = panel,
                    .ldb = GEMM_NR,
                    .columns = columns,
                    .k = k,
                    .ep = ep};

    K(panel_run)(t, m);
}

static size_t K(gemm_f32_panel_bytes)(size_t k)
{
    size_t bytes;

    if (__builtin_mul_overflow(k, GEMM_NR * sizeof(float), &bytes) || bytes > SIZE_MAX - 63)
        return 0;
    return (bytes + 63) & ~(size_t)63;
}

/* to[k][ldt] (VF columns of it) = the transpose of up to VF rows of w, the rest zero. */
static void K(pack_rows)(float *to, size_t ldt, const float *w, size_t ldw, size_t rows, size_t k)
{
    for (size_t i = 0; i < k; i += VF) {
        size_t depth = k - i < VF ? k - i : VF;
        vt t = vt_make(depth);
        vf block[VF];

        for (size_t r = 0; r < VF; r++)
            block[r] = r < rows ? vf_load_t(w + r * ldw + i, t) : vf_zero();
        vf_transpose(block);
        for (size_t r = 0; r < depth; r++)
            vf_store(to + (i + r) * ldt, block[r]);
    }
}

static void K(gemm_f32_pack)(void *panel, const float *w, size_t ldw, size_t columns, size_t k)
{
    float *to = panel;

    for (size_t j = 0; j < GEMM_NR; j += VF) {
        size_t rows = columns < j ? 0 : columns - j < VF ? columns - j : VF;

        K(pack_rows)(to + j, GEMM_NR, w + (rows ? j * ldw : 0), ldw, rows, k);
    }
    memset(to + GEMM_NR * k, 0, K(gemm_f32_panel_bytes)(k) - GEMM_NR * k * sizeof(float));
}

#endif
