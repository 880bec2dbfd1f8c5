/* SPDX-License-Identifier: MIT */
/*
 * sql.h - SQLite's interface for each file of the extension, and errors as functions and tables
 * of it hand them on.
 */
#ifndef BERT_BINDINGS_SQLITE_SQL_H
#define BERT_BINDINGS_SQLITE_SQL_H

#include <bert.h>
#include <sqlite3ext.h>
#include <stdbool.h>

#ifndef SQLITE_CORE
extern const sqlite3_api_routines *sqlite3_api;
#endif

/* An SQLite result code and its message, which is sqlite3_malloc()'s; {SQLITE_OK, NULL} at first.
 */
struct bert__sql_error {
    int code;
    char *message;
};

/* Both return the code.  A message that there is no memory for makes it SQLITE_NOMEM. */
int bert__sql_fail(struct bert__sql_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int bert__sql_no_memory(struct bert__sql_error *error);
/* So too, with a status of the library's behind it; a call that was canceled gets SQLite's own
 * "interrupted", for which programs look. */
int bert__sql_fail_status(struct bert__sql_error *error, bert_status status, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));

/* Hand the error to the caller of a function, and forget it. */
void bert__sql_result_error(sqlite3_context *context, struct bert__sql_error *error);

/*
 * An argument as text.  NULL is none: *null.  Numbers are as SQLite spells them.  A BLOB is
 * refused: it is most often a vector in a text's place.  Borrowed from the value.
 */
int bert__sql_text(sqlite3_value *value, const char *function, const char *what, bert_text *out,
                   bool *null, struct bert__sql_error *error);

#endif /* BERT_BINDINGS_SQLITE_SQL_H */
