/* SPDX-License-Identifier: MIT */
/* matrix.c - matrices from rows of a checkpoint, or from a packed model. */
#include "lib/graph/matrix.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"

static const char *const dtypes[BERT__DTYPE_COUNT] = {"fp32", "bf16", "int8"};

const char *bert__dtype_name(enum bert__dtype dtype)
{
    return dtypes[dtype];
}

/* A matrix of a packed model. */
struct packed {
    struct bert__network *net;
    const struct bert__bundle *bundle;
    const struct bert__bundle_matrix *entry;
    struct bert__panels panels;
};

/* ---- As it is in the file ------------------------------------------------------------------- */

static bert_status read_panels(void *context, size_t at, size_t n, void *out, bert_error *err)
{
    const struct packed *p = context;

    return bert__file_read(p->bundle->file, p->entry->data.offset + at, out, n, err);
}

static bert_status check_shape(const struct packed *p, uint32_t n_out, uint32_t k, bert_error *err)
{
    if (p->entry->rows == n_out && p->entry->columns == k)
        return BERT_OK;
    return bert__fail(
        err, BERT_EFORMAT, "%s: matrix \"%s\" is [%lu, %lu]; the config wants [%lu, %lu]",
        bert__file_path(p->bundle->file), p->entry->name, (unsigned long)p->entry->rows,
        (unsigned long)p->entry->columns, (unsigned long)n_out, (unsigned long)k);
}

static bert_status find(struct packed *p, const char *name, bert_error *err)
{
    const struct bert__bundle_matrix *m = bert__bundle_matrix(p->bundle, name);
    int dtype = 0;

    if (m == NULL)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: matrix \"%s\" is not in it: another version of the library (%s) "
                          "packed it, or it was packed without heads; pack the model's directory "
                          "again",
                          bert__file_path(p->bundle->file), name, p->bundle->created_by);
    while (dtype < BERT__DTYPE_COUNT && strcmp(dtypes[dtype], m->dtype) != 0)
        dtype++;
    if (dtype == BERT__DTYPE_COUNT)
        return bert__fail(err, BERT_EUNSUPPORTED, "%s: matrix \"%s\" is of the unknown type \"%s\"",
                          bert__file_path(p->bundle->file), name, m->dtype);
    p->entry = m;
    p->panels = (struct bert__panels){
        .layout = m->layout,
        .dtype = (enum bert__dtype)dtype,
        .n_out = m->rows,
        .k = m->columns,
        .nr = m->nr,
        .k_group = m->k_group,
        .n_panels = m->n_panels,
        .panel_bytes = m->panel_bytes,
        .data = p->bundle->data == NULL ? NULL : p->bundle->data + m->data.offset};
    return BERT_OK;
}

/* ---- Packed anew ---------------------------------------------------------------------------- */

/* By the names that a user chooses, but where those are equal: then it is the order of elements. */
static bert_status fail_other(const struct packed *p, enum bert__dtype dtype, const char *what,
                              bert_error *err)
{
    const struct bert__bundle *b = p->bundle;
    const char *cpu = p->net->backend->device_name(p->net->device);
    const char *machine = bert__bundle_machine(), *path = bert__file_path(b->file);

    if (strcmp(b->cpu, cpu) == 0 && strcmp(b->machine, machine) == 0 && p->panels.dtype == dtype)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: packed by libbert %s in another order (%s, panels of %lu): %s", path,
                          b->created_by, p->entry->layout, (unsigned long)p->entry->nr, what);
    return bert__fail(err, BERT_EUNSUPPORTED,
                      "%s: packed for %s %s in %s; this would be %s %s in %s: %s", path, b->machine,
                      b->cpu, dtypes[p->panels.dtype], machine, cpu, dtypes[dtype], what);
}

static bert_status rows_of_panels(void *context, uint32_t first, uint32_t n, float *out,
                                  bert_error *err)
{
    const struct packed *p = context;

    if (p->net->backend->panels_rows(&p->panels, first, n, out))
        return BERT_OK;
    return bert__fail(err, BERT_EINTERNAL, "matrix \"%s\": its rows are lost", p->entry->name);
}

