/* SPDX-License-Identifier: MIT */
/* load.c - which files make a tokenizer. */
#include "tokenizer/load_files.h"

#include "lib/base/error.h"
#include "lib/base/watch.h"
#include "tokenizer/trim.h"

/* ---- tokenizer_config.json ------------------------------------------------ */

/* A number up to 2^63; a missing one, or one that means none such as 1e30, is 0. */
static uint64_t max_length(const struct bert__json *config)
{
    const struct bert__json *value = bert__json_find(config, "model_max_length");

    if (!bert__json_is(value, BERT__JSON_NUMBER) || !value->is_integer || value->u.integer <= 0
        || value->u.integer >= INT32_MAX)
        return 0;
    return (uint64_t)value->u.integer;
}

/* ---- Files ---------------------------------------------------------------- */

static bert_status read_json(struct bert__load *l, const char *name, const struct bert__json **out)
{
    struct bert__json_file file;
    bert_status status = bert__json_file(&file, l->files, l->source, l->directory, name, 1,
                                         UINT64_MAX, BERT__JSON_OBJECT, l->err);

    *out = status == BERT_OK ? file.root : NULL;
    if (*out != NULL)
        l->path = file.path;
    return status;
}

/* The file's bytes in l->files; *data NULL if it is absent. */
static bert_status read_bytes(struct bert__load *l, const char *name, const char **data,
                              size_t *size)
{
    const char *path = bert__join_name(l->files, l->directory, name);
    struct bert__file *file;
    char *bytes = NULL;
    bert_status status;

    *data = NULL;
    *size = 0;
    if (path == NULL)
        return bert__alloc_fail(l->files->alloc, name, l->err);
    status = bert__source_open(l->source, path, 1, &file, l->err);
    if (status != BERT_OK || file == NULL)
        return status;
    l->path = bert__arena_string(l->files, bert__file_path(file), strlen(bert__file_path(file)));
    if (bert__u64_to_size(bert__file_size(file), size) && l->path != NULL)
        bytes = bert__arena_get(l->files, *size);
    if (bytes == NULL) {
        l->path = path;
        status = bert__alloc_fail(l->files->alloc, path, l->err);
    } else {
        status = bert__file_read(file, 0, bytes, *size, l->err);
    }
    bert__file_close(file);
    if (status == BERT_OK)
        *data = bytes;
    return status;
}

/* A file that has to be there. */
static bert_status need_bytes(struct bert__load *l, const char *name, bert_text *out)
{
    bert_status status = read_bytes(l, name, &out->data, &out->size);

    if (status == BERT_OK && out->data == NULL)
        return bert__fail(l->err, BERT_EFORMAT, "%s: there is no %s beside it", l->path, name);
    return status;
}

static bert_status load_family(struct bert__load *l, const struct bert__family *family,
                               const struct bert__json *config)
{
    struct bert__vocab_files files = {{NULL, 0}, {NULL, 0}};
    const char *path;
    bert_status status = need_bytes(l, family->file, &files.vocab);

    path = l->path;
    if (status == BERT_OK && family->merges != NULL)
        status = need_bytes(l, family->merges, &files.merges);
    if (status != BERT_OK)
        return status;
    l->path = path;
    return bert__load_files(l, family, config, &files);
}

/* tokenizer.json, else the files of another format; *found tells if there were any. */
static bert_status load_directory(struct bert__load *l, bool *found)
{
    const struct bert__json *root, *config;
    const struct bert__family *family;
    bert_status status = read_json(l, "tokenizer_config.json", &config);

    l->config_path = status == BERT_OK && config != NULL ? l->path : NULL;
    if (status == BERT_OK)
        status = read_json(l, "tokenizer.json", &root);
    if (status != BERT_OK)
        return status;
    l->tok->model_max_length = max_length(config);
    l->tok->cleans_up =
        bert__json_is(bert__json_find(config, "clean_up_tokenization_spaces"), BERT__JSON_TRUE);
    if (root != NULL) {
        *found = true;
        status = bert__load_json(l, root);
        if (status == BERT_OK)
            status = bert__named_load(l, config);
        return status == BERT_OK ? bert__load_compare(l, config) : status;
    }
    status = bert__family_choose(l, config, &family);
    if (status != BERT_OK || family == NULL)
        return status;
    *found = true;
    status = load_family(l, family, config);
    bert__named_inputs(l, config);
    return status;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n >= m && memcmp(name + n - m, end, m) == 0;
}

