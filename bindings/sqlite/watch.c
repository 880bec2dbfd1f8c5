/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "bindings/sqlite/watch.h"

enum {
    PERIOD_NS = 2000000,
    REST = 8 /* times as long as a look took: a progress handler may be slow */
};

/* Some thousand steps of SQLite's machine, so that a handler for every N of them is called soon. */
static const char look[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                           "WHERE i < 100) SELECT count(*) FROM n";

static int64_t now_ns(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void bert__sql_watch_begin(struct bert__sql_watch *watch, sqlite3 *db)
{
    watch->db = db;
    watch->statement = NULL;
    watch->next_ns = now_ns() + PERIOD_NS;
    watch->stopped = 0;
    watch->blind = 0;
}

static int look_now(struct bert__sql_watch *watch)
{
    int rc = SQLITE_OK;

    if (watch->statement == NULL)
        rc = sqlite3_prepare_v2(watch->db, look, -1, &watch->statement, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_step(watch->statement);
        rc = sqlite3_reset(watch->statement);
    } else if (rc != SQLITE_INTERRUPT) {
        watch->blind = 1;
    }
    return rc == SQLITE_INTERRUPT;
}

int bert__sql_watch_ask(void *context)
{
    struct bert__sql_watch *watch = context;
    int64_t now;

    if (watch->stopped || watch->blind)
        return watch->stopped;
    now = now_ns();
    if (now < watch->next_ns)
        return 0;
    watch->stopped = look_now(watch);
    watch->next_ns = now_ns();
    watch->next_ns += PERIOD_NS + REST * (watch->next_ns - now);
    return watch->stopped;
}

void bert__sql_watch_end(struct bert__sql_watch *watch)
{
    sqlite3_finalize(watch->statement);
    watch->statement = NULL;
}
