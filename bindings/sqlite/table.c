/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bindings/sqlite/table.h"

/* What SQLite keeps of a module. */
struct module {
    struct bert__sql_connection *connection;
    const struct bert__sql_table *table;
};

struct table {
    sqlite3_vtab base;
    const struct module *module;
};

static int hand_on(sqlite3_vtab *vtab, struct bert__sql_error *error)
{
    sqlite3_free(vtab->zErrMsg);
    vtab->zErrMsg = error->message;
    return error->code;
}

static int connect_table(sqlite3 *db, void *context, int n, const char *const *arguments,
                         sqlite3_vtab **out, char **message)
{
    const struct module *module = context;
    struct table *table;
    char *declaration;
    int rc;

    (void)n;
    (void)arguments;
    (void)message;
    declaration = sqlite3_mprintf("CREATE TABLE x(%s)", module->table->columns);
    table = sqlite3_malloc64(sizeof(*table));
    rc =
        declaration != NULL && table != NULL ? sqlite3_declare_vtab(db, declaration) : SQLITE_NOMEM;
    sqlite3_free(declaration);
    if (rc != SQLITE_OK) {
        sqlite3_free(table);
        return rc;
    }
    memset(table, 0, sizeof(*table));
    table->module = module;
    *out = &table->base;
    return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *vtab)
{
    sqlite3_free(vtab);
    return SQLITE_OK;
}

/* Arguments are equalities with hidden columns.  idxNum: which are given, in order. */
static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
    const struct bert__sql_table *t = ((struct table *)vtab)->module->table;
    int given[BERT__SQL_ARGUMENTS] = {0}, count = 0;

    for (int i = 0; i < info->nConstraint; i++) {
        int argument = info->aConstraint[i].iColumn - t->n_columns;

        if (argument < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT; /* another order of the join gives it */
        given[argument] = i + 1;
    }
    for (int i = 0; i < t->arguments; i++)
        if (given[i] > 0) {
            info->aConstraintUsage[given[i] - 1].argvIndex = ++count;
            info->aConstraintUsage[given[i] - 1].omit = 1;
            info->idxNum |= 1 << i;
        }
    info->estimatedCost = count >= t->required ? 1e5 : 1e50;
    info->estimatedRows = 100;
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
    const struct module *module = ((struct table *)vtab)->module;
    struct bert__sql_cursor *cursor = sqlite3_malloc64(sizeof(*cursor));

    if (cursor == NULL)
        return SQLITE_NOMEM;
    memset(cursor, 0, sizeof(*cursor));
    cursor->table = module->table;
    *out = &cursor->base;
    return SQLITE_OK;
}

static void empty(struct bert__sql_cursor *cursor)
{
    if (cursor->result != NULL)
        cursor->table->close(cursor);
    cursor->result = NULL;
    bert__sql_use_end(&cursor->use);
    for (int i = 0; i < BERT__SQL_ARGUMENTS; i++) {
        sqlite3_value_free(cursor->arguments[i]);
        cursor->arguments[i] = NULL;
    }
    cursor->row = cursor->rows = 0;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    empty((struct bert__sql_cursor *)base);
    sqlite3_free(base);
    return SQLITE_OK;
}

static int copy_arguments(struct bert__sql_cursor *cursor, int given, sqlite3_value **values,
                          struct bert__sql_error *error)
{
    for (int i = 0, k = 0; i < cursor->table->arguments; i++) {
        if (!(given >> i & 1)) {
            if (i < cursor->table->required)
                return bert__sql_fail(error, "%s: argument %d of at least %d is missing",
                                      cursor->table->name, i + 1, cursor->table->required);
            continue;
        }
        cursor->arguments[i] = sqlite3_value_dup(values[k++]);
        if (cursor->arguments[i] == NULL)
            return bert__sql_no_memory(error);
    }
    return SQLITE_OK;
}

