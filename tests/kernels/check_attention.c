/* SPDX-License-Identifier: MIT */
/* check_attention.c - attention of one head and one block of queries, of each type. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kernels/check.h"

#define N_KV_MAX 8192

/* A block of keys holds at least these, but for the first and the last. */
#define BLOCK_KEYS 96
/* bf16: rounding of softmax's exponents, and their own error. */
#define U_BF16 0x1p-8
#define ROUGH  1.1e-4

static const struct bert__attention *kind(const struct check *c)
{
    return &c->k->attention[c->dtype];
}

struct problem {
    size_t n_q, n_kv, head, ldq, ldkv, ldo;
    size_t first, count; /* the keys seen */
    float scale;
    float *q, *k, *v, *out, *probs, *kv, *scratch;
    const float *bias; /* NULL: none */
    ptrdiff_t ldb;
};

static void prepare(struct check *c, const struct problem *p)
{
    if (kind(c)->enter != NULL)
        kind(c)->enter();
    kind(c)->prepare(p->kv, p->k, p->v, p->ldkv, p->n_kv, p->head);
    if (kind(c)->leave != NULL)
        kind(c)->leave();
}

static struct problem make(struct check *c, size_t n_q, size_t n_kv, size_t head, size_t gap,
                           float range, enum guard_side side)
{
    struct problem p = {.n_q = n_q, .n_kv = n_kv, .head = head, .count = n_kv};

    p.scale = (float)(1.0 / sqrt((double)head));
    p.ldq = p.ldkv = p.ldo = head + gap;
    p.q = guard_floats(c, (n_q - 1) * p.ldq + head, side);
    p.k = guard_floats(c, (n_kv - 1) * p.ldkv + head, side);
    p.v = guard_floats(c, (n_kv - 1) * p.ldkv + head, side);
    p.out = guard_floats(c, (n_q - 1) * p.ldo + head, side);
    p.probs = guard_floats(c, n_q * n_kv, side);
    p.kv = guard_aligned(c, kind(c)->kv_floats(n_kv, head));
    p.scratch = guard_aligned(c, kind(c)->scratch_floats(head));
    check_fill_rows(c, p.q, n_q, head, p.ldq, range);
    check_fill_rows(c, p.k, n_kv, head, p.ldkv, range);
    check_fill_rows(c, p.v, n_kv, head, p.ldkv, 1.0f);
    prepare(c, &p);
    return p;
}

/* The queries from `from` on. */
static void run_from(struct check *c, const struct problem *p, size_t from, size_t n_q, float *out,
                     float *probs)
{
    const struct bert__attention_block block = {
        .out = out,
        .ldo = p->ldo,
        .q = p->q + from * p->ldq,
        .ldq = p->ldq,
        .kv = p->kv,
        .n_q = n_q,
        .n_kv = p->n_kv,
        .head = p->head,
        .first = p->first,
        .count = p->count,
        .scale = p->scale,
        .bias = p->bias != NULL ? p->bias + (ptrdiff_t)from * p->ldb : NULL,
        .ldb = p->ldb,
        .scratch = p->scratch,
        .probs = probs,
        .ldp = p->count,
    };

    if (kind(c)->enter != NULL)
        kind(c)->enter();
    kind(c)->run(&block);
    if (kind(c)->leave != NULL)
        kind(c)->leave();
}

static void run(struct check *c, const struct problem *p, float *probs)
{
    run_from(c, p, 0, p->n_q, p->out, probs);
}

/* A value as the products see it. */
static double seen(const struct check *c, float x)
{
    return c->dtype == BERT__BF16 ? oracle_bf16(x) : x;
}

