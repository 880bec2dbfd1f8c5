/* SPDX-License-Identifier: MIT */
/* manifest.c - bert/manifest.h: a model's files listed, and compared with the list. */
#include <bert/manifest.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/api/place.h"
#include "lib/base/error.h"
#include "lib/base/out_file.h"
#include "lib/base/size.h"
#include "lib/model/manifest.h"

enum { STEP = 1 << 20, KNOWN_FLAGS = BERT_MANIFEST_LINKS };

_Static_assert(BERT_DIGEST_SIZE == BERT__SHA256_HEX, "one is the other");

struct job {
    bert_manifest_options options;
    struct bert__alloc *alloc;
    struct bert__arena arena;
    struct bert__place place;
    unsigned char *step; /* [STEP] */
    bool any_link;
    bert_error *err;
};

/* ---- One file --------------------------------------------------------------------- */

static bert_status poll(const struct job *job)
{
    if (job->options.cancel != NULL && job->options.cancel(job->options.cancel_context) != 0)
        return bert__fail(job->err, BERT_ECANCELED, "the call was canceled");
    return BERT_OK;
}

static bert_status hash(struct job *job, struct bert__file *file, char out[BERT__SHA256_HEX])
{
    uint64_t size = bert__file_size(file);
    unsigned char digest[BERT__SHA256_BYTES];
    struct bert__sha256 h;

    bert__sha256_start(&h);
    for (uint64_t at = 0; at < size; at += STEP) {
        size_t n = size - at < STEP ? (size_t)(size - at) : STEP;
        bert_status st = bert__file_read(file, at, job->step, n, job->err);

        if (st == BERT_OK)
            st = poll(job);
        if (st != BERT_OK)
            return st;
        bert__sha256_add(&h, job->step, n);
    }
    bert__sha256_finish(&h, digest);
    bert__sha256_hex(out, digest);
    return BERT_OK;
}

static void log_file(const struct job *job, const struct bert__listed *file)
{
    bert_error line;

    if (job->options.log == NULL)
        return;
    bert__fail(&line, BERT_OK, "%s: %llu bytes, SHA-256 %s", file->name,
               (unsigned long long)file->size, file->sha256);
    job->options.log(job->options.log_context, BERT_LOG_INFO, line.message);
}

/* What the manifest calls a file, as the folder calls it; NULL: it is none of a packed model's. */
static const char *real_name(const struct job *job, const char *name)
{
    if (job->place.packed == NULL)
        return name;
    if (strcmp(name, BERT__PACKED_NAME) == 0)
        return job->place.packed;
    return strcmp(name, BERT__GOLDEN_NAME) == 0 ? job->place.golden : NULL;
}

/* Names beside a packed file are its owner's, none a manifest's. */
static bert_status check_link(struct job *job, const char *name)
{
    if (job->any_link || job->place.packed != NULL)
        return BERT_OK;
    return bert__place_check_link(&job->place, &job->arena, name, job->err);
}

static bert_status open_file(struct job *job, const char *name, int optional,
                             struct bert__file **out)
{
    const char *real = real_name(job, name);
    bert_status st = poll(job);

    *out = NULL;
    if (st == BERT_OK && real == NULL)
        st = bert__fail(job->err, BERT_EFORMAT, "%s: \"%s\" is no file of a packed model",
                        job->place.manifest, name);
    if (st == BERT_OK)
        st = bert__source_open(job->place.source, real, optional, out, job->err);
    if (st != BERT_OK || *out == NULL)
        return st;
    st = check_link(job, real);
    if (st != BERT_OK) {
        bert__file_close(*out);
        *out = NULL;
    }
    return st;
}

/* Size and digest of a file whose name is there. */
static bert_status list_file(struct job *job, struct bert__listed *out)
{
    struct bert__file *file;
    bert_status st;

    if (!bert__manifest_is_name(out->name))
        return bert__fail(job->err, BERT_EFORMAT, "%s/%s: a name that no manifest can list",
                          job->place.folder, out->name);
    st = open_file(job, out->name, 0, &file);
    if (st != BERT_OK)
        return st;
    out->size = bert__file_size(file);
    st = hash(job, file, out->sha256);
    bert__file_close(file);
    if (st == BERT_OK)
        log_file(job, out);
    return st;
}

/* ---- The list ----------------------------------------------------------------------- */

