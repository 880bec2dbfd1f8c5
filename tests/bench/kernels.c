/* SPDX-License-Identifier: MIT */
/*
 * kernels.c - times every kernel on one thread: GFLOP/s and per cent of the core's peak in what
 * the level has of instructions; GB/s and per cent of what the memory gives that holds the data:
 * products beside a reading of as many bytes as their weights have, kernels that do little but
 * move floats beside a copy of as many as they read and write.
 *
 *   bench-kernels [--level NAME] [--only PREFIX] [--seconds S]
 *
 * Each figure is the best of many short runs: the machine may be shared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/bench_peak.h"
#include "kernels/cpu.h"
#include "kernels/kernels.h"
#include "tests/bench/support.h"

static double seconds = 0.15;
static const char *only = "";
static double peaks[3]; /* of one thread, by enum bench_type; GFLOP/s */

static float *floats(size_t n)
{
    float *p = aligned_alloc(64, (n * sizeof(float) + 127) & ~(size_t)63);

    if (!p) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < n; i++)
        p[i] = (float)((i * 2654435761u >> 8 & 0xffffu)) / 65536.0f - 0.5f;
    return p;
}

/* Best time of one call of body, over runs of about a millisecond. */
#define BEST(best, ...)                                                                            \
    do {                                                                                           \
        double end_ = bench_now() + seconds, one_, t_ = bench_now();                               \
        size_t reps_;                                                                              \
        __VA_ARGS__;                                                                               \
        one_ = bench_now() - t_;                                                                   \
        reps_ = one_ > 1e-3 ? 1 : (size_t)(1e-3 / (one_ + 1e-8)) + 1;                              \
        (best) = one_;                                                                             \
        while (bench_now() < end_) {                                                               \
            t_ = bench_now();                                                                      \
            for (size_t r_ = 0; r_ < reps_; r_++) {                                                \
                __VA_ARGS__;                                                                       \
            }                                                                                      \
            one_ = (bench_now() - t_) / (double)reps_;                                             \
            if (one_ < (best))                                                                     \
                (best) = one_;                                                                     \
        }                                                                                          \
    } while (0)

static int wanted(const char *name)
{
    return strncmp(name, only, strlen(only)) == 0;
}

/* ---- Peaks ------------------------------------------------------------ */

/* Of the instructions that a level may use; a type that has none is computed in fp32. */
static double measure_peak(uint32_t level, enum bench_type type)
{
    const uint32_t bits = level < 20 ? 128 : level < 30 ? 256 : level < 60 ? 512 : UINT32_MAX;
    double best = 0;

    for (const struct bench_loop *l = bench_loops; l->name != NULL; l++) {
        for (int i = 0; l->type == type && l->bits <= bits && i < 3; i++) {
            double rate = bench_loop_rate(l, 1, 0.02);

            best = rate > best ? rate : best;
        }
    }
    return best > 0 || type == BENCH_FP32 ? best : measure_peak(level, BENCH_FP32);
}

/* The rates of copying or reading so much, measured once. */
static double rate_of(double (*measure)(size_t), size_t bytes)
{
    static struct {
        double (*measure)(size_t);
        size_t bytes;
        double rate;
    } known[64];
    size_t i = 0;

    while (i < 63 && known[i].measure != NULL
           && (known[i].measure != measure || known[i].bytes != bytes))
        i++;
    if (known[i].measure != measure || known[i].bytes != bytes) {
        known[i].measure = measure;
        known[i].bytes = bytes;
        known[i].rate = measure(bytes);
    }
    return known[i].rate;
}

static double reading(size_t bytes)
{
    return bench_reading(1, bytes);
}

/* ---- Lines ------------------------------------------------------------ */

static void line(const char *name, double value, const char *unit)
{
    printf("  %-34s %9.2f %s\n", name, value, unit);
    fflush(stdout);
}

/* Beside the peak; and what is read of `weights` bytes beside the reading of so many. */
static void flop_line(const char *name, double flop, double time, double peak, size_t weights)
{
    const double g = flop / time * 1e-9, speed = (double)weights / time * 1e-9;

    printf("  %-34s %9.2f GFLOP/s  %5.1f %%", name, g, 100 * g / peak);
    if (weights > 0)
        printf("  %8.2f GB/s  %5.1f %%", speed, 100 * speed / rate_of(reading, weights));
    printf("\n");
    fflush(stdout);
}

