/* SPDX-License-Identifier: MIT */
/* mutants.c - see mutants.h. */
#include "tests/kernels/mutants.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct bert__kernels *base;

void mutants_base(const struct bert__kernels *k)
{
    base = k;
}

/* ---- LayerNorm, activations ------------------------------------------------ */

/* E[x^2] - E[x]^2 in float. */
static void layernorm_one_pass(float *y, const float *x, const float *gamma, const float *beta,
                               size_t n, float eps)
{
    float sum = 0, squares = 0;
    float mean, rstd;

    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
    }
    mean = sum / (float)n;
    rstd = 1.0f / sqrtf(fmaxf(squares / (float)n - mean * mean, 0) + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) * rstd * gamma[i] + beta[i];
}

static void layernorm_no_eps(float *y, const float *x, const float *gamma, const float *beta,
                             size_t n, float eps)
{
    base->layernorm(y, x, gamma, beta, n, eps * 1e-3f);
}

static void activate_wrong_gelu(float *y, const float *x, size_t n, enum bert__act act)
{
    base->activate(y, x, n, act == BERT__ACT_GELU ? BERT__ACT_GELU_TANH : act);
}

static void activate_overread(float *y, const float *x, size_t n, enum bert__act act)
{
    volatile float last = x[n];

    (void)last;
    base->activate(y, x, n, act);
}

/* x * sigmoid(x) as written: NaN at -infinity. */
static void activate_silu_limit(float *y, const float *x, size_t n, enum bert__act act)
{
    float out[1];

    for (size_t i = 0; i < n; i++) {
        base->activate(out, x + i, 1, act == BERT__ACT_SILU ? BERT__ACT_SIGMOID : act);
        y[i] = act == BERT__ACT_SILU ? x[i] * out[0] : out[0];
    }
}

/* ---- Rows -------------------------------------------------------------------- */

static void softmax_no_max(float *x, size_t n)
{
    float sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] = expf(x[i]);
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

static void softmax_tail(float *x, size_t n)
{
    float last = x[n - 1];

    base->softmax(x, n);
    if (n % 16 == 5)
        x[n - 1] = last;
}

static void add_ignores_c(float *y, const float *a, const float *b, const float *c, size_t n)
{
    base->add(y, a, b, n == 37 ? NULL : c, n);
}

static void axpy_tail(float *y, const float *x, float s, size_t n)
{
    if (n >= 8)
        base->axpy(y, x, s, n / 8 * 8);
}

static void vmax_loses_nan(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] > x[i] ? y[i] : x[i];
}

static void mul_tail(float *y, const float *a, const float *b, size_t n)
{
    base->mul(y, a, b, n % 16 == 3 ? n - 1 : n);
}

static void rotate_back(float *x, const float *cosines, const float *sines, size_t n)
{
    base->rotate(x, cosines, sines, n);
    for (size_t i = 0; n == 5 && i < n; i++)
        x[i] = -x[i];
}

static void rmsnorm_no_eps(float *y, const float *x, const float *gamma, size_t n, float eps)
{
    base->rmsnorm(y, x, gamma, n, eps * 0.5f);
}

static void scale_overwrites(float *y, const float *x, float s, size_t n)
{
    base->scale(y, x, s, n);
    y[n] = 0;
}

static void scale_underwrites(float *y, const float *x, float s, size_t n)
{
    y[-1] = 0;
    base->scale(y, x, s, n);
}

static float dot_tail(const float *a, const float *b, size_t n)
{
    return n % 16 == 1 && n > 1 ? base->dot(a, b, n - 1) : base->dot(a, b, n);
}

static void f16_no_subnormals(float *y, const void *x, size_t n)
{
    base->f16_to_f32(y, x, n);
    for (size_t i = 0; i < n; i++)
        y[i] = fabsf(y[i]) < 0x1p-14f ? 0.0f : y[i];
}

static void bf16_rounds(float *y, const void *x, size_t n)
{
    base->bf16_to_f32(y, x, n);
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] * 1.0001f;
}

static int finite_misses(const float *x, size_t n)
{
    return base->all_finite(x, n > 32 ? n - 1 : n);
}