/* Softmax of query i in double, and the largest error that a float score may have. */
static double softmax_of(const struct check *c, const struct problem *p, size_t i, double *prob,
                         double *spread)
{
    double max = -INFINITY, min = INFINITY, sum = 0, error = 0;

    for (size_t j = 0; j < p->count; j++) {
        double bias = p->bias != NULL ? p->bias[(ptrdiff_t)i * p->ldb + (ptrdiff_t)j] : 0;
        double s = 0, size = 0;

        for (size_t d = 0; d < p->head; d++) {
            double product =
                seen(c, p->q[i * p->ldq + d]) * seen(c, p->k[(p->first + j) * p->ldkv + d]);

            s += product;
            size += fabs(product);
        }
        prob[j] = s * (double)p->scale + bias;
        if (isinf(bias))
            continue;
        max = fmax(max, prob[j]);
        min = fmin(min, prob[j]);
        /* beside the sum: the scale times log2(e), and the bias times log2(e) */
        error = fmax(error, gamma_of((double)p->head + 6) * (size * (double)p->scale + fabs(bias)));
    }
    for (size_t j = 0; j < p->count; j++)
        sum += prob[j] = exp(prob[j] - max);
    for (size_t j = 0; j < p->count; j++)
        prob[j] /= sum;
    *spread = max - min;
    return error;
}

static void compare(struct check *c, const struct problem *p)
{
    static double prob[N_KV_MAX];

    for (size_t i = 0; i < p->n_q; i++) {
        double spread;
        double scores = softmax_of(c, p, i, prob, &spread);
        /* as for softmax, and each exponent is off by the score's error; each block of keys
         * may shrink the sums before it: an exponent, a product, and a sum more */
        double blocks = (double)(p->count / BLOCK_KEYS + 1);
        double relative =
            2 * scores + gamma_of(4 * spread + 12 + sum_roundings(p->count) + 9 * blocks);

        if (c->dtype == BERT__BF16)
            relative += 2 * ROUGH;

        for (size_t j = 0; j < p->count; j++)
            check_near(c, p->probs[i * p->count + j], prob[j], prob[j] * relative + 0x1p-124,
                       "probs", j);
        relative += gamma_of((double)p->count + 1) + (c->dtype == BERT__BF16 ? U_BF16 : 0);
        for (size_t d = 0; d < p->head; d++) {
            double sum = 0, size = 0;

            for (size_t j = 0; j < p->count; j++) {
                double term = prob[j] * seen(c, p->v[(p->first + j) * p->ldkv + d]);

                sum += term;
                size += fabs(term);
            }
            check_near(c, p->out[i * p->ldo + d], sum, relative * size + 0x1p-100, "attention", d);
        }
    }
    check_gaps(c, p->out, p->n_q, p->head, p->ldo);
}

static void one(struct check *c, size_t n_q, size_t n_kv, size_t head, float range,
                enum guard_side side)
{
    struct problem p = make(c, n_q, n_kv, head, (n_q + head) % 3, range, side);
    float *with_probs = guard_floats(c, (n_q - 1) * p.ldo + head, side);
    unsigned before = c->failures;

    run(c, &p, p.probs);
    compare(c, &p);
    memcpy(with_probs, p.out, ((n_q - 1) * p.ldo + head) * sizeof(float));
    run(c, &p, NULL);
    for (size_t i = 0; i < n_q; i++)
        check_same(c, p.out + i * p.ldo, with_probs + i * p.ldo, head, "attention without probs");
    check_release(c);
    check_note(c, before, "; n_q %zu, n_kv %zu, head %zu", n_q, n_kv, head);
}

/* Some of the keys, a bias by distance, and keys that it hides. */
static void biased(struct check *c, size_t n_q, size_t n_kv, size_t head, size_t first,
                   size_t count, bool by_distance)
{
    struct problem p = make(c, n_q, n_kv, head, 1, 2.0f, GUARD_END);
    size_t n = by_distance ? n_q - 1 + count : n_q * count;
    float *bias = guard_random(c, n, 3.0f, GUARD_END);
    unsigned before = c->failures;

    for (size_t i = 0; i < n; i++) /* each query keeps key 0, or the distance of its last */
        if (i % 3 == 1 && (by_distance ? i != n_q - 1 && i + 1 != count : i % count != 0))
            bias[i] = -INFINITY;
    p.first = first;
    p.count = count;
    p.bias = by_distance ? bias + n_q - 1 : bias;
    p.ldb = by_distance ? -1 : (ptrdiff_t)count;
    run(c, &p, p.probs);
    compare(c, &p);
    check_release(c);
    check_note(c, before, "; n_q %zu, keys %zu + %zu of %zu, head %zu, %s", n_q, first, count, n_kv,
               head, by_distance ? "by distance" : "by key");
}