/* `n` elements of which `bytes` each are moved, beside what `measure` gives for so many. */
static void move_line(const char *name, double n, double bytes, double time,
                      double (*measure)(size_t))
{
    const double speed = bytes * n / time * 1e-9;

    printf("  %-34s %9.2f GB/s  %6.3f ns/element  %5.1f %%\n", name, speed, time / n * 1e9,
           100 * speed / rate_of(measure, (size_t)(bytes * n)));
    fflush(stdout);
}

static void element_line(const char *name, double n, double bytes, double time)
{
    move_line(name, n, bytes, time, bench_copying);
}

static void read_line(const char *name, double n, double bytes, double time)
{
    move_line(name, n, bytes, time, reading);
}

/* ---- Kernels ---------------------------------------------------------- */

static const char *const types[] = {"fp32", "bf16", "int8"};

struct product {
    const struct bert__gemm *g;
    size_t m, k, n, panels, bytes, lda; /* lda: elements of a row as run() reads it */
    float *a, *c, *bias;
    char *prepared, *packed;
    enum bert__act act;
};

static void prepare(const struct product *p)
{
    if (p->g->prepare != NULL)
        p->g->prepare(p->prepared, 0, p->a, p->k, p->m, p->k);
}

static void multiply(const struct product *p)
{
    const void *a = p->g->prepare != NULL ? (const void *)p->prepared : (const void *)p->a;

    if (p->g->enter != NULL)
        p->g->enter();
    for (size_t j = 0; j < p->panels; j++) {
        const size_t first = j * p->g->nr, left = p->n - first;
        struct bert__epilogue ep = {.bias = p->bias + first, .act = p->act};

        p->g->run(p->c + first, p->n, a, p->lda, p->packed + j * p->bytes, p->m,
                  left < p->g->nr ? left : p->g->nr, p->k, &ep);
    }
    if (p->g->leave != NULL)
        p->g->leave();
}

static struct product make_product(const struct bert__gemm *g, size_t m, size_t k, size_t n)
{
    struct product p = {.g = g, .m = m, .k = k, .n = n};
    float *w = floats(n * k);

    p.panels = (n + g->nr - 1) / g->nr;
    p.bytes = g->panel_bytes(k);
    p.lda = g->prepare != NULL ? g->row_elements(k) : k;
    p.a = floats((m + g->row_slack) * k);
    p.prepared = (char *)floats((m + g->row_slack) * p.lda * g->a_size / sizeof(float) + 1);
    p.c = floats(m * n);
    p.bias = floats(n);
    p.packed = (char *)floats(p.panels * p.bytes / sizeof(float));
    for (size_t j = 0; j < p.panels; j++)
        g->pack(p.packed + j * p.bytes, w + j * g->nr * k, k,
                n - j * g->nr < g->nr ? n - j * g->nr : g->nr, k);
    free(w);
    return p;
}

static void free_product(struct product *p)
{
    free(p->a);
    free(p->prepared);
    free(p->c);
    free(p->bias);
    free(p->packed);
}

static void gemm_case(const struct bert__gemm *g, enum bench_type type, const size_t shape[3],
                      enum bert__act act)
{
    struct product p = make_product(g, shape[0], shape[1], shape[2]);
    const double flop = 2.0 * (double)p.m * (double)p.n * (double)p.k;
    char name[64];
    double best;

    p.act = act;
    prepare(&p);
    BEST(best, multiply(&p));
    snprintf(name, sizeof(name), "gemm %s %zu x %zu x %zu%s", types[type], p.m, p.k, p.n,
             act ? " gelu" : "");
    flop_line(name, flop, best, peaks[type], p.panels * p.bytes);
    free_product(&p);
}

static void bench_prepare(const struct bert__gemm *g, enum bench_type type)
{
    struct product p = make_product(g, 128, 768, g->nr);
    char name[64];
    double best;

    BEST(best, prepare(&p));
    snprintf(name, sizeof(name), "prepare %s 128 x 768", types[type]);
    element_line(name, 128 * 768, 4.0 + g->a_size, best);
    free_product(&p);
}