/* ---- Attention ---------------------------------------------------------------- */

static size_t kv_too_small(size_t n_kv, size_t head)
{
    return n_kv * head / 2;
}

static size_t scratch_wraps(size_t head)
{
    return head > 100000 ? head * 32 : base->attention[BERT__F32].scratch_floats(head);
}

/* Each fault in every type. */
#define ATTENTION_FAULTS(type, name)                                                               \
    static void prepare_last_key_##name(float *kv, const float *k, const float *v, size_t ldkv,    \
                                        size_t n_kv, size_t head)                                  \
    {                                                                                              \
        base->attention[type].prepare(kv, k, v, ldkv, n_kv > 40 ? n_kv - 1 : n_kv, head);          \
    }                                                                                              \
    static void attention_no_scale_##name(const struct bert__attention_block *block)               \
    {                                                                                              \
        struct bert__attention_block b = *block;                                                   \
                                                                                                   \
        b.scale *= type == BERT__F32 ? 1.001f : 1.05f;                                             \
        base->attention[type].run(&b);                                                             \
    }                                                                                              \
    static void attention_first_bias_##name(const struct bert__attention_block *block)             \
    {                                                                                              \
        struct bert__attention_block b = *block;                                                   \
                                                                                                   \
        b.ldb = b.ldb < 0 ? 0 : b.ldb;                                                             \
        base->attention[type].run(&b);                                                             \
    }                                                                                              \
    static void attention_all_keys_##name(const struct bert__attention_block *block)               \
    {                                                                                              \
        struct bert__attention_block b = *block;                                                   \
                                                                                                   \
        b.first = b.first > 0 ? b.first - 1 : 0;                                                   \
        base->attention[type].run(&b);                                                             \
    }                                                                                              \
    static void attention_last_key_##name(const struct bert__attention_block *block)               \
    {                                                                                              \
        struct bert__attention_block b = *block;                                                   \
                                                                                                   \
        b.count -= b.count > 193; /* one that comes after a whole block */                         \
        base->attention[type].run(&b);                                                             \
    }                                                                                              \
    static void attention_neighbours_##name(const struct bert__attention_block *b)                 \
    {                                                                                              \
        base->attention[type].run(b);                                                              \
        if (b->n_q > 4) /* one unit in the last place */                                           \
            b->out[3 * b->ldo] = nextafterf(b->out[3 * b->ldo], INFINITY);                         \
    }
ATTENTION_FAULTS(BERT__F32, f32)
ATTENTION_FAULTS(BERT__BF16, bf16)

/* What comes of sums over more than one block of keys is short of a thousandth. */
static void attention_short_sums(const struct bert__attention_block *b)
{
    base->attention[BERT__F32].run(b);
    for (size_t i = 0; b->count > 300 && i < b->n_q; i++)
        base->scale(b->out + i * b->ldo, b->out + i * b->ldo, 0.999f, b->head);
}

/* ---- GEMM ----------------------------------------------------------------------- */

#define RUN_ARGS                                                                                   \
    float *c, size_t ldc, const void *a, size_t lda, const void *panel, size_t m, size_t columns,  \
        size_t k, const struct bert__epilogue *ep

static void run_neighbours(RUN_ARGS)
{
    base->gemm[BERT__F32].run(c, ldc, a, lda, panel, m, columns, k, ep);
    if (m > 9)
        c[9 * ldc] = nextafterf(c[9 * ldc], INFINITY);
}

static void run_drops_last_k(RUN_ARGS)
{
    base->gemm[BERT__F32].run(c, ldc, a, lda, panel, m, columns, k == 33 ? k - 1 : k, ep);
}

static void run_wide(RUN_ARGS)
{
    const size_t nr = base->gemm[BERT__F32].nr;

    base->gemm[BERT__F32].run(c, ldc, a, lda, panel, m, columns + (columns < nr), k, ep);
}

static void run_no_bias_after_tile(RUN_ARGS)
{
    struct bert__epilogue e = *ep;

    if (m == 3)
        e.bias = NULL;
    base->gemm[BERT__F32].run(c, ldc, a, lda, panel, m, columns, k, &e);
}

