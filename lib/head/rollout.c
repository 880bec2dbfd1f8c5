/* SPDX-License-Identifier: MIT */
/* rollout.c - Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020, a row at a
 * time: of the product of all layers only one combination of rows is wanted. */
#include "lib/head/rollout.h"

#include <string.h>

void bert__rollout_mean(const float *heads, uint32_t n_heads, size_t n, float *mean)
{
    for (size_t i = 0; i < n * n; i++) {
        double sum = 0;

        for (uint32_t h = 0; h < n_heads; h++)
            sum += (double)heads[h * n * n + i];
        mean[i] = (float)(sum / n_heads);
    }
}

void bert__rollout_step(const float *mean, size_t n, const double *from, double *to)
{
    memset(to, 0, n * sizeof *to);
    for (size_t i = 0; i < n; i++) {
        const float *row = mean + i * n;
        double sum = 1, share;

        for (size_t j = 0; j < n; j++)
            sum += (double)row[j];
        share = from[i] / sum; /* the halves cancel */
        for (size_t j = 0; j < n; j++)
            to[j] += share * (double)row[j];
        to[i] += share;
    }
}
