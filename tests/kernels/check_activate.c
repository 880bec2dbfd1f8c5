/* SPDX-License-Identifier: MIT */
/*
 * check_activate.c - the activations over the whole range of float, against libm in
 * double precision, with the bounds that kernels/tmpl/math.h states.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "tests/kernels/check.h"

static float float_of_bits(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof(f));
    return f;
}

static void compare(struct check *c, enum bert__act act, const float *x, const float *y, size_t n)
{
    static const char *const names[] = {"none", "gelu",  "gelu_tanh", "gelu_10", "quick_gelu",
                                        "relu", "relu2", "silu",      "tanh",    "sigmoid"};

    for (size_t i = 0; i < n; i++) {
        double want = oracle_act(act, x[i]);
        unsigned before = c->failures;

        if (isinf((float)want)) /* beyond FLT_MAX: relu2 alone */
            want = (double)(float)want;
        check_near(c, y[i], want, bound_act(act, x[i]), names[act], i);
        check_note(c, before, "; at %a", (double)x[i]);
    }
}

/* Every check_float_step-th float. */
static void whole_range(struct check *c, enum bert__act act)
{
    enum { N = 4096 };
    static float x[N], y[N];
    uint64_t bits = 0;

    while (bits <= UINT32_MAX) {
        size_t n = 0;

        for (; n < N && bits <= UINT32_MAX; n++, bits += check_float_step)
            x[n] = float_of_bits((uint32_t)bits);
        c->k->activate(y, x, n, act);
        compare(c, act, x, y, n);
    }
}

/* The ranges in which something happens, more densely. */
static void dense_range(struct check *c, enum bert__act act)
{
    enum { N = 4096 };
    static float x[N], y[N];

    for (float low = -110.0f; low < 110.0f; low += 0.5f) {
        for (size_t i = 0; i < N; i++)
            x[i] = check_uniform(c, low, low + 0.5f);
        c->k->activate(y, x, N, act);
        compare(c, act, x, y, N);
    }
}

static void special_values(struct check *c, enum bert__act act)
{
    static const float x[] = {
        0.0f,        -0.0f,        INFINITY,     -INFINITY,   NAN,      -NAN,    FLT_MAX, -FLT_MAX,
        FLT_MIN,     -FLT_MIN,     0x1p-149f,    -0x1p-149f,  1e30f,    -1e30f,  5.5f,    -5.5f,
        0x1.5fffp2f, -0x1.5fffp2f, 88.72283936f, 88.7228394f, -103.97f, -104.0f, -87.34f, 9.02f};
    float y[sizeof(x) / sizeof(x[0])];

    c->k->activate(y, x, sizeof(x) / sizeof(x[0]), act);
    compare(c, act, x, y, sizeof(x) / sizeof(x[0]));
}

/* A value's bits don't depend on its place, nor on being in the tail. */
static void tails(struct check *c, enum bert__act act, enum guard_side side)
{
    for (size_t n = 1; n <= 67; n++) {
        float *x = guard_random(c, n, 6.0f, side), *y = guard_floats(c, n, side);
        float *single = guard_floats(c, n, side);

        c->k->activate(y, x, n, act);
        compare(c, act, x, y, n);
        for (size_t i = 0; i < n; i++)
            c->k->activate(single + i, x + i, 1, act);
        check_same(c, y, single, n, "activate alone and in a row");
        c->k->activate(x, x, n, act);
        check_same(c, x, y, n, "activate in place");
        check_release(c);
    }
}

void check_activate(struct check *c)
{
    for (int act = 0; act < BERT__ACT_COUNT; act++) {
        for (int side = 0; side < GUARD_SIDES; side++)
            tails(c, (enum bert__act)act, (enum guard_side)side);
        special_values(c, (enum bert__act)act);
        dense_range(c, (enum bert__act)act);
        whole_range(c, (enum bert__act)act);
    }
}
