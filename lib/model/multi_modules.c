/* SPDX-License-Identifier: MIT */
/*
 * multi_modules.c - what is around an encoder that gives a vector of each token (ColBERT), in all
 * the forms in which sentence-transformers 6.2 reads one: saved as a MultiVectorEncoder, by PyLate,
 * or by Stanford's ColBERT (multi_vector_encoder/model.py).
 */
#include <string.h>

#include "lib/base/error.h"
#include "lib/model/modules_parts.h"

enum { MAX_LENGTH = 1 << 30, MAX_WORDS = 1 << 16 }; /* a list of more is no list of words */

/* ---- Lists --------------------------------------------------------------------------------- */

static bert_status find_list(const struct bert__modules_reader *r,
                             const struct bert__json_file *file, const char *key,
                             const struct bert__json **out)
{
    bert_status status =
        bert__json_read_container(file->root, file->path, key, BERT__JSON_ARRAY, out, r->err);

    if (!status && *out && (*out)->u.array.count > MAX_WORDS)
        status = bert__fail(r->err, BERT_ELIMIT, "%s: \"%s\" has %zu entries; at most %d",
                            file->path, key, (*out)->u.array.count, MAX_WORDS);
    return status;
}

static bert_status read_skip(const struct bert__modules_reader *r,
                             const struct bert__json_file *file, const char *key)
{
    struct bert__multi *multi = &r->out->multi;
    const struct bert__json *list;
    bert_status status = find_list(r, file, key, &list);
    bert_text *words;

    if (status || !list)
        return status;
    words = bert__arena_get(r->arena, (list->u.array.count + 1) * sizeof(*words));
    for (size_t i = 0; words && i < list->u.array.count; i++) {
        const struct bert__json *item = &list->u.array.items[i];

        if (item->type != BERT__JSON_STRING)
            return bert__fail(r->err, BERT_EFORMAT, "%s: \"%s\" holds %s; expected strings",
                              file->path, key, bert__json_type_name(item));
        words[i].size = item->u.string.size;
        words[i].data = bert__arena_string(r->arena, item->u.string.data, words[i].size);
        if (!words[i].data)
            words = NULL;
    }
    if (!words)
        return bert__alloc_fail(r->arena->alloc, file->path, r->err);
    multi->skip = words;
    multi->n_skip = (uint32_t)list->u.array.count;
    return BERT_OK;
}

/* Python's string.punctuation, which both of the older forms leave out. */
static bert_status skip_punctuation(const struct bert__modules_reader *r)
{
    static const char marks[] = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    enum { N = sizeof(marks) - 1 };
    bert_text *words = bert__arena_get(r->arena, N * sizeof(*words));

    if (!words)
        return bert__alloc_fail(r->arena->alloc, "the skiplist", r->err);
    for (size_t i = 0; i < N; i++)
        words[i] = (bert_text){&marks[i], 1};
    r->out->multi.skip = words;
    r->out->multi.n_skip = N;
    return BERT_OK;
}

static bert_status read_keep(const struct bert__modules_reader *r,
                             const struct bert__json_file *file)
{
    struct bert__multi *multi = &r->out->multi;
    const struct bert__json *list;
    bert_status status = find_list(r, file, "keep_only_token_ids", &list);
    int32_t *ids;

    if (status || !list || !list->u.array.count)
        return status;
    ids = bert__arena_get(r->arena, list->u.array.count * sizeof(*ids));
    if (!ids)
        return bert__alloc_fail(r->arena->alloc, file->path, r->err);
    for (size_t i = 0; i < list->u.array.count; i++) {
        const struct bert__json *item = &list->u.array.items[i];

        if (item->type != BERT__JSON_NUMBER || !item->is_integer || item->u.integer < 0
            || item->u.integer > INT32_MAX)
            return bert__fail(r->err, BERT_EFORMAT,
                              "%s: \"keep_only_token_ids\" holds what is no id", file->path);
        ids[i] = (int32_t)item->u.integer;
    }
    multi->keep = ids;
    multi->n_keep = (uint32_t)list->u.array.count;
    return BERT_OK;
}

