/* SPDX-License-Identifier: MIT */
/* manifest.c - a manifest as JSON, written and read. */
#include "lib/model/manifest.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"

bool bert__manifest_is_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return bert__source_is_plain(name) && strcmp(name, BERT__MANIFEST_NAME) != 0;
}

void bert__manifest_digest(const struct bert__manifest *manifest, char out[BERT__SHA256_HEX])
{
    unsigned char digest[BERT__SHA256_BYTES];
    struct bert__sha256 h;

    bert__sha256_start(&h);
    for (size_t i = 0; i < manifest->n; i++) {
        const struct bert__listed *file = &manifest->files[i];

        bert__sha256_add(&h, file->sha256, strlen(file->sha256));
        bert__sha256_add(&h, "  ", 2);
        bert__sha256_add(&h, file->name, strlen(file->name));
        bert__sha256_add(&h, "\n", 1);
    }
    bert__sha256_finish(&h, digest);
    bert__sha256_hex(out, digest);
}

void bert__manifest_describe(struct bert__json_text *text, const struct bert__manifest *manifest)
{
    bert__json_add(text,
                   "{\"format\": \"%s\", \"version\": %d, \"created_by\": \"%s\",\n"
                   "\"digest\": \"%s\",\n\"files\": [",
                   BERT__MANIFEST_FORMAT, BERT__MANIFEST_VERSION, bert_version(), manifest->digest);
    for (size_t i = 0; i < manifest->n; i++) {
        const struct bert__listed *file = &manifest->files[i];

        bert__json_add(text, "%s\n{\"name\": ", i > 0 ? "," : "");
        bert__json_add_string(text, file->name);
        bert__json_add(text, ", \"size\": %llu, \"sha256\": \"%s\"}",
                       (unsigned long long)file->size, file->sha256);
    }
    bert__json_add(text, "]}\n");
}

/* ---- Reading ------------------------------------------------------------------- */

struct reading {
    struct bert__manifest *to;
    struct bert__arena *arena;
    const char *path;
    bert_error *err;
};

static bool read_digest(char out[BERT__SHA256_HEX], const struct bert__json *value)
{
    if (!bert__json_is(value, BERT__JSON_STRING) || value->u.string.size != BERT__SHA256_HEX - 1)
        return false;
    for (size_t i = 0; i < BERT__SHA256_HEX - 1; i++) {
        char c = value->u.string.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        out[i] = c;
    }
    out[BERT__SHA256_HEX - 1] = '\0';
    return true;
}

static bert_status bad(const struct reading *r, size_t i, const char *what)
{
    return bert__fail(r->err, BERT_EFORMAT, "%s: files[%zu]: %s", r->path, i, what);
}

static bert_status read_name(const struct reading *r, size_t i, const struct bert__json *value,
                             struct bert__listed *out)
{
    char text[84];

    if (!bert__json_is(value, BERT__JSON_STRING) || value->u.string.size == 0)
        return bad(r, i, "\"name\" is missing or no name");
    out->name = bert__arena_string(r->arena, value->u.string.data, value->u.string.size);
    if (out->name == NULL)
        return bert__alloc_fail(r->arena->alloc, r->path, r->err);
    if (strlen(out->name) != value->u.string.size || !bert__manifest_is_name(out->name))
        return bert__fail(r->err, BERT_EFORMAT,
                          "%s: files[%zu]: \"%s\" is not the name of a model's file", r->path, i,
                          bert__printable(text, value->u.string.data, value->u.string.size));
    if (i > 0 && strcmp(r->to->files[i - 1].name, out->name) >= 0)
        return bad(r, i, "\"name\" is to come after the one before it, in the order of bytes");
    return BERT_OK;
}

static bert_status read_file(const struct reading *r, size_t i, const struct bert__json *from)
{
    struct bert__listed *out = &r->to->files[i];
    const struct bert__json *size;
    bert_status st;

    if (from->type != BERT__JSON_OBJECT)
        return bad(r, i, "is no object");
    st = read_name(r, i, bert__json_find(from, "name"), out);
    if (st != BERT_OK)
        return st;
    size = bert__json_find(from, "size");
    if (!bert__json_is(size, BERT__JSON_NUMBER) || !size->is_integer || size->u.integer < 0)
        return bad(r, i, "\"size\" is missing or no number of bytes");
    out->size = (uint64_t)size->u.integer;
    if (!read_digest(out->sha256, bert__json_find(from, "sha256")))
        return bad(r, i, "\"sha256\" is missing or not 64 digits of 0-9 and a-f");
    return BERT_OK;
}

static bert_status read_files(const struct reading *r, const struct bert__json *list)
{
    size_t bytes;
    bert_status st = BERT_OK;

    if (!bert__json_is(list, BERT__JSON_ARRAY) || list->u.array.count == 0)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"files\" is missing or lists none", r->path);
    r->to->n = list->u.array.count;
    if (bert__size_mul(r->to->n, sizeof *r->to->files, &bytes))
        r->to->files = bert__arena_get(r->arena, bytes);
    if (r->to->files == NULL)
        return bert__alloc_fail(r->arena->alloc, r->path, r->err);
    for (size_t i = 0; i < r->to->n && st == BERT_OK; i++)
        st = read_file(r, i, &list->u.array.items[i]);
    return st;
}

static bert_status read_version(const struct reading *r, const struct bert__json *root)
{
    uint32_t version = 0;
    bert_status st;

    if (!bert__json_equals(bert__json_find(root, "format"), BERT__MANIFEST_FORMAT))
        return bert__fail(r->err, BERT_EFORMAT, "%s: no manifest: \"format\" is to be \"%s\"",
                          r->path, BERT__MANIFEST_FORMAT);
    st = bert__json_read_u32(root, r->path, "version", 1, UINT32_MAX, &version, r->err);
    if (st == BERT_OK && version == 0)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"version\" is missing", r->path);
    if (st == BERT_OK && version != BERT__MANIFEST_VERSION)
        return bert__fail(r->err, BERT_EUNSUPPORTED, "%s: version %lu is not known", r->path,
                          (unsigned long)version);
    return st;
}

bert_status bert__manifest_read(struct bert__manifest *out, struct bert__arena *arena,
                                const char *path, const struct bert__json *root, bert_error *err)
{
    struct reading r = {out, arena, path, err};
    char digest[BERT__SHA256_HEX];
    bert_status st;

    memset(out, 0, sizeof *out);
    st = read_version(&r, root);
    if (st == BERT_OK && !read_digest(out->digest, bert__json_find(root, "digest")))
        st = bert__fail(err, BERT_EFORMAT,
                        "%s: \"digest\" is missing or not 64 digits of 0-9 and a-f", path);
    if (st == BERT_OK)
        st = read_files(&r, bert__json_find(root, "files"));
    if (st != BERT_OK)
        return st;
    bert__manifest_digest(out, digest);
    if (strcmp(digest, out->digest) != 0)
        return bert__fail(err, BERT_EFORMAT,
                          "%s: \"digest\" is %.12s..., but that of the list is %.12s...", path,
                          out->digest, digest);
    return BERT_OK;
}
