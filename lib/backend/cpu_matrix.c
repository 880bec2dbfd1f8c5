/* SPDX-License-Identifier: MIT */
/* cpu_matrix.c - weights as panels of the CPU's GEMM: packed, or as a file holds them. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/backend/cpu.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

enum { THREAD_FLOATS = 1 << 18 }; /* about 0.3 ms */

void bert__cpu_matrix_free(struct bert__device *device, struct bert__matrix *matrix)
{
    if (matrix != NULL) {
        bert__cpu_matrix_free(device, matrix->exact);
        bert__alloc_free(device->alloc, matrix->outliers);
        bert__store_give(&device->store, device->alloc, matrix->block);
        bert__alloc_free(device->alloc, matrix);
    }
}

/* Without its panels. */
static bert_status matrix_alloc(struct bert__device *device, struct bert__matrix **out,
                                enum bert__dtype dtype, uint32_t n_out, uint32_t k, bert_error *err)
{
    const struct bert__gemm *gemm = &device->kernels->gemm[dtype];
    struct bert__matrix *m;

    *out = NULL;
    if (gemm->panel_bytes(k) == 0)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "a layer of %lu inputs is too wide for this precision", (unsigned long)k);
    m = bert__alloc_array(device->alloc, 1, sizeof *m);
    if (m == NULL)
        return bert__alloc_fail(device->alloc, "a packed weight", err);
    if (gemm->prepare != NULL && gemm->row_elements(k) * gemm->a_size > device->row_bytes)
        device->row_bytes = gemm->row_elements(k) * gemm->a_size;
    *out = m;
    m->gemm = gemm;
    m->n_out = n_out;
    m->k = k;
    m->n_panels = (n_out - 1) / gemm->nr + 1;
    m->panel_bytes = gemm->panel_bytes(k);
    return BERT_OK;
}

static bert_status panels_alloc(struct bert__device *device, struct bert__matrix *m,
                                bert_error *err)
{
    size_t bytes;

    if (bert__size_mul(m->panel_bytes, m->n_panels, &bytes))
        m->owned = bert__store_take(&device->store, device->alloc, bytes, &m->block);
    m->panels = m->owned;
    return m->owned != NULL ? BERT_OK : bert__alloc_fail(device->alloc, "a packed weight", err);
}

/* ---- Packing ---------------------------------------------------------------------------- */

struct packer {
    bert_error err;
    uint32_t failed; /* the lowest of its panels that did */
    float *rows;     /* of one panel */
};

/* One matrix on its way from rows to panels. */
struct packing {
    struct bert__alloc *alloc;
    const struct bert__matrix *m;
    bert__rows_fn rows;
    void *context;
    struct packer *packers;  /* one for each worker */
    _Atomic uint32_t failed; /* no panel after it need be packed */
};

static void pack_panel(void *context, uint32_t p, uint32_t worker)
{
    struct packing *g = context;
    struct packer *own = &g->packers[worker];
    const struct bert__matrix *m = g->m;
    uint32_t nr = m->gemm->nr, first = p * nr, n = m->n_out - first < nr ? m->n_out - first : nr;
    uint32_t failed = atomic_load(&g->failed);
    bert_status st;

    if (p > failed)
        return;
    st = bert__alloc_goes_on(g->alloc) ? g->rows(g->context, first, n, own->rows, &own->err)
                                       : bert__alloc_fail(g->alloc, "a weight", &own->err);
    if (st == BERT_OK) {
        m->gemm->pack(m->owned + p * m->panel_bytes, own->rows, m->k, n, m->k);
        return;
    }
    own->failed = p;
    while (p < failed && !atomic_compare_exchange_weak(&g->failed, &failed, p))
        ;
}

/* Panels come in ascending order, and those before the first that failed are all tried: what is
 * reported does not depend on the threads. */
static bert_status pack(struct bert__device *device, struct packing *g, uint32_t workers,
                        bert_error *err)
{
    uint32_t n = g->m->n_panels;

    atomic_init(&g->failed, UINT32_MAX);
    if (workers > 1) {
        bert__team_start(device->team);
        bert__team_run(device->team, n, pack_panel, g);
    } else {
        for (uint32_t p = 0; p < n && atomic_load(&g->failed) == UINT32_MAX; p++)
            pack_panel(g, p, 0);
    }
    for (uint32_t w = 0; atomic_load(&g->failed) != UINT32_MAX && w < workers; w++) {
        const bert_error *found = &g->packers[w].err;

        if (g->packers[w].failed == atomic_load(&g->failed))
            return bert__fail(err, found->code, "%s", found->message);
    }
    return BERT_OK;
}

/* A small weight is packed before a thread would have begun: small models start none. */
static uint32_t workers_for(const struct bert__device *device, const struct bert__matrix *m)
{
    bool large = (uint64_t)m->n_out * m->k >= THREAD_FLOATS && m->n_panels > 1;

    return large && device->team != NULL ? bert__team_size(device->team) : 1;
}

