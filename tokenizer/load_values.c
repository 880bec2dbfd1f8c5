/* SPDX-License-Identifier: MIT */
/* load_values.c - values that a tokenizer's file must have. */
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/error.h"
#include "tokenizer/load.h"

bert_status bert__load_nomem(const struct bert__load *l)
{
    return bert__alloc_fail(l->tok->alloc, l->path, l->err);
}

bool bert__load_copy(const struct bert__load *l, bert_text text, bert_text *out)
{
    out->data = bert__arena_string(&l->tok->arena, text.data, text.size);
    out->size = text.size;
    return out->data != NULL;
}

bert_status bert__load_note(const struct bert__load *l, const char *format, ...)
{
    char line[512];
    va_list args;
    int n;

    if (l->tok->n_notes == BERT__MAX_NOTES)
        return BERT_OK;
    va_start(args, format);
    n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0)
        return BERT_OK;
    if ((size_t)n >= sizeof line)
        n = (int)sizeof line - 1;
    l->tok->notes[l->tok->n_notes] = bert__arena_string(&l->tok->arena, line, (size_t)n);
    if (l->tok->notes[l->tok->n_notes] == NULL)
        return bert__load_nomem(l);
    l->tok->n_notes++;
    return BERT_OK;
}

bert_status bert__load_need(const struct bert__load *l, const struct bert__json *object,
                            const char *what, const char *key, const struct bert__json **out)
{
    *out = bert__json_get(object, key);
    if (*out == NULL)
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s has no \"%s\"", l->path, what, key);
    return BERT_OK;
}

static bert_status fail_type(const struct bert__load *l, const char *what, const char *key,
                             const struct bert__json *value, const char *expected)
{
    return bert__fail(l->err, BERT_EFORMAT, "%s: \"%s\" of %s is %s; expected %s", l->path, key,
                      what, bert__json_type_name(value), expected);
}

bert_status bert__load_bool(const struct bert__load *l, const struct bert__json *object,
                            const char *what, const char *key, bool *out)
{
    const struct bert__json *value;
    bert_status status = bert__load_need(l, object, what, key, &value);

    if (status != BERT_OK)
        return status;
    if (value->type != BERT__JSON_TRUE && value->type != BERT__JSON_FALSE)
        return fail_type(l, what, key, value, "true or false");
    *out = value->type == BERT__JSON_TRUE;
    return BERT_OK;
}

bert_status bert__load_text(const struct bert__load *l, const struct bert__json *object,
                            const char *what, const char *key, bert_text *out)
{
    const struct bert__json *value;
    bert_status status = bert__load_need(l, object, what, key, &value);

    if (status != BERT_OK)
        return status;
    if (value->type != BERT__JSON_STRING)
        return fail_type(l, what, key, value, "a string");
    *out = value->u.string;
    return BERT_OK;
}

bert_status bert__load_id_value(const struct bert__load *l, const struct bert__json *value,
                                const char *what, int32_t *out)
{
    if (!bert__json_is(value, BERT__JSON_NUMBER))
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s is %s; expected an id", l->path, what,
                          bert__json_type_name(value));
    if (!value->is_integer)
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s is not a whole number, or too large",
                          l->path, what);
    if (value->u.integer < 0 || value->u.integer >= INT32_MAX)
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s is %lld; expected 0 to %ld", l->path, what,
                          (long long)value->u.integer, (long)INT32_MAX - 1);
    *out = (int32_t)value->u.integer;
    return BERT_OK;
}

bert_status bert__load_id(const struct bert__load *l, const struct bert__json *object,
                          const char *what, const char *key, int32_t *out)
{
    const struct bert__json *value;
    char name[160];
    bert_status status = bert__load_need(l, object, what, key, &value);

    if (status != BERT_OK)
        return status;
    snprintf(name, sizeof name, "\"%s\" of %s", key, what);
    return bert__load_id_value(l, value, name, out);
}

bert_status bert__load_kind(const struct bert__load *l, const struct bert__json *object,
                            const char *what, const char *key, enum bert__json_type type,
                            const struct bert__json **out)
{
    bert_status status = bert__load_need(l, object, what, key, out);

    if (status == BERT_OK && (*out)->type != type)
        return fail_type(l, what, key, *out, type == BERT__JSON_ARRAY ? "an array" : "an object");
    return status;
}
