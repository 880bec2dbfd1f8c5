/* SPDX-License-Identifier: MIT */
/* model_pack.c - bert_model_pack(): a traced load, written into one file. */
#include <string.h>

#include "lib/api/model.h"
#include "lib/base/bundle_write.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/sort.h"
#include "lib/base/source.h"

enum { STEP = 1 << 16 }; /* floats of a tensor at a time */

struct packing {
    const struct bert__traced_model *from;
    struct bert__alloc *alloc;
    struct bert__bundle_writer w;
    float *step;
    bert_error *err;
};

/* ---- Parts ------------------------------------------------------------------------------- */

static void begin_entry(struct packing *p, bool first, const char *name)
{
    bert__json_add(&p->w.index, "%s\n{\"name\": ", first ? "" : ",");
    bert__json_add_string(&p->w.index, name);
}

static bert_status write_file(struct packing *p, const char *name)
{
    char *data;
    size_t size;
    bert_status st = bert__source_read(p->from->source, name, 0, &data, &size, p->err);

    if (st != BERT_OK)
        return st;
    bert__bundle_write_begin(&p->w, size);
    st = bert__bundle_write(&p->w, data, size, p->err);
    bert__alloc_free(p->alloc, data);
    return st;
}

static bert_status write_files(struct packing *p)
{
    const struct bert__traced *file = p->from->trace.files;
    bert_status st = BERT_OK;

    bert__json_add(&p->w.index, ", \"files\": [");
    for (; file != NULL && st == BERT_OK; file = file->next) {
        begin_entry(p, file == p->from->trace.files, file->name);
        st = write_file(p, file->name);
        bert__index_section(&p->w.index, &p->w.section);
        bert__json_add(&p->w.index, "}");
    }
    bert__json_add(&p->w.index, "]");
    return st;
}

static bert_status write_tensor_data(struct packing *p, struct bert__weights *weights,
                                     const struct bert__tensor *tensor)
{
    uint64_t bytes;
    bert_status st = BERT_OK;

    if (__builtin_mul_overflow(tensor->count, sizeof(float), &bytes))
        return bert__fail(p->err, BERT_ELIMIT, "tensor \"%s\" is too large", tensor->name);
    bert__bundle_write_begin(&p->w, bytes);
    for (uint64_t done = 0; done < tensor->count && st == BERT_OK;) {
        size_t n = tensor->count - done < STEP ? (size_t)(tensor->count - done) : STEP;

        st = bert__weights_read(weights, tensor, done, n, p->step, p->err);
        if (st == BERT_OK)
            st = bert__bundle_write(&p->w, p->step, n * sizeof *p->step, p->err);
        done += n;
    }
    bert__index_section(&p->w.index, &p->w.section);
    return st;
}

static bert_status write_tensor(struct packing *p, struct bert__weights *weights,
                                const struct bert__tensor *tensor)
{
    bert_status st = BERT_OK;

    bert__json_add(&p->w.index, ", \"dtype\": ");
    bert__json_add_string(&p->w.index, tensor->dtype);
    bert__json_add(&p->w.index, ", \"shape\": [");
    for (uint32_t i = 0; i < tensor->rank; i++)
        bert__json_add(&p->w.index, "%s%llu", i > 0 ? ", " : "",
                       (unsigned long long)tensor->shape[i]);
    bert__json_add(&p->w.index, "]");
    if (tensor->read)
        st = write_tensor_data(p, weights, tensor);
    bert__json_add(&p->w.index, "}");
    return st;
}

static int by_name(const void *a, const void *b)
{
    const struct bert__tensor *s = a, *t = b;

    return strcmp(s->name, t->name);
}

static bert_status write_tensors(struct packing *p, struct bert__weights *weights)
{
    const struct bert__tensor *tensor, **sorted;
    size_t n = 0;
    bert_status st = BERT_OK;

    while (bert__weights_at(weights, n) != NULL)
        n++;
    sorted = bert__alloc_items(p->alloc, n, sizeof(const struct bert__tensor *));
    if (sorted == NULL)
        return bert__alloc_fail(p->alloc, bert__weights_path(weights), p->err);
    for (size_t i = 0; (tensor = bert__weights_at(weights, i)) != NULL; i++)
        sorted[i] = tensor;
    bert__sort((void **)sorted, n, by_name);
    for (size_t i = 0; i < n && st == BERT_OK; i++) {
        begin_entry(p, i == 0, sorted[i]->name);
        st = write_tensor(p, weights, sorted[i]);
    }
    bert__alloc_free(p->alloc, sorted);
    return st;
}

