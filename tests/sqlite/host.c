/* SPDX-License-Identifier: MIT */
/*
 * A program with SQLite and the extension linked in: what SQL alone can't show.  Values beside the
 * library's, interrupts and how soon they are heard, connections in threads, statements that
 * outlive names, and memory that runs out at every point. host MODELS     tests/data/models
 */
#include <bert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host.h"

static int failures;
char embedder[1024], tagger[1024];
const char text[] = "a cat on a mat";

void check(int good, const char *what, const char *why)
{
    if (good)
        return;
    failures++;
    printf("FAIL %s: %s\n", what, why != NULL ? why : "");
}

sqlite3 *open_db(void)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    check(sqlite3_open(":memory:", &db) == SQLITE_OK, "open", NULL);
    check(sqlite3_bert_init(db, &message, NULL) == SQLITE_OK, "init", message);
    sqlite3_free(message);
    return db;
}

sqlite3_value *ask(sqlite3 *db, int *rc, const char *sql, const char *argument)
{
    sqlite3_value *value = NULL;
    sqlite3_stmt *statement;

    *rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (*rc != SQLITE_OK)
        return NULL;
    if (argument != NULL)
        sqlite3_bind_text(statement, 1, argument, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        value = sqlite3_value_dup(sqlite3_column_value(statement, 0));
        while (sqlite3_step(statement) == SQLITE_ROW)
            ;
    }
    *rc = sqlite3_finalize(statement);
    return value;
}

int run(sqlite3 *db, const char *sql, const char *argument)
{
    int rc;

    sqlite3_value_free(ask(db, &rc, sql, argument));
    return rc;
}

void load(sqlite3 *db, const char *sql, const char *path)
{
    check(run(db, sql, path) == SQLITE_OK, sql, sqlite3_errmsg(db));
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- Values ------------------------------------------------------------------- */

/* The library's vector of `text`. */
static float *vector(size_t *size)
{
    bert_text t = {text, sizeof(text) - 1};
    bert_session *session = NULL;
    bert_model *model = NULL;
    float *out = NULL;
    bert_error err;

    if (bert_model_load(&model, embedder, NULL, &err) != BERT_OK
        || bert_session_create(&session, model, NULL, &err) != BERT_OK
        || bert_embed_size(model, NULL, size, &err) != BERT_OK
        || (out = malloc(*size * sizeof(*out))) == NULL
        || bert_embed(session, &t, 1, NULL, out, *size, NULL, &err) != BERT_OK)
        check(0, "the library's vector", err.message);
    bert_session_destroy(session);
    bert_model_unref(model);
    return out;
}

static void check_vector(sqlite3 *db, const char *sql, const char *argument, const float *want,
                         size_t size)
{
    int rc;
    sqlite3_value *value = ask(db, &rc, sql, argument);

    check(rc == SQLITE_OK && value != NULL
              && (size_t)sqlite3_value_bytes(value) == size * sizeof(*want)
              && memcmp(sqlite3_value_blob(value), want, size * sizeof(*want)) == 0,
          sql, sqlite3_errmsg(db));
    sqlite3_value_free(value);
}

static void test_values(void)
{
    sqlite3 *db = open_db();
    size_t size = 0;
    float *want = vector(&size);

    load(db, "SELECT bert_load('m', ?)", embedder);
    check_vector(db, "SELECT bert_embed('m', ?)", text, want, size);
    check_vector(db,
                 "SELECT embedding FROM bert_embed_each('m', json_array('x', ?, 'y')) "
                 "WHERE key = 1",
                 text, want, size);
    /* A thousand rows before it, more than a batch. */
    check_vector(db,
                 "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
                 "SELECT embedding FROM bert_embed_each('m', (SELECT json_group_array("
                 "CASE WHEN i = 700 THEN ? WHEN i % 7 = 0 THEN NULL ELSE 'row ' || i END) FROM n)) "
                 "WHERE key = 700",
                 text, want, size);
    free(want);
    check(sqlite3_close(db) == SQLITE_OK, "close", NULL);
}

/* ---- Interrupts ------------------------------------------------------------------ */

/* How soon is printed, not judged: it depends on the machine, and on how long a text is tokenized.
 */

struct stopper {
    sqlite3 *db;
    double at;
    atomic_int done;
};

/* Again and again: SQLite forgets an interrupt that comes before the statement has begun. */
static void *stop_soon(void *context)
{
    struct stopper *s = context;
    struct timespec t = {0, 100000000};

    nanosleep(&t, NULL);
    s->at = now();
    while (!atomic_load(&s->done)) {
        sqlite3_interrupt(s->db);
        nanosleep(&t, NULL);
    }
    return NULL;
}

/* The code of a statement that is interrupted; *took: from the interrupt on. */
static int run_stopped(struct stopper *s, const char *sql, const char *argument, double *took)
{
    pthread_t thread;
    int rc;

    atomic_store(&s->done, 0);
    if (pthread_create(&thread, NULL, stop_soon, s) != 0)
        exit(1);
    rc = run(s->db, sql, argument);
    *took = now();
    atomic_store(&s->done, 1);
    pthread_join(thread, NULL);
    *took -= s->at;
    return rc;
}

static int stop_later(void *context)
{
    struct stopper *s = context;

    if (now() < s->at)
        return 0;
    return 1;
}

/* Seconds of work in one call of one function. */
static char *long_text(void)
{
    const char word[] = "Ada met the king of Prussia in 1843. ";
    size_t n = 40000, size = sizeof(word) - 1;
    char *out = malloc(n * size + 1);

    if (out == NULL)
        exit(1);
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * size, word, size);
    out[n * size] = '\0';
    return out;
}