/* ---- Modules -------------------------------------------------------------------------------- */

/* A name, or a list of them. */
static bert_status read_tasks(const struct bert__modules_reader *r,
                              const struct bert__json_file *file)
{
    struct bert__multi *multi = &r->out->multi;
    const struct bert__json *value = bert__json_find(file->root, "skiplist_tasks");
    size_t n = bert__json_is(value, BERT__JSON_ARRAY) ? value->u.array.count : 1;

    multi->skip_documents = !value;
    for (size_t i = 0; value && i < n; i++) {
        const struct bert__json *task =
            value->type == BERT__JSON_ARRAY ? &value->u.array.items[i] : value;

        if (task->type != BERT__JSON_STRING)
            return bert__fail(r->err, BERT_EFORMAT, "%s: \"skiplist_tasks\" holds %s", file->path,
                              bert__json_type_name(task));
        multi->skip_queries |= bert__json_equals(task, "query");
        multi->skip_documents |= bert__json_equals(task, "document");
    }
    return BERT_OK;
}

static bert_status read_mask(const struct bert__modules_reader *r, const char *path)
{
    struct bert__json_file file;
    bert_status status = bert__json_file(&file, r->scratch, r->source, path, "config.json", 0,
                                         BERT__CONFIG_BYTES, BERT__JSON_OBJECT, r->err);

    r->out->multi.scores_expansion = true;
    if (!status)
        status = read_skip(r, &file, "skiplist_words");
    if (!status)
        status = read_tasks(r, &file);
    return status ? status : read_keep(r, &file);
}

static struct bert__module *next_module(const struct bert__modules_reader *r, const char *path)
{
    struct bert__module *m = &r->out->multi.modules[r->out->multi.n_modules++];

    memset(m, 0, sizeof(*m));
    m->path = path;
    return m;
}

/* One of the text's vector finds none, and does nothing. */
static bert_status read_normalize(const struct bert__modules_reader *r, const char *path)
{
    struct bert__json_file file;
    bert_status status = bert__json_file(&file, r->scratch, r->source, path, "config.json", 1,
                                         BERT__CONFIG_BYTES, BERT__JSON_OBJECT, r->err);
    const struct bert__json *input = bert__json_find(file.root, "module_input_name");

    if (status || !input || bert__json_equals(input, "sentence_embedding"))
        return status;
    return bert__module_normalize(r, next_module(r, path));
}

static bert_status refuse(const struct bert__modules_reader *r, const struct bert__json_file *file,
                          size_t i, const struct bert__module_entry *entry)
{
    const bert_text *name = entry->class.size > 0 ? &entry->class : &entry->type;
    char type[84];

    return bert__fail(r->err, BERT_EUNSUPPORTED,
                      "%s: module %zu of a MultiVectorEncoder is a \"%s\"; only a Transformer and "
                      "then Dense, one MultiVectorMask and Normalize are handled",
                      file->path, i, bert__printable(type, name->data, name->size));
}

static bert_status read_module(const struct bert__modules_reader *r,
                               const struct bert__json_file *file, size_t i,
                               const struct bert__module_entry *entry, enum bert__multi_form form)
{
    if (i == 0) {
        if (!bert__module_is(entry, "Transformer"))
            return refuse(r, file, i, entry);
        r->out->transformer_path = entry->path;
        return bert__transformer_settings(r, BERT__TOKEN_VECTORS);
    }
    if (bert__module_is(entry, "Dense"))
        return bert__module_dense(r, next_module(r, entry->path));
    if (bert__module_is(entry, "Normalize"))
        return read_normalize(r, entry->path);
    if (form == BERT__MULTI_NATIVE && bert__module_is(entry, "MultiVectorMask")
        && !r->out->multi.scores_expansion)
        return read_mask(r, entry->path);
    return refuse(r, file, i, entry);
}

