/* SPDX-License-Identifier: MIT */
/*
 * bundle_index.c - what the index says, checked number by number.
 *
 *   {"created_by": s, "machine": s, "cpu": s, "precision": s, "nonfinite": b,
 *    "files": [{"name": s, "at": [offset, size], "crc": n}],
 *    "weights": [{"name": s, "tensors": [{"name": s, "dtype": s, "shape": [n ...],
 *                                         "at": ..., "crc": n}]}],
 *    "matrices": [{"name": s, "dtype": s, "layout": s, "rows": n, "columns": n, "nr": n,
 *                  "k_group": n, "panels": n, "panel_bytes": n, "at": ..., "crc": n}]}
 *
 * Lists are in ascending order of their names' bytes.  A tensor without "at" has no data of its
 * own.
 */
#include "lib/base/bundle_index.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/size.h"

/* What all steps need. */
struct reading {
    struct bert__bundle *b;
    struct bert__arena *scratch;
    const char *path;
    bert_error *err;
};

static bert_status fail_entry(const struct reading *r, const char *name, const char *key,
                              const char *what)
{
    char shown[84];

    return bert__fail(r->err, BERT_EFORMAT, "%s: index, \"%s\": \"%s\" %s", r->path,
                      bert__printable(shown, name, strlen(name)), key, what);
}

/* ---- Values ---------------------------------------------------------------------------- */

/* A string without NUL, copied. */
static bert_status read_text(const struct reading *r, const struct bert__json *entry,
                             const char *name, const char *key, const char **out)
{
    const struct bert__json *value = bert__json_get(entry, key);

    if (!bert__json_is(value, BERT__JSON_STRING)
        || memchr(value->u.string.data, 0, value->u.string.size) != NULL)
        return fail_entry(r, name, key, "is missing or no plain string");
    *out = bert__arena_string(&r->b->arena, value->u.string.data, value->u.string.size);
    return *out != NULL ? BERT_OK : bert__alloc_fail(r->b->alloc, r->path, r->err);
}

static bool whole(const struct bert__json *value, uint64_t *out)
{
    if (!bert__json_is(value, BERT__JSON_NUMBER) || !value->is_integer || value->u.integer < 0)
        return false;
    *out = (uint64_t)value->u.integer;
    return true;
}

static bert_status read_u32(const struct reading *r, const struct bert__json *entry,
                            const char *name, const char *key, uint32_t min, uint32_t *out)
{
    uint64_t value;

    if (!whole(bert__json_get(entry, key), &value) || value < min || value > UINT32_MAX)
        return fail_entry(r, name, key, "is missing or out of range");
    *out = (uint32_t)value;
    return BERT_OK;
}

/* "at" and "crc"; the section lies between header and index. */
static bert_status read_section(const struct reading *r, const struct bert__json *entry,
                                const char *name, uint32_t align, struct bert__section *out)
{
    const struct bert__json *at = bert__json_get(entry, "at");
    uint64_t end = r->b->index_offset;

    if (!bert__json_is(at, BERT__JSON_ARRAY) || at->u.array.count != 2
        || !whole(&at->u.array.items[0], &out->offset) || !whole(&at->u.array.items[1], &out->size))
        return fail_entry(r, name, "at", "is no offset and size");
    if (out->offset < BERT__BUNDLE_HEADER || out->offset > end || out->size > end - out->offset
        || out->offset % align != 0)
        return fail_entry(r, name, "at", "lies outside of the file's data, or not aligned");
    return read_u32(r, entry, name, "crc", 0, &out->crc);
}

/* The name of an entry, which comes after that of the one before. */
static bert_status read_name(const struct reading *r, const struct bert__json *entry,
                             const char *before, const char **out)
{
    bert_status st = read_text(r, entry, "entry", "name", out);

    if (st == BERT_OK && before != NULL && strcmp(before, *out) >= 0)
        return fail_entry(r, *out, "name", "comes out of order, or twice");
    return st;
}

/* What follows the name of one entry, into its struct, which has it. */
typedef bert_status (*entry_fn)(const struct reading *r, const struct bert__json *entry, void *out);

/* A list of entries as structs of `size` bytes, which begin with the entry's name. */
static bert_status read_list(const struct reading *r, const struct bert__json *object,
                             const char *name, const char *key, size_t size, entry_fn read,
                             void **out, size_t *n)
{
    const struct bert__json *list = bert__json_get(object, key);
    const char *before = NULL;
    size_t bytes;
    char *item;
    bert_status st = BERT_OK;

    if (!bert__json_is(list, BERT__JSON_ARRAY))
        return fail_entry(r, name, key, "is missing or no list");
    if (!bert__size_mul(list->u.array.count, size, &bytes)
        || (item = bert__arena_get(&r->b->arena, bytes)) == NULL)
        return bert__alloc_fail(r->b->alloc, r->path, r->err);
    memset(item, 0, bytes);
    *out = item;
    for (; *n < list->u.array.count && st == BERT_OK; ++*n, item += size) {
        const struct bert__json *entry = &list->u.array.items[*n];
        const char *own;

        st = read_name(r, entry, before, &own);
        if (st != BERT_OK)
            return st;
        memcpy(item, &own, sizeof own);
        before = own;
        st = read(r, entry, item);
    }
    return st;
}

/* ---- Entries --------------------------------------------------------------------------- */

static bert_status read_file(const struct reading *r, const struct bert__json *entry, void *out)
{
    struct bert__bundle_file *file = out;

    return read_section(r, entry, file->name, 1, &file->data);
}

static bert_status read_shape(const struct reading *r, const struct bert__json *entry,
                              struct bert__bundle_tensor *t)
{
    const struct bert__json *shape = bert__json_get(entry, "shape");