static bert_status find_packed(struct job *job, struct bert__trace *trace)
{
    struct bert__file *golden;
    bert_status st = bert__source_open(job->place.source, job->place.golden, 1, &golden, job->err);

    if (st == BERT_OK
        && (!bert__trace_file(trace, BERT__PACKED_NAME)
            || (golden != NULL && !bert__trace_file(trace, BERT__GOLDEN_NAME))))
        st = bert__alloc_fail(job->alloc, job->place.packed, job->err);
    bert__file_close(golden);
    return st;
}

/* Names of what is there, into the trace. */
static bert_status find(struct job *job, struct bert__trace *trace)
{
    bert__trace_init(trace, job->alloc);
    return job->place.packed != NULL
               ? find_packed(job, trace)
               : bert__manifest_find(job->place.source, trace, job->alloc, job->err);
}

static bert_status list_found(struct job *job, const struct bert__trace *trace,
                              struct bert__manifest *out)
{
    const struct bert__traced *found = trace->files;
    bert_status st = BERT_OK;
    size_t bytes;

    memset(out, 0, sizeof *out);
    if (bert__size_mul(trace->n_files, sizeof *out->files, &bytes))
        out->files = bert__arena_get(&job->arena, bytes);
    if (out->files == NULL)
        return bert__alloc_fail(job->alloc, "the manifest", job->err);
    for (; found != NULL && st == BERT_OK; found = found->next) {
        out->files[out->n].name = found->name;
        st = list_file(job, &out->files[out->n++]);
    }
    if (st == BERT_OK)
        bert__manifest_digest(out, out->digest);
    return st;
}

/* ---- Comparing ----------------------------------------------------------------------- */

static bert_status compare_file(struct job *job, const struct bert__listed *listed)
{
    const char *path = NULL;
    char sha256[BERT__SHA256_HEX];
    struct bert__file *file;
    bert_status st = open_file(job, listed->name, 1, &file);

    if (st != BERT_OK)
        return st;
    if (file == NULL)
        return bert__fail(job->err, BERT_EFORMAT, "%s/%s: missing, but in the manifest",
                          job->place.folder, real_name(job, listed->name));
    path = bert__file_path(file);
    if (bert__file_size(file) != listed->size)
        st =
            bert__fail(job->err, BERT_EFORMAT, "%s: %llu bytes, but %llu in the manifest", path,
                       (unsigned long long)bert__file_size(file), (unsigned long long)listed->size);
    if (st == BERT_OK)
        st = hash(job, file, sha256);
    if (st == BERT_OK && strcmp(sha256, listed->sha256) != 0)
        st = bert__fail(job->err, BERT_EFORMAT,
                        "%s: changed: its SHA-256 is %.12s..., but %.12s... in the manifest", path,
                        sha256, listed->sha256);
    bert__file_close(file);
    if (st == BERT_OK)
        log_file(job, listed);
    return st;
}

/* Both lists ascend. */
static bert_status find_extra(struct job *job, const struct bert__manifest *manifest)
{
    const struct bert__traced *found;
    struct bert__trace trace;
    bert_status st = find(job, &trace);
    size_t i = 0;

    for (found = trace.files; found != NULL && st == BERT_OK; found = found->next) {
        while (i < manifest->n && strcmp(manifest->files[i].name, found->name) < 0)
            i++;
        if (i == manifest->n || strcmp(manifest->files[i].name, found->name) != 0)
            st = bert__fail(job->err, BERT_EFORMAT,
                            "%s/%s: would be read, but is not in the manifest", job->place.folder,
                            real_name(job, found->name));
    }
    bert__trace_free(&trace);
    return st;
}

static bert_status read_manifest(struct job *job, struct bert__manifest *out)
{
    struct bert__json_file file = {NULL, job->place.manifest};
    bert_status st = check_link(job, job->place.manifest);

    if (st == BERT_OK)
        st = bert__json_file(&file, &job->arena, job->place.source, "", job->place.manifest, 0,
                             BERT__CONFIG_BYTES, BERT__JSON_OBJECT, job->err);
    return st == BERT_OK ? bert__manifest_read(out, &job->arena, file.path, file.root, job->err)
                         : st;
}

/* ---- The calls -------------------------------------------------------------------------- */