/* What the reference puts behind the modules of the older forms. */
static bert_status add_usual(const struct bert__modules_reader *r)
{
    struct bert__multi *multi = &r->out->multi;

    multi->scores_expansion = true;
    multi->skip_documents = true;
    next_module(r, "")->kind = BERT__MODULE_NORMALIZE;
    return multi->skip ? BERT_OK : skip_punctuation(r);
}

/* Room for the modules of a list, and one more. */
static bert_status reserve(const struct bert__modules_reader *r, size_t n)
{
    r->out->multi.modules = bert__arena_get(r->arena, (n + 1) * sizeof(*r->out->multi.modules));
    return r->out->multi.modules ? BERT_OK
                                 : bert__alloc_fail(r->arena->alloc, "the modules", r->err);
}

static bert_status read_list(const struct bert__modules_reader *r,
                             const struct bert__json_file *file, enum bert__multi_form form)
{
    size_t n = file->root->u.array.count;
    bert_status status;

    if (n > BERT__MODULES_MAX)
        return bert__fail(r->err, BERT_ELIMIT, "%s: %zu modules; at most %d are handled",
                          file->path, n, BERT__MODULES_MAX);
    status = reserve(r, n);
    for (size_t i = 0; i < n && !status; i++) {
        struct bert__module_entry entry;

        status = bert__module_entry_read(r, file, i, &entry);
        if (!status)
            status = read_module(r, file, i, &entry, form);
    }
    if (!status && form != BERT__MULTI_NATIVE)
        status = add_usual(r);
    return status;
}

/* What isn't handled is told to those who ask for vectors of tokens; the encoder is there all the
 * same. */
static bert_status keep_refusal(const struct bert__modules_reader *r, bert_status status,
                                const bert_error *why)
{
    if (status != BERT_EUNSUPPORTED)
        return status ? bert__fail(r->err, status, "%s", why->message) : BERT_OK;
    r->out->multi.refusal = bert__arena_string(r->arena, why->message, strlen(why->message));
    if (!r->out->multi.refusal)
        return bert__alloc_fail(r->arena->alloc, "a note", r->err);
    return bert__modules_note(r, "%s", why->message);
}

bert_status bert__multi_modules(const struct bert__modules_reader *r,
                                const struct bert__json_file *file, enum bert__multi_form form)
{
    bert_error why = {BERT_OK, ""};
    struct bert__modules_reader own = *r;

    own.err = &why;
    own.features = "token_embeddings";
    if (form == BERT__MULTI_NATIVE)
        r->out->multi.skip = NULL; /* the MultiVectorMask alone says */
    return keep_refusal(r, read_list(&own, file, form), &why);
}

/* ---- Settings -------------------------------------------------------------------------------- */

/* A key that is there overrides, null too. */
static bert_status read_length(const struct bert__modules_reader *r,
                               const struct bert__json_file *file, const char *key, uint32_t *out)
{
    if (bert__json_get(file->root, key))
        *out = 0;
    return bert__json_read_u32(file->root, file->path, key, 1, MAX_LENGTH, out, r->err);
}

static bert_status read_strategy(const struct bert__modules_reader *r,
                                 const struct bert__json_file *file, const struct bert__json *value)
{
    const struct bert__json *strategy = bert__json_get(value, "strategy");
    char name[84] = "";

    r->out->multi.expansion.fixed = bert__json_equals(strategy, "fixed");
    if (r->out->multi.expansion.fixed || bert__json_equals(strategy, "min"))
        return BERT_OK;
    if (bert__json_is(strategy, BERT__JSON_STRING))
        bert__printable(name, strategy->u.string.data, strategy->u.string.size);
    return bert__fail(r->err, BERT_EUNSUPPORTED,
                      "%s: \"query_expansion\": \"strategy\" \"%s\" is not handled", file->path,
                      name);
}