static void biases(struct check *c)
{
    for (size_t n = 1; n <= 40; n++) {
        biased(c, 1 + n % BERT__ATTENTION_BLOCK, 100, 24, n, 60 - n, n % 2 == 0);
        biased(c, 1 + n % 5, n, 16, n / 2, n - n / 2, n % 3 == 0);
        biased(c, BERT__ATTENTION_BLOCK, 200 + n, n, 3 * n, n + 40, true);
    }
    biased(c, 7, 1000, 64, 0, 1000, false);
    biased(c, BERT__ATTENTION_BLOCK, 1000, 33, 999, 1, true);
}

/* A window that starts anywhere, with whole blocks of keys hidden before the first that is not. */
static void hidden(struct check *c, size_t first, size_t count, size_t n_hidden)
{
    struct problem p = make(c, 5, first + count, 40, 0, 2.0f, GUARD_END);
    float *bias = guard_floats(c, count, GUARD_END);
    unsigned before = c->failures;

    for (size_t j = 0; j < count; j++)
        bias[j] = j < n_hidden ? -INFINITY : 0.0f;
    p.first = first;
    p.count = count;
    p.bias = bias;
    run(c, &p, p.probs);
    compare(c, &p);
    check_release(c);
    check_note(c, before, "; keys %zu + %zu, of which %zu are hidden", first, count, n_hidden);
}

/* A query's bits: alone, and in a block with others. */
static void alone(struct check *c, size_t n_q, size_t n_kv, size_t head, const float *bias)
{
    struct problem p = make(c, n_q, n_kv, head, 0, 2.0f, GUARD_END);
    float *single = guard_floats(c, head, GUARD_END);
    float *all = guard_floats(c, n_q * head, GUARD_END);

    if (bias != NULL) {
        p.bias = bias + n_q - 1;
        p.ldb = -1;
        p.first = n_kv / 3;
        p.count = n_kv / 2;
    }
    run(c, &p, NULL);
    memcpy(all, p.out, n_q * head * sizeof(float));
    for (size_t i = 0; i < n_q; i++) {
        run_from(c, &p, i, 1, single, NULL);
        check_same(c, single, all + i * head, head, "query alone and in a block");
    }
    check_release(c);
}

static void values(struct check *c)
{
    static float bias[200];

    for (size_t n = 1; n <= 67; n++) {
        const enum guard_side side = (enum guard_side)(n % GUARD_SIDES);

        one(c, 1 + n % BERT__ATTENTION_BLOCK, n, 32, 1.0f, side);
        one(c, 1 + n % 7, 17, n, 2.0f, side);
        one(c, 3, 67 - n + 1, n, 4.0f, side);
        one(c, 2, 70 + 5 * n, 64, 3.0f, side);
    }
    for (size_t head = 8; head <= 256; head += 8)
        one(c, 1 + head % BERT__ATTENTION_BLOCK, 300 - head, head, 2.0f, GUARD_END);
    for (size_t n_q = 1; n_q <= BERT__ATTENTION_BLOCK; n_q++)
        one(c, n_q, 50, 24, 3.0f, GUARD_END);
    one(c, 5, 40, BERT__ATTENTION_HEAD_MAX, 1.0f, GUARD_END);
    one(c, 9, 40, 127, 1.0f, GUARD_END);
    one(c, BERT__ATTENTION_BLOCK, 512, 64, 6.0f, GUARD_END); /* scores far apart */
    one(c, 2, N_KV_MAX, 33, 1.0f, GUARD_END);
    biases(c);
    for (size_t n = 0; n < 600; n += 37)
        hidden(c, n % 230, 601, n);
    for (size_t i = 0; i < sizeof(bias) / sizeof(*bias); i++)
        bias[i] = i % 5 == 2 ? -INFINITY : (float)(i % 13) / 4;
    alone(c, BERT__ATTENTION_BLOCK, 128, 32, NULL);
    alone(c, BERT__ATTENTION_BLOCK, 128, 32, bias);
    alone(c, BERT__ATTENTION_BLOCK - 3, 77, 65, bias);
    alone(c, 11, 1000, 16, NULL);
    alone(c, 27, 700, 80, NULL);
}

