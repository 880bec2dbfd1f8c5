/* SPDX-License-Identifier: MIT */
/* json_file.c - a JSON file of a source. */
#include "lib/base/json_file.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"

const char *bert__join_name(struct bert__arena *arena, const char *directory, const char *name)
{
    size_t n = strlen(directory), m = strlen(name), bytes;
    char *joined;

    if (!n)
        return bert__arena_string(arena, name, m);
    if (!bert__size_add(n, m, &bytes) || !bert__size_add(bytes, 2, &bytes))
        return NULL;
    joined = bert__arena_get(arena, bytes);
    if (!joined)
        return NULL;
    memcpy(joined, directory, n);
    joined[n] = '/';
    memcpy(joined + n + 1, name, m + 1);
    return joined;
}

static bert_status parse(struct bert__json_file *out, struct bert__arena *arena,
                         struct bert__file *file, uint64_t max_bytes, enum bert__json_type type,
                         bert_error *err)
{
    uint64_t size = bert__file_size(file);
    size_t n;
    char *text;
    bert_status status;

    if (size > max_bytes)
        return bert__fail(err, BERT_ELIMIT,
                          "%s: %llu bytes, over the limit of %llu for such a file", out->path,
                          (unsigned long long)size, (unsigned long long)max_bytes);
    if (!bert__u64_to_size(size, &n) || !(text = bert__arena_get(arena, n)))
        return bert__alloc_fail(arena->alloc, out->path, err);
    status = bert__file_read(file, 0, text, n, err);
    if (!status)
        status = bert__json_parse(arena, out->path, text, n, &out->root, err);
    if (!status && out->root->type != type)
        status = bert__fail(err, BERT_EFORMAT, "%s: the file holds %s; expected %s", out->path,
                            bert__json_type_name(out->root),
                            type == BERT__JSON_OBJECT ? "an object" : "an array");
    if (status)
        out->root = NULL;
    return status;
}

bert_status bert__json_file(struct bert__json_file *out, struct bert__arena *arena,
                            struct bert__source *source, const char *directory, const char *name,
                            int optional, uint64_t max_bytes, enum bert__json_type type,
                            bert_error *err)
{
    struct bert__file *file;
    const char *relative = bert__join_name(arena, directory, name);
    bert_status status;

    memset(out, 0, sizeof(*out));
    if (!relative)
        return bert__alloc_fail(arena->alloc, name, err);
    out->path = relative;
    status = bert__source_open(source, relative, optional, &file, err);
    if (status || !file)
        return status;
    out->path = bert__arena_string(arena, bert__file_path(file), strlen(bert__file_path(file)));
    if (!out->path) {
        out->path = relative;
        status = bert__alloc_fail(arena->alloc, name, err);
    } else
        status = parse(out, arena, file, max_bytes, type, err);
    bert__file_close(file);
    return status;
}