    if (!bert__json_is(shape, BERT__JSON_ARRAY) || shape->u.array.count > BERT__BUNDLE_MAX_RANK)
        return fail_entry(r, t->name, "shape", "is missing or no shape");
    t->rank = (uint32_t)shape->u.array.count;
    t->count = 1;
    for (uint32_t i = 0; i < t->rank; i++)
        if (!whole(&shape->u.array.items[i], &t->shape[i])
            || __builtin_mul_overflow(t->count, t->shape[i], &t->count))
            return fail_entry(r, t->name, "shape", "holds what is no size");
    return BERT_OK;
}

static bert_status read_tensor(const struct reading *r, const struct bert__json *entry, void *out)
{
    struct bert__bundle_tensor *t = out;
    uint64_t bytes;
    bert_status st = read_text(r, entry, t->name, "dtype", &t->dtype);

    if (st == BERT_OK)
        st = read_shape(r, entry, t);
    t->stored = st == BERT_OK && bert__json_get(entry, "at") != NULL;
    if (!t->stored)
        return st;
    st = read_section(r, entry, t->name, BERT__BUNDLE_ALIGN, &t->data);
    if (st == BERT_OK
        && (__builtin_mul_overflow(t->count, sizeof(float), &bytes) || bytes != t->data.size))
        return fail_entry(r, t->name, "at", "is not the size of its shape");
    return st;
}

static bert_status read_set(const struct reading *r, const struct bert__json *entry, void *out)
{
    struct bert__bundle_set *set = out;
    void *tensors = NULL;
    bert_status st = read_list(r, entry, set->name, "tensors", sizeof *set->tensors, read_tensor,
                               &tensors, &set->n_tensors);

    set->tensors = tensors;
    return st;
}

static bert_status read_panels(const struct reading *r, const struct bert__json *entry,
                               struct bert__bundle_matrix *m)
{
    uint64_t bytes = 0;
    size_t all;
    bert_status st = read_u32(r, entry, m->name, "rows", 1, &m->rows);

    if (st == BERT_OK)
        st = read_u32(r, entry, m->name, "columns", 1, &m->columns);
    if (st == BERT_OK)
        st = read_u32(r, entry, m->name, "nr", 1, &m->nr);
    if (st == BERT_OK)
        st = read_u32(r, entry, m->name, "k_group", 1, &m->k_group);
    if (st == BERT_OK)
        st = read_u32(r, entry, m->name, "panels", 1, &m->n_panels);
    if (st != BERT_OK)
        return st;
    if (m->n_panels != (m->rows - 1) / m->nr + 1)
        return fail_entry(r, m->name, "panels", "is not what its rows take");
    if (!whole(bert__json_get(entry, "panel_bytes"), &bytes) || bytes == 0
        || bytes % BERT__BUNDLE_ALIGN != 0 || !bert__u64_to_size(bytes, &m->panel_bytes))
        return fail_entry(r, m->name, "panel_bytes", "is missing or no size of panels");
    st = read_section(r, entry, m->name, BERT__BUNDLE_ALIGN, &m->data);
    if (st == BERT_OK
        && (!bert__size_mul(m->panel_bytes, m->n_panels, &all) || all != m->data.size))
        return fail_entry(r, m->name, "at", "is not the size of its panels");
    return st;
}

static bert_status read_matrix(const struct reading *r, const struct bert__json *entry, void *out)
{
    struct bert__bundle_matrix *m = out;
    bert_status st = read_text(r, entry, m->name, "dtype", &m->dtype);

    if (st == BERT_OK)
        st = read_text(r, entry, m->name, "layout", &m->layout);
    return st == BERT_OK ? read_panels(r, entry, m) : st;
}

static bert_status read_lists(const struct reading *r, const struct bert__json *root)
{
    struct bert__bundle *b = r->b;
    void *files = NULL, *sets = NULL, *matrices = NULL;
    bert_status st =
        read_list(r, root, "index", "files", sizeof *b->files, read_file, &files, &b->n_files);

    if (st == BERT_OK)
        st = read_list(r, root, "index", "weights", sizeof *b->sets, read_set, &sets, &b->n_sets);
    if (st == BERT_OK)
        st = read_list(r, root, "index", "matrices", sizeof *b->matrices, read_matrix, &matrices,
                       &b->n_matrices);
    b->files = files;
    b->sets = sets;
    b->matrices = matrices;
    return st;
}

static bert_status read_root(const struct reading *r, const struct bert__json *root)
{
    struct bert__bundle *b = r->b;
    bert_status st;

    if (root->type != BERT__JSON_OBJECT)
        return bert__fail(r->err, BERT_EFORMAT, "%s: the index is no object", r->path);
    st = read_text(r, root, "index", "created_by", &b->created_by);
    if (st == BERT_OK)
        st = read_text(r, root, "index", "machine", &b->machine);
    if (st == BERT_OK)
        st = read_text(r, root, "index", "cpu", &b->cpu);
    if (st == BERT_OK)
        st = read_text(r, root, "index", "precision", &b->precision);
    if (st == BERT_OK)
        st = bert__json_read_bool(root, r->path, "nonfinite", &b->nonfinite, r->err);
    return st == BERT_OK ? read_lists(r, root) : st;
}

bert_status bert__bundle_index(struct bert__bundle *b, const char *text, size_t size,
                               bert_error *err)
{
    struct bert__arena scratch;
    struct reading r = {b, &scratch, bert__file_path(b->file), err};
    const struct bert__json *root;
    bert_status st;

    bert__arena_init(&scratch, b->alloc);
    st = bert__json_parse(&scratch, r.path, text, size, &root, err);
    if (st == BERT_OK)
        st = read_root(&r, root);
    bert__arena_free(&scratch);
    return st;
}
