/* SPDX-License-Identifier: MIT */
/* load_steps.c - Sequences and patterns. */
#include "tokenizer/load_steps.h"

#include <stdio.h>

#include "lib/base/error.h"

enum { DEPTH = 128 }; /* the reader of JSON allows two levels for each */

/* The rest of a Sequence's list. */
struct list {
    const struct bert__json *next;
    const struct bert__json *end;
};

static bert_status open_list(const struct bert__load *l, const struct bert__json *value,
                             const char *what, const char *key, struct list *out)
{
    const struct bert__json *array;
    bert_status status = bert__load_kind(l, value, what, key, BERT__JSON_ARRAY, &array);

    if (status == BERT_OK && array->u.array.count > 0)
        *out = (struct list){array->u.array.items, array->u.array.items + array->u.array.count};
    else
        *out = (struct list){NULL, NULL};
    return status;
}

bert_status bert__load_steps(struct bert__load *l, const struct bert__json *root, const char *key,
                             const char *list, bert__load_step step)
{
    struct list stack[DEPTH];
    const struct bert__json *value;
    char what[40];
    bert_text type;
    size_t depth = 0;
    bert_status status = bert__load_component(l, root, key, &value, &type);

    if (value == NULL)
        return status;
    snprintf(what, sizeof what, "a step of \"%s\"", key);
    for (;;) {
        if (status == BERT_OK && !bert__load_is(type, "Sequence"))
            status = step(l, value, type);
        else if (status == BERT_OK && depth == DEPTH)
            return bert__fail(l->err, BERT_ELIMIT, "%s: \"%s\" nests too deep", l->path, key);
        else if (status == BERT_OK)
            status = open_list(l, value, what, list, &stack[depth++]);
        while (depth > 0 && stack[depth - 1].next == stack[depth - 1].end)
            depth--;
        if (status != BERT_OK || depth == 0)
            return status;
        value = stack[depth - 1].next++;
        if (value->type != BERT__JSON_OBJECT)
            return bert__fail(l->err, BERT_EFORMAT, "%s: %s is %s; expected an object", l->path,
                              what, bert__json_type_name(value));
        status = bert__load_text(l, value, what, "type", &type);
    }
}

static bert_status load_regex(struct bert__load *l, bert_text source, const char *what,
                              struct bert__pattern *out)
{
    bool known;

    if (!bert__pattern_regex(out, &l->tok->arena, source, &known))
        return bert__load_nomem(l);
    if (known)
        return BERT_OK;
    return bert__fail(l->err, BERT_EUNSUPPORTED,
                      "%s: the regular expression of %s is not supported: %.*s", l->path, what,
                      source.size < 600 ? (int)source.size : 600, source.data);
}

bert_status bert__load_pattern(struct bert__load *l, const struct bert__json *value,
                               const char *what, struct bert__pattern *out)
{
    const struct bert__json *pattern, *text;
    bert_text source;
    bert_status status = bert__load_kind(l, value, what, "pattern", BERT__JSON_OBJECT, &pattern);

    if (status != BERT_OK)
        return status;
    text = bert__json_get(pattern, "Regex");
    if (text != NULL && text->type == BERT__JSON_STRING && pattern->u.object.count == 1)
        return load_regex(l, text->u.string, what, out);
    status = bert__load_text(l, pattern, "a pattern", "String", &source);
    if (status != BERT_OK)
        return status;
    if (source.size == 0 || source.size > INT32_MAX)
        return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: a pattern of %zu bytes in %s", l->path,
                          source.size, what);
    if (!bert__load_copy(l, source, &source) || !bert__pattern_text(out, &l->tok->arena, source))
        return bert__load_nomem(l);
    return BERT_OK;
}
