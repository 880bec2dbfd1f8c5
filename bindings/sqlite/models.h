/* SPDX-License-Identifier: MIT */
/*
 * models.h - the models of the process.  Connections that load the same files in the same precision
 * share one, with sessions that go from call to call; it is freed with its last user.
 *
 * Memory is malloc()'s, not SQLite's: what is here outlives connections.
 */
#ifndef BERT_BINDINGS_SQLITE_MODELS_H
#define BERT_BINDINGS_SQLITE_MODELS_H

#include "bindings/sqlite/watch.h"

struct bert__sql_model {
    struct bert__sql_model *next;
    uint64_t serial; /* no two models of a process have the same */
    char *path;      /* resolved */
    uint64_t files;  /* what lay there: sizes, inodes, times */
    uint32_t precision;
    int loading;
    int failed;
    size_t users;      /* names and calls */
    size_t names;      /* idle sessions are kept for as many */
    bert_model *model; /* set before `loading` ends */
    struct bert__sql_session *idle;
    size_t n_idle;
};

struct bert__sql_session {
    struct bert__sql_session *next;
    bert_session *session;
    uint32_t threads;
    struct bert__sql_watch watch;
};

/* The model of these files, loaded or already there, with one more user.  Who comes while it is
 * being loaded waits, and can be interrupted. */
bert_status bert__sql_model_get(struct bert__sql_model **out, const char *path, uint32_t precision,
                                sqlite3 *db, bert_error *err);
void bert__sql_model_use(struct bert__sql_model *model);
void bert__sql_model_release(struct bert__sql_model *model);
/* A name (a user as well) comes, +1, or goes, -1. */
void bert__sql_model_named(struct bert__sql_model *model, int change);
/* Names that the model has, in all connections. */
size_t bert__sql_model_names(const struct bert__sql_model *model);
/* Models of the process, those that are being loaded too. */
size_t bert__sql_models_count(void);

/* A session that stops when `db` is interrupted, until it is given back. */
bert_status bert__sql_session_take(struct bert__sql_session **out, struct bert__sql_model *model,
                                   uint32_t threads, sqlite3 *db, bert_error *err);
void bert__sql_session_give(struct bert__sql_model *model, struct bert__sql_session *session);

#endif /* BERT_BINDINGS_SQLITE_MODELS_H */
