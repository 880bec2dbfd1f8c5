/* SPDX-License-Identifier: MIT */
/* check_gemm.c - GEMM on packed panels: values, epilogues, independence of rows, packing. */
#include <math.h>
#include <string.h>

#include "tests/kernels/check.h"

struct problem {
    size_t m, n, k;            /* n <= nr */
    size_t lda, ldw, ldc, ldr; /* ldc also of the residual; ldr of what run() reads, in elements */
    float *a, *w, *c, *bias, *residual;
    void *rows; /* what run() reads: a, or what prepare() made of it */
    void *panel;
};

static const struct bert__gemm *gemm(const struct check *c)
{
    return &c->k->gemm[c->dtype];
}

/* The m rows as run() reads them; those past them may be read and hold anything. */
static void prepare(struct check *c, struct problem *p, enum guard_side side)
{
    const struct bert__gemm *g = gemm(c);
    const size_t group = g->row_group > 0 ? g->row_group : 1;
    const size_t rows = (p->m + g->row_slack) / group * group;
    unsigned char *to;

    p->rows = p->a;
    p->ldr = p->lda;
    if (g->prepare == NULL)
        return;
    p->ldr = g->row_elements(p->k);
    to = guard(c, rows * p->ldr, g->a_size, side);
    memset(to, 0xff, rows * p->ldr * g->a_size);
    g->prepare(to, 0, p->a, p->lda, p->m, p->k);
    p->rows = to;
}

static struct problem make(struct check *c, size_t m, size_t n, size_t k, size_t gap,
                           enum guard_side side)
{
    const struct bert__gemm *g = gemm(c);
    struct problem p = {.m = m, .n = n, .k = k, .lda = k + gap, .ldw = k + gap, .ldc = n + gap};
    const size_t slack = g->prepare ? 0 : g->row_slack; /* rows of NaN: may be read, not used */

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
    p.panel = guard_aligned(c, g->panel_bytes(k) / sizeof(float));
    g->pack(p.panel, p.w, p.ldw, n, k);
    prepare(c, &p, side);
    return p;
}

static void run_on(struct check *c, const struct problem *p, const void *rows, float *out,
                   size_t ldc, size_t m, size_t n, const void *panel,
                   const struct bert__epilogue *ep)
{
    const struct bert__gemm *g = gemm(c);

    if (g->enter != NULL)
        g->enter();
    g->run(out, ldc, rows, p->ldr, panel, m, n, p->k, ep);
    if (g->leave != NULL)
        g->leave();
}

static void run(struct check *c, const struct problem *p, const struct bert__epilogue *ep)
{
    run_on(c, p, p->rows, p->c, p->ldc, p->m, p->n, p->panel, ep);
}

/* ---- What a type makes of its operands, from the definition ---------------- */

static float largest(const float *x, size_t n)
{
    float most = 0;

    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(x[i]));
    return most;
}

static float as_int8(float x, float most)
{
    return most == 0 ? 0 : rintf(x * (127.0f / most));
}

/* Element q of row or column x, as the products see it; for int8 an integer. */
static double seen(const struct check *c, const float *x, size_t q, float most, int is_row)
{
    if (c->dtype == BERT__INT8)
        return as_int8(x[q], most);
    if (c->dtype == BERT__BF16 && (!is_row || gemm(c)->prepare != NULL))
        return oracle_bf16(x[q]);
    return x[q];
}

/* The activation of a sum that may be off by e. */
static double act_bound(enum bert__act act, double x, double e)
{
    const double y = oracle_act(act, x);
    const double up = fabs(oracle_act(act, x + e) - y), down = fabs(oracle_act(act, x - e) - y);

    return fmax(up, down) + bound_act(act, x);
}

/* The sum of products for c[i][j], and the sum of their sizes. */
static double sum_of(const struct check *c, const struct problem *p, size_t i, size_t j,
                     double *size)
{
    const float *a = p->a + i * p->lda, *w = p->w + j * p->ldw;
    const int is_int8 = c->dtype == BERT__INT8;
    const float most_a = is_int8 ? largest(a, p->k) : 0, most_w = is_int8 ? largest(w, p->k) : 0;
    double sum = 0;

    *size = 0;
    for (size_t q = 0; q < p->k; q++) {
        double product = seen(c, a, q, most_a, 1) * seen(c, w, q, most_w, 0);

        sum += product;
        *size += fabs(product);
    }
    if (is_int8) { /* the integers are exact */
        sum *= (double)(most_a / 127.0f) * (most_w / 127.0f);
        *size = fabs(sum) * 4 / (double)(p->k + 2);
    }
    return sum;
}

