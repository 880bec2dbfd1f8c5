/* SPDX-License-Identifier: MIT */
/* check_gemm.c - GEMM on packed panels: values, epilogues, independence of rows, packing. */
#include <math.h>
#include <string.h>

#include "tests/kernels/check.h"

struct problem {
    size_t m, n, k;       /* n <= nr */
    size_t lda, ldw, ldc; /* and of the residual */
    float *a, *w, *c, *bias, *residual;
    void *panel;
};

static const struct bert__gemm *f32(const struct check *c)
{
    return &c->k->gemm[BERT__F32];
}

static struct problem make(struct check *c, size_t m, size_t n, size_t k, size_t gap,
                           enum guard_side side)
{
    struct problem p = {.m = m, .n = n, .k = k, .lda = k + gap, .ldw = k + gap, .ldc = n + gap};
    const size_t slack = f32(c)->row_slack; /* rows of NaN: they may be read, not used */

    p.a = guard_floats(c, (m + slack - 1) * p.lda + k, side);
    for (size_t i = 0; i < (m + slack - 1) * p.lda + k; i++)
        p.a[i] = NAN;
    p.w = guard_floats(c, (n - 1) * p.ldw + k, side);
    p.c = guard_floats(c, (m - 1) * p.ldc + n, side);
    p.residual = guard_floats(c, (m - 1) * p.ldc + n, side);
    p.bias = guard_random(c, n, 1.0f, side);
    check_fill_rows(c, p.a, m, k, p.lda, 1.0f);
    check_fill_rows(c, p.w, n, k, p.ldw, 1.0f);
    check_fill_rows(c, p.residual, m, n, p.ldc, 2.0f);
    p.panel = guard_aligned(c, f32(c)->panel_bytes(k) / sizeof(float));
    f32(c)->pack(p.panel, p.w, p.ldw, n, k);
    return p;
}

static void run(struct check *c, const struct problem *p, const struct bert__epilogue *ep)
{
    f32(c)->run(p->c, p->ldc, p->a, p->lda, p->panel, p->m, p->n, p->k, ep);
}

/* The activation of a sum that may be off by e. */
static double act_bound(enum bert__act act, double x, double e)
{
    const double y = oracle_act(act, x);
    const double up = fabs(oracle_act(act, x + e) - y), down = fabs(oracle_act(act, x - e) - y);

    return fmax(up, down) + bound_act(act, x);
}

static void compare(struct check *c, const struct problem *p, const struct bert__epilogue *ep,
                    const float *residual)
{
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            double sum = ep->bias ? ep->bias[j] : 0, size = fabs(sum), bound, want;

            for (size_t q = 0; q < p->k; q++) {
                double product = (double)p->a[i * p->lda + q] * p->w[j * p->ldw + q];

                sum += product;
                size += fabs(product);
            }
            bound = act_bound(ep->act, sum, gamma_of((double)p->k + 2) * size);
            want = oracle_act(ep->act, sum) + (residual ? residual[i * p->ldc + j] : 0);
            check_near(c, p->c[i * p->ldc + j], want,
                       bound + U * fabs(want) * (residual ? 1.01 : 0), "gemm", i * p->n + j);
        }
    }
    check_gaps(c, p->c, p->m, p->n, p->ldc);
}

static void plain(struct check *c, size_t m, size_t n, size_t k, size_t gap, enum guard_side side)
{
    const struct bert__epilogue none = {0};
    struct problem p = make(c, m, n, k, gap, side);
    unsigned before = c->failures;

    run(c, &p, &none);
    compare(c, &p, &none, NULL);
    check_release(c);
    check_note(c, before, "; m %zu, n %zu, k %zu", m, n, k);
}

void check_gemm_f32(struct check *c)
{
    const size_t mr = f32(c)->mr, nr = f32(c)->nr;

    for (size_t m = 1; m <= 2 * mr + 3; m++) {
        for (size_t n = 1; n <= nr; n++)
            plain(c, m, n, 1 + (m * 7 + n) % 37, n % 3, (enum guard_side)(n % GUARD_SIDES));
    }
    for (size_t k = 1; k <= 67; k++) {
        for (int side = 0; side < GUARD_SIDES; side++) {
            plain(c, mr, nr, k, 0, (enum guard_side)side);
            plain(c, mr + 1, nr - 1, k, 3, (enum guard_side)side);
        }
    }
    plain(c, 40, nr, 384, 0, GUARD_END);
    plain(c, 33, nr, 1536, 5, GUARD_END);
    plain(c, 7, nr - 3, 3072, 0, GUARD_START);
    plain(c, 300, 5, 100, 1, GUARD_SHIFT);
}

/* ---- Epilogues ----------------------------------------------------------- */