static bool looks_like_json(const char *data, size_t size)
{
    size_t i = 0;

    while (i < size && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r'))
        i++;
    return i < size && data[i] == '{';
}

/* One file: a tokenizer.json, or a vocab.txt or SentencePiece model with the defaults. */
static bert_status load_single(struct bert__load *l, const char *name)
{
    const struct bert__json *root;
    const char *data;
    size_t size;
    bert_status status = read_bytes(l, name, &data, &size);

    if (status != BERT_OK)
        return status;
    if (data == NULL)
        return bert__fail(l->err, BERT_EIO, "%s: no such file", bert__source_name(l->source));
    if (!ends_with(name, ".json") && (ends_with(name, ".txt") || !looks_like_json(data, size))) {
        const struct bert__family *family = bert__family_of_file(name);
        struct bert__vocab_files files = {.vocab = {data, size}};

        return bert__load_files(l, family != NULL ? family : &bert__families[BERT__FAMILY_BERT],
                                NULL, &files);
    }
    status = bert__json_parse(l->files, l->path, data, size, &root, l->err);
    if (status != BERT_OK)
        return status;
    if (root->type != BERT__JSON_OBJECT)
        return bert__fail(l->err, BERT_EFORMAT, "%s: the file holds %s; expected an object",
                          l->path, bert__json_type_name(root));
    status = bert__load_json(l, root);
    if (status == BERT_OK)
        bert__named_guess(l);
    return status;
}

/* ---- Afterwards ----------------------------------------------------------- */

/* Without a padding block in the file: [PAD], else <pad>, of the vocabulary. */
static void find_padding(bert_tokenizer *tok)
{
    static const char *const names[] = {"[PAD]", "<pad>"};

    for (size_t i = 0; i < 2 && !tok->padding.present; i++) {
        bert_text name = {names[i], strlen(names[i])};
        int32_t id = bert__tokenizer_id(tok, name);

        if (id >= 0) {
            tok->padding.present = true;
            tok->padding.token.id = id;
            tok->padding.token.text = name;
        }
    }
}

bert_status bert__tokenizer_part(bert_tokenizer *tok, bert_error *err)
{
    if (!bert__parting_prepare(&tok->parting, tok->alloc, &tok->normalizer, &tok->pretokenizer,
                               &tok->added))
        return bert__alloc_fail(tok->alloc, "tokenizer", err);
    tok->stretch = tok->parting.kind != BERT__PART_NOWHERE ? BERT__STRETCH : 0;
    return BERT_OK;
}

static bert_status finish(bert_tokenizer *tok, bert_error *err)
{
    bert_status status;
    uint32_t size = tok->vocab.n_ids;

    for (uint32_t i = 0; i < tok->added.n; i++) {
        if ((uint32_t)tok->added.tokens[i].id >= size)
            size = (uint32_t)tok->added.tokens[i].id + 1;
    }
    tok->vocab_size = size;
    status = bert__tokenizer_part(tok, err);
    if (status != BERT_OK)
        return status;
    find_padding(tok);
    return bert__trim_prepare(tok, err);
}

/* With an allocator of its own: it and its encodings may outlive the model. */
static bert_status create(bert_tokenizer **out, const bert_allocator *host, bert_error *err)
{
    struct bert__alloc *alloc = bert__alloc_create(host, 0);
    bert_tokenizer *tok;

    *out = NULL;
    if (alloc == NULL)
        return bert__fail_nomem(err, "tokenizer");
    *out = tok = bert__alloc_array(alloc, 1, sizeof *tok);
    if (tok == NULL) {
        bert__alloc_destroy(alloc);
        return bert__fail_nomem(err, "tokenizer");
    }
    tok->alloc = alloc;
    atomic_init(&tok->references, 1);
    for (int i = 0; i < BERT__SPARES; i++)
        atomic_init(&tok->spares[i], NULL);
    bert__arena_init(&tok->arena, alloc);
    return BERT_OK;
}

bert_status bert__tokenizer_load(bert_tokenizer **out, const bert_allocator *host,
                                 struct bert__source *source, const char *directory,
                                 int do_lower_case, bert_error *err)
{
    struct bert__arena files;
    struct bert__load load = {.files = &files,
                              .source = source,
                              .directory = directory,
                              .path = directory,
                              .lower_first = do_lower_case != 0,
                              .err = err};
    const char *single = bert__source_single(source);
    bool found = single != NULL;
    bert_tokenizer *tok;
    bert_status status = create(&tok, host, err);

    *out = NULL;
    if (status != BERT_OK)
        return status;
    load.tok = tok;
    bert__alloc_watch(tok->alloc, bert__source_watched(source));
    bert__arena_init(&files, tok->alloc);
    status = single != NULL ? load_single(&load, single) : load_directory(&load, &found);
    bert__arena_free(&files);
    if (status == BERT_OK && found)
        status = bert__token_model_build(&tok->model, err);
    if (status == BERT_OK && found)
        status = finish(tok, err);
    bert__alloc_watch(tok->alloc, NULL);
    if (status == BERT_OK)
        status = bert__watch_ended(bert__source_watched(source), err);
    if (status == BERT_OK && found) {
        *out = tok;
        return BERT_OK;
    }
    bert__tokenizer_unref(tok);
    return status;
}
