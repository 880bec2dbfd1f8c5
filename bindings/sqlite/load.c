/* SPDX-License-Identifier: MIT */
/* bert_load() and bert_unload(). */
#include <stdio.h>
#include <string.h>

#include "bindings/sqlite/functions.h"
#include "bindings/sqlite/json.h"

struct options {
    uint32_t precision;
    uint32_t threads;
};

static bool equals(const char *text, uint32_t size, const char *word)
{
    return size == strlen(word) && memcmp(text, word, size) == 0;
}

static bool read_precision(const struct bert__sql_item *item, uint32_t *out)
{
    static const struct {
        const char *name;
        bert_precision value;
    } known[] = {{"fp32", BERT_PRECISION_FP32},
                 {"bf16", BERT_PRECISION_BF16},
                 {"int8", BERT_PRECISION_INT8},
                 {"auto", BERT_PRECISION_AUTO}};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (item->type == BERT__SQL_JSON_STRING && equals(item->text, item->size, known[i].name)) {
            *out = (uint32_t)known[i].value;
            return true;
        }
    return false;
}

static bool read_threads(const struct bert__sql_item *item, uint32_t *out)
{
    *out = 0;
    for (uint32_t i = 0; i < item->size; i++) {
        if (item->text[i] < '0' || item->text[i] > '9' || *out > 1000)
            return false;
        *out = 10 * *out + (uint32_t)(item->text[i] - '0');
    }
    return item->type == BERT__SQL_JSON_NUMBER && *out >= 1 && *out <= 1024;
}

static int read_option(const struct bert__sql_item *item, struct options *out,
                       struct bert__sql_error *error)
{
    if (item->key == NULL)
        return bert__sql_fail(error, "bert_load: the options are an array, not an object");
    if (equals(item->key, item->key_size, "precision"))
        return read_precision(item, &out->precision)
                   ? SQLITE_OK
                   : bert__sql_fail(error, "bert_load: \"precision\" is none of \"fp32\", "
                                           "\"bf16\", \"int8\", \"auto\"");
    if (equals(item->key, item->key_size, "threads"))
        return read_threads(item, &out->threads)
                   ? SQLITE_OK
                   : bert__sql_fail(error, "bert_load: \"threads\" is no number from 1 to 1024");
    return bert__sql_fail(error,
                          "bert_load: no option \"%.*s\"; there are \"precision\" and "
                          "\"threads\"",
                          (int)(item->key_size < 80 ? item->key_size : 80), item->key);
}

static int read_options(sqlite3_value *value, struct options *out, struct bert__sql_error *error)
{
    struct bert__sql_items items;
    bert_text text;
    bool null;
    int rc = bert__sql_text(value, "bert_load", "options", &text, &null, error);

    if (rc != SQLITE_OK || null)
        return rc;
    rc = bert__sql_items_read(&items, text, "bert_load", "the options", error);
    for (size_t i = 0; rc == SQLITE_OK && i < items.count; i++)
        rc = read_option(&items.items[i], out, error);
    bert__sql_items_free(&items);
    return rc;
}

static int read_path(sqlite3_value *value, const char **out, struct bert__sql_error *error)
{
    bert_text text;
    bool null;
    int rc = bert__sql_text(value, "bert_load", "path", &text, &null, error);

    if (rc != SQLITE_OK)
        return rc;
    if (null)
        return bert__sql_fail(error, "bert_load: the path is NULL");
    if (memchr(text.data, '\0', text.size) != NULL)
        return bert__sql_fail(error, "bert_load: the path holds a NUL");
    *out = text.data;
    return SQLITE_OK;
}

static int load(struct bert__sql_connection *connection, const char *name, const char *path,
                const struct options *options, struct bert__sql_error *error)
{
    struct bert__sql_model *model;
    bert_error err;

    if (bert__sql_model_get(&model, path, options->precision, connection->db, &err) == BERT_OK)
        return bert__sql_name_set(connection, name, model, options->threads, error);
    if (strstr(err.message, path) != NULL)
        return bert__sql_fail_status(error, err.code, "bert_load: model '%s': %s [%s]", name,
                                     err.message, bert_status_name(err.code));
    return bert__sql_fail_status(error, err.code, "bert_load: model '%s' (%s): %s [%s]", name, path,
                                 err.message, bert_status_name(err.code));
}

/* Returns what the model is for, as bert_model_task() says it. */
void bert__sql_load(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct bert__sql_connection *connection = sqlite3_user_data(context);
    struct options options = {BERT_PRECISION_DEFAULT, 0};
    struct bert__sql_error error = {SQLITE_OK, NULL};
    char name[BERT__SQL_NAME_MAX + 1];
    const char *path = NULL;
    int rc = bert__sql_name_read(values[0], "bert_load", name, &error);

    if (rc == SQLITE_OK)
        rc = read_path(values[1], &path, &error);
    if (rc == SQLITE_OK && n > 2)
        rc = read_options(values[2], &options, &error);
    if (rc == SQLITE_OK)
        rc = load(connection, name, path, &options, &error);
    if (rc == SQLITE_OK)
        sqlite3_result_text(context,
                            bert_model_task(bert__sql_name_find(connection, name)->model->model),
                            -1, SQLITE_TRANSIENT);
    else
        bert__sql_result_error(context, &error);
}

/* Returns 1, or 0 where there is no such name. */
void bert__sql_unload(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct bert__sql_error error = {SQLITE_OK, NULL};
    char name[BERT__SQL_NAME_MAX + 1];

    (void)n;
    if (bert__sql_name_read(values[0], "bert_unload", name, &error) == SQLITE_OK)
        sqlite3_result_int(context, bert__sql_name_remove(sqlite3_user_data(context), name));
    else
        bert__sql_result_error(context, &error);
}