static bert_status write_weights(struct packing *p)
{
    const struct bert__traced *set = p->from->trace.weights;
    bert_status st = BERT_OK;

    bert__json_add(&p->w.index, ", \"weights\": [");
    for (; set != NULL && st == BERT_OK; set = set->next) {
        begin_entry(p, set == p->from->trace.weights, set->name);
        bert__json_add(&p->w.index, ", \"tensors\": [");
        st = write_tensors(p, set->item);
        bert__json_add(&p->w.index, "]}");
    }
    bert__json_add(&p->w.index, "]");
    return st;
}

static bert_status write_matrix(struct packing *p, const struct bert__matrix *matrix)
{
    const struct bert__network *net = p->from->model->network;
    char layout[BERT__LAYOUT_BYTES];
    struct bert__panels panels;
    bert_status st;

    net->backend->matrix_panels(net->device, matrix, layout, &panels);
    bert__json_add(&p->w.index, ", \"dtype\": \"%s\", \"layout\": \"%s\"",
                   bert__dtype_name(panels.dtype), layout);
    bert__json_add(&p->w.index, ", \"rows\": %lu, \"columns\": %lu, \"nr\": %lu, \"k_group\": %lu",
                   (unsigned long)panels.n_out, (unsigned long)panels.k, (unsigned long)panels.nr,
                   (unsigned long)panels.k_group);
    bert__json_add(&p->w.index, ", \"panels\": %lu, \"panel_bytes\": %llu",
                   (unsigned long)panels.n_panels, (unsigned long long)panels.panel_bytes);
    bert__bundle_write_begin(&p->w, (uint64_t)panels.panel_bytes * panels.n_panels);
    st = bert__bundle_write(&p->w, panels.data, panels.panel_bytes * panels.n_panels, p->err);
    bert__index_section(&p->w.index, &p->w.section);
    bert__json_add(&p->w.index, "}");
    return st;
}

static bert_status write_matrices(struct packing *p)
{
    const struct bert__traced *m = p->from->trace.matrices;
    bert_status st = BERT_OK;

    bert__json_add(&p->w.index, ", \"matrices\": [");
    for (; m != NULL && st == BERT_OK; m = m->next) {
        begin_entry(p, m == p->from->trace.matrices, m->name);
        st = write_matrix(p, m->item);
    }
    bert__json_add(&p->w.index, "]}\n");
    return st;
}

/* ---- The whole ---------------------------------------------------------------------------- */

static void write_head(struct packing *p, bool nonfinite)
{
    const struct bert__network *net = p->from->model->network;

    bert__json_add(&p->w.index, "{\"created_by\": ");
    bert__json_add_string(&p->w.index, bert_version());
    bert__json_add(&p->w.index, ", \"machine\": \"%s\", \"cpu\": ", bert__bundle_machine());
    bert__json_add_string(&p->w.index, net->backend->device_name(net->device));
    bert__json_add(&p->w.index, ", \"precision\": \"%s\", \"nonfinite\": %s",
                   bert__dtype_name(net->dtype), nonfinite ? "true" : "false");
}

static bert_status write_all(struct packing *p, bool nonfinite)
{
    bert_status st;

    p->step = bert__alloc_items(p->alloc, STEP, sizeof *p->step);
    if (p->step == NULL)
        return bert__alloc_fail(p->alloc, "the packed model", p->err);
    write_head(p, nonfinite);
    st = write_files(p);
    if (st == BERT_OK)
        st = write_weights(p);
    if (st == BERT_OK)
        st = write_matrices(p);
    bert__alloc_free(p->alloc, p->step);
    return st;
}

static bert_status write_bundle(const struct bert__traced_model *from, const char *file,
                                bool nonfinite, bert_error *err)
{
    struct packing p = {.from = from, .alloc = from->model->alloc, .err = err};
    const struct bert__network *net = from->model->network;
    bert_status st;

    bert__source_trace(from->source, NULL);
    if (net->backend->matrix_panels == NULL)
        return bert__fail(err, BERT_EUNSUPPORTED, "weights of the backend \"%s\" are not for files",
                          net->backend->name);
    st = bert__bundle_write_open(&p.w, p.alloc, file, err);
    if (st == BERT_OK)
        st = write_all(&p, nonfinite);
    if (st == BERT_OK)
        return bert__bundle_write_finish(&p.w, err);
    bert__bundle_write_discard(&p.w);
    return st;
}

bert_status bert_model_pack(const char *path, const char *file, const bert_model_options *options,
                            bert_error *err)
{
    struct bert__traced_model from;
    bert_status st;

    if (path == NULL || file == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is NULL", path == NULL ? "path" : "file");
    st = bert__model_load_traced(&from, path, options, err);
    if (st != BERT_OK)
        return st;
    st = write_bundle(&from, file,
                      options != NULL && (options->flags & BERT_MODEL_ALLOW_NONFINITE) != 0, err);
    bert__model_traced_free(&from);
    return st;
}
