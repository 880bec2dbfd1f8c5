/* SPDX-License-Identifier: MIT */
/*
 * isa_amx.c - GEMMs on AMX's tiles, 16 rows of 64 bytes each.
 *
 * A block of C is 32 x 32: four tiles of sums, two of A, two of W, so that four loads feed
 * four products.  Tiles of W are read from the panel's [k / step][32][step] as 16 rows of 128
 * bytes.  A's rows are converted into tiles, one for each 64 bytes of k, end to end for every 16
 * rows: rows as they lie would be read from 32 pages in turn, more than a CPU's prefetcher
 * follows.  Rows past the m-th are read (row_slack) and dropped.  The sums go through L1 to
 * the epilogue.
 *
 * enter() sets the tiles up for the calling thread and leave() gives them back: a thread
 * that holds tiles costs the operating system 8 KB more at every switch.
 */
#include "config.h"

#ifdef BERT_HAVE_AMX
#include "kernels/cpu.h"
#include "kernels/simd_avx512_bf16.h"
#include "kernels/tables.h"

/* The epilogue takes one row of the block at a time. */
#define GEMM_MR       1
#define GEMM_NV       2
#define GEMM_TILES(X) X(1, 1) X(1, 2)

enum { TILE_ROWS = 16, BLOCK = 32, STEP_BYTES = 64, W_STRIDE = 128, TILE_BYTES = 1024 };

#define B16_NR         BLOCK
#define B16_PAD        32
#define A16_KEYS(head) ((head) <= 64 ? 256 : 128) /* their scores, and no more, in L1 */
#define Q_A            uint8_t
#define Q_STEP         4
#define Q_NR           BLOCK
#define Q_PAD          64
#define Q_OFFSET       128

#include "kernels/tmpl/gemm_store.h"
#include "kernels/tmpl/panel_bf16.h"
#include "kernels/tmpl/panel_int8.h"

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

/* ---- Rows of A, in tiles ------------------------------------------------------ */

static size_t bf16_steps(size_t k)
{
    return K(gemm_bf16_padded)(k) / B16_PAD;
}

static size_t int8_steps(size_t k)
{
    return K(gemm_int8_padded)(k) / Q_PAD;
}

static size_t row_bf16_elements(size_t k)
{
    return bf16_steps(k) * B16_PAD;
}

/* Behind the tiles of 16 rows lie their scales. */
static size_t row_int8_elements(size_t k)
{
    return int8_steps(k) * Q_PAD + sizeof(float);
}

static void rows_bf16(void *to, size_t first, const float *a, size_t lda, size_t m, size_t k)
{
    for (size_t i = first; i < first + m; i++, a += lda) {
        uint16_t *row = (uint16_t *)to + i / TILE_ROWS * TILE_ROWS * row_bf16_elements(k)
                        + i % TILE_ROWS * B16_PAD;

        for (size_t q = 0; q < k; q += B16_PAD, row += TILE_BYTES / sizeof(*row)) {
            const size_t n = k - q < B16_PAD ? k - q : B16_PAD;

            K(narrow_bf16)(row, a + q, n);
            memset(row + n, 0, (B16_PAD - n) * sizeof(*row));
        }
    }
}

static void rows_int8(void *to, size_t first, const float *a, size_t lda, size_t m, size_t k)
{
    for (size_t i = first; i < first + m; i++, a += lda) {
        const struct K(quant) q8 = K(quant_of)(K(abs_max)(a, k));
        uint8_t *tiles = (uint8_t *)to + i / TILE_ROWS * TILE_ROWS * row_int8_elements(k);
        uint8_t *row = tiles + i % TILE_ROWS * Q_PAD;

        for (size_t q = 0; q < k; q += Q_PAD, row += TILE_BYTES) {
            const size_t n = k - q < Q_PAD ? k - q : Q_PAD;

            K(narrow_8)(row, a + q, n, q8.inverse, Q_OFFSET);
            memset(row + n, 0, Q_PAD - n);
        }
        memcpy(tiles + int8_steps(k) * TILE_BYTES + i % TILE_ROWS * sizeof(float), &q8.scale,
               sizeof(q8.scale));
    }
}

/* ---- Products ------------------------------------------------------------------- */

/* What a block reads: A's tiles, its 16 second rows `half` bytes behind the first, and a panel;
 * `steps` products of 64 bytes of k. */
