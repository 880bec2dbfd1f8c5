/* SPDX-License-Identifier: MIT */
/* modules.c - modules.json: which modules, in which order. */
#include "lib/model/modules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/model/modules_parts.h"

enum type { TRANSFORMER, POOLING, DENSE, LAYER_NORM, NORMALIZE, DROPOUT };

/* ---- Shared with the other readers ---------------------------------------------------- */

bert_status bert__modules_string(const struct bert__modules_reader *r, const char *path,
                                 const char *key, const bert_text *text, const char **out)
{
    if (text->size && memchr(text->data, 0, text->size))
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"%s\" holds a NUL", path, key);
    *out = bert__arena_string(r->arena, text->data, text->size);
    return *out ? BERT_OK : bert__alloc_fail(r->arena->alloc, path, r->err);
}

bert_status bert__modules_note(const struct bert__modules_reader *r, const char *format, ...)
{
    struct bert__modules *out = r->out;
    char text[256];
    va_list args;

    if (out->n_notes == BERT__MODULES_NOTES)
        return BERT_OK;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    out->notes[out->n_notes] = bert__arena_string(r->arena, text, strlen(text));
    if (!out->notes[out->n_notes])
        return bert__alloc_fail(r->arena->alloc, "a note", r->err);
    out->n_notes++;
    return BERT_OK;
}

/* ---- Classes ------------------------------------------------------------------------------ */

/*
 * The class of a module's type: all names that its class has had, such as
 * "sentence_transformers.models.Pooling" and
 * "sentence_transformers.sentence_transformer.modules.pooling.Pooling".  A class of the
 * same name from elsewhere is another class.
 */
static bool class_of(const bert_text *type, const struct bert__modules *modules, bert_text *class)
{
    static const struct {
        const char *name;
        bool sparse, multi; /* of such models only */
    } homes[] = {{"sentence_transformers.models.", false, false},
                 {"sentence_transformers.base.modules.", false, false},
                 {"sentence_transformers.sentence_transformer.modules.", false, false},
                 {"sentence_transformers.sparse_encoder.models.", true, false},
                 {"sentence_transformers.sparse_encoder.modules.", true, false},
                 {"sentence_transformers.multi_vector_encoder.modules.", false, true},
                 {"pylate.models.Dense.", false, true}};

    for (size_t i = 0; i < sizeof(homes) / sizeof(*homes); i++) {
        size_t n = strlen(homes[i].name), at;

        if ((homes[i].sparse && !modules->splade.present)
            || (homes[i].multi && !modules->multi.present))
            continue;
        if (type->size <= n || memcmp(type->data, homes[i].name, n) != 0)
            continue;
        for (at = type->size; type->data[at - 1] != '.'; at--)
            ;
        *class = (bert_text){type->data + at, type->size - at};
        return true;
    }
    return false;
}

bool bert__module_is(const struct bert__module_entry *entry, const char *class)
{
    return strlen(class) == entry->class.size
           && memcmp(class, entry->class.data, entry->class.size) == 0;
}

static bool find_type(const struct bert__module_entry *entry, enum type *out)
{
    static const struct {
        const char *class;
        enum type type;
    } known[] = {{"Transformer", TRANSFORMER}, {"Pooling", POOLING},     {"Dense", DENSE},
                 {"LayerNorm", LAYER_NORM},    {"Normalize", NORMALIZE}, {"Dropout", DROPOUT}};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (!bert__module_is(entry, known[i].class))
            continue;
        *out = known[i].type;
        return true;
    }
    return false;
}

/* ---- Entries ------------------------------------------------------------------------------- */

static bert_status need_string(const struct bert__modules_reader *r,
                               const struct bert__json_file *file, size_t i,
                               const struct bert__json *entry, const char *key, bert_text *out)
{
    const struct bert__json *value = bert__json_get(entry, key);

    if (!bert__json_is(value, BERT__JSON_STRING))
        return bert__fail(r->err, BERT_EFORMAT, "%s: module %zu: \"%s\" is %s; expected a string",
                          file->path, i, key, bert__json_type_name(value));
    *out = value->u.string;
    return BERT_OK;
}

bert_status bert__module_entry_read(const struct bert__modules_reader *r,
                                    const struct bert__json_file *file, size_t i,
                                    struct bert__module_entry *out)
{
    const struct bert__json *entry = &file->root->u.array.items[i];
    bert_text path;
    bert_status status = need_string(r, file, i, entry, "type", &out->type);