/* Rows of one panel for each worker: the weight exists once, and these beside it. */
static bert_status pack_all(struct bert__device *device, const struct bert__matrix *m,
                            bert__rows_fn rows, void *context, uint32_t workers, bert_error *err)
{
    struct packing g = {.alloc = device->alloc, .m = m, .rows = rows, .context = context};
    float *buffers = NULL;
    size_t floats, all;
    bert_status st;

    g.packers = bert__alloc_array(device->alloc, workers, sizeof *g.packers);
    if (bert__size_mul(m->gemm->nr, m->k, &floats) && bert__size_mul(floats, workers, &all))
        buffers = bert__alloc_items(device->alloc, all, sizeof *buffers);
    if (g.packers == NULL || buffers == NULL) {
        st = bert__alloc_fail(device->alloc, "packing a weight", err);
    } else {
        for (uint32_t w = 0; w < workers; w++) {
            g.packers[w].rows = buffers + w * floats;
            g.packers[w].failed = UINT32_MAX;
        }
        st = pack(device, &g, workers, err);
    }
    bert__alloc_free(device->alloc, buffers);
    bert__alloc_free(device->alloc, g.packers);
    return st;
}

static bert_status create_plain(struct bert__device *device, struct bert__matrix **out,
                                enum bert__dtype dtype, uint32_t n_out, uint32_t k,
                                bert__rows_fn rows, void *context, bool alone, bert_error *err)
{
    struct bert__matrix *m;
    bert_status st = matrix_alloc(device, &m, dtype, n_out, k, err);

    *out = NULL;
    if (st == BERT_OK)
        st = panels_alloc(device, m, err);
    if (st == BERT_OK)
        st = pack_all(device, m, rows, context, alone ? 1 : workers_for(device, m), err);
    if (st != BERT_OK) {
        bert__cpu_matrix_free(device, m);
        return st;
    }
    *out = m;
    return BERT_OK;
}

/* ---- Input ranges ------------------------------------------------------------------------ */

/* A weight's rows, of which the range's outliers are one matrix and the rest another. */
struct split {
    const struct bert__input_range *range;
    bert__rows_fn rows;
    void *context;
    uint32_t k;
    float *row; /* of all columns */
};

static bert_status rows_without(void *context, uint32_t first, uint32_t n, float *out,
                                bert_error *err)
{
    const struct split *s = context;
    bert_status st = s->rows(s->context, first, n, out, err);

    for (uint32_t i = 0; i < n && st == BERT_OK; i++, out += s->k)
        for (uint32_t j = 0; j < s->range->n_outliers; j++)
            out[s->range->outliers[j]] = 0;
    return st;
}

static bert_status rows_of_outliers(void *context, uint32_t first, uint32_t n, float *out,
                                    bert_error *err)
{
    const struct split *s = context;
    bert_status st = BERT_OK;

    for (uint32_t i = first; i < first + n && st == BERT_OK; i++) {
        st = s->rows(s->context, i, 1, s->row, err);
        for (uint32_t j = 0; j < s->range->n_outliers && st == BERT_OK; j++)
            *out++ = s->row[s->range->outliers[j]];
    }
    return st;
}

/* By the caller alone: the rows share `row`. */
static bert_status create_exact(struct bert__device *device, struct bert__matrix *m,
                                struct split *split, bert_error *err)
{
    const struct bert__input_range *range = split->range;
    bert_status st;

    m->outliers = bert__alloc_items(device->alloc, range->n_outliers, sizeof *m->outliers);
    split->row = bert__alloc_items(device->alloc, m->k, sizeof *split->row);
    if (m->outliers == NULL || split->row == NULL) {
        st = bert__alloc_fail(device->alloc, "a packed weight", err);
    } else {
        memcpy(m->outliers, range->outliers, range->n_outliers * sizeof *m->outliers);
        m->n_outliers = range->n_outliers;
        st = create_plain(device, &m->exact, BERT__F32, m->n_out, range->n_outliers,
                          rows_of_outliers, split, true, err);
    }
    bert__alloc_free(device->alloc, split->row);
    return st;
}

bert_status bert__cpu_matrix_create(struct bert__device *device, struct bert__matrix **out,
                                    enum bert__dtype dtype, uint32_t n_out, uint32_t k,
                                    bert__rows_fn rows, void *context,
                                    const struct bert__input_range *range, bert_error *err)
{
    struct split split = {range, rows, context, k, NULL};
    struct bert__matrix *m;
    bert_status st;

    if (range == NULL)
        return create_plain(device, out, dtype, n_out, k, rows, context, false, err);
    *out = NULL;
    st = create_plain(device, &m, dtype, n_out, k, rows_without, &split, false, err);
    if (st != BERT_OK)
        return st;
    m->clip = range->clip;
    if (range->n_outliers > 0)
        st = create_exact(device, m, &split, err);
    if (st != BERT_OK) {
        bert__cpu_matrix_free(device, m);
        return st;
    }
    if (k > device->ranged_k)
        device->ranged_k = k;
    if (range->n_outliers > device->most_outliers)
        device->most_outliers = range->n_outliers;
    *out = m;
    return BERT_OK;
}