static void compare(struct check *c, const struct problem *p, const struct bert__epilogue *ep,
                    const float *residual)
{
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            double size, bound, want, sum = sum_of(c, p, i, j, &size);

            if (ep->bias) {
                sum += ep->bias[j];
                size += fabs(ep->bias[j]);
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

static void values(struct check *c)
{
    const size_t mr = gemm(c)->mr, nr = gemm(c)->nr;

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
    for (size_t tiles = 2; tiles <= 7; tiles++) { /* few of them, several chains of k */
        plain(c, tiles * mr - tiles % 3, nr, 90 + 8 * tiles, 0, GUARD_END);
        plain(c, tiles * mr, nr - tiles % 2, 500 + tiles, 1, GUARD_START);
    }
    plain(c, 40, nr, 384, 0, GUARD_END);
    plain(c, 33, nr, 1536, 5, GUARD_END);
    plain(c, 7, nr - 3, 3072, 0, GUARD_START);
    plain(c, 300, 5, 100, 1, GUARD_SHIFT);
}

/* ---- Epilogues ----------------------------------------------------------- */

/* What is in c is part of the sum: as a bias would be that were another in each row. */
static void onto(struct check *c, size_t m, size_t n, size_t k, enum bert__act act)
{
    struct problem p = make(c, m, n, k, n % 3, GUARD_END);
    struct bert__epilogue ep = {.bias = p.bias, .act = act, .onto = true};
    float *was = guard_floats(c, (m - 1) * p.ldc + n, GUARD_START);
    unsigned before = c->failures;

    check_fill_rows(c, was, m, n, p.ldc, 2.0f);
    for (size_t i = 0; i < m; i++)
        memcpy(p.c + i * p.ldc, was + i * p.ldc, n * sizeof *was);
    run(c, &p, &ep);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double size, sum = sum_of(c, &p, i, j, &size) + p.bias[j] + was[i * p.ldc + j];
            double bound;

            size += fabs(p.bias[j]) + fabs(was[i * p.ldc + j]);
            bound = act_bound(act, sum, gamma_of((double)k + 3) * size);
            check_near(c, p.c[i * p.ldc + j], oracle_act(act, sum), bound, "gemm onto c",
                       i * n + j);
        }
    }
    check_gaps(c, p.c, m, n, p.ldc);
    check_release(c);
    check_note(c, before, "; m %zu, n %zu, k %zu, act %d, onto", m, n, k, (int)act);
}

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
        run_on(c, &p, p.rows, in_place, p.ldc, m, n, p.panel, &ep);
        for (size_t i = 0; i < m; i++)
            check_same(c, in_place + i * p.ldc, p.c + i * p.ldc, n, "gemm over its residual");
    }
    check_release(c);
    check_note(c, before, "; m %zu, n %zu, k %zu, act %d, bias %d, residual %d", m, n, k, (int)act,
               with_bias, with_residual);
}

static void epilogues(struct check *c)
{
    const size_t mr = gemm(c)->mr, nr = gemm(c)->nr;

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
        onto(c, mr + 3, nr, 40, (enum bert__act)act);
        onto(c, 2 * mr, nr - 1, 131, (enum bert__act)act);
        onto(c, 1, 1, 3, (enum bert__act)act);
    }
}

/* ---- Rows on their own ------------------------------------------------------ */

/* Row i as run() reads it where it is the only one. */
static const void *alone(const struct check *c, const struct problem *p, size_t i)
{
    static unsigned char row[1 << 20] __attribute__((aligned(64)));
    const struct bert__gemm *g = gemm(c);

    if (g->prepare == NULL)
        return p->a + i * p->lda;
    g->prepare(row, 0, p->a + i * p->lda, p->lda, 1, p->k);
    return row;
}

/* Row i of a run over m rows has the bits of the same row alone and, with other columns
 * present, of the same column. */
static void rows(struct check *c, size_t m, size_t n, size_t k, enum bert__act act)
{
    struct problem p = make(c, m, n, k, 1, GUARD_END);
    struct bert__epilogue ep = {.bias = p.bias, .act = act};
    float *single = guard_floats(c, n, GUARD_END);
    void *narrow = guard_aligned(c, gemm(c)->panel_bytes(k) / sizeof(float));

    run(c, &p, &ep);
    for (size_t i = 0; i < m; i++) {
        run_on(c, &p, alone(c, &p, i), single, n, 1, n, p.panel, &ep);
        check_same(c, single, p.c + i * p.ldc, n, "gemm row alone and in a block");
    }
    for (size_t j = 1; j < n; j++) {
        gemm(c)->pack(narrow, p.w, p.ldw, j, k);
        run_on(c, &p, p.rows, single, n, 1, j, narrow, &ep);
        check_same(c, single, p.c, j, "gemm of fewer columns");
    }
    check_release(c);
}