static void bench_gemm(const struct bert__gemm *g, enum bench_type type)
{
    static const size_t ms[] = {1, 8, 16, 128, 512};
    static const size_t kn[][2] = {{384, 1152}, {384, 384},  {384, 1536}, {1536, 384},
                                   {768, 2304}, {768, 3072}, {3072, 768}};

    for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
        for (size_t j = 0; j < sizeof(kn) / sizeof(kn[0]); j++)
            gemm_case(g, type, (size_t[]){ms[i], kn[j][0], kn[j][1]}, BERT__ACT_NONE);
    }
    gemm_case(g, type, (size_t[]){128, 384, 1536}, BERT__ACT_GELU);
    gemm_case(g, type, (size_t[]){17, 384, 384}, BERT__ACT_NONE);
    if (g->prepare != NULL)
        bench_prepare(g, type);
}

static void bench_pack(const struct bert__gemm *g, enum bench_type type)
{
    const size_t depth = 768;
    float *w = floats(g->nr * depth);
    char *p = (char *)floats(g->panel_bytes(depth) / sizeof(float));
    char name[64];
    double best;

    BEST(best, g->pack(p, w, depth, g->nr, depth));
    snprintf(name, sizeof(name), "pack %s", types[type]);
    line(name, ((double)(g->nr * depth) * 4 + (double)g->panel_bytes(depth)) / best * 1e-9, "GB/s");
    free(w);
    free(p);
}

/* Each type that the level offers. */
static void bench_types(const struct bert__kernels *k)
{
    for (int t = 0; t < BERT__DTYPE_COUNT; t++) {
        if (k->gemm[t].run == NULL)
            continue;
        if (wanted("gemm"))
            bench_gemm(&k->gemm[t], (enum bench_type)t);
        if (wanted("pack"))
            bench_pack(&k->gemm[t], (enum bench_type)t);
    }
}

/* peak: of the type, of this core */
static void attention_case(const struct bert__attention *k, const char *type, double peak, size_t n,
                           size_t head)
{
    const size_t ld = 3 * 768;
    float *qkv = floats(n * ld), *out = floats(n * head);
    float *kv = floats(k->kv_floats(n, head));
    float *scratch = floats(k->scratch_floats(head));
    struct bert__attention_block b = {.ldo = head,
                                      .ldq = ld,
                                      .kv = kv,
                                      .n_kv = n,
                                      .head = head,
                                      .count = n,
                                      .scale = 0.125f,
                                      .scratch = scratch};
    char name[64];
    double best;

    if (k->enter)
        k->enter();
    BEST(best, {
        k->prepare(kv, qkv + 768, qkv + 1536, ld, n, head);
        for (size_t i = 0; i < n; i += BERT__ATTENTION_BLOCK) {
            b.out = out + i * head;
            b.q = qkv + i * ld;
            b.n_q = n - i < BERT__ATTENTION_BLOCK ? n - i : BERT__ATTENTION_BLOCK;
            k->run(&b);
        }
    });
    snprintf(name, sizeof(name), "attention %s S %zu head %zu", type, n, head);
    flop_line(name, 4.0 * (double)n * (double)n * (double)head, best, peak, 0);
    BEST(best, k->prepare(kv, qkv + 768, qkv + 1536, ld, n, head));
    line("  of which prepare", best * 1e6, "us");
    if (k->leave)
        k->leave();
    free(qkv);
    free(out);
    free(kv);
    free(scratch);
}

static void bench_attention(const struct bert__kernels *k)
{
    static const size_t lengths[] = {16, 128, 512};
    const struct bert__attention *narrow = &k->attention[BERT__BF16];

    for (size_t i = 0; i < 3; i++) {
        for (size_t head = 32; head <= 64; head *= 2) {
            attention_case(&k->attention[BERT__F32], "fp32", peaks[BENCH_FP32], lengths[i], head);
            if (narrow->run)
                attention_case(narrow, "bf16", peaks[BENCH_BF16], lengths[i], head);
        }
    }
}