bert_status bert__cpu_device_threads(struct bert__device *device, uint32_t threads, bert_error *err)
{
    bert__team_destroy(device->team);
    device->team = NULL;
    return threads > 1 ? bert__team_create(&device->team, device->alloc, threads, err) : BERT_OK;
}

/* ---- Panels in files -------------------------------------------------------------------- */

/* To be raised where the order of a type's elements within a panel changes. */
static const unsigned layout_versions[BERT__DTYPE_COUNT] = {1, 1, 1};

#define F32_LAYOUT "f32"

/*
 * Panels of floats are [k][nr] on every level.  The others' order is their level's own: it has the
 * name of the lowest level that packs as this one does, from which this one has it.
 */
static void name_layout(const struct bert__kernels *kernels, enum bert__dtype dtype,
                        char out[BERT__LAYOUT_BYTES])
{
    static const char *const types[BERT__DTYPE_COUNT] = {F32_LAYOUT, "bf16", "int8"};
    const struct bert__kernels *owner;
    const char *name = kernels->name;

    for (uint32_t i = 0; (owner = bert__kernels_at(i)) != NULL && name == kernels->name; i++)
        if (owner->gemm[dtype].pack == kernels->gemm[dtype].pack)
            name = owner->name;
    snprintf(out, BERT__LAYOUT_BYTES, "%s%s%s/%u", types[dtype], dtype == BERT__F32 ? "" : "-",
             dtype == BERT__F32 ? "" : name, layout_versions[dtype]);
}

void bert__cpu_matrix_panels(const struct bert__device *device, const struct bert__matrix *matrix,
                             char layout[BERT__LAYOUT_BYTES], struct bert__panels *out)
{
    enum bert__dtype dtype = (enum bert__dtype)(matrix->gemm - device->kernels->gemm);

    name_layout(device->kernels, dtype, layout);
    *out = (struct bert__panels){.layout = layout,
                                 .dtype = dtype,
                                 .n_out = matrix->n_out,
                                 .k = matrix->k,
                                 .nr = matrix->gemm->nr,
                                 .k_group = matrix->gemm->k_group,
                                 .n_panels = matrix->n_panels,
                                 .panel_bytes = matrix->panel_bytes,
                                 .data = matrix->panels};
}

static bool fits(const struct bert__device *device, const struct bert__panels *p)
{
    const struct bert__gemm *gemm = &device->kernels->gemm[p->dtype];
    char layout[BERT__LAYOUT_BYTES];

    if (gemm->run == NULL || p->n_out == 0 || p->k == 0)
        return false;
    name_layout(device->kernels, p->dtype, layout);
    return strcmp(p->layout, layout) == 0 && p->nr == gemm->nr && p->k_group == gemm->k_group
           && p->n_panels == (p->n_out - 1) / gemm->nr + 1
           && p->panel_bytes == gemm->panel_bytes(p->k);
}

bert_status bert__cpu_matrix_adopt(struct bert__device *device, struct bert__matrix **out,
                                   const struct bert__panels *panels, bert__bytes_fn read,
                                   void *context, bert_error *err)
{
    struct bert__matrix *m;
    bert_status st;

    *out = NULL;
    if (!fits(device, panels))
        return BERT_OK;
    st = matrix_alloc(device, &m, panels->dtype, panels->n_out, panels->k, err);
    if (st == BERT_OK && panels->data != NULL) {
        m->panels = panels->data;
    } else if (st == BERT_OK) {
        st = panels_alloc(device, m, err);
        if (st == BERT_OK)
            st = read(context, 0, m->n_panels * m->panel_bytes, m->owned, err);
    }
    if (st != BERT_OK) {
        bert__cpu_matrix_free(device, m);
        return st;
    }
    *out = m;
    return BERT_OK;
}

bool bert__cpu_panels_rows(const struct bert__panels *p, uint32_t first, uint32_t n, float *out)
{
    char layout[BERT__LAYOUT_BYTES];
    size_t bytes;

    snprintf(layout, sizeof layout, F32_LAYOUT "/%u", layout_versions[BERT__F32]);
    if (p->dtype != BERT__F32 || strcmp(p->layout, layout) != 0 || p->k_group != 1
        || !bert__size_mul(p->nr, p->k, &bytes) || !bert__size_mul(bytes, sizeof *out, &bytes)
        || bytes > p->panel_bytes || first > p->n_out || n > p->n_out - first)
        return false;
    for (uint32_t i = first; i < first + n; i++, out += p->k) {
        const float *panel =
            (const float *)(const void *)((const char *)p->data + i / p->nr * p->panel_bytes)
            + i % p->nr;

        for (size_t k = 0; k < p->k; k++)
            out[k] = panel[k * p->nr];
    }
    return true;
}
