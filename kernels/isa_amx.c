/* SPDX-License-Identifier: MIT */
/*
 * isa_amx.c - GEMMs on AMX's tiles, 16 rows of 64 bytes each.
 *
 * A block of C is 32 x 32: four tiles of sums, two of A, two of W, so that four loads feed
 * four products.  Tiles of W are read from the panel's [k / step][32][step] as 16 rows of 128
 * bytes, A's from its converted rows as they lie; rows past the m-th are read (row_slack) and
 * dropped.  The sums go through L1 to the epilogue.
 *
 * enter() sets the tiles up for the calling thread and leave() gives them back: a thread
 * that holds tiles costs the operating system 8 KB more at every switch.
 */
#include "config.h"

#ifdef BERT_HAVE_AMX
#include "kernels/cpu.h"
#include "kernels/simd_avx512.h"
#include "kernels/tables.h"

/* The epilogue takes one row of the block at a time. */
#define GEMM_MR       1
#define GEMM_NV       2
#define GEMM_TILES(X) X(1, 1) X(1, 2)

enum { TILE_ROWS = 16, BLOCK = 32, STEP_BYTES = 64, W_STRIDE = 128 };

#define B16_NR         BLOCK
#define B16_PAD        32
#define Q_A            uint8_t
#define Q_STEP         4
#define Q_NR           BLOCK
#define Q_PAD          64
#define Q_OFFSET       128
#define Q_STORE(to, q) vi_store_low8(to, q)

#include "kernels/tmpl/gemm_store.h"
#include "kernels/tmpl/rows_bf16.h"
#include "kernels/tmpl/rows_int8.h"

/* Compilers don't know what the tile instructions read: write it before them. */
#define READ_BY_TILES(p) __asm__ volatile("" : : "r"(p) : "memory")

static void enter(void)
{
    /* Intel SDM vol. 1, 18.2: palette 1, bytes of a row and rows of each tile. */
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config __attribute__((aligned(64))) = {.palette = 1};

    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = STEP_BYTES;
        config.rows[i] = TILE_ROWS;
    }
    READ_BY_TILES(&config);
    _tile_loadconfig(&config);
}

static void leave(void)
{
    _tile_release();
}

/* `steps` products of 64 bytes of k: C is tiles 0 to 3, A 4 and 5, W 6 and 7. */
#define BLOCK_OF(name, product, two)                                                               \
    static void name(float *sums, const char *a, size_t lda, const char *w, size_t steps)          \
    {                                                                                              \
        READ_BY_TILES(a);                                                                          \
        _tile_zero(0);                                                                             \
        _tile_zero(1);                                                                             \
        if (two) {                                                                                 \
            _tile_zero(2);                                                                         \
            _tile_zero(3);                                                                         \
        }                                                                                          \
        for (size_t i = 0; i < steps; i++) {                                                       \
            _tile_loadd(6, w, W_STRIDE);                                                           \
            _tile_loadd(4, a, lda);                                                                \
            _tile_loadd(7, w + STEP_BYTES, W_STRIDE);                                              \
            product(0, 4, 6);                                                                      \
            product(1, 4, 7);                                                                      \
            if (two) {                                                                             \
                _tile_loadd(5, a + TILE_ROWS * lda, lda);                                          \
                product(2, 5, 6);                                                                  \
                product(3, 5, 7);                                                                  \
            }                                                                                      \
            a += STEP_BYTES;                                                                       \
            w += (size_t)TILE_ROWS * W_STRIDE;                                                     \
        }                                                                                          \
        _tile_stored(0, sums, BLOCK * sizeof(float));                                              \
        _tile_stored(1, sums + VF, BLOCK * sizeof(float));                                         \
        if (two) {                                                                                 \
            _tile_stored(2, sums + TILE_ROWS * BLOCK, BLOCK * sizeof(float));                      \
            _tile_stored(3, sums + TILE_ROWS * BLOCK + VF, BLOCK * sizeof(float));                 \
        }                                                                                          \
        READ_BY_TILES(sums);                                                                       \
    }

BLOCK_OF(block_bf16_16, _tile_dpbf16ps, 0)
BLOCK_OF(block_bf16_32, _tile_dpbf16ps, 1)
BLOCK_OF(block_int8_16, _tile_dpbusd, 0)
BLOCK_OF(block_int8_32, _tile_dpbusd, 1)

