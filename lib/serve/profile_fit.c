/* SPDX-License-Identifier: MIT */
/* profile_fit.c - axes, kernel and bins of the frame, histograms of the base. */
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/serve/drift_window.h"

enum { EMBEDDED_LEAST = 32 }; /* of the frame: with less there is nothing to be said of them */

struct fit {
    bert_profile *p;
    uint32_t n_frame;
    const float **embedded; /* of the frame */
    size_t n_embedded;
    double *doubles; /* [3][dimensions] */
    float *values;   /* [at least n_frame], also a distance of each pair of the kernel's rows */
};

/* ---- Axes and kernel ----------------------------------------------------------------------- */

static void list_embedded(struct fit *f)
{
    for (uint32_t i = 0; i < f->n_frame; i++)
        if (f->p->rows[i].embedded)
            f->embedded[f->n_embedded++] = f->p->vectors + (size_t)i * f->p->dimensions;
}

static bool find_axes(struct fit *f)
{
    bert_profile *p = f->p;
    size_t dim = p->dimensions;
    double *centre = f->doubles;

    p->axes = bert__alloc_items(p->alloc, p->directions * dim, sizeof *p->axes);
    if (p->axes == NULL)
        return false;
    memset(centre, 0, dim * sizeof *centre);
    for (size_t i = 0; i < f->n_embedded; i++)
        for (size_t j = 0; j < dim; j++)
            centre[j] += (double)f->embedded[i][j] / (double)f->n_embedded;
    bert__principal_axes(f->embedded, f->n_embedded, dim, centre, p->directions, &p->random,
                         f->doubles + dim, p->axes);
    return true;
}

/* The median heuristic: s^2 is the median of the squared distances. */
static bool find_kernel(struct fit *f)
{
    bert_profile *p = f->p;
    size_t dim = p->dimensions, n = 0;
    double sum = 0;
    float median;

    p->n_kernel = f->n_embedded < BERT__KERNEL_ROWS ? (uint32_t)f->n_embedded : BERT__KERNEL_ROWS;
    p->kernel_rows = bert__alloc_items(p->alloc, p->n_kernel * dim, sizeof *p->kernel_rows);
    if (p->kernel_rows == NULL)
        return false;
    for (uint32_t i = 0; i < p->n_kernel; i++) {
        memcpy(p->kernel_rows + i * dim, f->embedded[i], dim * sizeof(float));
        for (uint32_t j = 0; j < i; j++)
            f->values[n++] = (float)bert__square_distance(f->embedded[i], f->embedded[j], dim);
    }
    bert__sort_floats(f->values, n);
    median = bert__quantile(f->values, n, 0.5);
    p->gamma = median > 0 && isfinite(median) && isfinite(0.5f / median) ? 0.5f / median : 1;
    for (size_t i = 0; i < n; i++)
        sum += exp(-(double)p->gamma * (double)f->values[i]);
    p->self = (float)(sum / (double)n);
    return true;
}

/* ---- Bins -------------------------------------------------------------------------------------
 */

/* Of ascending values: what is just below the least, the quantiles, the largest; each once. */
static void set_edges(struct bert__bins *h, const float *sorted, size_t n)
{
    h->edges[0] = nextafterf(sorted[0], -INFINITY);
    h->n_edges = 1;
    for (int i = 1; i <= BERT__QUANTILES; i++) {
        float edge = bert__quantile(sorted, n, (double)i / BERT__QUANTILES);

        if (edge > h->edges[h->n_edges - 1])
            h->edges[h->n_edges++] = edge;
    }
    h->n_bins = h->n_edges + 1;
}

static void field_bins(struct fit *f, uint32_t field)
{
    struct bert__bins *h = &f->p->histograms[field];
    size_t n = 0;

    for (uint32_t i = 0; i < f->n_frame; i++)
        if ((f->p->rows[i].has & 1u << field) != 0)
            f->values[n++] = f->p->rows[i].values[field];
    if (n == 0)
        return;
    bert__sort_floats(f->values, n);
    if (field == BERT__LABEL)
        h->n_bins = f->p->labels + 1;
    else
        set_edges(h, f->values, n);
}

static void axis_bins(struct fit *f, uint32_t axis)
{
    const float *along = f->p->axes + (size_t)axis * f->p->dimensions;

    for (size_t i = 0; i < f->n_embedded; i++)
        f->values[i] = (float)bert__dot(along, f->embedded[i], f->p->dimensions);
    bert__sort_floats(f->values, f->n_embedded);
    set_edges(&f->p->histograms[BERT__FIELDS + axis], f->values, f->n_embedded);
}

static void count_base(bert_profile *p, uint32_t n_frame)
{
    for (uint32_t i = n_frame; i < p->n_rows; i++) {
        struct bert__features *f = &p->rows[i];

        bert__features_place(f, p, p->vectors + (size_t)i * p->dimensions);
        p->n_base_embedded += f->embedded;
        for (uint32_t h = 0; h < BERT__BINNED; h++)
            if (f->bins[h] != BERT__NO_BIN) {
                p->counts[p->histograms[h].first + f->bins[h]]++;
                p->histograms[h].n++;
            }
    }
}

/* ---- All ---------------------------------------------------------------------------------------
 */

static bool fit_memory(struct fit *f)
{
    struct bert__alloc *alloc = f->p->alloc;
    size_t pairs = BERT__KERNEL_ROWS * (BERT__KERNEL_ROWS - 1) / 2;

    f->embedded = bert__alloc_items(alloc, f->n_frame, sizeof *f->embedded);
    f->doubles = bert__alloc_items(alloc, f->p->dimensions, 3 * sizeof *f->doubles);
    f->values = bert__alloc_items(alloc, f->n_frame > pairs ? f->n_frame : pairs, sizeof(float));
    return f->embedded != NULL && f->doubles != NULL && f->values != NULL;
}

static bool fit(struct fit *f)
{
    bert_profile *p = f->p;

    if (!fit_memory(f))
        return false;
    list_embedded(f);
    if (f->n_embedded < EMBEDDED_LEAST)
        p->directions = 0;
    else if (!find_axes(f) || !find_kernel(f))
        return false;
    for (uint32_t i = 0; i < BERT__FIELDS; i++)
        field_bins(f, i);
    for (uint32_t i = 0; i < p->directions; i++)
        axis_bins(f, i);
    if (!bert__profile_place_counts(p))
        return false;
    count_base(p, f->n_frame);
    return true;
}

bert_status bert__profile_fit(bert_profile *p, uint32_t n_frame, bert_error *err)
{
    struct fit f = {.p = p, .n_frame = n_frame};
    bool fitted;

    memset(p->histograms, 0, sizeof p->histograms);
    p->n_base = p->n_rows - n_frame;
    p->n_base_embedded = p->n_kernel = 0;
    fitted = fit(&f);
    bert__alloc_free(p->alloc, f.embedded);
    bert__alloc_free(p->alloc, f.doubles);
    bert__alloc_free(p->alloc, f.values);
    return fitted ? BERT_OK : bert__alloc_fail(p->alloc, "the profile's axes and histograms", err);
}
