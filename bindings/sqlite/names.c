/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/sqlite/names.h"

/* ---- Connections ------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct bert__sql_connection *connections;

struct bert__sql_connection *bert__sql_connection_get(sqlite3 *db)
{
    struct bert__sql_connection *c;

    pthread_mutex_lock(&lock);
    for (c = connections; c != NULL && c->db != db; c = c->next)
        ;
    if (c == NULL && (c = calloc(1, sizeof(*c))) != NULL) {
        c->db = db;
        c->next = connections;
        connections = c;
    }
    if (c != NULL)
        c->users++;
    pthread_mutex_unlock(&lock);
    return c;
}

void bert__sql_connection_release(void *connection)
{
    struct bert__sql_connection *c = connection;
    bool last;

    pthread_mutex_lock(&lock);
    last = --c->users == 0;
    for (struct bert__sql_connection **at = &connections; last && *at != NULL; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    pthread_mutex_unlock(&lock);
    if (!last)
        return;
    while (c->names != NULL)
        bert__sql_name_remove(c, c->names->name);
    free(c);
}

/* ---- Names --------------------------------------------------------------------- */

int bert__sql_name_read(sqlite3_value *value, const char *function, char name[],
                        struct bert__sql_error *error)
{
    bert_text text;
    bool null;
    int rc = bert__sql_text(value, function, "model's name", &text, &null, error);

    if (rc != SQLITE_OK)
        return rc;
    if (null)
        return bert__sql_fail(error, "%s: the model's name is NULL", function);
    if (text.size == 0 || text.size > BERT__SQL_NAME_MAX)
        return bert__sql_fail(error, "%s: the model's name has %llu bytes, not 1 to %d", function,
                              (unsigned long long)text.size, BERT__SQL_NAME_MAX);
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return bert__sql_fail(error, "%s: the model's name has the control character %d",
                                  function, text.data[i]);
    memcpy(name, text.data, text.size);
    name[text.size] = '\0';
    return SQLITE_OK;
}

struct bert__sql_name *bert__sql_name_find(const struct bert__sql_connection *connection,
                                           const char *name)
{
    struct bert__sql_name *n = connection->names;

    while (n != NULL && strcmp(n->name, name) != 0)
        n = n->next;
    return n;
}

int bert__sql_name_set(struct bert__sql_connection *connection, const char *name,
                       struct bert__sql_model *model, uint32_t threads,
                       struct bert__sql_error *error)
{
    struct bert__sql_name *n = calloc(1, sizeof(*n));

    if (n == NULL) {
        bert__sql_model_release(model);
        return bert__sql_no_memory(error);
    }
    snprintf(n->name, sizeof(n->name), "%s", name);
    n->model = model;
    n->threads = threads;
    bert__sql_model_named(model, 1);
    bert__sql_name_remove(connection, name);
    n->next = connection->names;
    connection->names = n;
    return SQLITE_OK;
}

bool bert__sql_name_remove(struct bert__sql_connection *connection, const char *name)
{
    struct bert__sql_name **at = &connection->names, *n;

    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    n = *at;
    if (n == NULL)
        return false;
    *at = n->next;
    bert__sql_model_named(n->model, -1);
    bert__sql_model_release(n->model);
    free(n);
    return true;
}

/* ---- A model in use --------------------------------------------------------------- */

int bert__sql_use_begin(struct bert__sql_use *use, const struct bert__sql_connection *connection,
                        const char *function, sqlite3_value *name, struct bert__sql_error *error)
{
    const struct bert__sql_name *n;
    int rc;

    memset(use, 0, sizeof(*use));
    use->function = function;
    use->db = connection->db;
    rc = bert__sql_name_read(name, function, use->name, error);
    if (rc != SQLITE_OK)
        return rc;
    n = bert__sql_name_find(connection, use->name);
    if (n == NULL)
        return bert__sql_fail(error, "%s: no model '%s' in this connection: bert_load() gives one",
                              function, use->name);
    use->threads = n->threads;
    use->model = n->model;
    bert__sql_model_use(use->model);
    return SQLITE_OK;
}

void bert__sql_use_end(struct bert__sql_use *use)
{
    if (use->model != NULL)
        bert__sql_model_release(use->model);
    use->model = NULL;
}

struct bert__sql_session *bert__sql_use_enter(const struct bert__sql_use *use,
                                              struct bert__sql_error *error)
{
    struct bert__sql_session *session;
    bert_error err;

    if (bert__sql_session_take(&session, use->model, use->threads, use->db, &err) == BERT_OK)
        return session;
    bert__sql_use_fail(use, &err, error);
    return NULL;
}

void bert__sql_use_leave(const struct bert__sql_use *use, struct bert__sql_session *session)
{
    bert__sql_session_give(use->model, session);
}

int bert__sql_use_fail_record(const struct bert__sql_use *use, bert_status status,
                              const char *message, struct bert__sql_error *error)
{
    return bert__sql_fail_status(error, status, "%s: model '%s' (%s): %s [%s]", use->function,
                                 use->name, use->model->path, message, bert_status_name(status));
}

int bert__sql_use_fail(const struct bert__sql_use *use, const bert_error *err,
                       struct bert__sql_error *error)
{
    return bert__sql_use_fail_record(use, err->code, err->message, error);
}