/* kv is all that attention reads of K and V, and all that it reads is written. */
static void prepared(struct check *c)
{
    for (size_t n = 1; n <= 67; n++) {
        struct problem p = make(c, 2, n, 1 + n * 5 % 67, 2, 1.0f, GUARD_END);
        float *first = guard_floats(c, 2 * p.ldo, GUARD_END);

        run(c, &p, NULL);
        memcpy(first, p.out, (p.ldo + p.head) * sizeof(float));
        memset(p.kv, 0x7f, kind(c)->kv_floats(n, p.head) * sizeof(float));
        memset(p.scratch, 0x7f, kind(c)->scratch_floats(p.head) * sizeof(float));
        prepare(c, &p);
        memset(p.k, 0xff, ((n - 1) * p.ldkv + p.head) * sizeof(float));
        memset(p.v, 0xff, ((n - 1) * p.ldkv + p.head) * sizeof(float));
        run(c, &p, NULL);
        check_same(c, first, p.out, p.head, "attention after preparing again");
        check_same(c, first + p.ldo, p.out + p.ldo, p.head, "attention after preparing again");
        check_release(c);
    }
}

static void sizes(struct check *c)
{
    const struct bert__attention *k = kind(c);

    if (k->kv_floats(SIZE_MAX, 64) != 0 || k->kv_floats(SIZE_MAX / 8, 64) != 0
        || k->kv_floats(64, SIZE_MAX) != 0)
        check_fail(c, "kv_floats: an overflow is not 0");
    if (k->scratch_floats(SIZE_MAX) != 0 || k->scratch_floats(SIZE_MAX / 64) != 0)
        check_fail(c, "scratch_floats: an overflow is not 0");
    for (size_t n = 1; n < N_KV_MAX; n = n * 3 / 2 + 1) {
        if (k->kv_floats(n, 64) == 0 || k->kv_floats(n + 1, 64) < k->kv_floats(n, 64))
            check_fail(c, "kv_floats(%zu, 64) is %zu", n, k->kv_floats(n, 64));
    }
    for (size_t head = 1; head < 100; head++) { /* K and V are in it */
        if (k->kv_floats(10, head) * sizeof(float) < 20 * head * c->k->gemm[c->dtype].a_size)
            check_fail(c, "kv_floats(10, %zu) is too small", head);
    }
}

static void checked(struct check *c, enum bert__dtype dtype, check_fn run_it)
{
    c->dtype = dtype;
    if (kind(c)->run != NULL || kind(c)->prepare != NULL) /* else the level has none */
        run_it(c);
}

#define X(name, type)                                                                              \
    void check_attention_##name(struct check *c)                                                   \
    {                                                                                              \
        checked(c, type, values);                                                                  \
    }                                                                                              \
    void check_attention_##name##_prepare(struct check *c)                                         \
    {                                                                                              \
        checked(c, type, prepared);                                                                \
    }                                                                                              \
    void check_attention_##name##_sizes(struct check *c)                                           \
    {                                                                                              \
        checked(c, type, sizes);                                                                   \
    }
CHECK_ATTENTION(X)
#undef X