    if (!status)
        status = need_string(r, file, i, entry, "name", &out->name);
    if (!status)
        status = need_string(r, file, i, entry, "path", &path);
    if (status)
        return status;
    if (!class_of(&out->type, r->out, &out->class))
        out->class = (bert_text){"", 0};
    while (path.size && path.data[path.size - 1] == '/')
        path.size--;
    return bert__modules_string(r, file->path, "path", &path, &out->path);
}

static bert_status read_type(const struct bert__modules_reader *r,
                             const struct bert__json_file *file, size_t i,
                             const struct bert__module_entry *entry, enum type *out)
{
    char text[84];

    if (find_type(entry, out))
        return BERT_OK;
    return bert__fail(r->err, BERT_EUNSUPPORTED, "%s: module %zu is a \"%s\", which is not handled",
                      file->path, i, bert__printable(text, entry->type.data, entry->type.size));
}

/* Two modules of one name: the reference keeps the last in the place of the first,
 * which nobody can have meant. */
static bert_status check_name(const struct bert__modules_reader *r,
                              const struct bert__json_file *file,
                              const struct bert__module_entry *entries, size_t i)
{
    char name[84];

    for (size_t j = 0; j < i; j++)
        if (entries[i].name.size == entries[j].name.size
            && memcmp(entries[i].name.data, entries[j].name.data, entries[i].name.size) == 0)
            return bert__fail(r->err, BERT_EFORMAT, "%s: modules %zu and %zu are both named \"%s\"",
                              file->path, j, i,
                              bert__printable(name, entries[i].name.data, entries[i].name.size));
    return BERT_OK;
}

/* Transformer, Pooling, then whatever works on the pooled vector. */
static bert_status check_place(const struct bert__modules_reader *r,
                               const struct bert__json_file *file, size_t i,
                               const struct bert__module_entry *entry, enum type type)
{
    bool pooled = r->out->n_modules > 0, right;
    char class[84];

    switch (type) {
    case TRANSFORMER:
        right = i == 0;
        break;
    case POOLING:
        right = i > 0 && !pooled;
        break;
    case DROPOUT:
        right = i > 0;
        break;
    case DENSE:
    case LAYER_NORM:
    case NORMALIZE:
    default:
        right = pooled;
    }
    if (right)
        return BERT_OK;
    return bert__fail(r->err, BERT_EUNSUPPORTED,
                      "%s: module %zu is a %s; only a Transformer, one Pooling and what follows "
                      "it are handled, in this order",
                      file->path, i, bert__printable(class, entry->class.data, entry->class.size));
}

/* ---- The list ------------------------------------------------------------------------------- */

static bert_status read_module(const struct bert__modules_reader *r,
                               const struct bert__module_entry *entry, enum type type)
{
    struct bert__module *m = &r->out->modules[r->out->n_modules];

    memset(m, 0, sizeof(*m));
    m->path = entry->path;
    switch (type) {
    case TRANSFORMER:
        r->out->transformer_path = entry->path;
        return bert__transformer_settings(r, BERT__HIDDEN_STATES);
    case DROPOUT:
        return BERT_OK; /* the identity, outside of training */
    case POOLING:
        r->out->n_modules++;
        return bert__module_pooling(r, m);
    case DENSE:
        r->out->n_modules++;
        return bert__module_dense(r, m);
    case LAYER_NORM:
        r->out->n_modules++;
        return bert__module_layer_norm(r, m);
    case NORMALIZE:
    default:
        r->out->n_modules++;
        return bert__module_normalize(r, m);
    }
}

static bert_status read_list(const struct bert__modules_reader *r,
                             const struct bert__json_file *file)
{
    size_t n = file->root->u.array.count;
    struct bert__module_entry entries[BERT__MODULES_MAX];
    bert_status status = BERT_OK;

    if (n > BERT__MODULES_MAX)
        return bert__fail(r->err, BERT_ELIMIT, "%s: %zu modules; at most %d are handled",
                          file->path, n, BERT__MODULES_MAX);
    r->out->modules = bert__arena_get(r->arena, (n ? n : 1) * sizeof(*r->out->modules));
    if (!r->out->modules)
        return bert__alloc_fail(r->arena->alloc, file->path, r->err);
    for (size_t i = 0; i < n && !status; i++) {
        enum type type = TRANSFORMER;

        status = bert__module_entry_read(r, file, i, &entries[i]);
        if (!status)
            status = read_type(r, file, i, &entries[i], &type);
        if (!status)
            status = check_name(r, file, entries, i);
        if (!status)
            status = check_place(r, file, i, &entries[i], type);
        if (!status)
            status = read_module(r, &entries[i], type);
    }
    if (!status && !r->out->n_modules)
        status = bert__fail(r->err, BERT_EUNSUPPORTED,
                            "%s: no Pooling, so that no vector of a text comes out", file->path);
    return status;
}

