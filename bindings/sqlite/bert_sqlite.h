/* SPDX-License-Identifier: MIT */
/**
 * @file bert_sqlite.h
 * libbert in SQL.  As a loadable extension it is opened by SQLite (`.load bert`); a program that
 * links libbert-sqlite.a calls sqlite3_bert_init() itself, for each connection or once by
 * sqlite3_auto_extension().  docs/sqlite.md has the functions.
 */
#ifndef BERT_SQLITE_H
#define BERT_SQLITE_H

#include <sqlite3.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3_api_routines;

/**
 * Give a connection the functions.  A connection that has them keeps its models.
 * @param message  Receives why not, for sqlite3_free(); may be NULL.
 * @param api      What SQLite passes to a loadable extension; NULL where it is linked in.
 * @return SQLITE_OK; SQLITE_NOMEM; SQLITE_ERROR, SQLite is older than 3.31; SQLITE_BUSY.
 */
int sqlite3_bert_init(sqlite3 *db, char **message, const struct sqlite3_api_routines *api);

#ifdef __cplusplus
}
#endif

#endif /* BERT_SQLITE_H */
