/* SPDX-License-Identifier: MIT */
/* weights.c - tensors by name: one file or shards, old names, widening, NaN. */
#include "lib/model/weights.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/sort.h"
#include "lib/model/weights_files.h"

enum {
    SHAPE_TEXT = 24 * BERT__MAX_RANK,
    STEP = 1 << 18 /* elements between two looks at the watch */
};

_Static_assert((int)BERT__MAX_RANK == (int)BERT__BUNDLE_MAX_RANK, "ranks of both formats");

struct bert__weights {
    struct bert__alloc *alloc;
    struct bert__weights_files files;
    struct bert__tensor **tensors; /* by name, in the new spelling */
    size_t count;
    struct bert__widen widen;
    bool map, allow_nonfinite;
    bool for_matrix;
    char *name;
    const struct bert__bundle *bundle;  /* NULL: files of a directory */
    struct bert__trace *trace;          /* NULL: none */
    const char *prefix, *const *others; /* bert__weights_prefixes(); NULL: none */
};

/* ---- Names ----------------------------------------------------------------------- */

/*
 * The letters that a name has in its new spelling: *tail replaces what follows the
 * first *head bytes.  Only LayerNorm's parameters were renamed, as the reference does it.
 */
static void new_spelling(const char *name, size_t size, size_t *head, const char **tail)
{
    static const struct {
        const char *old, *tail;
    } renamed[] = {{"LayerNorm.gamma", "weight"}, {"LayerNorm.beta", "bias"}};

    *head = size;
    *tail = "";
    for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed); i++) {
        size_t n = strlen(renamed[i].old);

        if (size < n || memcmp(name + size - n, renamed[i].old, n) != 0)
            continue;
        *head = size - n + strlen("LayerNorm.");
        *tail = renamed[i].tail;
    }
}

/* As strcmp, with a's first n_a bytes followed by a_tail. */
static int compare_spelling(const char *a, size_t n_a, const char *a_tail, const char *b,
                            size_t n_b, const char *b_tail)
{
    for (;; a++, b++) {
        unsigned char x, y;

        if (!n_a) {
            a = a_tail;
            n_a = SIZE_MAX;
        }
        if (!n_b) {
            b = b_tail;
            n_b = SIZE_MAX;
        }
        x = (unsigned char)*a;
        y = (unsigned char)*b;
        if (x != y)
            return x < y ? -1 : 1;
        if (!x)
            return 0;
        n_a--;
        n_b--;
    }
}

static int compare_to_name(const struct bert__tensor *t, const char *name)
{
    size_t head;
    const char *tail;

    new_spelling(t->name, t->name_size, &head, &tail);
    return compare_spelling(t->name, head, tail, name, strlen(name), "");
}

static int by_name(const void *a, const void *b)
{
    const struct bert__tensor *s = a, *t = b;
    size_t s_head, t_head;
    const char *s_tail, *t_tail;

    new_spelling(s->name, s->name_size, &s_head, &s_tail);
    new_spelling(t->name, t->name_size, &t_head, &t_tail);
    return compare_spelling(s->name, s_head, s_tail, t->name, t_head, t_tail);
}

static size_t find_exactly(const struct bert__weights *w, const char *name)
{
    size_t low = 0, high = w->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_to_name(w->tensors[middle], name);

        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return w->count;
}

static size_t find(const struct bert__weights *w, const char *name)
{
    size_t i = find_exactly(w, name), n = w->prefix ? strlen(w->prefix) : 0;
    char other[256];

    if (i < w->count || !w->others || strncmp(name, w->prefix, n) != 0)
        return i;
    for (size_t k = 0; w->others[k] && i == w->count; k++) {
        int size = snprintf(other, sizeof(other), "%s%s", w->others[k], name + n);

        if (size > 0 && (size_t)size < sizeof(other))
            i = find_exactly(w, other);
    }
    return i;
}