static bert_status check_keys(const struct bert__modules_reader *r,
                              const struct bert__json_file *file, const struct bert__json *value)
{
    static const char *const known[] = {"strategy", "attend", "token", "length"};
    char name[84];

    for (size_t i = 0; i < value->u.object.count; i++) {
        const bert_text *key = &value->u.object.members[i].key;
        bool found = false;

        for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++)
            found |= strlen(known[k]) == key->size && memcmp(known[k], key->data, key->size) == 0;
        if (!found)
            return bert__fail(r->err, BERT_EUNSUPPORTED,
                              "%s: \"query_expansion\": \"%s\" is not handled", file->path,
                              bert__printable(name, key->data, key->size));
    }
    return BERT_OK;
}

static bert_status read_expansion(const struct bert__modules_reader *r,
                                  const struct bert__json_file *file)
{
    struct bert__multi *multi = &r->out->multi;
    const struct bert__json *value;
    bert_status status = bert__json_read_container(file->root, file->path, "query_expansion",
                                                   BERT__JSON_OBJECT, &value, r->err);

    if (status || !bert__json_get(file->root, "query_expansion"))
        return status;
    memset(&multi->expansion, 0, sizeof(multi->expansion));
    if (!value)
        return BERT_OK;
    status = check_keys(r, file, value);
    if (!status)
        status = read_strategy(r, file, value);
    if (!status)
        status =
            bert__json_read_bool(value, file->path, "attend", &multi->expansion.attend, r->err);
    if (!status)
        status = bert__json_read_u32(value, file->path, "length", 1, MAX_LENGTH,
                                     &multi->expansion.length, r->err);
    if (!status && !multi->expansion.length)
        status = bert__fail(r->err, BERT_EFORMAT, "%s: \"query_expansion\": \"length\" is missing",
                            file->path);
    if (!status)
        status =
            bert__json_read_string(value, file->path, "token", &multi->expansion.token, r->err);
    if (!status && multi->expansion.token.data) {
        multi->expansion.token.data =
            bert__arena_string(r->arena, multi->expansion.token.data, multi->expansion.token.size);
        if (!multi->expansion.token.data)
            status = bert__alloc_fail(r->arena->alloc, file->path, r->err);
    }
    return status;
}

bert_status bert__multi_settings(const struct bert__modules_reader *r,
                                 const struct bert__json_file *file)
{
    struct bert__multi *multi = &r->out->multi;
    bert_status status = read_length(r, file, "query_length", &multi->query_length);

    if (!status)
        status = read_length(r, file, "document_length", &multi->document_length);
    return status ? status : read_expansion(r, file);
}

/* ---- PyLate's settings ------------------------------------------------------------------------
 */

/* Its flat keys say what "query_expansion" says since. */
bert_status bert__multi_pylate(const struct bert__modules_reader *r,
                               const struct bert__json_file *file)
{
    static const char *const marks[] = {
        "query_length",       "document_length",       "query_expansion",
        "do_query_expansion", "query_prefix",          "attend_to_expansion_tokens",
        "document_prefix",    "attend_to_mask_tokens", "skiplist_words"};
    struct bert__multi *multi = &r->out->multi;
    const struct bert__json *attend = bert__json_get(file->root, "attend_to_expansion_tokens");
    const struct bert__json *expands = bert__json_get(file->root, "do_query_expansion");
    bool marked = false;
    bert_status status = bert__multi_settings(r, file);

    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        marked |= bert__json_get(file->root, marks[i]) != NULL;
    if (!status)
        status = read_skip(r, file, "skiplist_words");
    if (status || !marked || bert__json_get(file->root, "query_expansion")
        || bert__json_is(expands, BERT__JSON_FALSE))
        return status;
    if (!attend)
        attend = bert__json_get(file->root, "attend_to_mask_tokens");
    multi->expansion.fixed = true;
    multi->expansion.attend = bert__json_is(attend, BERT__JSON_TRUE);
    multi->expansion.length = multi->query_length ? multi->query_length : 32;
    multi->query_length = 0;
    return BERT_OK;
}

