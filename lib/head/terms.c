/* SPDX-License-Identifier: MIT */
/* terms.c - logits to weights of terms. */
#include "lib/head/terms.h"

#include <math.h>
#include <string.h>

#include "lib/head/scores.h"

static float weight(const struct bert__splade *splade, float x)
{
    float y = x > 0 ? log1pf(x) : 0;

    return splade->twice ? log1pf(y) : y;
}

void bert__terms_add(const struct bert__kernels *k, const struct bert__splade *splade,
                     const float *logits, uint32_t n, uint32_t width, float *row)
{
    for (uint32_t t = 0; t < n; t++, logits += width) {
        if (!splade->sum) { /* the weight grows with the logit: the largest logit will do */
            k->vmax(row, logits, width);
            continue;
        }
        for (uint32_t i = 0; i < width; i++) {
            if (logits[i] > 0)
                row[i] += weight(splade, logits[i]);
        }
    }
}

void bert__terms_add_lexical(const float *weights, const int32_t *ids, uint32_t n,
                             const int32_t *unused, uint32_t n_unused, float *row)
{
    for (uint32_t t = 0; t < n; t++) {
        bool counts = weights[t] > row[ids[t]];

        for (uint32_t i = 0; i < n_unused; i++)
            counts = counts && ids[t] != unused[i];
        if (counts)
            row[ids[t]] = weights[t];
    }
}

void bert__terms_finish(const struct bert__splade *splade, uint32_t width, float *row)
{
    for (uint32_t i = 0; i < width && !splade->sum; i++)
        row[i] = weight(splade, row[i]);
}

void bert__terms_keep(float *row, uint32_t width, uint32_t k, uint32_t *best, float *kept)
{
    bert__best(row, width, k, best);
    for (uint32_t i = 0; i < k; i++)
        kept[i] = row[best[i]];
    memset(row, 0, width * sizeof *row);
    for (uint32_t i = 0; i < k; i++)
        row[best[i]] = kept[i];
}

uint32_t bert__terms_count(const float *row, uint32_t width)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < width; i++)
        n += row[i] > 0;
    return n;
}
