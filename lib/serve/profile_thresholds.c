/* SPDX-License-Identifier: MIT */
/* profile_thresholds.c - how far windows of the profile's own stray from it: bert/drift.h. */
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/serve/drift_window.h"

#define UPPER        0.95 /* the quantile that says how far a statistic strays */
#define LEAST_SPREAD 1e-6

struct replicates {
    bert_profile *p;
    uint32_t n_frame;
    uint32_t *order; /* of the base, the first `window` of which are drawn */
    float *values;   /* [statistics][replicates]; NaN: not known */
    float *column;   /* [replicates] */
    struct bert__scratch scratch;
};

/* ---- Windows ------------------------------------------------------------------------------ */

/* The first `window` of the order are drawn from all of it, without putting back. */
static void draw(const struct replicates *r)
{
    for (uint32_t i = 0; i < r->p->window; i++) {
        uint32_t other = i + (uint32_t)bert__random_below(&r->p->random, r->p->n_base - i);
        uint32_t drawn = r->order[other];

        r->order[other] = r->order[i];
        r->order[i] = drawn;
    }
}

static void set_pairs(const struct replicates *r)
{
    const bert_profile *p = r->p;

    for (uint32_t i = 0; i < p->window && p->n_kernel > 0; i++) {
        struct bert__features *f = &p->rows[r->order[i]];
        const float *vector = p->vectors + (size_t)r->order[i] * p->dimensions;

        for (uint32_t k = 0; k < BERT__PAIRS && k < i; k++) {
            size_t other = r->order[i - 1 - k];

            f->pairs[k] = f->embedded && p->rows[other].embedded
                              ? bert__kernel(p, vector, p->vectors + other * p->dimensions)
                              : -1;
        }
    }
}

static void run_windows(struct replicates *r)
{
    const bert_profile *p = r->p;
    struct bert__window w = {p->rows, p->vectors, r->order, p->window, true};
    struct bert__comparison c;

    for (uint32_t i = 0; i < p->n_base; i++)
        r->order[i] = r->n_frame + i;
    for (uint32_t i = 0; i < p->replicates; i++) {
        draw(r);
        set_pairs(r);
        bert__window_compare(p, &w, &r->scratch, &c);
        for (uint32_t s = 0; s < BERT_DRIFT_STATISTICS; s++)
            r->values[(size_t)s * p->replicates + i] =
                (c.known & 1u << s) != 0 ? (float)c.value[s] : NAN;
    }
}

/* ---- Quantiles ------------------------------------------------------------------------------ */

/* A statistic that never changes may change by what one observation does before it counts. */
static float least_spread(const bert_profile *p, uint32_t statistic)
{
    if (statistic >= BERT_DRIFT_COSINE)
        return (float)LEAST_SPREAD;
    return (statistic < BERT_DRIFT_KS_SCORE ? 2.0f : 1.0f) / (float)p->window;
}

static void scale(struct replicates *r, uint32_t statistic)
{
    bert_profile *p = r->p;
    const float *values = r->values + (size_t)statistic * p->replicates;
    float least = least_spread(p, statistic), spread;
    size_t n = 0;

    for (uint32_t i = 0; i < p->replicates; i++)
        if (!isnan(values[i]))
            r->column[n++] = values[i];
    if (n <= p->replicates / 2)
        return;
    bert__sort_floats(r->column, n);
    p->middle[statistic] = bert__quantile(r->column, n, 0.5);
    spread = bert__quantile(r->column, n, UPPER) - p->middle[statistic];
    p->spread[statistic] = spread > least ? spread : least;
    p->known |= 1u << statistic;
}

/* The largest z of each window; of these the largest, descending. */
static void set_tail(struct replicates *r)
{
    bert_profile *p = r->p;

    for (uint32_t i = 0; i < p->replicates; i++) {
        float most = -INFINITY;

        for (uint32_t s = 0; s < BERT_DRIFT_STATISTICS; s++) {
            float value = r->values[(size_t)s * p->replicates + i];

            if ((p->known & 1u << s) != 0 && !isnan(value))
                most = fmaxf(most, (value - p->middle[s]) / p->spread[s]);
        }
        r->column[i] = isfinite(most) ? most : 0;
    }
    bert__sort_floats(r->column, p->replicates);
    for (uint32_t i = 0; i < p->n_tail; i++)
        p->tail[i] = r->column[p->replicates - 1 - i];
}

/* ---- All ------------------------------------------------------------------------------------- */

static bool memory(struct replicates *r)
{
    bert_profile *p = r->p;

    p->n_tail = bert__profile_tail_size(p->replicates);
    p->tail = bert__alloc_items(p->alloc, p->n_tail, sizeof *p->tail);
    r->order = bert__alloc_items(p->alloc, p->n_base, sizeof *r->order);
    r->column = bert__alloc_items(p->alloc, p->replicates, sizeof *r->column);
    r->values = bert__alloc_items(p->alloc, p->replicates, BERT_DRIFT_STATISTICS * sizeof(float));
    return bert__scratch_make(&r->scratch, p, p->alloc) && p->tail != NULL && r->order != NULL
           && r->column != NULL && r->values != NULL;
}

bert_status bert__profile_thresholds(bert_profile *p, uint32_t n_frame, bert_error *err)
{
    struct replicates r = {.p = p, .n_frame = n_frame};
    bert_status st = BERT_OK;

    p->known = 0;
    if (memory(&r)) {
        run_windows(&r);
        for (uint32_t s = 0; s < BERT_DRIFT_STATISTICS; s++)
            scale(&r, s);
        set_tail(&r);
    } else
        st = bert__alloc_fail(p->alloc, "the profile's thresholds", err);
    bert__scratch_free(&r.scratch, p->alloc);
    bert__alloc_free(p->alloc, r.order);
    bert__alloc_free(p->alloc, r.column);
    bert__alloc_free(p->alloc, r.values);
    return st;
}
