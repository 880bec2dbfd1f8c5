/* SPDX-License-Identifier: MIT */
/* check_layernorm.c - LayerNorm and RMSNorm of a row, against the formula in double precision. */
#include <math.h>
#include <string.h>

#include "tests/kernels/check.h"

struct moments {
    double mean, variance, deviation /* mean of |x - mean| */, size /* mean of |x| */;
};

static struct moments moments_of(const float *x, size_t n)
{
    struct moments m = {0, 0, 0, 0};

    for (size_t i = 0; i < n; i++) {
        m.mean += x[i];
        m.size += fabs((double)x[i]);
    }
    m.mean /= (double)n;
    m.size /= (double)n;
    for (size_t i = 0; i < n; i++) {
        m.deviation += fabs(x[i] - m.mean);
        m.variance += (x[i] - m.mean) * (x[i] - m.mean);
    }
    m.deviation /= (double)n;
    m.variance /= (double)n;
    return m;
}

/*
 * p roundings in a sum.  The first mean is off by at most e0 = gamma_p * mean|x|; the sum of
 * the deviations from it finds that error but for gamma_(p+1) * (mean|x - mean| + e0).  A
 * deviation then has three roundings, the variance p + 4, its root half of these and three.
 */
static double bound(const struct moments *m, double d, double rstd, double gamma, double y,
                    size_t n)
{
    const double p = sum_roundings(n) + 1;
    const double e0 = gamma_of(p) * m->size;
    const double mean = gamma_of(p + 1) * (m->deviation + e0);
    const double variance = gamma_of(p + 4) + 2 * e0 * e0 * gamma_of(p + 4) * rstd * rstd;
    const double diff = gamma_of(3) * (fabs(d) + e0) + mean;

    return fabs(gamma) * rstd * (diff + fabs(d) * (variance / 2 + gamma_of(6))) + U * fabs(y);
}

static void one(struct check *c, size_t n, enum guard_side side, float mean, float range)
{
    const float eps = 1e-12f;
    float *x = guard_random(c, n, range, side), *y = guard_floats(c, n, side);
    float *gamma = guard_random(c, n, 2.0f, side), *beta = guard_random(c, n, 2.0f, side);
    struct moments m;
    double rstd;

    for (size_t i = 0; i < n; i++)
        x[i] += mean;
    m = moments_of(x, n);
    rstd = 1.0 / sqrt(m.variance + (double)eps);
    c->k->layernorm(y, x, gamma, beta, n, eps);
    for (size_t i = 0; i < n && rstd < 1e5; i++) {
        double d = x[i] - m.mean;
        double want = d * rstd * gamma[i] + beta[i];

        check_near(c, y[i], want, bound(&m, d, rstd, gamma[i], want, n), "layernorm", i);
    }
    c->k->layernorm(x, x, gamma, beta, n, eps);
    check_same(c, x, y, n, "layernorm in place");
    check_release(c);
}

/* A constant row: the variance is 0, only eps saves it. */
static void constant(struct check *c, size_t n, float value)
{
    float *x = guard_floats(c, n, GUARD_END), *y = guard_floats(c, n, GUARD_END);
    float *gamma = guard_random(c, n, 2.0f, GUARD_END);
    float *beta = guard_random(c, n, 2.0f, GUARD_END);

    for (size_t i = 0; i < n; i++)
        x[i] = value;
    c->k->layernorm(y, x, gamma, beta, n, 1e-5f);
    for (size_t i = 0; i < n; i++) /* x - mean is at most a rounding of the corrected mean */
        check_near(c, y[i], beta[i], fabs((double)value) * 4 * U * U * 317 + U * 4, "constant row",
                   i);
    check_release(c);
}

/* eps counts: a row whose variance is of its size. */
static void epsilon(struct check *c, size_t n)
{
    float *x = guard_random(c, n, 0.01f, GUARD_END), *y = guard_floats(c, n, GUARD_END);
    float *gamma = guard_random(c, n, 2.0f, GUARD_END);
    float *beta = guard_random(c, n, 2.0f, GUARD_END);
    struct moments m = moments_of(x, n);
    const float eps = 1e-4f;
    double rstd = 1.0 / sqrt(m.variance + (double)eps);

    c->k->layernorm(y, x, gamma, beta, n, eps);
    for (size_t i = 0; i < n; i++) {
        double d = x[i] - m.mean;
        double want = d * rstd * gamma[i] + beta[i];

        check_near(c, y[i], want, bound(&m, d, rstd, gamma[i], want, n), "layernorm eps", i);
    }
    check_release(c);
}

void check_layernorm(struct check *c)
{
    for (int side = 0; side < GUARD_SIDES; side++) {
        for (size_t n = 1; n <= 67; n++) {
            one(c, n, (enum guard_side)side, 0, 1);
            one(c, n, (enum guard_side)side, 300, 0.5f); /* mean >> stddev */
        }
    }
    for (size_t n = 384; n <= 4096; n *= 2) {
        one(c, n, GUARD_END, 0, 1);
        one(c, n + 1, GUARD_END, 300, 0.5f);
        one(c, n, GUARD_END, -3e4f, 1.0f);
        one(c, n, GUARD_END, 0, 1e-4f);
    }
    for (size_t n = 1; n <= 67; n++) {
        constant(c, n, 5.0f);
        constant(c, n, -1e3f);
        epsilon(c, n);
    }
}

static void rms_one(struct check *c, size_t n, enum guard_side side, float range, float eps)
{
    float *x = guard_random(c, n, range, side), *y = guard_floats(c, n, side);
    float *gamma = guard_random(c, n, 2.0f, side);
    double squares = 0;

    for (size_t i = 0; i < n; i++)
        squares += (double)x[i] * x[i];
    c->k->rmsnorm(y, x, gamma, n, eps);
    for (size_t i = 0; i < n; i++) {
        double want = x[i] / sqrt(squares / (double)n + (double)eps) * gamma[i];

        /* half of the sum's roundings and of three more; root, reciprocal, two products */
        check_near(c, y[i], want, fabs(want) * gamma_of((sum_roundings(n) + 4) / 2 + 5), "rmsnorm",
                   i);
    }
    c->k->rmsnorm(x, x, gamma, n, eps);
    check_same(c, x, y, n, "rmsnorm in place");
    check_release(c);
}

void check_rmsnorm(struct check *c)
{
    for (int side = 0; side < GUARD_SIDES; side++)
        for (size_t n = 1; n <= 67; n++) {
            rms_one(c, n, (enum guard_side)side, 1, 1e-6f);
            rms_one(c, n, (enum guard_side)side, 0.01f, 1e-4f);
        }
    for (size_t n = 384; n <= 4096; n *= 2)
        rms_one(c, n + 1, GUARD_END, 300, 1e-5f);
}
