/* SPDX-License-Identifier: MIT */
/* serve_read.c - a line of `bert serve --stdio`, understood. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/serve.h"

#define MAX_TIMEOUT_MS ((int64_t)1000 * 60 * 60 * 24 * 365)

static bool bad(bert_error *error, const char *key, const char *what)
{
    error_set(error, BERT_EINVAL, "\"%s\" %s", key, what);
    return false;
}

/* ---- The id as it was written -------------------------------------------------------- */

/* These read text that is known to be JSON. */
static size_t after_string(bert_text text, size_t at)
{
    for (at++; at < text.size && text.data[at] != '"'; at++)
        at += text.data[at] == '\\';
    return at + 1;
}

static size_t after_value(bert_text text, size_t at)
{
    size_t depth = 0;

    while (at < text.size) {
        char c = text.data[at];

        if (depth == 0 && (c == ',' || c == '}'))
            return at;
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        at = c == '"' ? after_string(text, at) : at + 1;
    }
    return at;
}

static bert_text trim(bert_text text)
{
    while (text.size > 0 && strchr(" \t\r\n", text.data[0]) != NULL) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && strchr(" \t\r\n", text.data[text.size - 1]) != NULL)
        text.size--;
    return text;
}

/* The value of "id" in an object; data NULL where its key is written with escapes. */
static bert_text written_id(bert_text text)
{
    const char *brace = memchr(text.data, '{', text.size);
    size_t at = brace != NULL ? (size_t)(brace - text.data) + 1 : text.size;

    while (at < text.size && text.data[at] != '}') {
        size_t key = at, from;

        if (text.data[at] != '"') {
            at++;
            continue;
        }
        from = after_string(text, at);
        while (from < text.size && text.data[from] != ':')
            from++;
        at = after_value(text, ++from);
        if (memcmp(text.data + key, "\"id\"", 4) == 0 && at <= text.size)
            return trim((bert_text){text.data + from, at - from});
    }
    return (bert_text){NULL, 0};
}

static bool is_id(const json_t *value)
{
    return json_is_string(value) || json_is_number(value);
}

static bool read_id(struct call *call, bert_error *error)
{
    const json_t *value = json_object_get(call->json.value, "id");

    if (value == NULL)
        return true;
    if (!is_id(value))
        return bad(error, "id", "is neither a string nor a number");
    call->id_value = value;
    call->id = written_id(call->json.text);
    if (call->id.data == NULL) {
        call->own_id = json_dumps(value, JSON_ENCODE_ANY);
        call->id = (bert_text){call->own_id, call->own_id != NULL ? strlen(call->own_id) : 0};
    } else {
        /* The line's buffer is the input's. */
        call->own_id = copy_bytes(call->id.data, call->id.size);
        call->id.data = call->own_id;
    }
    return true;
}

bool call_has_id(const struct call *call, const json_t *id)
{
    return call->id_value != NULL && json_equal(call->id_value, id);
}

/* ---- Texts ------------------------------------------------------------------------------ */

static bool read_string(const json_t *value, bert_text *out)
{
    if (!json_is_string(value))
        return false;
    *out = (bert_text){json_string_value(value), json_string_length(value)};
    return true;
}

static bool read_list(const json_t *list, const char *key, bert_text **out, size_t *n,
                      bert_error *error)
{
    if (!json_is_array(list))
        return bad(error, key, "is not a list");
    *n = json_array_size(list);
    *out = get_memory(*n, sizeof **out);
    for (size_t i = 0; i < *n; i++) {
        if (!read_string(json_array_get(list, i), &(*out)[i])) {
            error_set(error, BERT_EINVAL, "%s[%zu] is not a string", key, i);
            return false;
        }
    }
    return true;
}

/* One text or a list, by the keys that have a name; *out stays NULL where there is none. */
static bool read_either(const json_t *object, const char *one, const char *many, bert_text **out,
                        size_t *n, bert_error *error)
{
    const json_t *single = one != NULL ? json_object_get(object, one) : NULL;
    const json_t *list = many != NULL ? json_object_get(object, many) : NULL;

    *n = 0;
    if (single != NULL && list != NULL) {
        error_set(error, BERT_EINVAL, "\"%s\" and \"%s\" exclude each other", one, many);
        return false;
    }
    if (list != NULL)
        return read_list(list, many, out, n, error);
    if (single == NULL)
        return true;
    *n = 1;
    *out = get_memory(1, sizeof **out);
    return read_string(single, *out) || bad(error, one, "is not a string");
}

/* A question is put to each context. */
static void repeat_pair(struct call *call)
{
    bert_text pair = call->pairs[0];

    free(call->pairs);
    call->pairs = get_memory(call->n, sizeof *call->pairs);
    for (size_t i = 0; i < call->n; i++)
        call->pairs[i] = pair;
}

