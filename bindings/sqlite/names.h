/* SPDX-License-Identifier: MIT */
/*
 * names.h - a connection's models by name, and a model in use by one of its functions.
 *
 * Names are a connection's own, like those of ATTACH: no other connection changes what one means.
 */
#ifndef BERT_BINDINGS_SQLITE_NAMES_H
#define BERT_BINDINGS_SQLITE_NAMES_H

#include "bindings/sqlite/models.h"

enum { BERT__SQL_NAME_MAX = 128 /* bytes of a name */ };

struct bert__sql_name {
    struct bert__sql_name *next;
    struct bert__sql_model *model;
    uint32_t threads; /* of its sessions; 0: all that the process may use */
    char name[BERT__SQL_NAME_MAX + 1];
};

struct bert__sql_connection {
    struct bert__sql_connection *next;
    sqlite3 *db;
    size_t users; /* functions and modules that SQLite has */
    struct bert__sql_name *names;
};

/* That of `db`, made where there is none, with one more user; NULL: no memory. */
struct bert__sql_connection *bert__sql_connection_get(sqlite3 *db);
/* For SQLite's xDestroy: the last user's end is the connection's. */
void bert__sql_connection_release(void *connection);

/* Is this a name?  Else an error of `function`. */
int bert__sql_name_read(sqlite3_value *value, const char *function, char name[],
                        struct bert__sql_error *error);
struct bert__sql_name *bert__sql_name_find(const struct bert__sql_connection *connection,
                                           const char *name);
/* The model, a user of which is handed over, gets the name; what had it before loses it. */
int bert__sql_name_set(struct bert__sql_connection *connection, const char *name,
                       struct bert__sql_model *model, uint32_t threads,
                       struct bert__sql_error *error);
/* False: there is no such name. */
bool bert__sql_name_remove(struct bert__sql_connection *connection, const char *name);

/* A model in use: it stays, whatever becomes of its name. */
struct bert__sql_use {
    const char *function;
    struct bert__sql_model *model; /* NULL: none */
    sqlite3 *db;
    uint32_t threads;
    char name[BERT__SQL_NAME_MAX + 1];
};

int bert__sql_use_begin(struct bert__sql_use *use, const struct bert__sql_connection *connection,
                        const char *function, sqlite3_value *name, struct bert__sql_error *error);
void bert__sql_use_end(struct bert__sql_use *use);
/* A session, until bert__sql_use_leave(); NULL: see the error. */
struct bert__sql_session *bert__sql_use_enter(const struct bert__sql_use *use,
                                              struct bert__sql_error *error);
void bert__sql_use_leave(const struct bert__sql_use *use, struct bert__sql_session *session);
/* The library's error, as SQLite's, with function, name and path. */
int bert__sql_use_fail(const struct bert__sql_use *use, const bert_error *err,
                       struct bert__sql_error *error);
/* So too, of one of several texts. */
int bert__sql_use_fail_record(const struct bert__sql_use *use, bert_status status,
                              const char *message, struct bert__sql_error *error);

#endif /* BERT_BINDINGS_SQLITE_NAMES_H */