struct block {
    const char *a, *w;
    size_t half, steps;
    struct K(ahead) ahead;
};

/* C is tiles 0 to 3, A 4 and 5, W 6 and 7. */
#define BLOCK_OF(name, product, two)                                                               \
    static void name(float *sums, struct block *b)                                                 \
    {                                                                                              \
        const char *a = b->a, *w = b->w;                                                           \
        const size_t half = b->half;                                                               \
        struct K(ahead) ahead = b->ahead;                                                          \
                                                                                                   \
        READ_BY_TILES(a);                                                                          \
        _tile_zero(0);                                                                             \
        _tile_zero(1);                                                                             \
        if (two) {                                                                                 \
            _tile_zero(2);                                                                         \
            _tile_zero(3);                                                                         \
        }                                                                                          \
        for (size_t i = 0; i < b->steps; i++) {                                                    \
            _tile_loadd(6, w, W_STRIDE);                                                           \
            _tile_loadd(4, a, STEP_BYTES);                                                         \
            _tile_loadd(7, w + STEP_BYTES, W_STRIDE);                                              \
            product(0, 4, 6);                                                                      \
            product(1, 4, 7);                                                                      \
            if (two) {                                                                             \
                _tile_loadd(5, a + half, STEP_BYTES);                                              \
                product(2, 5, 6);                                                                  \
                product(3, 5, 7);                                                                  \
            }                                                                                      \
            a += TILE_BYTES;                                                                       \
            w += (size_t)TILE_ROWS * W_STRIDE;                                                     \
            K(ask_ahead)(&ahead);                                                                  \
        }                                                                                          \
        b->ahead = ahead;                                                                          \
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

/* What turns sums into products: for int8 the scales of the columns and what comes off their
 * sums, and where the scales of 16 rows lie in them; see gemm_int8.h. */
struct scales {
    const float *columns;
    const int32_t *offsets;
    size_t rows_at;
};

/* One row of sums, before bias. */
ALWAYS_INLINE void load_row(vf out[GEMM_NV], const float *sums, float scale, const struct scales *s)
{
    UNROLL
    for (size_t v = 0; v < GEMM_NV; v++) {
        if (s) {
            vi sum = vi_sub(vi_load((const int32_t *)(const void *)sums + v * VF),
                            vi_load(s->offsets + v * VF));

            out[v] = vf_mul(vf_from_vi(sum), vf_mul(vf_set1(scale), vf_load(s->columns + v * VF)));
        } else {
            out[v] = vf_load(sums + v * VF);
        }
    }
}

/* Rows of sums become rows of C. */
ALWAYS_INLINE void finish_rows(const TILE *t, float *sums, size_t rows, size_t half,
                               const struct scales *s)
{
    const enum bert__act act = t->ep->act;
    const size_t nv = (t->columns + VF - 1) / VF;
    vf bias[GEMM_NV] = {vf_zero(), vf_zero()};

    for (size_t v = 0; v < nv && t->ep->bias; v++)
        bias[v] = K(load_columns)(t->ep->bias, v, t->columns);
    for (size_t r = 0; r < rows; r++) {
        vf acc[GEMM_MR][GEMM_NV];
        float *row = sums + r * BLOCK, scale = 1.0f;

        if (s)
            memcpy(&scale,
                   (const char *)t->a + r / TILE_ROWS * half + s->rows_at
                       + r % TILE_ROWS * sizeof(scale),
                   sizeof(scale));
        load_row(acc[0], row, scale, s);
        if (t->ep->bias) { /* adding a zero would turn -0 into 0 */
            acc[0][0] = vf_add(acc[0][0], bias[0]);
            acc[0][1] = vf_add(acc[0][1], bias[1]);
        }
        for (size_t v = 0; v < nv && t->ep->onto; v++)
            acc[0][v] = vf_add(acc[0][v], K(load_columns)(t->c + r * t->ldc, v, t->columns));
        if (act != BERT__ACT_NONE) {
            vf_store(row, acc[0][0]);
            vf_store(row + VF, acc[0][1]);
        } else if (nv > 1) {
            K(tile_store)(t, acc, 1, 2, r);
        } else {
            K(tile_store)(t, acc, 1, 1, r);
        }
    }
    if (act == BERT__ACT_NONE)
        return;
    K(maps)[act](sums, sums, rows * BLOCK);
    for (size_t r = 0; r < rows; r++) {
        vf acc[GEMM_MR][GEMM_NV];

        load_row(acc[0], sums + r * BLOCK, 1.0f, NULL);
        if (nv > 1)
            K(tile_store)(t, acc, 1, 2, r);
        else
            K(tile_store)(t, acc, 1, 1, r);
    }
}

#include "kernels/tmpl/attention_amx.h"

typedef void (*block_fn)(float *sums, struct block *b);

/* t.lda in bytes, of_16 and of_32 constants. */
ALWAYS_INLINE void run_panel(TILE t, size_t m, size_t steps, block_fn of_16, block_fn of_32,
                             const struct scales *s)
{
    float sums[BLOCK * BLOCK] __attribute__((aligned(64)));
    const size_t blocks = (m + BLOCK - 1) / BLOCK;
    struct block b = {.w = t.b,
                      .half = TILE_ROWS * t.lda,
                      .steps = steps,
                      .ahead =
                          K(plan_ahead)(t.ep->next, steps * TILE_ROWS * W_STRIDE, steps * blocks)};

    t.residual = t.ep->residual;
    while (m > 0) {
        const size_t rows = m < BLOCK ? m : BLOCK;

        b.a = t.a;
        (rows <= TILE_ROWS ? of_16 : of_32)(sums, &b);
        finish_rows(&t, sums, rows, b.half, s);
        K(move_rows)(&t, rows, 1);
        m -= rows;
    }
}

static void run_bf16(float *c, size_t ldc, const void *a, size_t lda, const void *panel, size_t m,
                     size_t columns, size_t k, const struct bert__epilogue *ep)
{
    const TILE t = {.c = c,
                    .ldc = ldc,
                    .a = a,
                    .lda = lda * sizeof(uint16_t),
                    .b = panel,
                    .columns = columns,
                    .k = k,
                    .ep = ep};

    run_panel(t, m, bf16_steps(k), block_bf16_16, block_bf16_32, NULL);
}

static void run_int8(float *c, size_t ldc, const void *a, size_t lda, const void *panel, size_t m,
                     size_t columns, size_t k, const struct bert__epilogue *ep)
{
    const TILE t = {
        .c = c, .ldc = ldc, .a = a, .lda = lda, .b = panel, .columns = columns, .k = k, .ep = ep};
    const char *behind = (const char *)panel + K(gemm_int8_element_bytes)(k);
    const struct scales s = {.columns = (const float *)(const void *)behind,
                             .offsets = (const int32_t *)(const void *)behind + BLOCK,
                             .rows_at = int8_steps(k) * TILE_BYTES};

    run_panel(t, m, int8_steps(k), block_int8_16, block_int8_32, &s);
}

const struct bert__kernels bert__kernels_amx = {
    .name = "amx",
    .level = 60,
    .needs = BERT__CPU_AVX512 | BERT__CPU_AVX512_VNNI | BERT__CPU_AVX512_BF16 | BERT__CPU_AMX,
    .gemm[BERT__BF16] = {.mr = BLOCK,
                         .nr = BLOCK,
                         .k_group = B16_PAD,
                         .a_size = sizeof(uint16_t),
                         .speed = 1000,
                         .row_slack = TILE_ROWS - 1,
                         .enter = enter,
                         .leave = leave,
                         .row_elements = row_bf16_elements,
                         .row_group = TILE_ROWS,
                         .prepare = rows_bf16,
                         .panel_bytes = K(gemm_bf16_panel_bytes),
                         .pack = K(gemm_bf16_pack),
                         .run = run_bf16},
    .gemm[BERT__INT8] = {.mr = BLOCK,
                         .nr = BLOCK,
                         .k_group = Q_PAD,
                         .a_size = sizeof(uint8_t),
                         .speed = 2000,
                         .row_slack = TILE_ROWS - 1,
                         .enter = enter,
                         .leave = leave,
                         .row_elements = row_int8_elements,
                         .row_group = TILE_ROWS,
                         .prepare = rows_int8,
                         .panel_bytes = K(gemm_int8_panel_bytes),
                         .pack = K(gemm_int8_pack),
                         .run = run_int8},
    .attention[BERT__BF16] = {.enter = enter, .leave = leave, ATTENTION_BF16},
};
#else
typedef int bert__no_amx;
#endif