static void all_rows(struct check *c)
{
    const size_t mr = gemm(c)->mr, nr = gemm(c)->nr;

    for (size_t m = 1; m <= 3 * mr + 1; m++)
        rows(c, m, nr - m % 2, 67, m % 3 ? BERT__ACT_NONE : BERT__ACT_GELU);
    for (size_t tiles = 2; tiles <= 6; tiles++)
        rows(c, tiles * mr - tiles % 2, nr, 290, BERT__ACT_NONE);
    rows(c, 128, nr, 384, BERT__ACT_GELU);
}

/* ---- Packing ------------------------------------------------------------------ */

static void packing(struct check *c)
{
    const struct bert__gemm *g = gemm(c);

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

/* ---- Integers ------------------------------------------------------------------ */

/* The bits of c[i][j] = (float)sum * (scale_a * scale_w) + bias from the definition. */
static void exact(struct check *c, size_t m, size_t n, size_t k, float range)
{
    struct problem p = make(c, m, n, k, 1, GUARD_END);
    struct bert__epilogue ep = {.bias = p.bias};

    check_fill_rows(c, p.a, m, k, p.lda, range);
    p.a[0] = range; /* the largest of its row: products reach 127 * 127 */
    gemm(c)->prepare(p.rows, 0, p.a, p.lda, m, k);
    run(c, &p, &ep);
    for (size_t i = 0; i < m; i++) {
        const float *a = p.a + i * p.lda, most_a = largest(a, k);

        for (size_t j = 0; j < n; j++) {
            const float *w = p.w + j * p.ldw, most_w = largest(w, k);
            int32_t sum = 0;
            float want;

            for (size_t q = 0; q < k; q++)
                sum += (int32_t)as_int8(a[q], most_a) * (int32_t)as_int8(w[q], most_w);
            want = (float)sum * ((most_a / 127.0f) * (most_w / 127.0f));
            want += p.bias[j];
            check_same(c, &p.c[i * p.ldc + j], &want, 1, "gemm of integers");
        }
    }
    check_release(c);
}

/* Rows of which nothing sensible can be made: zeros, what is not finite. */
static void odd_rows(struct check *c)
{
    static const float odd[] = {0.0f, -0.0f, 1e-40f, INFINITY, -INFINITY, NAN};
    const struct bert__epilogue none = {0};

    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct problem p = make(c, 3, 5, 40, 0, GUARD_END);

        for (size_t q = 0; q < p.k && i < 3; q++)
            p.a[p.lda + q] = odd[i];
        p.a[p.lda + 7] = odd[i];
        gemm(c)->prepare(p.rows, 0, p.a, p.lda, p.m, p.k);
        run(c, &p, &none);
        for (size_t j = 0; j < p.n; j++) {
            float got = p.c[p.ldc + j];

            if (i < 3 ? got != 0.0f : !isnan(got))
                check_fail(c, "gemm: a row of %g gives %g", (double)odd[i], (double)got);
        }
        for (size_t j = 0; j < p.n; j++)
            check_near(c, p.c[j], sum_of(c, &p, 0, j, &(double){0}), 1e-5, "the row before", j);
        check_release(c);
    }
}

void check_gemm_int8_exact(struct check *c)
{
    c->dtype = BERT__INT8;
    for (size_t k = 1; k <= 70; k += 3)
        exact(c, 1 + k % 9, 1 + k % gemm(c)->nr, k, 1.0f);
    exact(c, 33, gemm(c)->nr, 384, 100.0f);
    exact(c, 5, gemm(c)->nr, 3072, 1e-3f);
    if (gemm(c)->panel_bytes(70000) != 0)
        check_fail(c, "gemm: sums of 70000 products may not fit 32 bits");
    odd_rows(c);
}

/* ---- Each type ------------------------------------------------------------------- */

#define CHECK(name, type, fn)                                                                      \
    void check_gemm_##name(struct check *c)                                                        \
    {                                                                                              \
        c->dtype = type;                                                                           \
        fn(c);                                                                                     \
    }
#define CHECKS(name, type)                                                                         \
    CHECK(name, type, values)                                                                      \
    CHECK(name##_epilogue, type, epilogues)                                                        \
    CHECK(name##_rows, type, all_rows)                                                             \
    CHECK(name##_pack, type, packing)

CHECKS(f32, BERT__F32)
CHECKS(bf16, BERT__BF16)
CHECKS(int8, BERT__INT8)