static void run_residual_before_act(RUN_ARGS)
{
    struct bert__epilogue e = *ep;

    e.act = BERT__ACT_NONE;
    base->gemm[BERT__F32].run(c, ldc, a, lda, panel, m, columns, k, &e);
    for (size_t i = 0; i < m; i++)
        base->activate(c + i * ldc, c + i * ldc, columns, ep->act);
}

static void run_forgets_c(RUN_ARGS)
{
    struct bert__epilogue e = *ep;

    e.onto = ep->onto && m > 1;
    base->gemm[BERT__F32].run(c, ldc, a, lda, panel, m, columns, k, &e);
}

static void pack_leaves_padding(void *panel, const float *w, size_t ldw, size_t columns, size_t k)
{
    const size_t nr = base->gemm[BERT__F32].nr;
    float *p = panel;
    float was = p[nr * k - 1];

    base->gemm[BERT__F32].pack(panel, w, ldw, columns, k);
    if (columns < nr)
        p[nr * k - 1] = was;
}

/* ---- Narrow types: what prepare() and pack() are given, row by row ---- */

static float row[4096];

static const float *changed(const float *x, size_t k, float (*change)(float))
{
    for (size_t i = 0; i < k; i++)
        row[i] = change(x[i]);
    return row;
}

static float truncated(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    bits &= 0xffff0000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float hidden(float x)
{
    return isfinite(x) ? x : 0.0f;
}

static float clipped(float x)
{
    return fminf(0.9f, x);
}

static void prepare_changed(enum bert__dtype type, float (*change)(float), void *to, size_t first,
                            const float *a, size_t lda, size_t m, size_t k)
{
    const struct bert__gemm *g = &base->gemm[type];

    for (size_t i = 0; i < m; i++)
        g->prepare(to, first + i, changed(a + i * lda, k, change), k, 1, k);
}

#define PREPARE_ARGS void *to, size_t first, const float *a, size_t lda, size_t m, size_t k

static void prepare_bf16_truncates(PREPARE_ARGS)
{
    if (base->gemm[BERT__BF16].prepare != NULL)
        prepare_changed(BERT__BF16, truncated, to, first, a, lda, m, k);
}

static void prepare_int8_hides(PREPARE_ARGS)
{
    prepare_changed(BERT__INT8, hidden, to, first, a, lda, m, k);
}

static void prepare_int8_clips(PREPARE_ARGS)
{
    prepare_changed(BERT__INT8, clipped, to, first, a, lda, m, k);
}

static void pack_bf16_truncates(void *panel, const float *w, size_t ldw, size_t columns, size_t k)
{
    float *copy = malloc(columns * k * sizeof(*copy));

    for (size_t j = 0; j < columns; j++)
        memcpy(copy + j * k, changed(w + j * ldw, k, truncated), k * sizeof(*copy));
    base->gemm[BERT__BF16].pack(panel, copy, k, columns, k);
    free(copy);
}

static void pack_int8_off_by_one(void *panel, const float *w, size_t ldw, size_t columns, size_t k)
{
    base->gemm[BERT__INT8].pack(panel, w, ldw, columns, k);
    *(signed char *)panel ^= 1;
}

static void run_int8_neighbours(RUN_ARGS)
{
    base->gemm[BERT__INT8].run(c, ldc, a, lda, panel, m, columns, k, ep);
    for (size_t i = 1; i < m; i++)
        c[i * ldc] += 1e-3f * c[(i - 1) * ldc];
}

/* ---- The list ---------------------------------------------------------------------- */

#define MUTATE(fault, field)                                                                       \
    static void mutate_##fault(struct bert__kernels *t)                                            \
    {                                                                                              \
        t->field = fault;                                                                          \
    }
/* X(check, field of the table, fault) */
#define FAULTS(X)                                                                                  \
    X(layernorm, layernorm, layernorm_one_pass)                                                    \
    X(layernorm, layernorm, layernorm_no_eps)                                                      \
    X(rmsnorm, rmsnorm, rmsnorm_no_eps)                                                            \
    X(activate, activate, activate_wrong_gelu)                                                     \
    X(activate, activate, activate_overread)                                                       \
    X(activate, activate, activate_silu_limit)                                                     \
    X(softmax, softmax, softmax_no_max)                                                            \
    X(softmax, softmax, softmax_tail)                                                              \
    X(add, add, add_ignores_c)                                                                     \
    X(mul, mul, mul_tail)                                                                          \
    X(rotate, rotate, rotate_back)                                                                 \
    X(axpy, axpy, axpy_tail)                                                                       \
    X(vmax, vmax, vmax_loses_nan)                                                                  \
    X(scale, scale, scale_overwrites)                                                              \
    X(scale, scale, scale_underwrites)                                                             \
    X(dot, dot, dot_tail)                                                                          \
    X(f16_to_f32, f16_to_f32, f16_no_subnormals)                                                   \
    X(bf16_to_f32, bf16_to_f32, bf16_rounds)                                                       \
    X(all_finite, all_finite, finite_misses)                                                       \
    X(attention_f32_sizes, attention[BERT__F32].kv_floats, kv_too_small)                           \
    X(attention_f32_sizes, attention[BERT__F32].scratch_floats, scratch_wraps)                     \
    X(attention_f32, attention[BERT__F32].run, attention_short_sums)                               \
    X(attention_f32_prepare, attention[BERT__F32].prepare, prepare_last_key_f32)                   \
    X(attention_f32, attention[BERT__F32].run, attention_no_scale_f32)                             \
    X(attention_f32, attention[BERT__F32].run, attention_first_bias_f32)                           \
    X(attention_f32, attention[BERT__F32].run, attention_all_keys_f32)                             \
    X(attention_f32, attention[BERT__F32].run, attention_last_key_f32)                             \
    X(attention_f32, attention[BERT__F32].run, attention_neighbours_f32)                           \
    X(attention_bf16_prepare, attention[BERT__BF16].prepare, prepare_last_key_bf16)                \
    X(attention_bf16, attention[BERT__BF16].run, attention_no_scale_bf16)                          \
    X(attention_bf16, attention[BERT__BF16].run, attention_first_bias_bf16)                        \
    X(attention_bf16, attention[BERT__BF16].run, attention_all_keys_bf16)                          \
    X(attention_bf16, attention[BERT__BF16].run, attention_last_key_bf16)                          \
    X(attention_bf16, attention[BERT__BF16].run, attention_neighbours_bf16)                        \
    X(gemm_f32, gemm[BERT__F32].run, run_drops_last_k)                                             \
    X(gemm_f32, gemm[BERT__F32].run, run_wide)                                                     \
    X(gemm_f32_epilogue, gemm[BERT__F32].run, run_no_bias_after_tile)                              \
    X(gemm_f32_epilogue, gemm[BERT__F32].run, run_residual_before_act)                             \
    X(gemm_f32_epilogue, gemm[BERT__F32].run, run_forgets_c)                                       \
    X(gemm_f32_rows, gemm[BERT__F32].run, run_neighbours)                                          \
    X(gemm_f32_pack, gemm[BERT__F32].pack, pack_leaves_padding)                                    \
    X(gemm_bf16, gemm[BERT__BF16].prepare, prepare_bf16_truncates)                                 \
    X(gemm_bf16, gemm[BERT__BF16].pack, pack_bf16_truncates)                                       \
    X(gemm_int8, gemm[BERT__INT8].prepare, prepare_int8_clips)                                     \
    X(gemm_int8_exact, gemm[BERT__INT8].prepare, prepare_int8_hides)                               \
    X(gemm_int8_exact, gemm[BERT__INT8].pack, pack_int8_off_by_one)                                \
    X(gemm_int8_rows, gemm[BERT__INT8].run, run_int8_neighbours)

#define X(check, field, fault) MUTATE(fault, field)
FAULTS(X)
#undef X

const struct mutant mutants[] = {
#define X(check, field, fault) {#fault, check_##check, mutate_##fault},
    FAULTS(X)
#undef X
        {NULL, NULL, NULL},
};
