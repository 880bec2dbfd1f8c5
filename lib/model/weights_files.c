/* SPDX-License-Identifier: MIT */
/* weights_files.c - which files hold the weights; shards by their index. */
#include "lib/model/weights_files.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json_file.h"
#include "lib/base/size.h"
#include "lib/base/sort.h"

#define SINGLE_NAME "model.safetensors"
#define INDEX_NAME  "model.safetensors.index.json"

/* An index has a line per tensor; as much as a safetensors header may have. */
#define MAX_INDEX_BYTES UINT64_C(100000000)

enum { MAX_SHARDS = 4096 };

/* What opening needs in every step. */
struct opening {
    struct bert__weights_files *files;
    struct bert__alloc *alloc;
    struct bert__source *source;
    const char *directory;
    bert_error *err;
};

/* ---- One file ----------------------------------------------------------------------- */

/* *found is false if it is absent and optional. */
static bert_status open_file(const struct opening *o, const char *name, int optional,
                             struct bert__weights_file *out, bool *found)
{
    const char *relative = bert__join_name(&o->files->arena, o->directory, name);
    bert_status status;

    *found = false;
    if (!relative)
        return bert__alloc_fail(o->alloc, name, o->err);
    status = bert__source_open(o->source, relative, optional, &out->file, o->err);
    if (status || !out->file)
        return status;
    *found = true;
    return bert__safetensors_open(&o->files->arena, o->alloc, out->file, &out->tensors,
                                  &out->n_tensors, o->err);
}

static bert_status open_single(const struct opening *o, const char *name, bool *found)
{
    struct bert__weights_files *files = o->files;

    files->items = bert__arena_get(&files->arena, sizeof(*files->items));
    if (!files->items)
        return bert__alloc_fail(o->alloc, name, o->err);
    memset(files->items, 0, sizeof(*files->items));
    files->count = 1;
    return open_file(o, name, 1, files->items, found);
}

/* Its path is the files'. */
static bert_status keep_path(const struct opening *o)
{
    const char *path = bert__file_path(o->files->items[0].file);

    o->files->path = bert__arena_string(&o->files->arena, path, strlen(path));
    return o->files->path ? BERT_OK : bert__alloc_fail(o->alloc, "the weights", o->err);
}

/* ---- Shards --------------------------------------------------------------------------- */

static int compare_texts(const bert_text *a, const bert_text *b)
{
    size_t n = a->size < b->size ? a->size : b->size;
    int order = n ? memcmp(a->data, b->data, n) : 0;

    if (order || a->size == b->size)
        return order;
    return a->size < b->size ? -1 : 1;
}

static int by_key(const void *a, const void *b)
{
    const struct bert__json_member *s = a, *t = b;

    return compare_texts(&s->key, &t->key);
}

static int by_shard(const void *a, const void *b)
{
    const struct bert__json_member *s = a, *t = b;

    return compare_texts(&s->value.u.string, &t->value.u.string);
}

/* A plain file name, as the index must give it: never a way out of the directory. */
static bool is_basename(const bert_text *name)
{
    if (!name->size || memchr(name->data, '/', name->size) || memchr(name->data, 0, name->size))
        return false;
    return !(name->data[0] == '.'
             && (name->size == 1 || (name->size == 2 && name->data[1] == '.')));
}

static bert_status check_entry(const struct opening *o, const struct bert__json_member *m)
{
    char name[84], shard[84];

    if (m->value.type != BERT__JSON_STRING)
        return bert__fail(o->err, BERT_EFORMAT,
                          "%s: \"weight_map\": \"%s\" is %s; expected a file name", o->files->path,
                          bert__printable(name, m->key.data, m->key.size),
                          bert__json_type_name(&m->value));
    if (!is_basename(&m->value.u.string))
        return bert__fail(
            o->err, BERT_EFORMAT,
            "%s: \"weight_map\": \"%s\" lies in \"%s\", which is not a plain file name",
            o->files->path, bert__printable(name, m->key.data, m->key.size),
            bert__printable(shard, m->value.u.string.data, m->value.u.string.size));
    return BERT_OK;
}

