/* SPDX-License-Identifier: MIT */
/* place.c - a model's folder, or that of a packed one, and the names in it. */
#include "lib/api/place.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/base/bundle.h"
#include "lib/base/error.h"
#include "lib/base/json_file.h"
#include "lib/base/reason.h"
#include "lib/base/size.h"
#include "lib/base/sys.h"
#include "lib/model/manifest.h"

/* ---- Names ---------------------------------------------------------------------- */

static const char *with_suffix(struct bert__arena *arena, const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix), bytes;
    char *out = NULL;

    if (bert__size_add(n, m + 1, &bytes))
        out = bert__arena_get(arena, bytes);
    if (out == NULL)
        return NULL;
    memcpy(out, name, n);
    memcpy(out + n, suffix, m + 1);
    return out;
}

/* The path less its last part, and that. */
static bool split(struct bert__place *place, struct bert__arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        place->folder = ".";
    else if (slash == path)
        place->folder = "/";
    else
        place->folder = bert__arena_string(arena, path, (size_t)(slash - path));
    place->packed = slash != NULL ? slash + 1 : path;
    place->packed = bert__arena_string(arena, place->packed, strlen(place->packed));
    if (place->folder == NULL || place->packed == NULL)
        return false;
    place->manifest = with_suffix(arena, place->packed, ".manifest.json");
    place->golden = with_suffix(arena, place->packed, ".golden.json");
    return place->manifest != NULL && place->golden != NULL;
}

static bool name_all(struct bert__place *place, struct bert__arena *arena, const char *path,
                     bool directory)
{
    size_t n = strlen(path);

    memset(place, 0, sizeof *place);
    if (!directory)
        return split(place, arena, path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    place->folder = bert__arena_string(arena, path, n);
    place->manifest = BERT__MANIFEST_NAME;
    place->golden = BERT__GOLDEN_NAME;
    return place->folder != NULL;
}

const char *bert__place_path(const struct bert__place *place, struct bert__arena *arena,
                             const char *name)
{
    return strcmp(place->folder, ".") == 0 && place->packed != NULL
               ? name
               : bert__join_name(arena, place->folder, name);
}

/* ---- Opening -------------------------------------------------------------------- */

static bert_status check_packed(const struct bert__place *place, const char *path, bert_error *err)
{
    unsigned char first[BERT__BUNDLE_MAGIC] = {0};
    struct bert__file *file;
    bert_status st = bert__source_open(place->source, place->packed, 0, &file, err);

    if (st != BERT_OK)
        return st;
    if (bert__file_size(file) >= sizeof first)
        st = bert__file_read(file, 0, first, sizeof first, err);
    bert__file_close(file);
    if (st == BERT_OK && !bert__bundle_is(first))
        st = bert__fail(err, BERT_EFORMAT, "%s: neither a model's directory nor a packed model",
                        path);
    return st;
}

bert_status bert__place_open(struct bert__place *out, struct bert__arena *arena, const char *path,
                             uint64_t max_file_bytes, bert_error *err)
{
    bool directory;
    bert_status st = bert__source_is_directory(&directory, path, err);

    memset(out, 0, sizeof *out);
    if (st != BERT_OK)
        return st;
    if (!name_all(out, arena, path, directory))
        return bert__alloc_fail(arena->alloc, path, err);
    st = bert__source_open_path(&out->source, arena->alloc, out->folder, max_file_bytes, err);
    if (st == BERT_OK && !directory)
        st = check_packed(out, path, err);
    if (st != BERT_OK)
        bert__place_close(out);
    return st;
}

void bert__place_close(struct bert__place *place)
{
    bert__source_close(place->source);
    place->source = NULL;
}

/* ---- Links ------------------------------------------------------------------------ */

static bool is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return n == 1 || (strncmp(path, folder, n) == 0 && path[n] == '/'); /* 1: the root of all */
}

/* CACHE/snapshots/REVISION is made of links into CACHE/blobs. */
static bool is_blob(const char *path, const char *folder)
{
    static const char snapshots[] = "/snapshots", blobs[] = "/blobs/";
    const char *revision = strrchr(folder, '/');
    size_t n = revision != NULL ? (size_t)(revision - folder) : 0, m = sizeof snapshots - 1;

    if (n < m || memcmp(revision - m, snapshots, m) != 0)
        return false;
    n -= m;
    return strncmp(path, folder, n) == 0 && strncmp(path + n, blobs, sizeof blobs - 1) == 0;
}

bert_status bert__place_check_link(const struct bert__place *place, struct bert__arena *arena,
                                   const char *name, bert_error *err)
{
    const char *path = bert__place_path(place, arena, name);
    char folder[PATH_MAX], file[PATH_MAX];

    if (path == NULL)
        return bert__alloc_fail(arena->alloc, name, err);
    if (bert__sys()->resolve(place->folder, folder) == NULL
        || bert__sys()->resolve(path, file) == NULL)
        return errno == ENOENT ? BERT_OK : bert__fail_errno(path, "can't be followed", errno, err);
    if (is_below(file, folder) || is_blob(file, folder))
        return BERT_OK;
    return bert__fail(err, BERT_EFORMAT,
                      "%s: a symbolic link leads out of the model; copy the file, or take such "
                      "links by BERT_MANIFEST_LINKS",
                      path);
}
