/* SPDX-License-Identifier: MIT */
/*
 * kernels.c - times every kernel on one thread: GFLOP/s or GB/s, ns per element, and per cent
 * of the core's own peak, which is measured first: multiply-adds that wait for nothing, and
 * memcpy() within L1 for the kernels that do little but move floats.
 *
 *   bench-kernels [--level NAME] [--only PREFIX] [--seconds S]
 *
 * Each figure is the best of many short runs: the machine may be shared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/kernels.h"

static double seconds = 0.15;
static const char *only = "";
static double peak = 1.0;    /* GFLOP/s */
static double l1_peak = 1.0; /* GB/s of a copy within L1, both ways counted */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

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
        double end_ = now() + seconds, one_, t_ = now();                                           \
        size_t reps_;                                                                              \
        __VA_ARGS__;                                                                               \
        one_ = now() - t_;                                                                         \
        reps_ = one_ > 1e-3 ? 1 : (size_t)(1e-3 / (one_ + 1e-8)) + 1;                              \
        (best) = one_;                                                                             \
        while (now() < end_) {                                                                     \
            t_ = now();                                                                            \
            for (size_t r_ = 0; r_ < reps_; r_++) {                                                \
                __VA_ARGS__;                                                                       \
            }                                                                                      \
            one_ = (now() - t_) / (double)reps_;                                                   \
            if (one_ < (best))                                                                     \
                (best) = one_;                                                                     \
        }                                                                                          \
    } while (0)

static int wanted(const char *name)
{
    return strncmp(name, only, strlen(only)) == 0;
}

/* ---- Peak ------------------------------------------------------------- */

#if defined(__x86_64__)
#define TWELVE(op, r)                                                                              \
    op " %%" r "14,%%" r "15,%%" r "0\n" op " %%" r "14,%%" r "15,%%" r "1\n" op " %%" r "14,%%" r \
       "15,%%" r "2\n" op " %%" r "14,%%" r "15,%%" r "3\n" op " %%" r "14,%%" r "15,%%" r         \
       "4\n" op " %%" r "14,%%" r "15,%%" r "5\n" op " %%" r "14,%%" r "15,%%" r "6\n" op " %%" r  \
       "14,%%" r "15,%%" r "7\n" op " %%" r "14,%%" r "15,%%" r "8\n" op " %%" r "14,%%" r         \
       "15,%%" r "9\n" op " %%" r "14,%%" r "15,%%" r "10\n" op " %%" r "14,%%" r "15,%%" r "11\n"
#define CLOBBERS                                                                                   \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",       \
        "xmm11", "xmm14", "xmm15"

static void burn(int level, int n)
{
    if (level >= 30)
        __asm__ volatile(
            "vpxor %%xmm14,%%xmm14,%%xmm14\nvpxor %%xmm15,%%xmm15,%%xmm15\n1:\n" TWELVE(
                "vfmadd231ps", "zmm") TWELVE("vfmadd231ps", "zmm") "dec %0\njnz 1b\nvzeroupper"
            : "+r"(n)::CLOBBERS);
    else if (level >= 20)
        __asm__ volatile(
            "vpxor %%xmm14,%%xmm14,%%xmm14\nvpxor %%xmm15,%%xmm15,%%xmm15\n1:\n" TWELVE(
                "vfmadd231ps", "ymm") TWELVE("vfmadd231ps", "ymm") "dec %0\njnz 1b\nvzeroupper"
            : "+r"(n)::CLOBBERS);
}

static double measure_peak(uint32_t level)
{
    const double lanes = level >= 30 ? 16 : 8;
    double best;

    if (level < 20)
        return 0;
    BEST(best, burn((int)level, 10000));
    return 2 * 24 * lanes * 10000 / best * 1e-9;
}
#else
static double measure_peak(uint32_t level)
{
    (void)level;
    return 0;
}
#endif

static double measure_l1(void)
{
    enum { BYTES = 6144 };
    char *a = (char *)floats(BYTES / sizeof(float)), *b = (char *)floats(BYTES / sizeof(float));
    double best;

    BEST(best, {
        memcpy(b, a, BYTES);
        __asm__ volatile("" : : "r"(b) : "memory");
    });
    free(a);
    free(b);
    return 2 * BYTES / best * 1e-9;
}

static void line(const char *name, double value, const char *unit, double share)
{
    printf("  %-34s %9.2f %s", name, value, unit);
    if (share > 0)
        printf("  %5.1f %%", 100 * share);
    printf("\n");
    fflush(stdout);
}

static void flop_line(const char *name, double flop, double time)
{
    double g = flop / time * 1e-9;

    line(name, g, "GFLOP/s", peak > 0 ? g / peak : 0);
}

/* ---- Kernels ---------------------------------------------------------- */

