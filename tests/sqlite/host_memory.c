/* SPDX-License-Identifier: MIT */
/* Memory that runs out, at every allocation of SQLite's once. */
#include <stddef.h>

#include "host.h"

static sqlite3_mem_methods real;
static long budget = -1; /* allocations until one fails; below 0: none does */

static void *failing_malloc(int size)
{
    if (budget >= 0 && budget-- == 0)
        return NULL;
    return real.xMalloc(size);
}

static void *failing_realloc(void *p, int size)
{
    if (budget >= 0 && budget-- == 0)
        return NULL;
    return real.xRealloc(p, size);
}

static void fail_once(const char *sql)
{
    sqlite3 *db = open_db();
    int rc = SQLITE_NOMEM;
    long n;

    load(db, "SELECT bert_load('m', ?)", embedder);
    load(db, "SELECT bert_load('ner', ?)", tagger);
    for (n = 0; n < 2000; n++) {
        budget = n;
        rc = run(db, sql, text);
        if (budget >= 0 || budget < -1)
            break;
        budget = -1;
        /* What SQLite or a cache can do without is no error. */
        check(rc == SQLITE_NOMEM || rc == SQLITE_OK, sql, sqlite3_errmsg(db));
    }
    budget = -1;
    check(rc == SQLITE_OK && n > 5, sql, "never succeeds");
    check(sqlite3_close(db) == SQLITE_OK, "close", NULL);
}

static void fail_init(void)
{
    for (long n = 0;; n++) {
        sqlite3 *db = NULL;
        int rc;

        sqlite3_open(":memory:", &db);
        budget = n;
        rc = sqlite3_bert_init(db, NULL, NULL);
        if (budget >= 0)
            n = -1;
        budget = -1;
        check(rc == SQLITE_NOMEM || rc == SQLITE_OK, "init without memory", sqlite3_errmsg(db));
        sqlite3_close(db);
        if (n < 0)
            break;
    }
}

void test_memory(void)
{
    fail_init();
    fail_once("SELECT bert_embed('m', ?)");
    fail_once("SELECT bert_similarity('m', ?, 'a dog')");
    fail_once("SELECT bert_info(), bert_info('m'), ?");
    fail_once(
        "SELECT bert_load('x', '/', '{\"threads\": 1, \"precision\": \"fp32\"}') WHERE ? = 'x'");
    fail_once("SELECT hex(embedding), key, text FROM bert_embed_each('m', json_object('a', ?))");
    fail_once("SELECT label, entity, start_char, model, text FROM bert_entities('ner', ?)");
    fail_once("SELECT * FROM bert_tokens('m', ?)");
    fail_once("SELECT bert_tokens('m', ?)");
}

void use_failing_memory(void)
{
    sqlite3_mem_methods ours;

    sqlite3_initialize();
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    ours = real;
    ours.xMalloc = failing_malloc;
    ours.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}
