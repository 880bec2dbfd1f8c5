/* SPDX-License-Identifier: MIT */
/* drift_math.c - PSI, KS, distances, quantiles. */
#include "lib/serve/drift_math.h"

#include <math.h>
#include <string.h>

/* Each observation is compared with many vectors: sixteen sums side by side, four to a register. */
typedef float four __attribute__((vector_size(16)));
enum { LANES = 4, STEP = 16 };

static inline four load(const float *x)
{
    four v;

    memcpy(&v, x, sizeof v);
    return v;
}

static double sum_of(const four *lanes)
{
    double sum = 0;

    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < 4; j++)
            sum += (double)lanes[i][j];
    return sum;
}

uint64_t bert__total(const uint32_t *counts, uint32_t n)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < n; i++)
        total += counts[i];
    return total;
}

double bert__psi(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    double all_a = (double)bert__total(a, n) + 0.5 * n, all_b = (double)bert__total(b, n) + 0.5 * n;
    double sum = 0;

    for (uint32_t i = 0; i < n; i++) {
        double p = (a[i] + 0.5) / all_a, q = (b[i] + 0.5) / all_b;

        sum += (p - q) * log(p / q);
    }
    return sum;
}

double bert__ks(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    double all_a = (double)bert__total(a, n), all_b = (double)bert__total(b, n), most = 0;
    uint64_t below_a = 0, below_b = 0;

    for (uint32_t i = 0; i < n; i++) {
        below_a += a[i];
        below_b += b[i];
        most = fmax(most, fabs((double)below_a / all_a - (double)below_b / all_b));
    }
    return most;
}

double bert__variation(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    double all_a = (double)bert__total(a, n), all_b = (double)bert__total(b, n), sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += fabs(a[i] / all_a - b[i] / all_b);
    return sum / 2;
}

double bert__cosine_gap(const double *a, const double *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;

    for (size_t i = 0; i < n; i++) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
    }
    return aa > 0 && bb > 0 ? 1 - ab / (sqrt(aa) * sqrt(bb)) : 1;
}

double bert__dot(const float *a, const float *b, size_t n)
{
    four lanes[LANES] = {{0}};
    double sum;
    size_t i = 0;

    for (; i + STEP <= n; i += STEP) {
        lanes[0] += load(a + i) * load(b + i);
        lanes[1] += load(a + i + 4) * load(b + i + 4);
        lanes[2] += load(a + i + 8) * load(b + i + 8);
        lanes[3] += load(a + i + 12) * load(b + i + 12);
    }
    for (sum = sum_of(lanes); i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

double bert__square_distance(const float *a, const float *b, size_t n)
{
    four lanes[LANES] = {{0}};
    double sum;
    size_t i = 0;

    for (; i + STEP <= n; i += STEP) {
        four d0 = load(a + i) - load(b + i), d1 = load(a + i + 4) - load(b + i + 4);
        four d2 = load(a + i + 8) - load(b + i + 8), d3 = load(a + i + 12) - load(b + i + 12);

        lanes[0] += d0 * d0;
        lanes[1] += d1 * d1;
        lanes[2] += d2 * d2;
        lanes[3] += d3 * d3;
    }
    for (sum = sum_of(lanes); i < n; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

int bert__all_usable(const float *x, size_t n)
{
    int usable = 1;

    for (size_t i = 0; i < n; i++)
        usable &= fabsf(x[i]) <= BERT__USABLE_MOST;
    return usable;
}

/* ---- Order -------------------------------------------------------------------------------- */

static void sift(float *x, size_t at, size_t n)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        float moved = x[at];

        if (child + 1 < n && x[child + 1] > x[child])
            child++;
        if (!(x[child] > moved))
            return;
        x[at] = x[child];
        x[child] = moved;
    }
}

void bert__sort_floats(float *x, size_t n)
{
    for (size_t i = n / 2; i > 0; i--)
        sift(x, i - 1, n);
    for (size_t end = n; end > 1; end--) {
        float last = x[end - 1];

        x[end - 1] = x[0];
        x[0] = last;
        sift(x, 0, end - 1);
    }
}

float bert__quantile(const float *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;

    if (below + 1 >= n)
        return sorted[n - 1];
    return (float)((double)sorted[below]
                   + (at - (double)below) * ((double)sorted[below + 1] - (double)sorted[below]));
}

uint32_t bert__bin_of(const float *edges, uint32_t n, float x)
{
    uint32_t low = 0, high = n;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (edges[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- Chance ------------------------------------------------------------------------------- */

uint64_t bert__random_next(struct bert__random *random)
{
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Numbers that would make the small ones likelier are drawn again. */
uint64_t bert__random_below(struct bert__random *random, uint64_t n)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;

    do
        x = bert__random_next(random);
    while (x >= limit);
    return x % n;
}