static const char entities[] = "SELECT count(*) FROM bert_entities('ner', ?)";
/* Too little work for SQLite to ask a handler by itself: only the function can. */
static const char entity[] = "SELECT 1 FROM bert_entities('ner', ?) LIMIT 1";

static void test_interrupt(const char *much)
{
    struct stopper s = {open_db(), 0, 0};
    double took;
    int rc;

    load(s.db, "SELECT bert_load('ner', ?)", tagger);
    rc = run_stopped(&s, entities, much, &took);
    printf("interrupt: heard after %.1f ms\n", took * 1e3);
    check(rc == SQLITE_INTERRUPT, "interrupt", sqlite3_errmsg(s.db));
    check(run(s.db, entities, text) == SQLITE_OK, "after an interrupt", sqlite3_errmsg(s.db));
    check(sqlite3_close(s.db) == SQLITE_OK, "close", NULL);
}

static void test_progress(const char *much)
{
    struct stopper s = {open_db(), now() + 0.1, 0};
    double took;
    int rc;

    load(s.db, "SELECT bert_load('ner', ?)", tagger);
    sqlite3_progress_handler(s.db, 1000, stop_later, &s);
    rc = run(s.db, entity, much);
    took = now() - s.at;
    printf("progress handler: heard after %.1f ms\n", took * 1e3);
    check(rc == SQLITE_INTERRUPT, "progress", sqlite3_errmsg(s.db));
    sqlite3_progress_handler(s.db, 0, NULL, NULL);
    check(run(s.db, entities, text) == SQLITE_OK, "after a progress handler", NULL);
    check(sqlite3_close(s.db) == SQLITE_OK, "close", NULL);
}

/* A transaction that writes is undone by an interrupt as by any, one that reads isn't. */
static void test_transaction(const char *much)
{
    struct stopper s = {open_db(), 0, 0};
    double took;
    int rc;

    load(s.db, "SELECT bert_load('ner', ?)", tagger);
    run(s.db, "CREATE TABLE t(x)", NULL);
    run(s.db, "BEGIN", NULL);
    run(s.db, "INSERT INTO t VALUES(1)", NULL);
    rc = run_stopped(&s, entities, much, &took);
    check(rc == SQLITE_INTERRUPT && !sqlite3_get_autocommit(s.db), "the transaction stays", NULL);
    check(run(s.db, "COMMIT", NULL) == SQLITE_OK, "commit", sqlite3_errmsg(s.db));
    check(sqlite3_close(s.db) == SQLITE_OK, "close", NULL);
}

/* ---- Names and statements ---------------------------------------------------------- */

static void test_lifetimes(void)
{
    sqlite3 *db = open_db(), *other = open_db();
    sqlite3_stmt *statement = NULL;
    sqlite3_value *names;
    int rows = 0, rc;

    load(db, "SELECT bert_load('m', ?)", embedder);
    load(other, "SELECT bert_load('n', ?)", embedder);
    names = ask(db, &rc, "SELECT json_extract(bert_info('m'), '$.names')", NULL);
    check(rc == SQLITE_OK && sqlite3_value_int(names) == 2, "connections share a model",
          sqlite3_errmsg(db));
    sqlite3_value_free(names);
    check(run(other, "SELECT bert_embed('m', 'x')", NULL) == SQLITE_ERROR, "names are not shared",
          NULL);
    check(sqlite3_bert_init(db, NULL, NULL) == SQLITE_OK, "init again", sqlite3_errmsg(db));
    check(run(db, "SELECT bert_embed('m', 'x')", NULL) == SQLITE_OK, "names stay", NULL);
    sqlite3_prepare_v2(db, "SELECT embedding FROM bert_embed_each('m', '[\"a\", \"b\", \"c\"]')",
                       -1, &statement, NULL);
    check(sqlite3_step(statement) == SQLITE_ROW, "a row", sqlite3_errmsg(db));
    check(run(db, "SELECT bert_unload('m')", NULL) == SQLITE_OK, "unload in use", NULL);
    check(run(db, "SELECT bert_embed('m', 'x')", NULL) == SQLITE_ERROR, "the name is gone", NULL);
    while (sqlite3_step(statement) == SQLITE_ROW)
        rows += sqlite3_column_bytes(statement, 0) > 0;
    check(rows == 2, "a statement keeps its model", sqlite3_errmsg(db));
    sqlite3_reset(statement);
    check(sqlite3_step(statement) == SQLITE_ERROR, "but only while it runs", NULL);
    load(db, "SELECT bert_load('m', ?)", embedder);
    check(sqlite3_step(statement) == SQLITE_ROW, "loaded again", sqlite3_errmsg(db));
    check(sqlite3_close_v2(db) == SQLITE_OK, "close under a statement", NULL);
    check(sqlite3_step(statement) == SQLITE_ROW, "which goes on", NULL);
    sqlite3_finalize(statement);
    check(sqlite3_close(other) == SQLITE_OK, "close", NULL);
}