static bert_status make_list(struct job *job, struct bert__manifest *out)
{
    struct bert__trace trace;
    bert_status st = find(job, &trace);

    if (st == BERT_OK) {
        st = list_found(job, &trace, out);
        for (size_t i = 0; st == BERT_OK && i < out->n; i++) { /* the trace's names go with it */
            const char *name = out->files[i].name;

            out->files[i].name = bert__arena_string(&job->arena, name, strlen(name));
            if (out->files[i].name == NULL)
                st = bert__alloc_fail(job->alloc, "the manifest", job->err);
        }
    }
    bert__trace_free(&trace);
    return st;
}

static bert_status digest_of(struct job *job, struct bert__manifest *out)
{
    job->any_link = true;
    return make_list(job, out);
}

static bert_status write_list(struct job *job, struct bert__manifest *out)
{
    struct bert__json_text text = {.alloc = job->alloc};
    const char *path = bert__place_path(&job->place, &job->arena, job->place.manifest);
    bert_status st = make_list(job, out);

    if (st == BERT_OK)
        bert__manifest_describe(&text, out);
    if (st == BERT_OK && (text.failed || path == NULL))
        st = bert__alloc_fail(job->alloc, "the manifest", job->err);
    if (st == BERT_OK)
        st = bert__out_file_put(job->alloc, path, text.data, text.size, job->err);
    bert__alloc_free(job->alloc, text.data);
    return st;
}

static bert_status verify(struct job *job, struct bert__manifest *out)
{
    bert_status st = read_manifest(job, out);

    for (size_t i = 0; st == BERT_OK && i < out->n; i++)
        st = compare_file(job, &out->files[i]);
    return st == BERT_OK ? find_extra(job, out) : st;
}

static bert_status read_options(struct job *job, const bert_manifest_options *options)
{
    bert_manifest_options *o = &job->options;
    bert_status st = bert__options_read(o, sizeof *o, options, "bert_manifest_options", job->err);

    if (st == BERT_OK && (o->flags & ~(uint32_t)KNOWN_FLAGS) != 0)
        st = bert__fail(job->err, BERT_EINVAL, "bert_manifest_options.flags 0x%lx has unknown bits",
                        (unsigned long)o->flags);
    job->any_link = (o->flags & BERT_MANIFEST_LINKS) != 0;
    return st;
}

static bert_status run_in(struct job *job, const char *path, char *digest,
                          bert_status (*work)(struct job *job, struct bert__manifest *out))
{
    struct bert__manifest manifest;
    bert_status st;

    bert__arena_init(&job->arena, job->alloc);
    job->step = bert__alloc(job->alloc, STEP);
    st = job->step != NULL ? bert__place_open(&job->place, &job->arena, path,
                                              job->options.max_file_bytes, job->err)
                           : bert__alloc_fail(job->alloc, "a manifest", job->err);
    if (st == BERT_OK)
        st = work(job, &manifest);
    if (st == BERT_OK && digest != NULL)
        memcpy(digest, manifest.digest, sizeof manifest.digest);
    bert__place_close(&job->place);
    bert__alloc_free(job->alloc, job->step);
    bert__arena_free(&job->arena);
    return st;
}

static bert_status run(const char *path, const bert_manifest_options *options, char *digest,
                       bert_status (*work)(struct job *job, struct bert__manifest *out),
                       bert_error *err)
{
    struct job job = {.err = err};
    bert_status st;

    if (digest != NULL)
        digest[0] = '\0';
    if (path == NULL)
        return bert__fail(err, BERT_EINVAL, "path is NULL");
    st = read_options(&job, options);
    if (st != BERT_OK)
        return st;
    job.alloc = bert__alloc_create(job.options.allocator, 0);
    if (job.alloc == NULL)
        return bert__fail_nomem(err, "a manifest");
    st = run_in(&job, path, digest, work);
    bert__alloc_destroy(job.alloc);
    return st;
}

bert_status bert_manifest_write(const char *path, const bert_manifest_options *options,
                                char digest[BERT_DIGEST_SIZE], bert_error *err)
{
    return run(path, options, digest, write_list, err);
}

bert_status bert_manifest_verify(const char *path, const bert_manifest_options *options,
                                 char digest[BERT_DIGEST_SIZE], bert_error *err)
{
    return run(path, options, digest, verify, err);
}

bert_status bert_manifest_digest(const char *path, const bert_manifest_options *options,
                                 char digest[BERT_DIGEST_SIZE], bert_error *err)
{
    if (digest == NULL)
        return bert__fail(err, BERT_EINVAL, "digest is NULL");
    return run(path, options, digest, digest_of, err);
}
