/* SPDX-License-Identifier: MIT */
/*
 * bert_embed_each(): vectors of the texts of a JSON array or object, in batches.  A batch is
 * computed when a row of it is read, so that LIMIT and an interrupt end it, and no more than a
 * batch of vectors is held.
 */
#include <string.h>

#include "bindings/sqlite/functions.h"
#include "bindings/sqlite/json.h"
#include "bindings/sqlite/table.h"

enum { BATCH = 256, KEY = 0, EMBEDDING, TOKENS, TRUNCATED, TEXT };

struct each {
    struct bert__sql_items items;
    size_t size;  /* floats of a vector */
    size_t first; /* of the batch that is there */
    size_t count;
    float *vectors;
    bert_text texts[BATCH];
    size_t row[BATCH]; /* of an item of the batch, in the arrays above and below */
    bert_embed_report reports[BATCH];
};

static void close_each(struct bert__sql_cursor *cursor)
{
    struct each *each = cursor->result;

    bert__sql_items_free(&each->items);
    sqlite3_free(each->vectors);
    sqlite3_free(each);
}

static int open_each(struct bert__sql_cursor *cursor, struct bert__sql_error *error)
{
    struct each *each;
    bert_error err;
    bert_text json;
    int rc = bert__sql_cursor_text(cursor, 1, "JSON", &json, error);

    if (rc != SQLITE_OK)
        return rc;
    each = sqlite3_malloc64(sizeof(*each));
    if (each == NULL)
        return bert__sql_no_memory(error);
    memset(each, 0, sizeof(*each));
    cursor->result = each;
    if (bert_embed_size(cursor->use.model->model, NULL, &each->size, &err) != BERT_OK)
        return bert__sql_use_fail(&cursor->use, &err, error);
    rc = bert__sql_items_read(&each->items, json, cursor->table->name, "the texts", error);
    cursor->rows = each->items.count;
    return rc;
}

static int compute(struct bert__sql_cursor *cursor, struct each *each, size_t n,
                   struct bert__sql_error *error)
{
    struct bert__sql_session *session;
    bert_status status;
    bert_error err;

    if (n == 0)
        return SQLITE_OK;
    if (each->vectors == NULL)
        each->vectors = sqlite3_malloc64(BATCH * each->size * sizeof(float));
    if (each->vectors == NULL)
        return bert__sql_no_memory(error);
    session = bert__sql_use_enter(&cursor->use, error);
    if (session == NULL)
        return error->code;
    status = bert_embed(session->session, each->texts, n, NULL, each->vectors, n * each->size,
                        each->reports, &err);
    bert__sql_use_leave(&cursor->use, session);
    if (status != BERT_OK)
        return bert__sql_use_fail(&cursor->use, &err, error);
    bert__sql_swap_floats(each->vectors, n * each->size);
    return SQLITE_OK;
}

/* Make the batch be that with the cursor's row in it. */
static int fill(struct bert__sql_cursor *cursor, struct bert__sql_error *error)
{
    struct each *each = cursor->result;
    size_t n = 0, left = each->items.count - cursor->row;
    int rc;

    if (cursor->row >= each->first && cursor->row - each->first < each->count)
        return SQLITE_OK;
    each->first = cursor->row;
    each->count = 0;
    left = left < BATCH ? left : BATCH;
    for (size_t i = 0; i < left; i++) {
        const struct bert__sql_item *item = &each->items.items[each->first + i];

        each->row[i] = n;
        if (item->type == BERT__SQL_JSON_NULL)
            continue;
        each->texts[n].data = item->text;
        each->texts[n++].size = item->size;
    }
    rc = compute(cursor, each, n, error);
    if (rc == SQLITE_OK)
        each->count = left;
    return rc;
}

static int key(const struct bert__sql_cursor *cursor, sqlite3_context *context,
               const struct bert__sql_item *item)
{
    if (item->key == NULL)
        sqlite3_result_int64(context, (sqlite3_int64)cursor->row);
    else
        sqlite3_result_text64(context, item->key, item->key_size, SQLITE_TRANSIENT, SQLITE_UTF8);
    return SQLITE_OK;
}

static int check(const struct bert__sql_cursor *cursor, const bert_embed_report *report,
                 struct bert__sql_error *error)
{
    char message[64];

    if (report->status == BERT_OK)
        return SQLITE_OK;
    sqlite3_snprintf(sizeof(message), message, "text %llu has no vector",
                     (unsigned long long)cursor->row);
    return bert__sql_use_fail_record(&cursor->use, report->status, message, error);
}

static int column_each(struct bert__sql_cursor *cursor, sqlite3_context *context, int column,
                       struct bert__sql_error *error)
{
    struct each *each = cursor->result;
    const struct bert__sql_item *item = &each->items.items[cursor->row];
    size_t row;
    int rc;

    if (column == KEY)
        return key(cursor, context, item);
    if (item->type == BERT__SQL_JSON_NULL)
        return SQLITE_OK;
    if (column == TEXT) {
        sqlite3_result_text64(context, item->text, item->size, SQLITE_TRANSIENT, SQLITE_UTF8);
        return SQLITE_OK;
    }
    rc = fill(cursor, error);
    if (rc != SQLITE_OK)
        return rc;
    row = each->row[cursor->row - each->first];
    rc = check(cursor, &each->reports[row], error);
    if (rc != SQLITE_OK)
        return rc;
    if (column == EMBEDDING)
        sqlite3_result_blob64(context, each->vectors + row * each->size, each->size * sizeof(float),
                              SQLITE_TRANSIENT);
    else if (column == TOKENS)
        sqlite3_result_int64(context, each->reports[row].tokens);
    else
        sqlite3_result_int64(context, (sqlite3_int64)each->reports[row].truncated);
    return SQLITE_OK;
}

const struct bert__sql_table bert__sql_embed_each = {
    .name = "bert_embed_each",
    .columns = "key, embedding BLOB, tokens INTEGER, truncated INTEGER, text TEXT, "
               "model TEXT HIDDEN, texts TEXT HIDDEN",
    .n_columns = 5,
    .required = 2,
    .arguments = 2,
    .open = open_each,
    .column = column_each,
    .close = close_each,
};