/* Its rows out of the other panels, in memory meanwhile if the file is not mapped. */
static bert_status repack(struct packed *p, enum bert__dtype dtype, struct bert__matrix **out,
                          bert_error *err)
{
    const struct bert__backend *backend = p->net->backend;
    struct bert__alloc *alloc = p->net->alloc;
    void *copy = NULL;
    float *row;
    bert_status st = BERT_OK;

    if (p->panels.data == NULL) {
        copy = bert__alloc(alloc, (size_t)p->entry->data.size);
        if (copy == NULL)
            return bert__alloc_fail(alloc, p->entry->name, err);
        st = read_panels(p, 0, (size_t)p->entry->data.size, copy, err);
        p->panels.data = copy;
    }
    row = st == BERT_OK ? bert__alloc_items(alloc, p->panels.k, sizeof *row) : NULL;
    if (st == BERT_OK && row == NULL)
        st = bert__alloc_fail(alloc, p->entry->name, err);
    if (st == BERT_OK
        && (backend->panels_rows == NULL || !backend->panels_rows(&p->panels, 0, 1, row)))
        st = fail_other(p, dtype,
                        "it does not hold the weights exactly; pack the model's directory again",
                        err);
    bert__alloc_free(alloc, row);
    if (st == BERT_OK)
        st = backend->matrix_create(p->net->device, out, dtype, p->panels.n_out, p->panels.k,
                                    rows_of_panels, p, NULL, err);
    bert__alloc_free(alloc, copy);
    return st;
}

static bert_status load_packed(struct bert__network *net, struct bert__weights *weights,
                               const char *name, enum bert__dtype dtype, uint32_t n_out, uint32_t k,
                               struct bert__matrix **out, bert_error *err)
{
    struct packed p = {.net = net, .bundle = bert__weights_bundle(weights)};
    bool same = strcmp(p.bundle->machine, bert__bundle_machine()) == 0;
    bert_status st = find(&p, name, err);

    if (st == BERT_OK)
        st = check_shape(&p, n_out, k, err);
    if (st == BERT_OK && same && p.panels.dtype == dtype && net->backend->matrix_adopt != NULL)
        st = net->backend->matrix_adopt(net->device, out, &p.panels, read_panels, &p, err);
    if (st != BERT_OK || *out != NULL)
        return st;
    if (net->repack)
        return repack(&p, dtype, out, err);
    return fail_other(&p, dtype,
                      p.panels.dtype == BERT__F32
                          ? "ask for what it was packed for, let it be packed anew in memory "
                            "(BERT_MODEL_REPACK), or pack the model's directory again"
                          : "ask for what it was packed for, or pack the model's directory again",
                      err);
}

/* ---- Either -----------------------------------------------------------------------------------
 */

static bert_status load_rows(struct bert__network *net, struct bert__weights *weights,
                             enum bert__dtype dtype, uint32_t n_out, uint32_t k, bert__rows_fn rows,
                             void *context, const struct bert__input_range *range,
                             struct bert__matrix **out, bert_error *err)
{
    bert_status st;

    bert__weights_for_matrix(weights, true);
    st = net->backend->matrix_create(net->device, out, dtype, n_out, k, rows, context, range, err);
    bert__weights_for_matrix(weights, false);
    return st;
}

bert_status bert__matrix_load(struct bert__network *net, struct bert__weights *weights,
                              const char *name, enum bert__dtype dtype, uint32_t n_out, uint32_t k,
                              bert__rows_fn rows, void *context,
                              const struct bert__input_range *range, struct bert__matrix **out,
                              bert_error *err)
{
    struct bert__trace *trace = bert__weights_trace(weights);
    char full[BERT__MATRIX_NAME];
    bert_status st;
    int n;

    *out = NULL;
    n = snprintf(full, sizeof full, "%s:%s", bert__weights_name(weights), name);
    if (n < 0 || (size_t)n >= sizeof full)
        return bert__fail(err, BERT_EFORMAT, "%s: the name of a matrix is too long",
                          bert__weights_path(weights));
    if (bert__weights_bundle(weights) != NULL)
        st = load_packed(net, weights, full, dtype, n_out, k, out, err);
    else
        st = load_rows(net, weights, dtype, n_out, k, rows, context, range, out, err);
    if (st == BERT_OK && trace != NULL && !bert__trace_matrix(trace, full, *out))
        return bert__alloc_fail(net->alloc, full, err);
    return st;
}
