/* SPDX-License-Identifier: MIT */
/*
 * manifest_files.c - which files of a directory a load could read: known names in the folders
 * that modules.json gives, and the shards of an index.  More than one load reads (of several
 * vocabularies it takes one), since which that is hangs on the files themselves.
 */
#include <string.h>

#include "lib/base/error.h"
#include "lib/model/manifest.h"
#include "lib/model/modules_parts.h"

#define INDEX_NAME      "model.safetensors.index.json"
#define MAX_INDEX_BYTES UINT64_C(100000000) /* as weights_files.c */

static const char *const names[] = {
    "added_tokens.json",
    "adapter_config.json",
    "artifact.metadata",
    "colbert_linear.safetensors",
    "config.json",
    "config_sentence_transformers.json",
    "merges.txt",
    "model.safetensors",
    "modules.json",
    "sentence_albert_config.json",
    "sentence_bert_config.json",
    "sentence_camembert_config.json",
    "sentence_distilbert_config.json",
    "sentence_roberta_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "sparse_linear.safetensors",
    "special_tokens_map.json",
    "spiece.model",
    "spm.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
};

struct finding {
    struct bert__arena arena; /* for the time of the search */
    struct bert__source *source;
    bert_error *err;
};

/* The source notes in its trace what is there. */
static bert_status see(struct finding *f, const char *folder, const char *name, int optional,
                       bool *there)
{
    const char *path = bert__join_name(&f->arena, folder, name);
    struct bert__file *file;
    bert_status st;

    if (path == NULL)
        return bert__alloc_fail(f->arena.alloc, name, f->err);
    st = bert__source_open(f->source, path, optional, &file, f->err);
    *there = file != NULL;
    bert__file_close(file);
    return st;
}

/* A name of the index as a string; NULL with BERT_OK: the loader will refuse it. */
static bert_status shard_name(struct finding *f, const struct bert__json *value, const char **out)
{
    const bert_text *text = &value->u.string;

    *out = NULL;
    if (value->type != BERT__JSON_STRING || memchr(text->data, 0, text->size) != NULL
        || memchr(text->data, '/', text->size) != NULL)
        return BERT_OK;
    *out = bert__arena_string(&f->arena, text->data, text->size);
    return *out != NULL ? BERT_OK : bert__alloc_fail(f->arena.alloc, INDEX_NAME, f->err);
}

/* `spare`: there is model.safetensors, which is read instead. */
static bert_status see_shards(struct finding *f, const char *folder, bool spare)
{
    struct bert__json_file index;
    const struct bert__json *map;
    const char *before = "", *name;
    bool there;
    bert_status st = bert__json_file(&index, &f->arena, f->source, folder, INDEX_NAME, 1,
                                     MAX_INDEX_BYTES, BERT__JSON_OBJECT, f->err);

    map = bert__json_find(index.root, "weight_map");
    if (st != BERT_OK || !bert__json_is(map, BERT__JSON_OBJECT))
        return st;
    for (size_t i = 0; i < map->u.object.count && st == BERT_OK; i++) {
        st = shard_name(f, &map->u.object.members[i].value, &name);
        if (st != BERT_OK || name == NULL || strcmp(name, before) == 0)
            continue;
        before = name;
        st = see(f, folder, name, spare, &there);
    }
    return st;
}

static bert_status see_folder(struct finding *f, const char *folder)
{
    bool there, weights = false;
    bert_status st = BERT_OK;

    for (size_t i = 0; i < sizeof names / sizeof *names && st == BERT_OK; i++) {
        st = see(f, folder, names[i], 1, &there);
        if (strcmp(names[i], "model.safetensors") == 0)
            weights = there;
    }
    return st == BERT_OK ? see_shards(f, folder, weights) : st;
}

/* Folder of a module; "" if it is the root, or none. */
static bert_status module_folder(struct finding *f, const struct bert__json *module,
                                 const char **out)
{
    const struct bert__json *path = bert__json_find(module, "path");
    size_t n = bert__json_is(path, BERT__JSON_STRING) ? path->u.string.size : 0;

    *out = "";
    while (n > 0 && path->u.string.data[n - 1] == '/')
        n--;
    if (n == 0 || memchr(path->u.string.data, 0, n) != NULL)
        return BERT_OK;
    *out = bert__arena_string(&f->arena, path->u.string.data, n);
    return *out != NULL ? BERT_OK : bert__alloc_fail(f->arena.alloc, "modules.json", f->err);
}

static bert_status see_modules(struct finding *f)
{
    struct bert__json_file modules;
    const char *folder;
    bert_status st = bert__json_file(&modules, &f->arena, f->source, "", "modules.json", 1,
                                     BERT__CONFIG_BYTES, BERT__JSON_ARRAY, f->err);
    size_t n = modules.root != NULL ? modules.root->u.array.count : 0;

    for (size_t i = 0; i < n && i < BERT__MODULES_MAX && st == BERT_OK; i++) {
        st = module_folder(f, &modules.root->u.array.items[i], &folder);
        if (st == BERT_OK && folder[0] != '\0')
            st = see_folder(f, folder);
    }
    return st;
}

bert_status bert__manifest_find(struct bert__source *source, struct bert__trace *trace,
                                struct bert__alloc *alloc, bert_error *err)
{
    struct finding f = {.source = source, .err = err};
    struct bert__trace *before = bert__source_trace(source, trace);
    bool there;
    bert_status st;

    bert__arena_init(&f.arena, alloc);
    st = see_folder(&f, "");
    if (st == BERT_OK)
        st = see_modules(&f);
    if (st == BERT_OK && trace->n_files == 0)
        st = bert__fail(err, BERT_EIO, "%s: there is no model in it", bert__source_name(source));
    if (st == BERT_OK)
        st = see(&f, "", BERT__GOLDEN_NAME, 1, &there);
    bert__arena_free(&f.arena);
    bert__source_trace(source, before);
    return st;
}
