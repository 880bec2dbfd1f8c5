/* SPDX-License-Identifier: MIT */
/* bert_embed(). */
#include <string.h>

#include "bindings/sqlite/functions.h"

/*
 * The vector of an argument that is the same in each row, such as a query's.  SQLite keeps it for
 * the length of the statement where the argument is a constant or a parameter, so that the function
 * needn't pass for deterministic to be cheap there.
 */
struct kept {
    uint64_t serial; /* of the model */
    size_t size;     /* bytes */
    char bytes[];
};

static void keep(sqlite3_context *context, uint64_t serial, const void *bytes, size_t size)
{
    struct kept *kept = sqlite3_malloc64(sizeof(*kept) + size);

    if (kept == NULL)
        return;
    kept->serial = serial;
    kept->size = size;
    memcpy(kept->bytes, bytes, size);
    sqlite3_set_auxdata(context, 1, kept, sqlite3_free);
}

/* Is what was kept of the model that has the name now? */
static bool is_current(sqlite3_context *context, const struct kept *kept, sqlite3_value *value)
{
    struct bert__sql_error error = {SQLITE_OK, NULL};
    const struct bert__sql_name *n = NULL;
    char name[BERT__SQL_NAME_MAX + 1];

    if (bert__sql_name_read(value, "bert_embed", name, &error) == SQLITE_OK)
        n = bert__sql_name_find(sqlite3_user_data(context), name);
    sqlite3_free(error.message);
    return n != NULL && n->model->serial == kept->serial;
}

static int embed(const struct bert__sql_use *use, bert_text text, float **out, size_t *size,
                 struct bert__sql_error *error)
{
    struct bert__sql_session *session;
    bert_status status;
    bert_error err;

    if (bert_embed_size(use->model->model, NULL, size, &err) != BERT_OK)
        return bert__sql_use_fail(use, &err, error);
    *out = sqlite3_malloc64(*size * sizeof(**out));
    if (*out == NULL)
        return bert__sql_no_memory(error);
    session = bert__sql_use_enter(use, error);
    if (session == NULL)
        return error->code;
    status = bert_embed(session->session, &text, 1, NULL, *out, *size, NULL, &err);
    bert__sql_use_leave(use, session);
    return status == BERT_OK ? SQLITE_OK : bert__sql_use_fail(use, &err, error);
}

static int answer(sqlite3_context *context, const struct bert__sql_use *use, sqlite3_value *value,
                  struct bert__sql_error *error)
{
    float *vector = NULL;
    size_t size = 0;
    bert_text text;
    bool null;
    int rc = bert__sql_text(value, use->function, "text", &text, &null, error);

    if (rc != SQLITE_OK || null)
        return rc;
    rc = embed(use, text, &vector, &size, error);
    if (rc != SQLITE_OK) {
        sqlite3_free(vector);
        return rc;
    }
    bert__sql_swap_floats(vector, size);
    keep(context, use->model->serial, vector, size * sizeof(*vector));
    sqlite3_result_blob64(context, vector, size * sizeof(*vector), sqlite3_free);
    return SQLITE_OK;
}

void bert__sql_embed(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct kept *kept = sqlite3_get_auxdata(context, 1);
    struct bert__sql_error error = {SQLITE_OK, NULL};
    struct bert__sql_use use;
    int rc;

    (void)n;
    if (kept != NULL && is_current(context, kept, values[0])) {
        sqlite3_result_blob64(context, kept->bytes, kept->size, SQLITE_TRANSIENT);
        return;
    }
    rc = bert__sql_use_begin(&use, sqlite3_user_data(context), "bert_embed", values[0], &error);
    if (rc == SQLITE_OK)
        rc = answer(context, &use, values[1], &error);
    if (rc != SQLITE_OK)
        bert__sql_result_error(context, &error);
    bert__sql_use_end(&use);
}