static bool read_pairs(struct call *call, bert_error *error)
{
    const struct serve_task *task = call->task;
    const json_t *object = call->json.value;
    size_t n;

    if (!read_either(object, task->pair, task->pairs, &call->pairs, &n, error))
        return false;
    if (call->pairs == NULL)
        return !task->pair_needed || bad(error, task->pair, "is missing");
    if (task->common_pair && json_object_get(object, task->pair) != NULL) {
        repeat_pair(call);
        return true;
    }
    if (n == call->n && (json_object_get(object, task->pair) != NULL) == !call->list)
        return true;
    error_set(error, BERT_EINVAL, "%zu texts have %zu \"%s\"", call->n, n,
              n == 1 ? task->pair : task->pairs);
    return false;
}

/* "context" stands for "text" where a task has questions, as in `bert answer --jsonl`. */
static const char *context_or(const struct serve_task *task, const json_t *object, const char *key)
{
    const char *other = key != NULL && strcmp(key, "text") == 0 ? "context" : "contexts";

    return key != NULL && task->common_pair && json_object_get(object, other) != NULL ? other : key;
}

static bool read_texts(struct call *call, bert_error *error)
{
    const struct serve_task *task = call->task;
    const json_t *object = call->json.value;
    const char *text = context_or(task, object, task->text);
    const char *texts = context_or(task, object, task->texts);

    if (task->query != NULL && !read_string(json_object_get(object, task->query), &call->query))
        return bad(error, task->query, "is missing or not a string");
    if (!read_either(object, text, texts, &call->texts, &call->n, error))
        return false;
    if (call->texts == NULL)
        return bad(error, text != NULL ? text : texts, "is missing");
    call->list = text != NULL && json_object_get(object, text) == NULL;
    if (task->task == BERT_TASK_EMBED_CHUNKS && json_object_get(object, "spans") != NULL
        && !json_spans(json_object_get(object, "spans"), &call->spans, &call->n_spans, error))
        return false;
    return task->pair == NULL || read_pairs(call, error);
}

/* ---- Options ---------------------------------------------------------------------------- */

static const struct option_row *find_row(const struct command *command, const char *name)
{
    for (const struct option_row *const *group = command->groups; *group != NULL; group++) {
        for (const struct option_row *row = *group; row->name != NULL; row++) {
            if (strcmp(row->name, name) == 0)
                return row;
        }
    }
    return NULL;
}

/* false is what "no-NAME" is for, if there is that, else as if it were not given. */
static bool set_flag(struct call *call, const struct option_row *row, const json_t *value,
                     bert_error *error)
{
    char name[64];

    if (!json_is_boolean(value)) {
        error_set(error, BERT_EINVAL, "it is neither true nor false");
        return false;
    }
    if (json_is_false(value)) {
        snprintf(name, sizeof name, "no-%s", row->name);
        row = find_row(call->task->command, name);
    }
    return row == NULL || options_set(&call->options, row, NULL, error);
}

static bool set_option(struct call *call, const struct option_row *row, const json_t *value,
                       bert_error *error)
{
    char digits[32];
    int64_t number;

    if (row->kind == OPTION_FLAG)
        return set_flag(call, row, value, error);
    if (row->kind == OPTION_NUMBER) {
        if (!json_whole(value, INT64_MIN, INT64_MAX, &number)) {
            error_set(error, BERT_EINVAL, "it is not a whole number");
            return false;
        }
        snprintf(digits, sizeof digits, "%" PRId64, number);
        return options_set(&call->options, row, digits, error);
    }
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value)) {
        error_set(error, BERT_EINVAL, "it is not a string without NUL");
        return false;
    }
    return options_set(&call->options, row, json_string_value(value), error);
}

static const struct option_row *find_option(const struct serve_task *task, const char *key)
{
    char name[64];
    size_t size = strlen(key);
    int place;

    if (size >= sizeof name)
        return NULL;
    for (size_t i = 0; i <= size; i++)
        name[i] = key[i] == '_' ? '-' : key[i];
    return parse_choice(task->options, name, &place) ? find_row(task->command, name) : NULL;
}

static bool read_options(struct call *call, bert_error *error)
{
    json_t *object = json_object_get(call->json.value, "options"), *value;
    const char *key;

    options_default(&call->options, call->task->command);
    if (object != NULL && !json_is_object(object))
        return bad(error, "options", "is not an object");
    json_object_foreach(object, key, value)
    {
        const struct option_row *row = find_option(call->task, key);
        bert_error why;

        if (row == NULL) {
            error_set(error, BERT_EINVAL, "\"%s\" has no option \"%s\"", call->task->name, key);
            return false;
        }
        if (!set_option(call, row, value, &why)) {
            error_set(error, why.code, "options.%s: %s", key, why.message);
            return false;
        }
    }
    call->options.truncation_given = call->options.truncation >= 0;
    if (!call->options.truncation_given)
        call->options.truncation = TRUNCATION_RIGHT;
    return true;
}

