/* SPDX-License-Identifier: MIT */
/*
 * table.h - table functions: virtual tables whose hidden columns are arguments.  table.c has what
 * SQLite asks of them all; the rows come from a struct for each.
 */
#ifndef BERT_BINDINGS_SQLITE_TABLE_H
#define BERT_BINDINGS_SQLITE_TABLE_H

#include "bindings/sqlite/names.h"

enum { BERT__SQL_ARGUMENTS = 4 /* of a table function at most, the model's name included */ };

struct bert__sql_cursor {
    sqlite3_vtab_cursor base;
    const struct bert__sql_table *table;
    struct bert__sql_use use;
    sqlite3_value *arguments[BERT__SQL_ARGUMENTS]; /* copies; NULL: not given */
    size_t row;
    size_t rows;
    void *result; /* of the table's open() */
};

struct bert__sql_table {
    const char *name;
    const char *columns; /* declarations, hidden ones last */
    int n_columns;       /* that are not hidden */
    int required;        /* arguments */
    int arguments;       /* required ones and others */
    /* All rows, or what is needed to make them; the arguments that are required are not NULL. */
    int (*open)(struct bert__sql_cursor *cursor, struct bert__sql_error *error);
    int (*column)(struct bert__sql_cursor *cursor, sqlite3_context *context, int column,
                  struct bert__sql_error *error);
    void (*close)(struct bert__sql_cursor *cursor); /* frees `result`, if there is one */
};

extern const struct bert__sql_table bert__sql_embed_each;     /* embed_each.c */
extern const struct bert__sql_table bert__sql_classify_table; /* task_tables.c */
extern const struct bert__sql_table bert__sql_rerank_table;   /* rerank_table.c */
extern const struct bert__sql_table bert__sql_entities_table; /* task_tables.c */
extern const struct bert__sql_table bert__sql_answer_table;
extern const struct bert__sql_table bert__sql_tokens_table;

/* Argument i as text, which is not NULL. */
int bert__sql_cursor_text(const struct bert__sql_cursor *cursor, int i, const char *what,
                          bert_text *out, struct bert__sql_error *error);
/* Argument i as a number of rows, at least 1; 0 where it is not given or NULL. */
int bert__sql_cursor_top(const struct bert__sql_cursor *cursor, int i, uint32_t *out,
                         struct bert__sql_error *error);

/* Register with a connection, of which it becomes a user. */
int bert__sql_table_register(struct bert__sql_connection *connection,
                             const struct bert__sql_table *table);

#endif /* BERT_BINDINGS_SQLITE_TABLE_H */