static void bench_rows(const struct bert__kernels *k)
{
    static const char *const acts[] = {"none", "gelu",  "gelu_tanh", "gelu_10", "quick_gelu",
                                       "relu", "relu2", "silu",      "tanh",    "sigmoid"};
    enum { N = 1536 };
    float *x = floats(N), *y = floats(N), *g = floats(N), *b = floats(N);
    volatile float sink;
    char name[64];
    double best;

    for (int act = 0; act < BERT__ACT_COUNT; act++) {
        BEST(best, k->activate(y, x, N, (enum bert__act)act));
        snprintf(name, sizeof(name), "activate %s", acts[act]);
        element_line(name, N, 8, best);
    }
    for (size_t n = 384; n <= 768; n *= 2) {
        BEST(best, k->layernorm(y, x, g, b, n, 1e-12f));
        snprintf(name, sizeof(name), "layernorm %zu", n);
        element_line(name, (double)n, 16, best);
    }
    memcpy(y, x, N * sizeof(float));
    BEST(best, k->softmax(y, 512));
    element_line("softmax 512", 512, 8, best);
    BEST(best, k->add(y, x, g, NULL, N));
    element_line("add", N, 12, best);
    BEST(best, k->add(y, x, g, b, N));
    element_line("add of three", N, 16, best);
    BEST(best, k->mul(y, x, g, N));
    element_line("mul", N, 12, best);
    BEST(best, k->axpy(y, x, 1e-9f, N));
    element_line("axpy", N, 12, best);
    BEST(best, k->vmax(y, x, N));
    element_line("vmax", N, 12, best);
    BEST(best, k->scale(y, x, 1.5f, N));
    element_line("scale", N, 8, best);
    BEST(best, sink = k->dot(g, x, N));
    read_line("dot", N, 8, best);
    BEST(best, k->f16_to_f32(y, x, N));
    element_line("f16_to_f32", N, 6, best);
    BEST(best, k->bf16_to_f32(y, x, N));
    element_line("bf16_to_f32", N, 6, best);
    BEST(best, sink = (float)k->all_finite(x, N));
    read_line("all_finite", N, 4, best);
    (void)sink;
    free(x);
    free(y);
    free(g);
    free(b);
}

/* As the encoder runs them: over all rows of a batch of 64 tokens, which a second-level cache
 * holds. */
static void bench_batch(const struct bert__kernels *k)
{
    enum { ROWS = 64, WIDE = 1536, NARROW = 384 };
    float *x = floats(ROWS * WIDE), *y = floats(ROWS * WIDE), *g = floats(WIDE);
    double best;

    BEST(best, for (size_t i = 0; i < ROWS; i++)
                   k->activate(y + i * WIDE, x + i * WIDE, WIDE, BERT__ACT_GELU));
    element_line("64 rows activate gelu 1536", ROWS * WIDE, 8, best);
    BEST(best, for (size_t i = 0; i < ROWS; i++)
                   k->layernorm(y + i * NARROW, x + i * NARROW, g, g, NARROW, 1e-12f));
    element_line("64 rows layernorm 384", ROWS * NARROW, 8, best);
    BEST(best, for (size_t i = 0; i < ROWS; i++)
                   k->add(y + i * NARROW, x + i * NARROW, y + i * NARROW, NULL, NARROW));
    element_line("64 rows add 384", ROWS * NARROW, 12, best);
    free(x);
    free(y);
    free(g);
}

int main(int argc, char **argv)
{
    const struct bert__kernels *k;
    const char *level = NULL;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--level") == 0)
            level = argv[i + 1];
        else if (strcmp(argv[i], "--only") == 0)
            only = argv[i + 1];
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = atof(argv[i + 1]);
    }
    for (uint32_t i = 0; (k = bert__kernels_at(i)) != NULL; i++) {
        if ((level && strcmp(level, k->name) != 0) || !bert__cpu_permit(k->needs))
            continue;
        for (int t = BENCH_FP32; t <= BENCH_INT8; t++)
            peaks[t] = measure_peak(k->level, (enum bench_type)t);
        printf("%s: peaks %.1f fp32, %.1f bf16, %.1f int8 GFLOP/s\n", k->name, peaks[BENCH_FP32],
               peaks[BENCH_BF16], peaks[BENCH_INT8]);
        bench_types(k);
        if (wanted("attention"))
            bench_attention(k);
        if (wanted("rows")) {
            bench_rows(k);
            bench_batch(k);
        }
    }
    return 0;
}