/* ---- The whole -------------------------------------------------------------------------- */

static bool is_key(const char *name, const char *key)
{
    return name != NULL && strcmp(name, key) == 0;
}

static bool knows_key(const struct serve_task *task, const char *key)
{
    static const char *const common[] = {"id",       "task",       "model",
                                         "priority", "timeout_ms", "options"};

    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        if (strcmp(common[i], key) == 0)
            return true;
    }
    return is_key(task->text, key) || is_key(task->texts, key) || is_key(task->pair, key)
           || is_key(task->pairs, key) || is_key(task->query, key)
           || (task->task == BERT_TASK_EMBED_CHUNKS && strcmp(key, "spans") == 0)
           || (task->common_pair && (strcmp(key, "context") == 0 || strcmp(key, "contexts") == 0));
}

static bool unknown_key(const char *key, bert_error *error)
{
    error_set(error, BERT_EINVAL, "unknown key \"%s\"", key);
    return false;
}

static bool read_manner(struct call *call, bert_error *error)
{
    const json_t *object = call->json.value, *value = json_object_get(object, "model");
    int64_t ms = 0;
    bert_text name;
    int place;

    if (value != NULL && (!read_string(value, &name) || strlen(name.data) != name.size))
        return bad(error, "model", "is not a name");
    call->model = value != NULL ? name.data : NULL;
    value = json_object_get(object, "priority");
    if (value != NULL) {
        if (!json_is_string(value)
            || !parse_choice("interactive|bulk", json_string_value(value), &place))
            return bad(error, "priority", "is neither \"interactive\" nor \"bulk\"");
        call->priority = (uint32_t)place;
    }
    value = json_object_get(object, "timeout_ms");
    if (value != NULL && !json_whole(value, 1, MAX_TIMEOUT_MS, &ms))
        return bad(error, "timeout_ms", "is not a whole number above 0");
    call->timeout_ns = (uint64_t)ms * 1000000;
    return true;
}

static bool read_task(struct call *call, bert_error *error)
{
    json_t *object = call->json.value, *unused;
    bert_text name;
    const char *key;

    if (call->id_value == NULL)
        return bad(error, "id", "is missing");
    if (!read_string(json_object_get(object, "task"), &name))
        return bad(error, "task", "is missing or not a string");
    call->task = serve_task_find(name.data, name.size);
    if (call->task == NULL) {
        error_set(error, BERT_EINVAL, "there is no task \"%s\"", name.data);
        return false;
    }
    json_object_foreach(object, key, unused)
    {
        if (!knows_key(call->task, key))
            return unknown_key(key, error);
    }
    return read_manner(call, error) && read_options(call, error) && read_texts(call, error);
}

/* {"cancel": ID}, {"models": true}, which may have an id. */
static bool read_order(struct call *call, const char *name, bert_error *error)
{
    json_t *object = call->json.value, *value = json_object_get(object, name);
    const char *key;

    if (call->kind == CALL_CANCEL ? !is_id(value) : !json_is_true(value))
        return bad(error, name, call->kind == CALL_CANCEL ? "is no id" : "is not true");
    json_object_foreach(object, key, value)
    {
        if (strcmp(key, name) != 0 && (call->kind == CALL_CANCEL || strcmp(key, "id") != 0))
            return unknown_key(key, error);
    }
    return true;
}

static bool read_object(struct call *call, bert_error *error)
{
    const json_t *object = call->json.value;

    if (!json_is_object(object)) {
        error_set(error, BERT_EFORMAT, "the line is not a JSON object");
        return false;
    }
    if (!read_id(call, error))
        return false;
    if (json_object_get(object, "cancel") != NULL) {
        call->kind = CALL_CANCEL;
        return read_order(call, "cancel", error);
    }
    if (json_object_get(object, "models") != NULL) {
        call->kind = CALL_MODELS;
        return read_order(call, "models", error);
    }
    return read_task(call, error);
}

bool call_read(struct call **out, bert_text line, uint64_t number, bert_error *error)
{
    struct call *call = get_memory(1, sizeof *call);
    bool good;

    *out = call;
    call->line = number;
    good = json_line_read(&call->json, line, number == 1, error) && read_object(call, error);
    free(call->json.repaired); /* the value has copies of all strings */
    call->json.repaired = NULL;
    call->json.text = (bert_text){NULL, 0};
    return good;
}

void call_free(struct call *call)
{
    if (call == NULL)
        return;
    bert_job_unref(call->job);
    json_line_free(&call->json);
    free(call->own_id);
    free(call->texts);
    free(call->pairs);
    free(call->spans);
    free(call);
}