void bert__weights_prefixes(struct bert__weights *weights, const char *prefix,
                            const char *const *others)
{
    weights->prefix = prefix;
    weights->others = others;
}

/* ---- Opening ------------------------------------------------------------------------ */

/* All files' tensors in one table, by name; no name twice. */
static bert_status index_tensors(struct bert__weights *w, bert_error *err)
{
    size_t total = 0;
    char first[84], second[84];

    for (size_t i = 0; i < w->files.count; i++)
        total += w->files.items[i].n_tensors; /* they exist in memory: no overflow */
    w->tensors = bert__alloc_array(w->alloc, total, sizeof(*w->tensors));
    if (!w->tensors)
        return bert__alloc_fail(w->alloc, w->files.path, err);
    for (size_t i = 0; i < w->files.count; i++)
        for (size_t j = 0; j < w->files.items[i].n_tensors; j++)
            w->tensors[w->count++] = &w->files.items[i].tensors[j];
    bert__sort((void **)w->tensors, w->count, by_name);
    for (size_t i = 1; i < w->count; i++) {
        const struct bert__tensor *a = w->tensors[i - 1], *b = w->tensors[i];

        if (by_name(a, b) == 0)
            return bert__fail(
                err, BERT_EFORMAT,
                "%s: tensor \"%s\" (%s) and tensor \"%s\" (%s) are one and the same", w->files.path,
                bert__printable(first, a->name, a->name_size), bert__file_path(a->file),
                bert__printable(second, b->name, b->name_size), bert__file_path(b->file));
    }
    return BERT_OK;
}

static bert_status create(struct bert__weights **out, struct bert__alloc *alloc,
                          struct bert__source *source, const char *name,
                          const struct bert__widen *widen, bool allow_nonfinite, bert_error *err)
{
    struct bert__weights *w = bert__alloc_array(alloc, 1, sizeof(*w));

    *out = NULL;
    if (!w)
        return bert__alloc_fail(alloc, "the weights", err);
    w->alloc = alloc;
    w->widen = *widen;
    w->allow_nonfinite = allow_nonfinite;
    w->bundle = bert__source_bundle(source);
    w->name = bert__alloc_string(alloc, name, strlen(name));
    if (!w->name) {
        bert__alloc_free(alloc, w);
        return bert__alloc_fail(alloc, "the weights", err);
    }
    *out = w;
    return BERT_OK;
}

static bert_status map_file(struct bert__file *file, bert_error *err)
{
    const void *data;

    return bert__file_map(file, &data, err);
}

/* Files of their own, which a packed model does not need: the trace gets the weights. */
static bert_status open_files(struct bert__weights *w, struct bert__source *source, bool one,
                              bool *found, bert_error *err)
{
    struct bert__trace *trace = bert__source_trace(source, NULL);
    bert_status status;

    *found = true;
    if (one)
        status = bert__weights_files_open_one(&w->files, w->alloc, source, w->name, found, err);
    else
        status = bert__weights_files_open(&w->files, w->alloc, source, w->name, err);
    for (size_t i = 0; i < w->files.count && w->map && !status; i++)
        status = map_file(w->files.items[i].file, err); /* now: later several threads read */
    bert__source_trace(source, trace);
    w->trace = trace;
    return status;
}

static bert_status open_bundled(struct bert__weights *w, struct bert__source *source, bool *found,
                                bert_error *err)
{
    w->trace = bert__source_trace(source, NULL);
    bert__source_trace(source, w->trace);
    if (w->bundle->nonfinite && !w->allow_nonfinite)
        return bert__fail(err, BERT_ENONFINITE,
                          "%s: its weights may be NaN or infinite, as it was packed; allow it by "
                          "BERT_MODEL_ALLOW_NONFINITE if it must be",
                          bert__file_path(w->bundle->file));
    w->allow_nonfinite = true; /* it was looked at when it was packed */
    return bert__weights_files_open_bundle(&w->files, w->alloc, w->bundle, w->name, found, err);
}

