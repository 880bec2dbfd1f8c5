/* SPDX-License-Identifier: MIT */
/* json_read.c - looking into parsed values, with errors that name file, key and value. */
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json_parts.h"

enum { VALUE_SIZE = 96 };

const struct bert__json *bert__json_get(const struct bert__json *object, const char *key)
{
    size_t n = strlen(key);

    if (!bert__json_is(object, BERT__JSON_OBJECT))
        return NULL;
    for (size_t i = 0; i < object->u.object.count; i++) {
        const struct bert__json_member *m = &object->u.object.members[i];

        if (m->key.size == n && memcmp(m->key.data, key, n) == 0)
            return &m->value;
    }
    return NULL;
}

const struct bert__json *bert__json_find(const struct bert__json *object, const char *key)
{
    const struct bert__json *value = bert__json_get(object, key);

    return bert__json_is(value, BERT__JSON_NULL) ? NULL : value;
}

bool bert__json_is(const struct bert__json *value, enum bert__json_type type)
{
    return value && value->type == type;
}

bool bert__json_equals(const struct bert__json *value, const char *string)
{
    size_t n = strlen(string);

    return bert__json_is(value, BERT__JSON_STRING) && value->u.string.size == n
           && memcmp(value->u.string.data, string, n) == 0;
}

const char *bert__json_type_name(const struct bert__json *value)
{
    static const char *const names[] = {
        [BERT__JSON_NULL] = "null",       [BERT__JSON_FALSE] = "a boolean",
        [BERT__JSON_TRUE] = "a boolean",  [BERT__JSON_NUMBER] = "a number",
        [BERT__JSON_STRING] = "a string", [BERT__JSON_ARRAY] = "an array",
        [BERT__JSON_OBJECT] = "an object"};

    return value ? names[value->type] : "absent";
}

double bert__json_number(const struct bert__json *value)
{
    if (value->is_integer)
        return (double)value->u.integer;
    return value->u.spelt ? bert__json_spelt(value->u.spelt) : value->u.number;
}

/* The value itself where it is short, else its type. */
static const char *describe(char out[VALUE_SIZE], const struct bert__json *value)
{
    char text[84];
    double number;

    switch (value->type) {
    case BERT__JSON_FALSE:
        return "false";
    case BERT__JSON_TRUE:
        return "true";
    case BERT__JSON_STRING:
        snprintf(out, VALUE_SIZE, "\"%s\"",
                 bert__printable(text, value->u.string.data, value->u.string.size));
        return out;
    case BERT__JSON_NUMBER:
        /* no %g: it writes the locale's decimal point */
        number = bert__json_number(value);
        if (!value->is_integer)
            return number > 1e18 || number < -1e18 ? "too large a number" : "a fractional number";
        snprintf(out, VALUE_SIZE, "%lld", (long long)value->u.integer);
        return out;
    default:
        return bert__json_type_name(value);
    }
}

static bert_status fail(const struct bert__json *value, const char *file, const char *key,
                        const char *expected, bert_error *err)
{
    char text[VALUE_SIZE];

    return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" is %s; expected %s", file, key,
                      describe(text, value), expected);
}

bert_status bert__json_read_u32(const struct bert__json *object, const char *file, const char *key,
                                uint32_t min, uint32_t max, uint32_t *out, bert_error *err)
{
    const struct bert__json *value = bert__json_find(object, key);
    char expected[80];

    if (!value)
        return BERT_OK;
    if (value->type == BERT__JSON_NUMBER && value->is_integer && value->u.integer >= min
        && value->u.integer <= max) {
        *out = (uint32_t)value->u.integer;
        return BERT_OK;
    }
    snprintf(expected, sizeof(expected), "a whole number from %lu to %lu", (unsigned long)min,
             (unsigned long)max);
    return fail(value, file, key, expected, err);
}

bert_status bert__json_read_bool(const struct bert__json *object, const char *file, const char *key,
                                 bool *out, bert_error *err)
{
    const struct bert__json *value = bert__json_find(object, key);

    if (!value)
        return BERT_OK;
    if (value->type != BERT__JSON_TRUE && value->type != BERT__JSON_FALSE)
        return fail(value, file, key, "true or false", err);
    *out = value->type == BERT__JSON_TRUE;
    return BERT_OK;
}

bert_status bert__json_read_double(const struct bert__json *object, const char *file,
                                   const char *key, double *out, bert_error *err)
{
    const struct bert__json *value = bert__json_find(object, key);
    double number;

    if (!value)
        return BERT_OK;
    if (value->type != BERT__JSON_NUMBER)
        return fail(value, file, key, "a number", err);
    number = bert__json_number(value);
    if (number - number != 0)
        return fail(value, file, key, "a finite number", err);
    *out = number;
    return BERT_OK;
}

bert_status bert__json_read_string(const struct bert__json *object, const char *file,
                                   const char *key, bert_text *out, bert_error *err)
{
    const struct bert__json *value = bert__json_find(object, key);

    if (!value)
        return BERT_OK;
    if (value->type != BERT__JSON_STRING)
        return fail(value, file, key, "a string", err);
    *out = value->u.string;
    return BERT_OK;
}

bert_status bert__json_read_container(const struct bert__json *object, const char *file,
                                      const char *key, enum bert__json_type type,
                                      const struct bert__json **out, bert_error *err)
{
    const struct bert__json *value = bert__json_find(object, key);

    *out = NULL;
    if (!value)
        return BERT_OK;
    if (value->type != type)
        return fail(value, file, key, type == BERT__JSON_ARRAY ? "an array" : "an object", err);
    *out = value;
    return BERT_OK;
}