/* Rows of sums become rows of C. */
static void finish_rows(TILE t, float *sums, size_t rows)
{
    struct bert__epilogue ep = *t.ep;
    const enum bert__act act = ep.act;
    const size_t nv = (t.columns + VF - 1) / VF;

    if (ep.bias) {
        const vf low = K(load_columns)(ep.bias, 0, t.columns);
        const vf high = nv > 1 ? K(load_columns)(ep.bias, 1, t.columns) : vf_zero();

        for (size_t r = 0; r < rows; r++) {
            vf_store(sums + r * BLOCK, vf_add(vf_load(sums + r * BLOCK), low));
            vf_store(sums + r * BLOCK + VF, vf_add(vf_load(sums + r * BLOCK + VF), high));
        }
    }
    if (act != BERT__ACT_NONE)
        K(maps)[act](sums, sums, rows * BLOCK);
    ep.bias = NULL;
    t.ep = &ep;
    for (size_t r = 0; r < rows; r++) {
        vf acc[GEMM_MR][GEMM_NV];

        acc[0][0] = vf_load(sums + r * BLOCK);
        acc[0][1] = vf_load(sums + r * BLOCK + VF);
        if (nv > 1)
            K(tile_store)(&t, acc, 1, 2, r);
        else
            K(tile_store)(&t, acc, 1, 1, r);
    }
}

/* Integers become floats; see gemm_int8.h. */
static void scale_rows(float *sums, const char *a, size_t lda, const char *w, size_t k, size_t rows)
{
    const char *behind = w + K(gemm_int8_element_bytes)(k);
    const float *scales = (const float *)(const void *)behind;
    const int32_t *offsets = (const int32_t *)(const void *)(scales + BLOCK);
    const size_t at = K(row_int8_bytes)(k);

    for (size_t r = 0; r < rows; r++) {
        float scale;

        memcpy(&scale, a + r * lda + at, sizeof(scale));
        UNROLL
        for (size_t v = 0; v < 2; v++) {
            float *p = sums + r * BLOCK + v * VF;
            const vi sum =
                vi_sub(vi_load((const int32_t *)(const void *)p), vi_load(offsets + v * VF));

            vf_store(p, vf_mul(vf_from_vi(sum), vf_mul(vf_set1(scale), vf_load(scales + v * VF))));
        }
    }
}

typedef void (*block_fn)(float *sums, const char *a, size_t lda, const char *w, size_t steps);

/* lda in bytes; is_int8 is a constant. */
ALWAYS_INLINE void run_panel(TILE t, size_t m, size_t lda, size_t steps, block_fn of_16,
                             block_fn of_32, int is_int8)
{
    float sums[BLOCK * BLOCK] __attribute__((aligned(64)));
    struct bert__epilogue ep = *t.ep;

    t.ep = &ep;
    while (m > 0) {
        const size_t rows = m < BLOCK ? m : BLOCK;

        (rows <= TILE_ROWS ? of_16 : of_32)(sums, t.a, lda, t.b, steps);
        if (is_int8)
            scale_rows(sums, t.a, lda, t.b, t.k, rows);
        finish_rows(t, sums, rows);
        t.a = (const char *)t.a + rows * lda;
        t.c += rows * t.ldc;
        if (ep.residual)
            ep.residual += rows * ep.ldr;
        m -= rows;
    }
}

static void run_bf16(float *c, size_t ldc, const void *a, size_t lda, const void *panel, size_t m,
                     size_t columns, size_t k, const struct bert__epilogue *ep)
{
    const TILE t = {.c = c, .ldc = ldc, .a = a, .b = panel, .columns = columns, .k = k, .ep = ep};

    run_panel(t, m, lda * sizeof(uint16_t), K(gemm_bf16_padded)(k) / B16_PAD, block_bf16_16,
              block_bf16_32, 0);
}

static void run_int8(float *c, size_t ldc, const void *a, size_t lda, const void *panel, size_t m,
                     size_t columns, size_t k, const struct bert__epilogue *ep)
{
    const TILE t = {.c = c, .ldc = ldc, .a = a, .b = panel, .columns = columns, .k = k, .ep = ep};

    run_panel(t, m, lda, K(gemm_int8_padded)(k) / Q_PAD, block_int8_16, block_int8_32, 1);
}

const struct bert__kernels bert__kernels_amx = {
    .name = "amx",
    .level = 60,
    .needs = BERT__CPU_AVX512 | BERT__CPU_AVX512_VNNI | BERT__CPU_AVX512_BF16 | BERT__CPU_AMX,
    .gemm[BERT__BF16] = {.mr = BLOCK,
                         .nr = BLOCK,
                         .k_group = B16_PAD,
                         .a_size = sizeof(uint16_t),
                         .row_slack = TILE_ROWS - 1,
                         .enter = enter,
                         .leave = leave,
                         .row_elements = K(row_bf16_elements),
                         .prepare = K(rows_bf16),
                         .panel_bytes = K(gemm_bf16_panel_bytes),
                         .pack = K(gemm_bf16_pack),
                         .run = run_bf16},
    .gemm[BERT__INT8] = {.mr = BLOCK,
                         .nr = BLOCK,
                         .k_group = Q_PAD,
                         .a_size = sizeof(uint8_t),
                         .row_slack = TILE_ROWS - 1,
                         .enter = enter,
                         .leave = leave,
                         .row_elements = K(row_int8_elements),
                         .prepare = K(rows_int8),
                         .panel_bytes = K(gemm_int8_panel_bytes),
                         .pack = K(gemm_int8_pack),
                         .run = run_int8},
};
#else
typedef int bert__no_amx;
#endif