static int deny(void *context, int action, const char *a, const char *b, const char *c,
                const char *d)
{
    (void)context, (void)a, (void)c, (void)d;
    return action == SQLITE_FUNCTION && strcmp(b, "bert_load") == 0 ? SQLITE_DENY : SQLITE_OK;
}

static void test_authorizer(void)
{
    sqlite3 *db = open_db();

    sqlite3_set_authorizer(db, deny, NULL);
    check(run(db, "SELECT bert_load('m', ?)", embedder) == SQLITE_ERROR, "a denied bert_load()",
          NULL);
    check(run(db, "SELECT bert_similarity(x'0000803f', x'0000803f')", NULL) == SQLITE_OK,
          "others are not", sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* As a program gives it to all its connections. */
static void test_auto(void)
{
    sqlite3 *db = NULL;

    check(sqlite3_auto_extension((void (*)(void))sqlite3_bert_init) == SQLITE_OK, "auto", NULL);
    check(sqlite3_open(":memory:", &db) == SQLITE_OK, "open", sqlite3_errmsg(db));
    sqlite3_cancel_auto_extension((void (*)(void))sqlite3_bert_init);
    load(db, "SELECT bert_load('m', ?)", embedder);
    sqlite3_close(db);
    sqlite3_reset_auto_extension();
}

/* ---- Threads -------------------------------------------------------------------------- */

enum { THREADS = 6, ROUNDS = 30 };

struct worker {
    size_t bad;
    char why[200];
};

static void expect(struct worker *w, sqlite3 *db, int good)
{
    if (good)
        return;
    w->bad++;
    snprintf(w->why, sizeof(w->why), "%s", sqlite3_errmsg(db));
}

static int reload(sqlite3 *db)
{
    return run(db, "SELECT bert_load('m', ?, '{\"threads\": 1}')", embedder) == SQLITE_OK;
}

static void *work(void *context)
{
    const char same[] = "SELECT count(*) FROM v, bert_embed_each('m', "
                        "'[\"a dog\", \"a cat\", \"1\"]') WHERE embedding = x";
    struct worker *w = context;
    sqlite3 *db = open_db();
    int rc;

    expect(w, db, reload(db));
    rc = run(db, "CREATE TABLE v AS SELECT bert_embed('m', 'a cat') AS x", NULL);
    expect(w, db, rc == SQLITE_OK);
    for (int i = 0; i < ROUNDS; i++) {
        sqlite3_value *count = ask(db, &rc, same, NULL);

        expect(w, db, rc == SQLITE_OK && sqlite3_value_int(count) == 1);
        sqlite3_value_free(count);
        if (i % 10 == 9) {
            expect(w, db, run(db, "SELECT bert_unload('m')", NULL) == SQLITE_OK);
            expect(w, db, reload(db));
        }
    }
    expect(w, db, sqlite3_close(db) == SQLITE_OK);
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[THREADS];
    static struct worker workers[THREADS];

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            exit(1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        check(workers[i].bad == 0, "a thread", workers[i].why);
    }
}

/* With its last connection the last model has gone. */
static void test_nothing_left(void)
{
    sqlite3 *db = open_db();
    int rc;
    sqlite3_value *loaded = ask(db, &rc, "SELECT json_extract(bert_info(), '$.loaded')", NULL);

    check(rc == SQLITE_OK && sqlite3_value_int(loaded) == 0, "a model is left", NULL);
    sqlite3_value_free(loaded);
    sqlite3_close(db);
    check(sqlite3_memory_used() == 0, "memory is left", NULL);
}

int main(int argc, char **argv)
{
    char *much;

    if (argc != 2)
        return 2;
    snprintf(embedder, sizeof(embedder), "%s/embed/base", argv[1]);
    snprintf(tagger, sizeof(tagger), "%s/task/tag", argv[1]);
    use_failing_memory();
    much = long_text();
    test_values();
    test_interrupt(much);
    test_progress(much);
    test_transaction(much);
    free(much);
    test_lifetimes();
    test_authorizer();
    test_auto();
    test_threads();
    test_memory();
    test_nothing_left();
    printf("%d failed\n", failures);
    return failures > 0;
}