/* What stands in for a missing modules.json: the encoder and the mean. */
static bert_status set_default(const struct bert__modules_reader *r)
{
    struct bert__modules *out = r->out;

    out->present = false;
    out->modules = bert__arena_get(r->arena, sizeof(*out->modules));
    if (!out->modules)
        return bert__alloc_fail(r->arena->alloc, "the pooling", r->err);
    memset(out->modules, 0, sizeof(*out->modules));
    out->modules->kind = BERT__MODULE_POOLING;
    out->modules->path = "";
    out->modules->modes[0] = BERT__POOL_MEAN;
    out->modules->n_modes = 1;
    out->modules->include_prompt = true;
    out->n_modules = 1;
    return BERT_OK;
}

/* Without modules.json: the encoder, and what Stanford's code puts on it. */
static bert_status read_none(const struct bert__modules_reader *r)
{
    bool stanford;
    bert_status status = bert__multi_is_stanford(r, &stanford);

    if (!status && stanford)
        status = bert__multi_stanford(r);
    return status ? status : set_default(r);
}

static bool pools(const struct bert__json_file *file)
{
    for (size_t i = 0; i < file->root->u.array.count; i++) {
        const struct bert__json *type = bert__json_find(&file->root->u.array.items[i], "type");
        static const char name[] = ".Pooling";
        size_t n = sizeof(name) - 1;

        if (bert__json_is(type, BERT__JSON_STRING) && type->u.string.size > n
            && memcmp(type->u.string.data + type->u.string.size - n, name, n) == 0)
            return true;
    }
    return false;
}

static bert_status read_all(const struct bert__modules_reader *r)
{
    struct bert__json_file file;
    bool converted = false;
    enum bert__multi_form form = BERT__MULTI_NONE;
    bert_status status = bert__json_file(&file, r->scratch, r->source, "", "modules.json", 1,
                                         BERT__CONFIG_BYTES, BERT__JSON_ARRAY, r->err);

    if (status)
        return status;
    if (!file.root)
        return read_none(r);
    status = bert__sentence_config(r, pools(&file), &converted, &form);
    if (!status && form != BERT__MULTI_NONE)
        status = bert__multi_modules(r, &file, form);
    else if (!status && converted && r->out->splade.present)
        status = bert__sparse_modules(r, &file);
    if (status)
        return status;
    if (converted)
        return set_default(r);
    r->out->present = true;
    return read_list(r, &file);
}

bert_status bert__modules_load(struct bert__modules *modules, struct bert__arena *arena,
                               struct bert__alloc *alloc, struct bert__source *source,
                               bert_error *err)
{
    struct bert__arena scratch;
    struct bert__modules_reader r = {modules, arena, &scratch, source, err, "sentence_embedding"};
    bert_status status;

    memset(modules, 0, sizeof(*modules));
    modules->transformer_path = "";
    modules->similarity = "cosine";
    bert__arena_init(&scratch, alloc);
    status = read_all(&r);
    bert__arena_free(&scratch);
    return status;
}

bert_status bert__modules_first(const char **path, struct bert__arena *arena,
                                struct bert__source *source, bert_error *err)
{
    struct bert__modules_reader r = {.arena = arena, .source = source, .err = err};
    const struct bert__json *entry = NULL, *value;
    struct bert__json_file file;
    bert_status status = bert__json_file(&file, arena, source, "", "modules.json", 1,
                                         BERT__CONFIG_BYTES, BERT__JSON_ARRAY, err);

    *path = "";
    if (status == BERT_OK && file.root != NULL && file.root->u.array.count > 0)
        entry = &file.root->u.array.items[0];
    value = bert__json_is(entry, BERT__JSON_OBJECT) ? bert__json_find(entry, "path") : NULL;
    if (!bert__json_is(value, BERT__JSON_STRING))
        return status;
    return bert__modules_string(&r, file.path, "path", &value->u.string, path);
}