/* ---- Stanford's -------------------------------------------------------------------------------
 */

bert_status bert__multi_is_stanford(const struct bert__modules_reader *r, bool *out)
{
    struct bert__json_file file;
    const struct bert__json *list = NULL;
    bert_status status = bert__json_file(&file, r->scratch, r->source, "", "config.json", 1,
                                         BERT__CONFIG_BYTES, BERT__JSON_OBJECT, r->err);

    *out = false;
    if (!status && file.root)
        list = bert__json_find(file.root, "architectures");
    for (size_t i = 0; bert__json_is(list, BERT__JSON_ARRAY) && i < list->u.array.count; i++)
        *out |= bert__json_equals(&list->u.array.items[i], "HF_ColBERT");
    return status;
}

/* A word of the vocabulary and a space. */
static bert_status read_marker(const struct bert__modules_reader *r,
                               const struct bert__json_file *file, const char *key,
                               const char *fallback, const char *name)
{
    struct bert__prompt *prompt = &r->out->prompts[r->out->n_prompts];
    bert_text text = {NULL, 0};
    bert_status status = bert__json_read_string(file->root, file->path, key, &text, r->err);
    char *copy;

    if (status)
        return status;
    if (!text.size)
        text = (bert_text){fallback, strlen(fallback)};
    copy = bert__arena_get(r->arena, text.size + 2);
    if (!copy)
        return bert__alloc_fail(r->arena->alloc, "the prompts", r->err);
    memcpy(copy, text.data, text.size);
    memcpy(copy + text.size, " ", 2);
    prompt->name = name;
    prompt->text = (bert_text){copy, text.size + 1};
    r->out->multi.markers[r->out->n_prompts++] = prompt->text;
    return BERT_OK;
}

static bert_status read_metadata(const struct bert__modules_reader *r)
{
    struct bert__multi *multi = &r->out->multi;
    struct bert__json_file file;
    bool punctuation = true;
    bert_status status = bert__json_file(&file, r->scratch, r->source, "", "artifact.metadata", 1,
                                         BERT__CONFIG_BYTES, BERT__JSON_OBJECT, r->err);

    multi->expansion.fixed = true;
    multi->expansion.length = 32;
    if (!status)
        status = bert__json_read_u32(file.root, file.path, "doc_maxlen", 1, MAX_LENGTH,
                                     &multi->document_length, r->err);
    if (!status)
        status = bert__json_read_u32(file.root, file.path, "query_maxlen", 1, MAX_LENGTH,
                                     &multi->expansion.length, r->err);
    if (!status)
        status = bert__json_read_bool(file.root, file.path, "attend_to_mask_tokens",
                                      &multi->expansion.attend, r->err);
    if (!status)
        status =
            bert__json_read_bool(file.root, file.path, "mask_punctuation", &punctuation, r->err);
    if (!status)
        status = read_marker(r, &file, "query_token_id", "[unused0]", "query");
    if (!status)
        status = read_marker(r, &file, "doc_token_id", "[unused1]", "document");
    return status || !punctuation ? status : skip_punctuation(r);
}

bert_status bert__multi_stanford(const struct bert__modules_reader *r)
{
    struct bert__modules *out = r->out;
    struct bert__module *dense;
    bert_status status = reserve(r, 1);

    out->prompts = bert__arena_get(r->arena, 2 * sizeof(*out->prompts));
    if (!out->prompts)
        return bert__alloc_fail(r->arena->alloc, "the prompts", r->err);
    if (status)
        return status;
    out->multi.present = true;
    out->multi.scores_expansion = true;
    out->multi.skip_documents = true;
    out->similarity = "maxsim";
    dense = next_module(r, "");
    dense->kind = BERT__MODULE_DENSE;
    dense->activation = "identity";
    dense->tensor = "linear";
    next_module(r, "")->kind = BERT__MODULE_NORMALIZE;
    return read_metadata(r);
}