static bert_status open_either(struct bert__weights **out, struct bert__weights *w,
                               struct bert__source *source, bool one, bert_error *err)
{
    bool found = false;
    bert_status status =
        w->bundle ? open_bundled(w, source, &found, err) : open_files(w, source, one, &found, err);

    *out = NULL;
    if (!status && !found && !one)
        status = bert__fail(err, BERT_EFORMAT, "%s: there are no weights of \"%s\" in it",
                            w->files.path, w->name);
    if (!status && found)
        status = index_tensors(w, err);
    if (!status && found && w->trace && !bert__trace_weights(w->trace, w->name, w)) {
        w->trace = NULL; /* it is not kept there */
        status = bert__alloc_fail(w->alloc, w->files.path, err);
    }
    if (!status && found) {
        *out = w;
        return BERT_OK;
    }
    w->trace = NULL;
    bert__weights_close(w);
    return status;
}

bert_status bert__weights_open(struct bert__weights **out, struct bert__alloc *alloc,
                               struct bert__source *source, const char *directory,
                               const struct bert__widen *widen, bool map, bool allow_nonfinite,
                               bert_error *err)
{
    struct bert__weights *w;
    bert_status status = create(&w, alloc, source, directory, widen, allow_nonfinite, err);

    *out = NULL;
    if (status)
        return status;
    w->map = map;
    return open_either(out, w, source, false, err);
}

bert_status bert__weights_open_file(struct bert__weights **out, struct bert__alloc *alloc,
                                    struct bert__source *source, const char *name,
                                    const struct bert__widen *widen, bool allow_nonfinite,
                                    bert_error *err)
{
    struct bert__weights *w;
    bert_status status = create(&w, alloc, source, name, widen, allow_nonfinite, err);

    *out = NULL;
    if (status)
        return status;
    return open_either(out, w, source, true, err);
}

static void destroy(struct bert__weights *weights)
{
    bert__alloc_free(weights->alloc, weights->tensors);
    bert__alloc_free(weights->alloc, weights->name);
    bert__weights_files_close(&weights->files);
    bert__alloc_free(weights->alloc, weights);
}

void bert__weights_close(struct bert__weights *weights)
{
    if (weights && !weights->trace)
        destroy(weights);
}

void bert__weights_forget(struct bert__weights *weights)
{
    destroy(weights);
}

const char *bert__weights_name(const struct bert__weights *weights)
{
    return weights->name;
}

const struct bert__bundle *bert__weights_bundle(const struct bert__weights *weights)
{
    return weights->bundle;
}

struct bert__trace *bert__weights_trace(const struct bert__weights *weights)
{
    return weights->trace;
}

void bert__weights_for_matrix(struct bert__weights *weights, bool packing)
{
    weights->for_matrix = packing;
}

const char *bert__weights_path(const struct bert__weights *weights)
{
    return weights->files.path;
}

/* ---- Finding -------------------------------------------------------------------------- */

const struct bert__tensor *bert__weights_find(const struct bert__weights *weights, const char *name)
{
    size_t i = find(weights, name);

    return i < weights->count ? weights->tensors[i] : NULL;
}

const struct bert__tensor *bert__weights_at(const struct bert__weights *weights, size_t i)
{
    return i < weights->count ? weights->tensors[i] : NULL;
}

/* "[3, 4]" */
static const char *shape_text(char out[SHAPE_TEXT], uint32_t rank, const uint64_t *shape)
{
    size_t n = 0;

    out[n++] = '[';
    for (uint32_t i = 0; i < rank; i++) {
        char digits[20];
        size_t m = 0;
        uint64_t value = shape[i];

        do {
            digits[m++] = (char)('0' + value % 10);
            value /= 10;
        } while (value);
        if (i) {
            out[n++] = ',';
            out[n++] = ' ';
        }
        while (m)
            out[n++] = digits[--m];
    }
    out[n++] = ']';
    out[n] = 0;
    return out;
}