/* The different file names of entries sorted by them. */
static size_t count_shards(struct bert__json_member *const *entries, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += i == 0 || by_shard(entries[i - 1], entries[i]) != 0;
    return count;
}

static bert_status open_shards(const struct opening *o, struct bert__json_member *const *entries,
                               size_t n)
{
    struct bert__weights_files *files = o->files;
    size_t count = count_shards(entries, n);
    bool found;
    bert_status status;

    if (count > MAX_SHARDS)
        return bert__fail(o->err, BERT_ELIMIT, "%s: \"weight_map\" names %zu files; at most %d",
                          files->path, count, MAX_SHARDS);
    files->items = bert__arena_get(&files->arena, count * sizeof(*files->items));
    if (!files->items)
        return bert__alloc_fail(o->alloc, files->path, o->err);
    for (size_t i = 0; i < n; i++) {
        struct bert__weights_file *item = &files->items[files->count];
        const bert_text *name = &entries[i]->value.u.string;
        char *copy;

        if (i > 0 && by_shard(entries[i - 1], entries[i]) == 0)
            continue;
        copy = bert__arena_string(&files->arena, name->data, name->size);
        if (!copy)
            return bert__alloc_fail(o->alloc, files->path, o->err);
        memset(item, 0, sizeof(*item));
        item->shard = (bert_text){copy, name->size};
        files->count++;
        status = open_file(o, copy, 0, item, &found);
        if (status)
            return status;
    }
    return BERT_OK;
}