static void epilogue(struct check *c, size_t m, size_t n, size_t k, enum bert__act act,
                     int with_bias, int with_residual)
{
    struct problem p = make(c, m, n, k, (m + n) % 4, GUARD_END);
    struct bert__epilogue ep = {.bias = with_bias ? p.bias : NULL,
                                .residual = with_residual ? p.residual : NULL,
                                .ldr = p.ldc,
                                .act = act};
    float *in_place = guard_floats(c, (m - 1) * p.ldc + n, GUARD_START);
    unsigned before = c->failures;

    run(c, &p, &ep);
    compare(c, &p, &ep, ep.residual);
    if (with_residual) { /* c may be the residual itself */
        memcpy(in_place, p.residual, ((m - 1) * p.ldc + n) * sizeof(float));
        ep.residual = in_place;
        f32(c)->run(in_place, p.ldc, p.a, p.lda, p.panel, m, n, k, &ep);
        for (size_t i = 0; i < m; i++)
            check_same(c, in_place + i * p.ldc, p.c + i * p.ldc, n, "gemm over its residual");
    }
    check_release(c);
    check_note(c, before, "; m %zu, n %zu, k %zu, act %d, bias %d, residual %d", m, n, k, (int)act,
               with_bias, with_residual);
}

void check_gemm_f32_epilogue(struct check *c)
{
    const size_t mr = f32(c)->mr, nr = f32(c)->nr;

    for (size_t m = 1; m <= mr + 2; m++) {
        for (size_t n = 1; n <= nr; n += 1 + n / 20) {
            const unsigned bits = (unsigned)(m * 5 + n);

            epilogue(c, m, n, 9, (enum bert__act)(bits % BERT__ACT_COUNT), bits >> 1 & 1, bits & 1);
        }
    }
    for (int act = 0; act < BERT__ACT_COUNT; act++) {
        for (int i = 0; i < 4; i++) {
            epilogue(c, mr, nr, 33, (enum bert__act)act, i & 1, i >> 1);
            epilogue(c, 2 * mr + 1, nr - 1, 64, (enum bert__act)act, i & 1, i >> 1);
        }
    }
}

/* ---- Rows on their own ------------------------------------------------------ */

/* Row i of a run over m rows has the bits of the same row alone and, with other columns
 * present, of the same column. */
static void rows(struct check *c, size_t m, size_t n, size_t k, enum bert__act act)
{
    struct problem p = make(c, m, n, k, 1, GUARD_END);
    struct bert__epilogue ep = {.bias = p.bias, .act = act};
    float *single = guard_floats(c, n, GUARD_END);
    void *narrow = guard_aligned(c, f32(c)->panel_bytes(k) / sizeof(float));

    run(c, &p, &ep);
    for (size_t i = 0; i < m; i++) {
        f32(c)->run(single, n, p.a + i * p.lda, p.lda, p.panel, 1, n, k, &ep);
        check_same(c, single, p.c + i * p.ldc, n, "gemm row alone and in a block");
    }
    for (size_t j = 1; j < n; j++) {
        f32(c)->pack(narrow, p.w, p.ldw, j, k);
        f32(c)->run(single, n, p.a, p.lda, narrow, 1, j, k, &ep);
        check_same(c, single, p.c, j, "gemm of fewer columns");
    }
    check_release(c);
}

void check_gemm_f32_rows(struct check *c)
{
    const size_t mr = f32(c)->mr, nr = f32(c)->nr;

    for (size_t m = 1; m <= 3 * mr + 1; m++)
        rows(c, m, nr - m % 2, 67, m % 3 ? BERT__ACT_NONE : BERT__ACT_GELU);
    rows(c, 128, nr, 384, BERT__ACT_GELU);
}

/* ---- Packing ------------------------------------------------------------------ */

void check_gemm_f32_pack(struct check *c)
{
    const struct bert__gemm *g = f32(c);

    if (g->mr == 0 || g->nr == 0 || g->k_group == 0 || g->a_size == 0)
        check_fail(c, "gemm: a tile size is 0");
    if (g->panel_bytes(SIZE_MAX) != 0 || g->panel_bytes(SIZE_MAX / 4 - 7) != 0)
        check_fail(c, "panel_bytes: an overflow is not 0");
    for (size_t k = 1; k <= 67; k++) {
        const size_t n = 1 + k % g->nr, bytes = g->panel_bytes(k);
        float *w = guard_random(c, n * k, 1.0f, GUARD_END);
        unsigned char *a = (unsigned char *)guard_aligned(c, bytes / sizeof(float));
        unsigned char *b = (unsigned char *)guard_aligned(c, bytes / sizeof(float));

        if (bytes < g->nr * k || bytes % 64 != 0)
            check_fail(c, "panel_bytes(%zu) is %zu", k, bytes);
        memset(b, 0x3c, bytes); /* every byte is written, whatever was there */
        g->pack(a, w, k, n, k);
        g->pack(b, w, k, n, k);
        if (memcmp(a, b, bytes) != 0)
            check_fail(c, "pack: k %zu, n %zu: a byte of the panel is left as it was", k, n);
        check_release(c);
    }
}