bert_status bert__weights_need(struct bert__weights *weights, const char *name, uint32_t rank,
                               const uint64_t *shape, const struct bert__tensor **out,
                               bert_error *err)
{
    size_t i = find(weights, name);
    struct bert__tensor *t;
    char is[SHAPE_TEXT], expected[SHAPE_TEXT];

    *out = NULL;
    if (i == weights->count)
        return bert__fail(err, BERT_EFORMAT, "%s: tensor \"%s\" is missing", weights->files.path,
                          name);
    t = weights->tensors[i];
    if (t->rank != rank || (rank && memcmp(t->shape, shape, rank * sizeof(*shape)) != 0))
        return bert__fail(err, BERT_EFORMAT,
                          "%s: tensor \"%s\" has the shape %s; the config wants %s",
                          bert__file_path(t->file), name, shape_text(is, t->rank, t->shape),
                          shape_text(expected, rank, shape));
    if (t->stored == BERT__STORED_OTHER)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: tensor \"%s\" is stored as %s; weights may be F32, F16, BF16 or F64",
                          bert__file_path(t->file), name, t->dtype);
    t->used = true;
    *out = t;
    return BERT_OK;
}

/* ---- Reading -------------------------------------------------------------------------- */

static bert_status check_finite(const struct bert__weights *w, const struct bert__tensor *t,
                                uint64_t first, const float *x, size_t n, bert_error *err)
{
    size_t i = 0;
    char name[84];
    uint32_t bits;

    if (w->allow_nonfinite || w->widen.all_finite(x, n))
        return BERT_OK;
    do
        memcpy(&bits, &x[i], sizeof(bits)); /* the exponent's bits all set, whatever the FPU mode */
    while ((bits & 0x7F800000u) != 0x7F800000u && ++i < n);
    return bert__fail(err, BERT_ENONFINITE,
                      "%s: tensor \"%s\", element %llu is %s; allow it by "
                      "BERT_MODEL_ALLOW_NONFINITE if it must be",
                      bert__file_path(t->file), bert__printable(name, t->name, t->name_size),
                      (unsigned long long)(first + i), bits & 0x007FFFFFu ? "NaN" : "infinite");
}

static bert_status check_all(const struct bert__weights *w, const struct bert__tensor *t,
                             const float *x, bert_error *err)
{
    bert_status status = BERT_OK;

    for (size_t at = 0, step; at < t->count && !status; at += step) {
        step = t->count - at < STEP ? (size_t)t->count - at : STEP;
        if (!bert__alloc_goes_on(w->alloc))
            return bert__alloc_fail(w->alloc, bert__file_path(t->file), err);
        status = check_finite(w, t, at, x + at, step, err);
    }
    return status;
}

/* To the nearest float, which may be infinite. */
static void narrow(float *out, const void *in, size_t n)
{
    const unsigned char *at = in;
    double value;

    for (size_t i = 0; i < n; i++) {
        memcpy(&value, at + i * sizeof value, sizeof value);
        out[i] = (float)value;
    }
}

static size_t element_size(const struct bert__tensor *t)
{
    return t->stored == BERT__STORED_F64 ? 8 : t->stored == BERT__STORED_F32 ? 4 : 2;
}

static void widen(const struct bert__weights *w, const struct bert__tensor *t, float *out,
                  const void *in, size_t n)
{
    if (t->stored == BERT__STORED_F64)
        narrow(out, in, n);
    else if (t->stored == BERT__STORED_F32)
        memcpy(out, in, n * sizeof(*out));
    else if (t->stored == BERT__STORED_F16)
        w->widen.f16(out, in, n);
    else
        w->widen.bf16(out, in, n);
}

/* Elements that lie in memory, at any address. */
static bert_status read_mapped(const struct bert__weights *w, const struct bert__tensor *t,
                               uint64_t first, size_t n, float *out, bert_error *err)
{
    const void *data;
    size_t size = element_size(t);
    bert_status status = bert__file_map(t->file, &data, err);

    if (!status)
        widen(w, t, out, (const char *)data + t->offset + first * size, n);
    return status;
}

