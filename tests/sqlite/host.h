/* SPDX-License-Identifier: MIT */
/* host.h - what the parts of the program share. */
#ifndef TESTS_SQLITE_HOST_H
#define TESTS_SQLITE_HOST_H

#include <bert_sqlite.h>

extern const char text[];                 /* a short one */
extern char embedder[1024], tagger[1024]; /* paths of models */

/* Counts and prints what is not good. */
void check(int good, const char *what, const char *why);
sqlite3 *open_db(void);
/* The first column of the first row, for sqlite3_value_free(); NULL: see *rc. */
sqlite3_value *ask(sqlite3 *db, int *rc, const char *sql, const char *argument);
int run(sqlite3 *db, const char *sql, const char *argument);
void load(sqlite3 *db, const char *sql, const char *path);

/* host_memory.c: SQLite's memory fails when it is told to; before anything else. */
void use_failing_memory(void);
void test_memory(void);

#endif /* TESTS_SQLITE_HOST_H */
