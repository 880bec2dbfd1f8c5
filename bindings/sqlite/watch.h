/* SPDX-License-Identifier: MIT */
/*
 * watch.h - has the caller of SQLite asked for an end, by sqlite3_interrupt() or by its progress
 * handler?
 *
 * SQLite tells an extension neither: there is one progress handler, which is the program's, and
 * sqlite3_is_interrupted() came with 3.41.  A statement inside the running one meets both, so that
 * one is run every few milliseconds.
 */
#ifndef BERT_BINDINGS_SQLITE_WATCH_H
#define BERT_BINDINGS_SQLITE_WATCH_H

#include "bindings/sqlite/sql.h"

struct bert__sql_watch {
    sqlite3 *db;
    sqlite3_stmt *statement; /* made at the first question; gone at the end, since an open one would
                                keep the connection from closing */
    int64_t next_ns;         /* when to look again */
    int stopped;
    int blind; /* the statement can't be made: an authorizer forbids it */
};

/* On the thread that runs the statement, as are the others. */
void bert__sql_watch_begin(struct bert__sql_watch *watch, sqlite3 *db);
/* A bert_cancel_fn. */
int bert__sql_watch_ask(void *watch);
void bert__sql_watch_end(struct bert__sql_watch *watch);

#endif /* BERT_BINDINGS_SQLITE_WATCH_H */