static struct bert__json_member *find_entry(struct bert__json_member *const *entries, size_t n,
                                            const struct bert__tensor *t)
{
    bert_text name = {t->name, t->name_size};
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_texts(&entries[middle]->key, &name);

        if (order == 0)
            return entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/*
 * Every tensor that the index names must lie in the shard that it says.  Tensors that
 * it doesn't name are taken, as the reference does.  Entries are sorted by key; one
 * that was met becomes a null.
 */
static bert_status check_map(const struct opening *o, struct bert__json_member *const *entries,
                             size_t n)
{
    char name[84], shard[84];

    for (size_t i = 0; i < o->files->count; i++) {
        const struct bert__weights_file *item = &o->files->items[i];

        for (size_t j = 0; j < item->n_tensors; j++) {
            struct bert__json_member *entry = find_entry(entries, n, &item->tensors[j]);

            if (entry && entry->value.type == BERT__JSON_STRING
                && compare_texts(&entry->value.u.string, &item->shard) == 0)
                entry->value.type = BERT__JSON_NULL;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const struct bert__json_member *m = entries[i];

        if (m->value.type == BERT__JSON_STRING)
            return bert__fail(
                o->err, BERT_EFORMAT,
                "%s: tensor \"%s\" is not in \"%s\", where \"weight_map\" says", o->files->path,
                bert__printable(name, m->key.data, m->key.size),
                bert__printable(shard, m->value.u.string.data, m->value.u.string.size));
    }
    return BERT_OK;
}

static bert_status open_map(const struct opening *o, struct bert__arena *scratch,
                            const struct bert__json *map)
{
    size_t n = map->u.object.count, bytes;
    struct bert__json_member *members, **entries;
    bert_status status;

    /* copies: check_map() ticks them off */
    if (!bert__size_mul(n, sizeof(*members), &bytes) || !(members = bert__arena_get(scratch, bytes))
        || !(entries = bert__arena_get(scratch, n * sizeof(*entries))))
        return bert__alloc_fail(o->alloc, o->files->path, o->err);
    if (!n)
        return bert__fail(o->err, BERT_EFORMAT, "%s: \"weight_map\" is empty", o->files->path);
    memcpy(members, map->u.object.members, bytes);
    for (size_t i = 0; i < n; i++) {
        entries[i] = &members[i];
        status = check_entry(o, entries[i]);
        if (status)
            return status;
    }
    bert__sort((void **)entries, n, by_shard);
    status = open_shards(o, entries, n);
    if (status)
        return status;
    bert__sort((void **)entries, n, by_key);
    return check_map(o, entries, n);
}

static bert_status open_index(const struct opening *o, bool *found)
{
    struct bert__arena scratch;
    struct bert__json_file index;
    const struct bert__json *map = NULL;
    bert_status status;

    bert__arena_init(&scratch, o->alloc);
    status = bert__json_file(&index, &scratch, o->source, o->directory, INDEX_NAME, 1,
                             MAX_INDEX_BYTES, BERT__JSON_OBJECT, o->err);
    *found = index.root != NULL;
    if (status || !*found)
        goto out;
    o->files->path = bert__arena_string(&o->files->arena, index.path, strlen(index.path));
    if (!o->files->path) {
        status = bert__alloc_fail(o->alloc, INDEX_NAME, o->err);
        goto out;
    }
    status = bert__json_read_container(index.root, index.path, "weight_map", BERT__JSON_OBJECT,
                                       &map, o->err);
    if (!status && !map)
        status = bert__fail(o->err, BERT_EFORMAT, "%s: \"weight_map\" is missing", index.path);
    if (!status)
        status = open_map(o, &scratch, map);
out:
    bert__arena_free(&scratch);
    return status;
}

/* ---- Neither ------------------------------------------------------------------------- */

/* There are no safetensors: say what there is instead, and what to do. */
static bert_status fail_absent(const struct opening *o)
{
    static const struct {
        const char *name;
        bool pickle;
    } others[] = {{"pytorch_model.bin", true},
                  {"pytorch_model.bin.index.json", true},
                  {"tf_model.h5", false},
                  {"flax_model.msgpack", false},
                  {"model.ckpt.index", false}};

    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        const char *relative = bert__join_name(&o->files->arena, o->directory, others[i].name);
        struct bert__file *file;
        bert_status status;

        if (!relative)
            return bert__alloc_fail(o->alloc, others[i].name, o->err);
        status = bert__source_open(o->source, relative, 1, &file, o->err);
        if (status)
            return status;
        if (!file)
            continue;
        status = bert__fail(
            o->err, BERT_EUNSUPPORTED, "%s: %s; %s " SINGLE_NAME, bert__file_path(file),
            others[i].pickle ? "only safetensors are read (a pickle can run code when it is opened)"
                             : "only safetensors are read",
            others[i].pickle
                ? "`python -m libbert.convert` with the model's folder, which runs none of it, "
                  "makes"
                : "where you trust the file, load it in Python with transformers and write it anew "
                  "with save_pretrained(), which makes");
        bert__file_close(file);
        return status;
    }
    return bert__fail(o->err, BERT_EIO, "%s%s%s: no " SINGLE_NAME " and no " INDEX_NAME,
                      bert__source_name(o->source), *o->directory ? "/" : "", o->directory);
}

bert_status bert__weights_files_open(struct bert__weights_files *files, struct bert__alloc *alloc,
                                     struct bert__source *source, const char *directory,
                                     bert_error *err)
{
    struct opening o = {files, alloc, source, directory, err};
    bool found = false;
    bert_status status;

    memset(files, 0, sizeof(*files));
    bert__arena_init(&files->arena, alloc);
    files->path = SINGLE_NAME;
    status = open_single(&o, SINGLE_NAME, &found);
    if (status)
        return status;
    if (found)
        return keep_path(&o);
    files->count = 0;
    status = open_index(&o, &found);
    return status || found ? status : fail_absent(&o);
}

bert_status bert__weights_files_open_one(struct bert__weights_files *files,
                                         struct bert__alloc *alloc, struct bert__source *source,
                                         const char *name, bool *found, bert_error *err)
{
    struct opening o = {files, alloc, source, "", err};
    bert_status status;

    memset(files, 0, sizeof(*files));
    bert__arena_init(&files->arena, alloc);
    files->path = name;
    status = open_single(&o, name, found);
    if (status)
        return status;
    if (!*found)
        files->count = 0;
    return *found ? keep_path(&o) : BERT_OK;
}

void bert__weights_files_close(struct bert__weights_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        bert__file_close(files->items[i].file);
    files->count = 0;
    if (files->arena.alloc)
        bert__arena_free(&files->arena);
}
