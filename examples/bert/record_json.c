/* SPDX-License-Identifier: MIT */
/* record_json.c - records that are JSON. */
#include "examples/bert/json_in.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/record.h"
#include "examples/bert/utf8.h"

/* Integers beyond 64 bits anywhere in a record shouldn't spoil it: they become reals. */
static json_t *load(const char *data, size_t size, json_error_t *error)
{
    size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
    json_t *value = json_loadb(data, size, flags, error);

    if (value == NULL && json_error_code(error) == json_error_numeric_overflow)
        value = json_loadb(data, size, flags | JSON_DECODE_INT_AS_REAL, error);
    return value;
}

/* jansson goes on to say near which words, which are a user's. */
static int what_size(const json_error_t *at)
{
    const char *near = strstr(at->text, " near ");

    return (int)(near != NULL ? (size_t)(near - at->text) : strlen(at->text));
}

bool json_line_read(struct json_line *out, bert_text line, bool first, bert_error *error)
{
    json_error_t at;

    if (first && line.size >= 3 && memcmp(line.data, "\xEF\xBB\xBF", 3) == 0) {
        line.data += 3; /* a byte order mark */
        line.size -= 3;
    }
    out->text = line;
    out->repaired = NULL;
    if (!utf8_valid(line.data, line.size)) {
        out->repaired = utf8_repair(line.data, line.size, &out->text.size);
        out->text.data = out->repaired;
    }
    out->value = load(out->text.data, out->text.size, &at);
    if (out->value == NULL)
        error_set(error, BERT_EFORMAT, "bad JSON at byte %d: %.*s", at.position, what_size(&at),
                  at.text);
    return out->value != NULL;
}

void json_line_free(struct json_line *json)
{
    json_decref(json->value);
    free(json->repaired);
    json->value = NULL;
    json->repaired = NULL;
}

static bool read_text(struct record *record, const json_t *object, const char *key, bool needed,
                      bert_text *out)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL || (json_is_null(value) && !needed)) {
        if (needed)
            record_fail(record, BERT_EINVAL, "the record has no \"%s\"", key);
        return !needed;
    }
    if (!json_is_string(value)) {
        record_fail(record, BERT_EINVAL, "\"%s\" is not a string", key);
        return false;
    }
    out->data = copy_bytes(json_string_value(value), json_string_length(value));
    out->size = json_string_length(value);
    return true;
}

/* A whole number of 32 bits, also where overflow elsewhere made all numbers reals. */
static bool read_id(const json_t *value, int32_t *out)
{
    double real = json_number_value(value);

    if (json_is_integer(value)) {
        json_int_t integer = json_integer_value(value);

        *out = (int32_t)integer;
        return integer >= INT32_MIN && integer <= INT32_MAX;
    }
    if (!json_is_real(value) || !(real >= INT32_MIN && real <= INT32_MAX))
        return false;
    *out = (int32_t)real;
    return (double)*out == real;
}

static bool read_ids(struct record *record, const json_t *array, const char *key, int32_t **ids,
                     size_t *count)
{
    if (!json_is_array(array)) {
        record_fail(record, BERT_EINVAL, "%s is not a list of ids", key);
        return false;
    }
    *count = json_array_size(array);
    *ids = get_memory(*count, sizeof **ids);
    for (size_t i = 0; i < *count; i++) {
        if (!read_id(json_array_get(array, i), &(*ids)[i])) {
            record_fail(record, BERT_EINVAL, "%s[%zu] is not a whole number of 32 bits", key, i);
            return false;
        }
    }
    return true;
}

/* Lists under the reference's name, or under the one that `bert tokenize` prints. */
static const json_t *find_list(const json_t *object, const char *name, const char *short_name)
{
    const json_t *list = json_object_get(object, name);

    return list != NULL ? list : json_object_get(object, short_name);
}

static void read_sequence(struct record *record, const json_t *object)
{
    const json_t *types = find_list(object, "token_type_ids", "type_ids");
    size_t n_types = 0;

    if (!read_ids(record, find_list(object, "input_ids", "ids"), "input_ids", &record->ids,
                  &record->n_ids)
        || types == NULL || json_is_null(types)
        || !read_ids(record, types, "token_type_ids", &record->type_ids, &n_types))
        return;
    if (n_types != record->n_ids)
        record_fail(record, BERT_EINVAL, "token_type_ids has %zu entries, input_ids has %zu",
                    n_types, record->n_ids);
}

