/* SPDX-License-Identifier: MIT */
/* profile_axes.c - principal axes of rows, one after another, by power iteration. */
#include <math.h>
#include <string.h>

#include "lib/serve/profile.h"

/* Axes of nearly equal variance may still turn into each other then; any of them will do. */
enum { ROUNDS_MOST = 100 };
#define SETTLED 1e-10

struct axes {
    const float *const *rows;
    size_t n, dim;
    const double *centre;
    const float *found; /* [n_found][dim] */
    uint32_t n_found;
};

static double length_of(const double *v, size_t dim)
{
    double sum = 0;

    for (size_t i = 0; i < dim; i++)
        sum += v[i] * v[i];
    return sqrt(sum);
}

/* Take out of v what lies along the axes that are found. */
static void deflate(const struct axes *a, double *v)
{
    for (uint32_t k = 0; k < a->n_found; k++) {
        const float *axis = a->found + k * a->dim;
        double along = 0;

        for (size_t i = 0; i < a->dim; i++)
            along += v[i] * (double)axis[i];
        for (size_t i = 0; i < a->dim; i++)
            v[i] -= along * (double)axis[i];
    }
}

/* to = the rows' covariance times from; not divided by n. */
static void multiply(const struct axes *a, const double *from, double *to)
{
    memset(to, 0, a->dim * sizeof *to);
    for (size_t row = 0; row < a->n; row++) {
        const float *x = a->rows[row];
        double along = 0;

        for (size_t i = 0; i < a->dim; i++)
            along += ((double)x[i] - a->centre[i]) * from[i];
        for (size_t i = 0; i < a->dim; i++)
            to[i] += along * ((double)x[i] - a->centre[i]);
    }
}

/* v of length 1 becomes the next; returns how far it turned, 0 where there is nothing more. */
static double round_of(const struct axes *a, double *v, double *next)
{
    double length, cosine = 0;

    multiply(a, v, next);
    deflate(a, next);
    length = length_of(next, a->dim);
    for (size_t i = 0; i < a->dim; i++) {
        next[i] = length > 0 ? next[i] / length : 0;
        cosine += next[i] * v[i];
        v[i] = next[i];
    }
    return length > 0 ? 1 - cosine : 0;
}

static void put_axis(const double *v, size_t dim, float *out)
{
    size_t largest = 0;

    for (size_t i = 1; i < dim; i++)
        if (fabs(v[i]) > fabs(v[largest]))
            largest = i;
    for (size_t i = 0; i < dim; i++)
        out[i] = (float)(v[largest] < 0 ? -v[i] : v[i]);
}

void bert__principal_axes(const float *const *rows, size_t n, size_t dim, const double *centre,
                          uint32_t k, struct bert__random *random, double *scratch, float *out)
{
    struct axes a = {rows, n, dim, centre, out, 0};
    double *v = scratch, *next = scratch + dim;

    for (; a.n_found < k; a.n_found++) {
        double length;

        for (size_t i = 0; i < dim; i++)
            v[i] = (double)bert__random_below(random, 2001) - 1000;
        deflate(&a, v);
        length = length_of(v, dim);
        for (size_t i = 0; i < dim; i++)
            v[i] = length > 0 ? v[i] / length : 0;
        for (int i = 0; i < ROUNDS_MOST && round_of(&a, v, next) > SETTLED; i++)
            ;
        put_axis(v, dim, out + a.n_found * dim);
    }
}
