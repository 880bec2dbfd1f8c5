/* SPDX-License-Identifier: MIT */
/* bert_rerank() as a table: the texts of a JSON array or object, best first. */
#include <string.h>

#include "bindings/sqlite/json.h"
#include "bindings/sqlite/table.h"

enum { RANK = 0, KEY, SCORE, TEXT };

struct ranking {
    struct bert__sql_items items;
    bert_text *texts;
    size_t *item; /* of a text: NULLs are left out */
    bert_rankings *result;
};

static void close_ranking(struct bert__sql_cursor *cursor)
{
    struct ranking *r = cursor->result;

    bert_rankings_free(r->result);
    bert__sql_items_free(&r->items);
    sqlite3_free(r->texts);
    sqlite3_free(r->item);
    sqlite3_free(r);
}

static int gather(struct ranking *r, size_t *n, struct bert__sql_error *error)
{
    *n = 0;
    r->texts = sqlite3_malloc64((r->items.count + 1) * sizeof(*r->texts));
    r->item = sqlite3_malloc64((r->items.count + 1) * sizeof(*r->item));
    if (r->texts == NULL || r->item == NULL)
        return bert__sql_no_memory(error);
    for (size_t i = 0; i < r->items.count; i++) {
        const struct bert__sql_item *item = &r->items.items[i];

        if (item->type == BERT__SQL_JSON_NULL)
            continue;
        r->texts[*n].data = item->text;
        r->texts[*n].size = item->size;
        r->item[(*n)++] = i;
    }
    return SQLITE_OK;
}

/* A text without a score fails the call: it would be missing unseen. */
static int check(const struct bert__sql_cursor *cursor, const struct ranking *r, size_t n,
                 struct bert__sql_error *error)
{
    for (size_t i = 0; i < n; i++)
        if (bert_rankings_status(r->result, i) != BERT_OK)
            return bert__sql_use_fail_record(&cursor->use, bert_rankings_status(r->result, i),
                                             bert_rankings_message(r->result, i), error);
    return SQLITE_OK;
}

static int rank(struct bert__sql_cursor *cursor, struct ranking *r, bert_text query, uint32_t top,
                struct bert__sql_error *error)
{
    bert_rerank_options options = BERT_RERANK_OPTIONS_INIT;
    struct bert__sql_session *session;
    bert_status status;
    bert_error err;
    size_t n;
    int rc = gather(r, &n, error);

    if (rc != SQLITE_OK)
        return rc;
    session = bert__sql_use_enter(&cursor->use, error);
    if (session == NULL)
        return error->code;
    options.top = top;
    status = bert_rerank(session->session, query, r->texts, n, &options, &r->result, &err);
    bert__sql_use_leave(&cursor->use, session);
    if (status != BERT_OK)
        return bert__sql_use_fail(&cursor->use, &err, error);
    cursor->rows = bert_rankings_count(r->result);
    return check(cursor, r, n, error);
}

static int open_ranking(struct bert__sql_cursor *cursor, struct bert__sql_error *error)
{
    struct ranking *r;
    bert_text query, json;
    uint32_t top;
    int rc = bert__sql_cursor_text(cursor, 1, "query", &query, error);

    if (rc == SQLITE_OK)
        rc = bert__sql_cursor_text(cursor, 2, "JSON", &json, error);
    if (rc == SQLITE_OK)
        rc = bert__sql_cursor_top(cursor, 3, &top, error);
    if (rc != SQLITE_OK)
        return rc;
    r = sqlite3_malloc64(sizeof(*r));
    if (r == NULL)
        return bert__sql_no_memory(error);
    memset(r, 0, sizeof(*r));
    cursor->result = r;
    rc = bert__sql_items_read(&r->items, json, cursor->table->name, "the texts", error);
    return rc == SQLITE_OK ? rank(cursor, r, query, top, error) : rc;
}

static int column_ranking(struct bert__sql_cursor *cursor, sqlite3_context *context, int column,
                          struct bert__sql_error *error)
{
    const struct ranking *r = cursor->result;
    const bert_ranked *ranked = bert_rankings_best(r->result) + cursor->row;
    size_t index = r->item[ranked->index];
    const struct bert__sql_item *item = &r->items.items[index];

    (void)error;
    if (column == RANK)
        sqlite3_result_int64(context, (sqlite3_int64)cursor->row + 1);
    else if (column == SCORE)
        sqlite3_result_double(context, (double)ranked->score);
    else if (column == TEXT)
        sqlite3_result_text64(context, item->text, item->size, SQLITE_TRANSIENT, SQLITE_UTF8);
    else if (item->key == NULL)
        sqlite3_result_int64(context, (sqlite3_int64)index);
    else
        sqlite3_result_text64(context, item->key, item->key_size, SQLITE_TRANSIENT, SQLITE_UTF8);
    return SQLITE_OK;
}

const struct bert__sql_table bert__sql_rerank_table = {
    .name = "bert_rerank",
    .columns = "rank INTEGER, key, score REAL, text TEXT, model TEXT HIDDEN, query TEXT HIDDEN, "
               "texts TEXT HIDDEN, top INTEGER HIDDEN",
    .n_columns = 4,
    .required = 3,
    .arguments = 4,
    .open = open_ranking,
    .column = column_ranking,
    .close = close_ranking,
};
