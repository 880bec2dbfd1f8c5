/* SPDX-License-Identifier: MIT */
/* check_rows.c - the kernels on one row of floats, but for LayerNorm and activations. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "tests/kernels/check.h"

/* Each tail length, then some long rows; every side of the guard pages. */
static void each_length(struct check *c, void (*one)(struct check *, size_t, enum guard_side))
{
    for (int side = 0; side < GUARD_SIDES; side++) {
        for (size_t n = 1; n <= 67; n++)
            one(c, n, (enum guard_side)side);
        for (size_t n = 128; n <= 8192; n *= 4)
            one(c, n + (size_t)side, (enum guard_side)side);
    }
}

/* ---- softmax --------------------------------------------------------------- */

static void softmax_one(struct check *c, size_t n, enum guard_side side, float range)
{
    float *x = guard_random(c, n, range, side);
    float *y = guard_floats(c, n, side);
    double max = -INFINITY, sum = 0;

    memcpy(y, x, n * sizeof(*x));
    c->k->softmax(y, n);
    for (size_t i = 0; i < n; i++)
        max = fmax(max, x[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(x[i] - max);
    for (size_t i = 0; i < n; i++) {
        double want = exp(x[i] - max) / sum;
        /* exponent: two roundings of its own size; exp, sum, reciprocal, product; the sum's
         * terms have the same error, weighted by themselves. */
        double relative = gamma_of(2 * (max - x[i]) + 2 + 8 + sum_roundings(n));

        check_near(c, y[i], want, want * relative + 0x1p-124, "softmax", i);
    }
    check_release(c);
}

static void softmax_each(struct check *c, size_t n, enum guard_side side)
{
    softmax_one(c, n, side, 1.0f);
    softmax_one(c, n, side, 30.0f);
    softmax_one(c, n, side, 500.0f); /* overflows without the maximum */
}

static void softmax_special(struct check *c)
{
    for (size_t n = 1; n <= 40; n++) {
        float *x = guard_floats(c, n, GUARD_END);

        for (size_t i = 0; i < n; i++)
            x[i] = i == n / 2 ? 7.0f : -INFINITY;
        c->k->softmax(x, n);
        for (size_t i = 0; i < n; i++)
            check_near(c, x[i], i == n / 2, 0, "softmax of -infinity", i);
        for (size_t i = 0; i < n; i++)
            x[i] = i == n / 2 ? NAN : 1.0f;
        c->k->softmax(x, n);
        for (size_t i = 0; i < n; i++)
            check_near(c, x[i], NAN, 0, "softmax of NaN", i);
        check_release(c);
    }
}

void check_softmax(struct check *c)
{
    each_length(c, softmax_each);
    softmax_special(c);
}

/* ---- add, mul, rotate, axpy, vmax, scale -------------------------------------------------- */

static void add_each(struct check *c, size_t n, enum guard_side side)
{
    float *a = guard_random(c, n, 3.0f, side), *b = guard_random(c, n, 3.0f, side);
    float *d = guard_random(c, n, 3.0f, side), *y = guard_floats(c, n, side);
    float *z = guard_floats(c, n, side);

    c->k->add(y, a, b, NULL, n);
    for (size_t i = 0; i < n; i++)
        check_near(c, y[i], a[i] + b[i], 0, "add", i);
    c->k->add(z, a, b, d, n);
    for (size_t i = 0; i < n; i++)
        check_near(c, z[i], (a[i] + b[i]) + d[i], 0, "add of three", i);
    memcpy(y, d, n * sizeof(*y));
    c->k->add(y, a, b, y, n);
    check_same(c, y, z, n, "add in place of c");
    memcpy(y, b, n * sizeof(*y));
    c->k->add(y, a, y, d, n);
    check_same(c, y, z, n, "add in place of b");
    c->k->add(a, a, b, d, n);
    check_same(c, a, z, n, "add in place of a");
    check_release(c);
}

void check_add(struct check *c)
{
    each_length(c, add_each);
}

static void mul_each(struct check *c, size_t n, enum guard_side side)
{
    float *a = guard_random(c, n, 3.0f, side), *b = guard_random(c, n, 3.0f, side);
    float *y = guard_floats(c, n, side);

    c->k->mul(y, a, b, n);
    for (size_t i = 0; i < n; i++)
        check_near(c, y[i], a[i] * b[i], 0, "mul", i);
    c->k->mul(a, a, b, n);
    check_same(c, a, y, n, "mul in place of a");
    check_release(c);
}

void check_mul(struct check *c)
{
    each_length(c, mul_each);
}

static void rotate_each(struct check *c, size_t n, enum guard_side side)
{
    float *x = guard_random(c, 2 * n, 3.0f, side), *was = guard_floats(c, 2 * n, side);
    float *cosines = guard_random(c, n, 1.0f, side), *sines = guard_random(c, n, 1.0f, side);

    memcpy(was, x, 2 * n * sizeof(*x));
    c->k->rotate(x, cosines, sines, n);
    for (size_t i = 0; i < n; i++) {
        double a = was[i], b = was[n + i], cs = cosines[i], sn = sines[i];

        check_near(c, x[i], a * cs - b * sn, 3 * U * (fabs(a * cs) + fabs(b * sn)), "rotate", i);
        check_near(c, x[n + i], b * cs + a * sn, 3 * U * (fabs(b * cs) + fabs(a * sn)), "rotate",
                   n + i);
    }
    check_release(c);
}

void check_rotate(struct check *c)
{
    each_length(c, rotate_each);
}

static void axpy_each(struct check *c, size_t n, enum guard_side side)
{
    const float s = check_uniform(c, -2.0f, 2.0f);
    float *x = guard_random(c, n, 3.0f, side), *y = guard_random(c, n, 3.0f, side);
    float *was = guard_floats(c, n, side);

    memcpy(was, y, n * sizeof(*y));
    c->k->axpy(y, x, s, n);
    for (size_t i = 0; i < n; i++) {
        double product = (double)s * x[i];

        check_near(c, y[i], was[i] + product, U * (2 * fabs(product) + fabs((double)was[i])) * 1.01,
                   "axpy", i);
    }
    check_release(c);
}

void check_axpy(struct check *c)
{
    each_length(c, axpy_each);
}

static void vmax_each(struct check *c, size_t n, enum guard_side side)
{
    float *x = guard_random(c, n, 3.0f, side), *y = guard_random(c, n, 3.0f, side);
    float *was = guard_floats(c, n, side);

    x[check_random(c, (uint32_t)n)] = NAN;
    y[check_random(c, (uint32_t)n)] = NAN;
    y[check_random(c, (uint32_t)n)] = -INFINITY;
    x[check_random(c, (uint32_t)n)] = -INFINITY;
    memcpy(was, y, n * sizeof(*y));
    c->k->vmax(y, x, n);
    for (size_t i = 0; i < n; i++) {
        double want = isnan(x[i]) || isnan(was[i]) ? NAN : fmax(x[i], was[i]);

        check_near(c, y[i], want, 0, "vmax", i);
    }
    check_release(c);
}

void check_vmax(struct check *c)
{
    each_length(c, vmax_each);
}

static void scale_each(struct check *c, size_t n, enum guard_side side)
{
    const float s = check_uniform(c, -2.0f, 2.0f);
    float *x = guard_random(c, n, 3.0f, side), *y = guard_floats(c, n, side);

    c->k->scale(y, x, s, n);
    for (size_t i = 0; i < n; i++)
        check_near(c, y[i], s * x[i], 0, "scale", i);
    c->k->scale(x, x, s, n);
    check_same(c, x, y, n, "scale in place");
    check_release(c);
}

void check_scale(struct check *c)
{
    each_length(c, scale_each);
}

/* ---- dot, all_finite --------------------------------------------------------- */

static void dot_each(struct check *c, size_t n, enum guard_side side)
{
    float *a = guard_random(c, n, 3.0f, side), *b = guard_random(c, n, 3.0f, side);
    double sum = 0, size = 0;

    for (size_t i = 0; i < n; i++) {
        sum += (double)a[i] * b[i];
        size += fabs((double)a[i] * b[i]);
    }
    check_near(c, c->k->dot(a, b, n), sum, gamma_of(sum_roundings(n) + 1) * size, "dot of", n);
    check_release(c);
}

void check_dot(struct check *c)
{
    each_length(c, dot_each);
}

static void finite_each(struct check *c, size_t n, enum guard_side side)
{
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    float *x = guard_random(c, n, FLT_MAX / 2, side);

    x[0] = -FLT_MAX;
    if (c->k->all_finite(x, n) != 1)
        check_fail(c, "all_finite: %zu finite values are called not so", n);
    for (size_t i = 0; i<n; i += n> 100 ? 37 : 1) {
        const float was = x[i];

        x[i] = bad[i % 3];
        if (c->k->all_finite(x, n) != 0)
            check_fail(c, "all_finite: %g at %zu of %zu is missed", (double)x[i], i, n);
        x[i] = was;
    }
    check_release(c);
}

void check_all_finite(struct check *c)
{
    each_length(c, finite_each);
}

/* ---- Widening ---------------------------------------------------------------- */

/* IEEE 754 binary16, from its definition. */
static double f16_value(uint16_t h)
{
    const int exponent = h >> 10 & 31, mantissa = h & 1023;
    double v;

    if (exponent == 31)
        v = mantissa ? NAN : INFINITY;
    else
        v = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return h & 0x8000 ? -v : v;
}

static double bf16_value(uint16_t h)
{
    const int exponent = h >> 7 & 255, mantissa = h & 127;
    double v;

    if (exponent == 255)
        v = mantissa ? NAN : INFINITY;
    else
        v = exponent ? ldexp(128 + mantissa, exponent - 134) : ldexp(mantissa, -133);
    return h & 0x8000 ? -v : v;
}

typedef void (*widen_fn)(float *y, const void *x, size_t n);

static void widen_check(struct check *c, const float *y, const uint16_t *h, size_t n,
                        double (*value)(uint16_t), const char *what)
{
    for (size_t i = 0; i < n; i++) {
        check_near(c, y[i], value(h[i]), 0, what, i);
        if (!isnan(value(h[i])) && !signbit(y[i]) != !signbit(value(h[i])))
            check_fail(c, "%s: the sign of element %zu", what, i);
    }
}

/* All 65536 values, then every tail length, also from an odd address. */
static void widen(struct check *c, widen_fn fn, double (*value)(uint16_t), const char *what)
{
    static uint16_t h[65536];
    float *all = guard_floats(c, 65536, GUARD_END);

    for (size_t i = 0; i < 65536; i++)
        h[i] = (uint16_t)i;
    fn(all, h, 65536);
    widen_check(c, all, h, 65536, value, what);
    check_release(c);
    for (size_t n = 1; n <= 67; n++) {
        for (int side = 0; side < GUARD_SIDES; side++) {
            const size_t size = side == GUARD_SHIFT ? 1 : 2;
            unsigned char *x = guard(c, n * 2 / size, size, (enum guard_side)side);
            float *y = guard_floats(c, n, (enum guard_side)side);

            memcpy(x, h + 31 * n, 2 * n);
            fn(y, x, n);
            widen_check(c, y, h + 31 * n, n, value, what);
            check_release(c);
        }
    }
}

void check_f16_to_f32(struct check *c)
{
    widen(c, c->k->f16_to_f32, f16_value, "f16_to_f32");
}

void check_bf16_to_f32(struct check *c)
{
    widen(c, c->k->bf16_to_f32, bf16_value, "bf16_to_f32");
}
