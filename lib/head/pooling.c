/* SPDX-License-Identifier: MIT */
/* pooling.c - token vectors of one sequence become one row. */
#include <math.h>
#include <string.h>

#include "lib/head/embedder.h"

/* One sequence's tokens [first, end) of n, the rest being prompt. */
struct tokens {
    const struct bert__kernels *k;
    const float *x; /* row 0 of the sequence */
    uint32_t width, first, end;
};

static const float *token(const struct tokens *t, uint32_t i)
{
    return t->x + (size_t)i * t->width;
}

static void zero(float *y, uint32_t n)
{
    memset(y, 0, n * sizeof *y);
}

static void sum(const struct tokens *t, float *y)
{
    zero(y, t->width);
    for (uint32_t i = t->first; i < t->end; i++)
        t->k->add(y, y, token(t, i), NULL, t->width);
}

/* Of no token at all the reference's mean is 0: its count is clamped to 1e-9. */
static void mean(const struct tokens *t, float *y, bool sqrt_len)
{
    float count = t->end > t->first ? (float)(t->end - t->first) : 1.0f;

    sum(t, y);
    t->k->scale(y, y, 1.0f / (sqrt_len ? sqrtf(count) : count), t->width);
}

static void maximum(const struct tokens *t, float *y)
{
    for (uint32_t i = 0; i < t->width; i++)
        y[i] = -INFINITY;
    for (uint32_t i = t->first; i < t->end; i++)
        t->k->vmax(y, token(t, i), t->width);
}

/* Weights are places in the whole sequence, from 1, prompt or not. */
static void weighted(const struct tokens *t, float *y)
{
    double total = 0;

    zero(y, t->width);
    for (uint32_t i = t->first; i < t->end; i++) {
        t->k->axpy(y, token(t, i), (float)(i + 1), t->width);
        total += i + 1;
    }
    if (total > 0)
        t->k->scale(y, y, (float)(1 / total), t->width);
}

static void pool(const struct tokens *t, enum bert__pooling_mode mode, float *y)
{
    bool empty = t->first >= t->end;

    switch (mode) {
    case BERT__POOL_CLS: /* of a sequence that is all prompt, the first token after all */
        memcpy(y, token(t, empty ? 0 : t->first), t->width * sizeof *y);
        break;
    case BERT__POOL_MAX:
        maximum(t, y);
        break;
    case BERT__POOL_MEAN:
    case BERT__POOL_MEAN_SQRT_LEN:
        mean(t, y, mode == BERT__POOL_MEAN_SQRT_LEN);
        break;
    case BERT__POOL_WEIGHTED:
        weighted(t, y);
        break;
    case BERT__POOL_LAST:
        if (empty)
            zero(y, t->width);
        else
            memcpy(y, token(t, t->end - 1), t->width * sizeof *y);
        break;
    case BERT__POOL_COUNT:
        break;
    }
}

void bert__pool_task(void *context, uint32_t task, uint32_t worker)
{
    const struct bert__pool *p = context;
    uint32_t first = p->batch->offsets[task], n = p->batch->offsets[task + 1] - first;
    uint32_t skip = p->skip != NULL && !p->module->include_prompt ? p->skip[task] : 0;
    struct tokens t = {p->kernels, p->hidden + (size_t)first * p->width, p->width,
                       skip < n ? skip : n, n};
    float *row = p->rows + (size_t)task * p->module->n_modes * p->width;

    (void)worker;
    for (uint32_t i = 0; i < p->module->n_modes; i++)
        pool(&t, p->module->modes[i], row + (size_t)i * p->width);
}
