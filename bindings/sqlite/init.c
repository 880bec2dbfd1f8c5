/* SPDX-License-Identifier: MIT */
/* sqlite3_bert_init(). */
#include "bindings/sqlite/bert_sqlite.h"
#include "bindings/sqlite/functions.h"
#include "bindings/sqlite/table.h"

SQLITE_EXTENSION_INIT1

enum {
    MIN_VERSION = 3031000, /* SQLITE_DIRECTONLY */
    /*
     * No view, trigger, default, constraint or column of a database that somebody else made may
     * open files, or see paths.  Deterministic they are since SQLite (3.40) looks at no others in
     * CHECK constraints; it makes calls with constant arguments run once, at the start of their
     * statement.
     */
    PRIVATE = SQLITE_UTF8 | SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC,
    /*
     * Functions of a model are not deterministic: bert_load() can give its name to another, and an
     * index over them would be wrong then.  Nor innocuous: they answer by what is loaded.  With
     * trusted_schema off, a schema can't call them.
     */
    BY_MODEL = SQLITE_UTF8,
    PURE = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS
};

static const struct {
    const char *name;
    int arguments;
    int flags;
    bert__sql_function *function;
} functions[] = {
    {"bert_load", 2, PRIVATE, bert__sql_load},
    {"bert_load", 3, PRIVATE, bert__sql_load},
    {"bert_unload", 1, PRIVATE, bert__sql_unload},
    {"bert_info", 0, PRIVATE, bert__sql_info},
    {"bert_info", 1, PRIVATE, bert__sql_info},
    {"bert_embed", 2, BY_MODEL, bert__sql_embed},
    {"bert_similarity", 2, PURE, bert__sql_cosine},
    {"bert_similarity", 3, BY_MODEL, bert__sql_similar},
    {"bert_classify", 2, BY_MODEL, bert__sql_classify},
    {"bert_classify", 3, BY_MODEL, bert__sql_classify},
    {"bert_rerank", 3, BY_MODEL, bert__sql_rerank},
    {"bert_answer", 3, BY_MODEL, bert__sql_answer},
    {"bert_tokens", 2, BY_MODEL, bert__sql_count_tokens},
};

static const struct bert__sql_table *const tables[] = {
    &bert__sql_embed_each,     &bert__sql_classify_table, &bert__sql_rerank_table,
    &bert__sql_entities_table, &bert__sql_answer_table,   &bert__sql_tokens_table,
};

/* SQLite releases the user of a registration that fails. */
static int register_all(struct bert__sql_connection *connection)
{
    sqlite3 *db = connection->db;
    int rc = SQLITE_OK;

    for (size_t i = 0; rc == SQLITE_OK && i < sizeof(functions) / sizeof(*functions); i++)
        rc = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                        functions[i].flags, bert__sql_connection_get(db),
                                        functions[i].function, NULL, NULL,
                                        bert__sql_connection_release);
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof(tables) / sizeof(*tables); i++)
        rc = bert__sql_table_register(connection, tables[i]);
    return rc;
}

#ifndef SQLITE_CORE
__attribute__((visibility("default")))
#endif
int sqlite3_bert_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    struct bert__sql_connection *connection;
    int rc;

    SQLITE_EXTENSION_INIT2(api)
    (void)api;
    if (sqlite3_libversion_number() < MIN_VERSION) {
        if (message != NULL)
            *message =
                sqlite3_mprintf("libbert needs SQLite 3.31; this is %s", sqlite3_libversion());
        return SQLITE_ERROR;
    }
    connection = bert__sql_connection_get(db);
    if (connection == NULL)
        return SQLITE_NOMEM;
    rc = register_all(connection);
    if (rc != SQLITE_OK && message != NULL)
        *message = sqlite3_mprintf("libbert's functions: %s", sqlite3_errmsg(db));
    bert__sql_connection_release(connection);
    return rc;
}
