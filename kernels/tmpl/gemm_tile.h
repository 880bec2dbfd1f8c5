/* SPDX-License-Identifier: MIT */
/*
 * gemm_tile.h - the register tile of one type's GEMM; included once per ISA and type.
 *
 * A tile holds MR x NV vectors of sums.  Every element of C is a chain of dot products in
 * ascending k, begun anew every G_DEPTH steps and added up (G_DEPTH 0: one chain), whatever
 * the tile's height or width: its bits depend neither on m nor on where its row or column
 * falls.
 *
 * The includer defines, and this file undefines:
 *   G(name)      a name with the ISA and the type in it
 *   G_A, G_B     element types of A and of the panel
 *   G_STEP       elements of k that one step takes
 *   G_SUM        vf or vi
 *   G_DEPTH      steps of a chain
 * and before it the functions
 *   G(load)(const G_B *) -> G_W, G(set)(const G_A *) -> G_X: a step of VF columns, of a row
 *   G(dot)(G_X, G_W, G_SUM) -> G_SUM, G(zero)()
 *   G(finish)(tile, sums, row, v) -> vf
 */

/* The sums over `depth` steps of k.  mr and nv are constants at every call. */
#ifdef GEMM_PAIRS
#include "kernels/tmpl/gemm_pairs.h"
#else
ALWAYS_INLINE void G(chain)(G_SUM acc[GEMM_MR][GEMM_NV], const G_A *a, size_t lda, const G_B *b,
                            size_t ldb, size_t depth, size_t mr, size_t nv, struct K(ahead) * ahead)
{
    UNROLL
    for (size_t r = 0; r < mr; r++) {
        UNROLL
        for (size_t v = 0; v < nv; v++)
            acc[r][v] = G(zero)();
    }
    for (size_t k = depth; k > 0; k--) {
        G_W w[GEMM_NV];

        UNROLL
        for (size_t v = 0; v < nv; v++)
            w[v] = G(load)(b + v * VF * G_STEP);
        UNROLL
        for (size_t r = 0; r < mr; r++) {
            G_X x = G(set)(a + r * lda);

            UNROLL
            for (size_t v = 0; v < nv; v++)
                acc[r][v] = G(dot)(x, w[v], acc[r][v]);
        }
        a += G_STEP;
        b += ldb;
        K(ask_ahead)(ahead);
    }
}
#endif

#if G_DEPTH > 0
/* acc += the sums so far, which move to `sums` unless this was the last chain. */
ALWAYS_INLINE void G(carry)(vf acc[GEMM_MR][GEMM_NV], float *sums, bool first, bool last, size_t mr,
                            size_t nv)
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

ALWAYS_INLINE void G(sums)(TILE *t, vf acc[GEMM_MR][GEMM_NV], size_t mr, size_t nv)
{
    float sums[GEMM_MR * GEMM_NR] __attribute__((aligned(64)));
    const G_A *a = t->a;
    const G_B *b = t->b;
    struct K(ahead) ahead = t->ahead;
    size_t k = 0;

    do {
        size_t depth = t->k - k < G_DEPTH ? t->k - k : G_DEPTH;
        bool first = k == 0;

        G(chain)(acc, a + k, t->lda, b + k * t->ldb, t->ldb, depth, mr, nv, &ahead);
        k += depth;
        G(carry)(acc, sums, first, k == t->k, mr, nv);
    } while (k < t->k);
    t->ahead = ahead;
}
#else
ALWAYS_INLINE void G(sums)(TILE *t, vf out[GEMM_MR][GEMM_NV], size_t mr, size_t nv)
{
    G_SUM acc[GEMM_MR][GEMM_NV];
    struct K(ahead) ahead = t->ahead;

    G(chain)(acc, t->a, t->lda, t->b, t->ldb, (t->k + G_STEP - 1) / G_STEP, mr, nv, &ahead);
    t->ahead = ahead;
    UNROLL
    for (size_t v = 0; v < nv; v++) {
        UNROLL
        for (size_t r = 0; r < mr; r++)
            out[r][v] = G(finish)(t, acc[r][v], r, v);
    }
}
#endif

ALWAYS_INLINE void G(tile_run)(TILE *t, size_t mr, size_t nv)
{
    vf acc[GEMM_MR][GEMM_NV];

    G(sums)(t, acc, mr, nv);
    K(tile_finish)(t, acc, mr, nv);
}