static bert_status read_others(const struct bert__weights *w, const struct bert__tensor *t,
                               uint64_t first, size_t n, float *out, bert_error *err)
{
    _Alignas(BERT__CACHE_LINE) char bounce[1 << 14];
    size_t size = element_size(t);

    while (n > 0) {
        size_t step = n < sizeof(bounce) / size ? n : sizeof(bounce) / size;
        bert_status status =
            bert__file_read(t->file, t->offset + first * size, bounce, step * size, err);

        if (status)
            return status;
        widen(w, t, out, bounce, step);
        first += step;
        out += step;
        n -= step;
    }
    return BERT_OK;
}

/* Elements that a cache holds: they are looked at again. */
static bert_status read_some(const struct bert__weights *w, const struct bert__tensor *t,
                             uint64_t first, size_t n, float *out, bert_error *err)
{
    bert_status status;

    if (!bert__alloc_goes_on(w->alloc))
        return bert__alloc_fail(w->alloc, bert__file_path(t->file), err);
    if ((w->map && !w->bundle) || bert__file_in_memory(t->file))
        status = read_mapped(w, t, first, n, out, err);
    else if (t->stored == BERT__STORED_F32)
        status = bert__file_read(t->file, t->offset + first * 4, out, n * sizeof(*out), err);
    else
        status = read_others(w, t, first, n, out, err);
    return status ? status : check_finite(w, t, first, out, n, err);
}

/* It is wanted as it is: a packed model must have its data. */
static bert_status want_data(struct bert__weights *w, const struct bert__tensor *tensor,
                             bert_error *err)
{
    char name[84];

    if (tensor->absent)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: tensor \"%s\" has no data of its own, which this version of the "
                          "library wants; pack the model's directory again",
                          bert__file_path(tensor->file),
                          bert__printable(name, tensor->name, tensor->name_size));
    for (size_t i = 0; i < w->count && w->trace && !w->for_matrix; i++)
        if (w->tensors[i] == tensor)
            w->tensors[i]->read = true;
    return BERT_OK;
}

bert_status bert__weights_read(struct bert__weights *weights, const struct bert__tensor *tensor,
                               uint64_t first, size_t n, float *out, bert_error *err)
{
    char name[84];
    bert_status status;

    if (tensor->stored == BERT__STORED_OTHER || first > tensor->count || n > tensor->count - first)
        return bert__fail(err, BERT_EINTERNAL, "%s: tensor \"%s\": elements past its end",
                          bert__file_path(tensor->file),
                          bert__printable(name, tensor->name, tensor->name_size));
    status = want_data(weights, tensor, err);
    if (!n || status)
        return status;
    for (size_t at = 0, step; at < n && !status; at += step) {
        step = n - at < STEP ? n - at : STEP;
        status = read_some(weights, tensor, first + at, step, out + at, err);
    }
    return status;
}

bert_status bert__weights_borrow(struct bert__weights *weights, const struct bert__tensor *tensor,
                                 const float **out, bert_error *err)
{
    const void *data;
    const char *at;
    bert_status status;

    *out = NULL;
    /* memory is the caller's, who may free it after the load */
    if (!(weights->bundle ? weights->bundle->data != NULL : weights->map)
        || bert__file_in_memory(tensor->file) || tensor->stored != BERT__STORED_F32
        || tensor->count == 0)
        return BERT_OK;
    status = want_data(weights, tensor, err);
    if (!status)
        status = bert__file_map(tensor->file, &data, err);
    if (status)
        return status;
    at = (const char *)data + tensor->offset;
    if ((uintptr_t)at % sizeof(float) != 0)
        return BERT_OK;
    status = check_all(weights, tensor, (const float *)(const void *)at, err);
    if (!status)
        *out = (const float *)(const void *)at;
    return status;
}