static void read_texts(struct record *record, const json_t *object, enum record_form form)
{
    if (read_text(record, object, "text", true, &record->text) && form != FORM_JSON_TEXT)
        read_text(record, object, "pair", form == FORM_JSON_PAIR_NEEDED, &record->pair);
}

static void read_question(struct record *record, const json_t *object)
{
    const char *key =
        json_object_get(object, "text") == NULL && json_object_get(object, "context") != NULL
            ? "context"
            : "text";

    if (read_text(record, object, key, true, &record->text))
        read_text(record, object, "question", false, &record->pair);
}

static void read_choices(struct record *record, const json_t *object)
{
    const json_t *list = json_object_get(object, "choices");

    if (!read_text(record, object, "text", true, &record->text))
        return;
    if (!json_is_array(list)) {
        record_fail(record, BERT_EINVAL,
                    list == NULL ? "the record has no \"choices\"" : "\"choices\" is not a list");
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *choice = json_array_get(list, i);

        if (!json_is_string(choice)) {
            record_fail(record, BERT_EINVAL, "choices[%zu] is not a string", i);
            return;
        }
        record_add_choice(record, json_string_value(choice), json_string_length(choice));
    }
}

bool json_whole(const json_t *value, int64_t low, int64_t high, int64_t *out)
{
    double real = json_number_value(value);

    if (json_is_integer(value))
        *out = json_integer_value(value);
    else if (json_is_real(value) && real >= -0x1p53 && real <= 0x1p53)
        *out = (int64_t)real;
    else
        return false;
    return *out >= low && *out <= high && (json_is_integer(value) || (double)*out == real);
}

static bool read_offset(const json_t *value, size_t *out)
{
    int64_t offset;

    if (!json_whole(value, 0, INT64_MAX, &offset))
        return false;
    *out = (size_t)offset;
    return true;
}

bool json_spans(const json_t *list, bert_span **spans, size_t *n, bert_error *error)
{
    if (!json_is_array(list)) {
        error_set(error, BERT_EINVAL,
                  list == NULL ? "the record has no \"spans\"" : "\"spans\" is not a list");
        return false;
    }
    *n = json_array_size(list);
    *spans = get_memory(*n, sizeof **spans);
    for (size_t i = 0; i < *n; i++) {
        const json_t *span = json_array_get(list, i);

        if (json_array_size(span) != 2 || !read_offset(json_array_get(span, 0), &(*spans)[i].start)
            || !read_offset(json_array_get(span, 1), &(*spans)[i].end)) {
            error_set(error, BERT_EINVAL, "spans[%zu] is not [start, end] in bytes", i);
            return false;
        }
    }
    return true;
}

static void read_spans(struct record *record, const json_t *object)
{
    bert_error error;

    if (read_text(record, object, "text", true, &record->text)
        && !json_spans(json_object_get(object, "spans"), &record->spans, &record->n_spans, &error))
        record_fail_with(record, &error);
}

static void read_value(struct record *record, const json_t *value, enum record_form form)
{
    if (form == FORM_IDS && json_is_array(value)) {
        read_ids(record, value, "ids", &record->ids, &record->n_ids);
        return;
    }
    if (!json_is_object(value)) {
        record_fail(record, BERT_EFORMAT, "the line is not a JSON %s",
                    form == FORM_IDS ? "array of ids" : "object");
        return;
    }
    if (form == FORM_IDS
        || (form == FORM_JSON_INPUT && find_list(value, "input_ids", "ids") != NULL))
        read_sequence(record, value);
    else if (form == FORM_JSON_QUESTION)
        read_question(record, value);
    else if (form == FORM_JSON_CHOICES)
        read_choices(record, value);
    else if (form == FORM_JSON_SPANS)
        read_spans(record, value);
    else
        read_texts(record, value, form);
}

void record_parse_json(struct record *record, enum record_form form, bert_text line)
{
    struct json_line json;
    bert_error error;

    if (json_line_read(&json, line, record->index == 0, &error))
        read_value(record, json.value, form);
    else
        record_fail_with(record, &error);
    json_line_free(&json);
}