/* Of NULL there are no rows. */
static bool is_null(const struct bert__sql_cursor *cursor)
{
    for (int i = 1; i < cursor->table->required; i++)
        if (sqlite3_value_type(cursor->arguments[i]) == SQLITE_NULL)
            return true;
    return false;
}

static int filter(sqlite3_vtab_cursor *base, int given, const char *name, int n,
                  sqlite3_value **values)
{
    struct bert__sql_cursor *cursor = (struct bert__sql_cursor *)base;
    const struct module *module = ((struct table *)base->pVtab)->module;
    struct bert__sql_error error = {SQLITE_OK, NULL};
    int rc;

    (void)name;
    (void)n;
    empty(cursor);
    rc = copy_arguments(cursor, given, values, &error);
    if (rc == SQLITE_OK)
        rc = bert__sql_use_begin(&cursor->use, module->connection, cursor->table->name,
                                 cursor->arguments[0], &error);
    if (rc == SQLITE_OK && !is_null(cursor))
        rc = cursor->table->open(cursor, &error);
    if (rc == SQLITE_OK)
        return rc;
    empty(cursor);
    return hand_on(base->pVtab, &error);
}

static int next_row(sqlite3_vtab_cursor *base)
{
    ((struct bert__sql_cursor *)base)->row++;
    return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
    const struct bert__sql_cursor *cursor = (const struct bert__sql_cursor *)base;

    return cursor->row >= cursor->rows;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int i)
{
    struct bert__sql_cursor *cursor = (struct bert__sql_cursor *)base;
    struct bert__sql_error error = {SQLITE_OK, NULL};
    int argument = i - cursor->table->n_columns;

    if (argument >= 0) {
        if (cursor->arguments[argument] != NULL)
            sqlite3_result_value(context, cursor->arguments[argument]);
        return SQLITE_OK;
    }
    if (cursor->table->column(cursor, context, i, &error) != SQLITE_OK)
        bert__sql_result_error(context, &error);
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)((struct bert__sql_cursor *)base)->row + 1;
    return SQLITE_OK;
}

int bert__sql_cursor_text(const struct bert__sql_cursor *cursor, int i, const char *what,
                          bert_text *out, struct bert__sql_error *error)
{
    bool null;

    return bert__sql_text(cursor->arguments[i], cursor->table->name, what, out, &null, error);
}

int bert__sql_cursor_top(const struct bert__sql_cursor *cursor, int i, uint32_t *out,
                         struct bert__sql_error *error)
{
    sqlite3_value *value = cursor->arguments[i];
    sqlite3_int64 top;

    *out = 0;
    if (value == NULL || sqlite3_value_type(value) == SQLITE_NULL)
        return SQLITE_OK;
    top = sqlite3_value_int64(value);
    if (sqlite3_value_type(value) != SQLITE_INTEGER || top < 1)
        return bert__sql_fail(error, "%s: top is no whole number from 1 on", cursor->table->name);
    *out = top < INT32_MAX ? (uint32_t)top : INT32_MAX;
    return SQLITE_OK;
}

static void destroy_module(void *context)
{
    struct module *module = context;

    bert__sql_connection_release(module->connection);
    sqlite3_free(module);
}

/* Without xCreate: a table function only, no CREATE VIRTUAL TABLE. */
static const sqlite3_module methods = {
    .xConnect = connect_table,
    .xBestIndex = best_index,
    .xDisconnect = disconnect_table,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next_row,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = rowid,
};

int bert__sql_table_register(struct bert__sql_connection *connection,
                             const struct bert__sql_table *table)
{
    struct module *module = sqlite3_malloc64(sizeof(*module));

    if (module == NULL)
        return SQLITE_NOMEM;
    module->table = table;
    module->connection = bert__sql_connection_get(connection->db); /* is there: never NULL */
    return sqlite3_create_module_v2(connection->db, table->name, &methods, module, destroy_module);
}
