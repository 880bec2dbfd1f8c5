/* SPDX-License-Identifier: MIT */
/*
 * sparse_modules.c - the modules of a SparseEncoder: a transformer with its fill-mask head, and
 * SpladePooling (sentence-transformers 6.2, sparse_encoder/modules/splade_pooling.py).
 */
#include <string.h>

#include "lib/base/error.h"
#include "lib/model/modules_parts.h"

/* ---- SpladePooling --------------------------------------------------------------------- */

/* One of two words; the first where the key is absent. */
static bert_status read_choice(const struct bert__modules_reader *r,
                               const struct bert__json_file *file, const char *key,
                               const char *first, const char *second, bool *is_second)
{
    const struct bert__json *value = bert__json_get(file->root, key);
    char name[84];

    *is_second = false;
    if (!value || bert__json_equals(value, first))
        return BERT_OK;
    *is_second = bert__json_equals(value, second);
    if (*is_second)
        return BERT_OK;
    if (value->type != BERT__JSON_STRING)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"%s\" is %s; expected a string", file->path,
                          key, bert__json_type_name(value));
    return bert__fail(r->err, BERT_EUNSUPPORTED, "%s: \"%s\" \"%s\" is not handled", file->path,
                      key, bert__printable(name, value->u.string.data, value->u.string.size));
}

static bert_status read_pooling(const struct bert__modules_reader *r, const char *path)
{
    struct bert__splade *splade = &r->out->splade;
    struct bert__json_file file;
    bert_status status = bert__json_file(&file, r->scratch, r->source, path, "config.json", 0,
                                         BERT__CONFIG_BYTES, BERT__JSON_OBJECT, r->err);

    if (!status)
        status = read_choice(r, &file, "pooling_strategy", "max", "sum", &splade->sum);
    if (!status)
        status = read_choice(r, &file, "activation_function", "relu", "log1p_relu", &splade->twice);
    return status;
}

/* ---- The list --------------------------------------------------------------------------- */

static bert_status refuse(const struct bert__modules_reader *r, const struct bert__json_file *file,
                          size_t i, const struct bert__module_entry *entry)
{
    char type[84];

    return bert__fail(
        r->err, BERT_EUNSUPPORTED,
        "%s: module %zu of a SparseEncoder is a \"%s\"; only a Transformer and then a "
        "SpladePooling are handled",
        file->path, i, bert__printable(type, entry->type.data, entry->type.size));
}

static bert_status read_transformer(const struct bert__modules_reader *r,
                                    const struct bert__json_file *file,
                                    const struct bert__module_entry *entry)
{
    bool old = bert__module_is(entry, "MLMTransformer");

    if (!old && !bert__module_is(entry, "Transformer"))
        return refuse(r, file, 0, entry);
    r->out->transformer_path = entry->path;
    return bert__transformer_settings(r, old ? BERT__LOGITS_DEFAULT : BERT__LOGITS);
}

static bert_status read_list(const struct bert__modules_reader *r,
                             const struct bert__json_file *file)
{
    size_t n = file->root->u.array.count;
    bert_status status = BERT_OK;

    for (size_t i = 0; i < n && !status; i++) {
        struct bert__module_entry entry;

        status = bert__module_entry_read(r, file, i, &entry);
        if (status)
            break;
        if (i == 0)
            status = read_transformer(r, file, &entry);
        else if (i == 1 && bert__module_is(&entry, "SpladePooling"))
            status = read_pooling(r, entry.path);
        else
            status = refuse(r, file, i, &entry);
    }
    if (!status && n < 2)
        status = bert__fail(r->err, BERT_EUNSUPPORTED,
                            "%s: a SparseEncoder without a SpladePooling", file->path);
    return status;
}

/* What isn't handled is told to those who ask for term weights; the encoder is there all the
 * same. */
bert_status bert__sparse_modules(const struct bert__modules_reader *r,
                                 const struct bert__json_file *file)
{
    bert_error why = {BERT_OK, ""};
    struct bert__modules_reader own = *r;
    bert_status status;

    own.err = &why;
    status = read_list(&own, file);
    if (!status)
        return BERT_OK;
    if (status != BERT_EUNSUPPORTED)
        return bert__fail(r->err, status, "%s", why.message);
    r->out->splade.refusal = bert__arena_string(r->arena, why.message, strlen(why.message));
    if (!r->out->splade.refusal)
        return bert__alloc_fail(r->arena->alloc, file->path, r->err);
    return bert__modules_note(r, "%s", why.message);
}
