/* SPDX-License-Identifier: MIT */
/* vectors.c - sentence-transformers 6.2: MultiVectorMask, and maxsim of util/similarity.py. */
#include "lib/head/vectors.h"

#include <math.h>

static bool has_vector(const struct bert__vector_rule *rule, int32_t id)
{
    uint8_t flags =
        rule->flags != NULL && id >= 0 && (uint32_t)id < rule->n_ids ? rule->flags[id] : 0;

    return !(rule->skips && (flags & BERT__VECTOR_SKIP))
           && (!rule->keeps || (flags & BERT__VECTOR_KEEP));
}

uint32_t bert__vectors_select(const struct bert__vector_rule *rule, const int32_t *ids, uint32_t n,
                              uint32_t *places)
{
    uint32_t count = 0;

    for (uint32_t i = rule->skip_first ? 1 : 0; i < n; i++) {
        if (has_vector(rule, ids[i]))
            places[count++] = i;
    }
    return count;
}

/* In double, and in the order of the values: vectors may come from anywhere. */
static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* NaN if any product is. */
static double largest(const float *x, const float *b, size_t n_b, size_t size)
{
    double best = -INFINITY;

    for (size_t j = 0; j < n_b; j++) {
        double product = dot(x, b + j * size, size);

        if (!(product <= best))
            best = product;
        if (isnan(product))
            break;
    }
    return best;
}

float bert__maxsim(const float *a, size_t n_a, const float *b, size_t n_b, size_t size, bool mean)
{
    double sum = 0;

    if (n_b == 0)
        sum = (double)BERT__MAXSIM_NONE;
    for (size_t i = 0; i < n_a && n_b > 0; i++)
        sum += largest(a + i * size, b, n_b, size);
    return (float)(mean && n_a > 0 ? sum / (double)n_a : sum);
}