#define TILE_FN(mr, nv)                                                                            \
    static void G(tile_##mr##x##nv)(TILE * t)                                                      \
    {                                                                                              \
        G(tile_run)(t, mr, nv);                                                                    \
    }
GEMM_TILES(TILE_FN)
#undef TILE_FN

static const K(tile_fn) G(tiles)[GEMM_NV + 1][GEMM_MR + 1] = {
#define TILE_FN(mr, nv) [nv][mr] = G(tile_##mr##x##nv),
    GEMM_TILES(TILE_FN)
#undef TILE_FN
};

#if G_DEPTH > 0
/* ---- A few tiles ---- */

/*
 * Two tiles or a few are bound by the reading of the panel, which should never pause: chain by
 * chain, so that all but the first read a part of it from L1, and at each step a step of the next
 * panel is asked for, shared out among the tiles.  (One tile, or many, need no such care.)
 */
enum { G(few) = 24 / GEMM_MR };

/* One chain of a whole panel's width. */
ALWAYS_INLINE void G(part_run)(TILE *t, size_t mr)
{
    vf acc[GEMM_MR][GEMM_NV];
    struct K(ahead) ahead = t->ahead;

    G(chain)(acc, t->a, t->lda, t->b, t->ldb, t->depth, mr, GEMM_NV, &ahead);
    t->ahead = ahead;
    G(carry)(acc, t->sums, t->first, t->last, mr, GEMM_NV);
    if (t->last)
        K(tile_finish)(t, acc, mr, GEMM_NV);
}

#define PART_FN(mr)                                                                                \
    static void G(part_##mr)(TILE * t)                                                             \
    {                                                                                              \
        G(part_run)(t, mr);                                                                        \
    }
GEMM_PARTS(PART_FN)
#undef PART_FN

static const K(tile_fn) G(parts)[GEMM_MR + 1] = {
#define PART_FN(mr) [mr] = G(part_##mr),
    GEMM_PARTS(PART_FN)
#undef PART_FN
};

static void G(few_run)(const TILE *whole, size_t m, size_t tiles)
{
    float sums[G(few)][GEMM_MR * GEMM_NR] __attribute__((aligned(64)));
    const size_t lines = (whole->ldb * sizeof(G_B) + 63) / 64;
    struct K(ahead) ahead = K(plan_ahead)(whole->ep->next, whole->k * whole->ldb * sizeof(G_B), 1);

    ahead.every = ahead.wait = 1;
    for (size_t k = 0; k < whole->k; k += G_DEPTH) {
        TILE t = *whole;
        size_t left = m, asked = 0;

        t.a = (const G_A *)t.a + k;
        t.b = (const G_B *)t.b + k * t.ldb;
        t.depth = t.k - k < G_DEPTH ? t.k - k : G_DEPTH;
        t.first = k == 0;
        t.last = k + t.depth == t.k;
        t.ahead = ahead;
        for (size_t i = 0; i < tiles; i++) {
            const size_t rows = (left + tiles - i - 1) / (tiles - i);

            t.sums = sums[i];
            t.ahead.lines = (lines * (i + 1) + tiles - 1) / tiles - asked;
            asked += t.ahead.lines;
            G(parts)[rows](&t);
            K(move_rows)(&t, rows, sizeof(G_A));
            left -= rows;
        }
        ahead = t.ahead;
    }
}
#endif

static void G(panel_run)(TILE t, size_t m)
{
    t.residual = t.ep->residual;
#if G_DEPTH > 0
    const size_t tiles = (m + GEMM_MR - 1) / GEMM_MR;

    if (tiles > 1 && tiles <= G(few) && G(parts)[m / tiles] && t.columns > GEMM_NR - VF) {
        G(few_run)(&t, m, tiles);
        return;
    }
#endif
    K(panel_walk)
    (t, m, sizeof(G_A), (t.k + G_STEP - 1) / G_STEP, t.ldb * sizeof(G_B), G(tiles));
}

static void G(run)(float *c, size_t ldc, const void *a, size_t lda, const void *panel, size_t m,
                   size_t columns, size_t k, const struct bert__epilogue *ep)
{
    const TILE t = {.c = c,
                    .ldc = ldc,
                    .a = a,
                    .lda = lda,
                    .b = panel,
                    .ldb = GEMM_NR * G_STEP,
                    .columns = columns,
                    .k = k,
                    .ep = ep};

    G(panel_run)(t, m);
}

#undef G
#undef G_A
#undef G_B
#undef G_W
#undef G_X
#undef G_STEP
#undef G_SUM
#undef G_DEPTH