static void gemm_case(const struct bert__gemm *g, size_t m, size_t k, size_t n, enum bert__act act)
{
    const size_t panels = (n + g->nr - 1) / g->nr;
    const size_t bytes = g->panel_bytes(k);
    float *a = floats(m * k), *w = floats(n * k), *c = floats(m * n), *bias = floats(n);
    char *p = (char *)floats(panels * bytes / sizeof(float));
    char name[64];
    double best;

    for (size_t j = 0; j < panels; j++)
        g->pack(p + j * bytes, w + j * g->nr * k, k, n - j * g->nr < g->nr ? n - j * g->nr : g->nr,
                k);
    BEST(best, {
        for (size_t j = 0; j < panels; j++) {
            struct bert__epilogue ep = {.bias = bias + j * g->nr, .act = act};

            g->run(c + j * g->nr, n, a, k, p + j * bytes, m,
                   n - j * g->nr < g->nr ? n - j * g->nr : g->nr, k, &ep);
        }
    });
    snprintf(name, sizeof(name), "gemm %zu x %zu x %zu%s", m, k, n, act ? " gelu" : "");
    flop_line(name, 2.0 * (double)m * (double)n * (double)k, best);
    free(a);
    free(w);
    free(c);
    free(bias);
    free(p);
}

static void bench_gemm(const struct bert__kernels *k)
{
    static const size_t ms[] = {1, 8, 16, 128, 512};
    static const size_t kn[][2] = {{384, 1152}, {384, 384},  {384, 1536}, {1536, 384},
                                   {768, 2304}, {768, 3072}, {3072, 768}};

    for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
        for (size_t j = 0; j < sizeof(kn) / sizeof(kn[0]); j++)
            gemm_case(&k->gemm[BERT__F32], ms[i], kn[j][0], kn[j][1], BERT__ACT_NONE);
    }
    gemm_case(&k->gemm[BERT__F32], 128, 384, 1536, BERT__ACT_GELU);
    gemm_case(&k->gemm[BERT__F32], 17, 384, 384, BERT__ACT_NONE);
}

static void bench_pack(const struct bert__kernels *k)
{
    const struct bert__gemm *g = &k->gemm[BERT__F32];
    const size_t depth = 768;
    float *w = floats(g->nr * depth);
    float *p = floats(g->panel_bytes(depth) / sizeof(float));
    double best;

    BEST(best, g->pack(p, w, depth, g->nr, depth));
    line("pack", (double)(g->nr * depth) * 8 / best * 1e-9, "GB/s", 0);
    free(w);
    free(p);
}

static void attention_case(const struct bert__kernels *k, size_t n, size_t head)
{
    const size_t ld = 3 * 768;
    float *qkv = floats(n * ld), *out = floats(n * head);
    float *kv = floats(k->attention_kv_floats(n, head));
    float *scratch = floats(k->attention_scratch_floats(n, head));
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

    BEST(best, {
        k->attention_prepare(kv, qkv + 768, qkv + 1536, ld, n, head);
        for (size_t i = 0; i < n; i += BERT__ATTENTION_BLOCK) {
            b.out = out + i * head;
            b.q = qkv + i * ld;
            b.n_q = n - i < BERT__ATTENTION_BLOCK ? n - i : BERT__ATTENTION_BLOCK;
            k->attention(&b);
        }
    });
    snprintf(name, sizeof(name), "attention S %zu head %zu", n, head);
    flop_line(name, 4.0 * (double)n * (double)n * (double)head, best);
    BEST(best, k->attention_prepare(kv, qkv + 768, qkv + 1536, ld, n, head));
    line("  of which prepare", best * 1e6, "us", 0);
    free(qkv);
    free(out);
    free(kv);
    free(scratch);
}

static void bench_attention(const struct bert__kernels *k)
{
    static const size_t lengths[] = {16, 128, 512};

    for (size_t i = 0; i < 3; i++) {
        attention_case(k, lengths[i], 32);
        attention_case(k, lengths[i], 64);
    }
}

static void element_line(const char *name, double n, double bytes, double time)
{
    const double speed = bytes * n / time * 1e-9;

    printf("  %-34s %9.2f GB/s  %6.3f ns/element  %5.1f %%\n", name, speed, time / n * 1e9,
           100 * speed / l1_peak);
    fflush(stdout);
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
    element_line("dot", N, 8, best);
    BEST(best, k->f16_to_f32(y, x, N));
    element_line("f16_to_f32", N, 6, best);
    BEST(best, k->bf16_to_f32(y, x, N));
    element_line("bf16_to_f32", N, 6, best);
    BEST(best, sink = (float)k->all_finite(x, N));
    element_line("all_finite", N, 4, best);
    (void)sink;
    free(x);
    free(y);
    free(g);
    free(b);
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
    l1_peak = measure_l1();
    printf("copy within L1: %.1f GB/s\n", l1_peak);
    for (uint32_t i = 0; (k = bert__kernels_at(i)) != NULL; i++) {
        if (level && strcmp(level, k->name) != 0)
            continue;
        peak = measure_peak(k->level);
        printf("%s: peak %.1f GFLOP/s\n", k->name, peak);
        if (wanted("gemm"))
            bench_gemm(k);
        if (wanted("pack"))
            bench_pack(k);
        if (wanted("attention"))
            bench_attention(k);
        if (wanted("rows"))
            bench_rows(k);
    }
    return 0;
}
