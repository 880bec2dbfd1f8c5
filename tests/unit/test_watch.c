/* SPDX-License-Identifier: MIT */
/*
 * test_watch.c - calls ended within their steps, at any question: with a clock that leaps, every
 * loop that may ask does.  Nothing is left behind, and afterwards the answer is the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bert.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "lib/base/sys.h"
#include "lib/base/thread.h"
#include "lib/base/watch.h"

enum { TRIES = 24, TOKENS = 30 }; /* of a call's questions so many are answered with "end" */

static atomic_uint_fast64_t clock_ns;

static uint64_t leap(void)
{
    return atomic_fetch_add(&clock_ns, BERT__WATCH_NS) + BERT__WATCH_NS;
}

static int set_clock(void **state)
{
    static struct bert__sys table;

    (void)state;
    table = *bert__sys();
    table.now_ns = leap;
    bert__sys_replace(&table);
    return 0;
}

static int reset_clock(void **state)
{
    (void)state;
    bert__sys_replace(NULL);
    return 0;
}

/* ---- The host ----------------------------------------------------------------- */

struct host {
    long asked, stop_at;
    pthread_t thread;
    atomic_long live; /* blocks */
};

static int ask(void *context)
{
    struct host *host = context;

    assert_true(pthread_equal(pthread_self(), host->thread));
    return ++host->asked == host->stop_at;
}

static void *take(void *context, size_t size, size_t alignment)
{
    struct host *host = context;
    void *block = NULL;

    if (posix_memalign(&block, alignment, size) != 0)
        return NULL;
    atomic_fetch_add(&host->live, 1);
    return block;
}

static void give(void *context, void *block)
{
    struct host *host = context;

    if (block != NULL)
        atomic_fetch_sub(&host->live, 1);
    free(block);
}

static const char *path(const char *name)
{
    static char text[4096];

    snprintf(text, sizeof text, "%s/tests/data/%s", TEST_SRCDIR, name);
    return text;
}

/* A call of `what`; host.stop_at ends it. */
typedef bert_status call_fn(const void *what, struct host *host, bert_error *err);

/* At each of its questions, or at TRIES of them; returns at how many it was ended: on one thread at
 * all that were tried. */
static long end_anywhere(call_fn *call, const void *what)
{
    struct host host = {.thread = pthread_self()};
    bert_error err;
    long all, ended = 0;

    if (call(what, &host, &err) != BERT_OK)
        fail_msg("%s", err.message);
    all = host.asked;
    for (long n = 1; n <= all; n += all / TRIES + 1, ended++) {
        bert_status status;

        host.asked = 0;
        host.stop_at = n;
        status = call(what, &host, &err);
        if (status == BERT_OK && host.asked < n)
            break; /* other threads did more of it this time */
        assert_int_equal(status, BERT_ECANCELED);
        assert_non_null(strstr(err.message, "the call was canceled"));
        assert_int_equal(host.asked, n);
        assert_int_equal(host.live, 0);
    }
    host = (struct host){.thread = pthread_self()};
    assert_int_equal(call(what, &host, &err), BERT_OK);
    assert_int_equal(host.live, 0);
    return ended;
}

static long questions(call_fn *call, const void *what)
{
    struct host host = {.thread = pthread_self()};

    assert_int_equal(call(what, &host, NULL), BERT_OK);
    return host.asked;
}

/* ---- Teams ---------------------------------------------------------------------- */

enum { TASKS = 400 };

static atomic_int begun;

static void task(void *context, uint32_t index, uint32_t worker)
{
    struct timespec moment = {0, 100000};

    (void)context;
    (void)index;
    (void)worker;
    atomic_fetch_add(&begun, 1);
    nanosleep(&moment, NULL);
}

/* Tasks that were claimed end; no other begins before the host has answered. */
static int look(void *context)
{
    struct host *host = context;
    struct timespec moment = {0, 3000000};
    int before;

    if (++host->asked % 20 != 1)
        return 0;
    nanosleep(&moment, NULL);
    before = atomic_load(&begun);
    nanosleep(&moment, NULL);
    assert_int_equal(atomic_load(&begun), before);
    return host->stop_at > 0 && host->asked >= host->stop_at;
}

/* Returns how many of the tasks are begun. */
static int run_tasks(struct bert__team *team)
{
    atomic_store(&begun, 0);
    bert__team_run(team, TASKS, task, NULL);
    return atomic_load(&begun);
}

static void test_team(void **state)
{
    struct host host = {.stop_at = 0};
    struct bert__watch watch = {.cancel = look, .context = &host};
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__team *team;

    (void)state;
    assert_int_equal(bert__team_create(&team, alloc, 3, NULL), BERT_OK);
    bert__team_start(team);
    bert__team_watch(team, &watch);
    bert__watch_begin(&watch);
    assert_int_equal(run_tasks(team), TASKS);
    assert_true(host.asked > 20);
    host = (struct host){.stop_at = 20};
    assert_true(run_tasks(team) < TASKS);
    assert_int_equal(host.asked, 21);
    assert_int_equal(bert__watch_ended(&watch, NULL), BERT_ECANCELED);
    assert_true(run_tasks(team) < TASKS); /* what is ended stays so */
    assert_int_equal(host.asked, 21);
    bert__watch_begin(&watch);
    host = (struct host){.stop_at = 0};
    assert_int_equal(run_tasks(team), TASKS);
    bert__team_destroy(team);
    bert__alloc_destroy(alloc);
}

/* ---- Loading -------------------------------------------------------------------- */

static bert_status load_tokenizer(const void *what, struct host *host, bert_error *err)
{
    const bert_allocator allocator = {take, give, host};
    bert_tokenizer_options o = BERT_TOKENIZER_OPTIONS_INIT;
    bert_tokenizer *tok;
    bert_status status;

    o.allocator = &allocator;
    o.cancel = ask;
    o.cancel_context = host;
    status = bert_tokenizer_load(&tok, path(what), &o, err);
    assert_int_equal(tok == NULL, status != BERT_OK);
    bert_tokenizer_unref(tok);
    return status;
}

static void test_tokenizers(void **state)
{
    static const char *const names[] = {
        "tokenizer_models/distilbert", "tokenizer_models/gpt2",    "tokenizer_models/xlmr",
        "tokenizer_models/herbert",    "tokenizer_models/albert",  "tokenizer_models/camembert",
        "tokenizer_models/rembert",    "tokenizer_models/roberta", "tokenizer_models/deberta_v2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_true(end_anywhere(load_tokenizer, names[i]) > 3);
}

struct loading {
    const char *name;
    uint32_t flags, precision, threads;
};

static bert_status load_model(const void *what, struct host *host, bert_error *err)
{
    const struct loading *l = what;
    const bert_allocator allocator = {take, give, host};
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    bert_model *model;
    bert_status status;

    o.flags = l->flags;
    o.precision = l->precision;
    o.threads = l->threads;
    o.allocator = &allocator;
    o.cancel = ask;
    o.cancel_context = host;
    status = bert_model_load(&model, path(l->name), &o, err);
    assert_int_equal(model == NULL, status != BERT_OK);
    bert_model_unref(model);
    return status;
}

static void test_models(void **state)
{
    static const struct loading list[] = {
        {"models/embed/base", 0, BERT_PRECISION_DEFAULT, 1},
        {"models/embed/base", BERT_MODEL_MAP, BERT_PRECISION_DEFAULT, 1},
        {"models/bert/shards32", 0, BERT_PRECISION_INT8, 1},
        {"models/bert/wide96", 0, BERT_PRECISION_DEFAULT, 3},
        {"models/task/tag", 0, BERT_PRECISION_INT8, 3},
        {"models/family/deberta_v2", 0, BERT_PRECISION_DEFAULT, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        assert_true(end_anywhere(load_model, &list[i]) > 9);
}

/* ---- Tokenizing ------------------------------------------------------------------- */

enum { TEXTS = 300, BYTES = 60000 };

struct tokenizing {
    const bert_tokenizer *tok;
    enum { WHOLE, COUNT, WORDS, BATCH, KINDS } kind;
    uint32_t threads;
    bert_text text;
};

static bert_status tokenize(const void *what, struct host *host, bert_error *err)
{
    const struct tokenizing *t = what;
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *out[TEXTS] = {NULL};
    bert_text texts[TEXTS];
    bert_status status = BERT_OK;
    size_t n = 0, made = 0;

    o.threads = t->threads;
    o.cancel = ask;
    o.cancel_context = host;
    for (size_t i = 0; i < TEXTS; i++)
        texts[i] = (bert_text){t->text.data + i * (BYTES / TEXTS), BYTES / TEXTS};
    if (t->kind == WHOLE)
        status = bert_tokenize(t->tok, t->text, NULL, &o, out, err);
    else if (t->kind == COUNT)
        status = bert_count_tokens(t->tok, t->text, NULL, &o, &n, err);
    else if (t->kind == WORDS)
        status = bert_tokenize_words(t->tok, texts, TEXTS, NULL, 0, &o, out, err);
    else
        status = bert_tokenize_batch(t->tok, texts, NULL, TEXTS, &o, out, err);
    for (size_t i = 0; i < TEXTS; i++)
        made += out[i] != NULL;
    if (t->kind != BATCH || status == BERT_OK) /* of a batch what was done is given */
        assert_int_equal(made, status != BERT_OK || t->kind == COUNT ? 0
                               : t->kind == BATCH                    ? TEXTS
                                                                     : 1);
    bert_encodings_free(out, TEXTS);
    return status;
}

static void test_texts(void **state)
{
    static const char *const names[] = {"gpt2", "xlmr", "distilbert", "deberta_v2"};
    static char data[BYTES];
    struct tokenizing whole = {NULL, WHOLE, 1, {data, BYTES}},
                      count = {NULL, COUNT, 1, {data, BYTES}};
    bert_error err;

    (void)state;
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (char)(i % 6 == 5 && i < BYTES / 2 ? ' ' : 'a' + i * i % 26);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64];
        bert_tokenizer *tok;

        snprintf(name, sizeof name, "tokenizer_models/%s", names[i]);
        assert_int_equal(bert_tokenizer_load(&tok, path(name), NULL, &err), BERT_OK);
        whole.tok = count.tok = tok; /* its one window has thousands of tokens */
        assert_true(questions(tokenize, &whole) >= questions(tokenize, &count) + 4);
        for (unsigned kind = 0; kind < KINDS; kind++) {
            struct tokenizing t = {tok, kind, 1, {data, BYTES}};

            assert_true(end_anywhere(tokenize, &t) > 5);
            t.threads = 3;
            if (kind == BATCH)
                end_anywhere(tokenize, &t);
        }
        bert_tokenizer_unref(tok);
    }
}

/* ---- Within a step ---------------------------------------------------------------- */

struct running {
    bert_model *model;
    uint32_t threads, hidden;
    const float *want;
};

/* A session that asks the host, and takes its memory there. */
static bert_session *asking(bert_model *model, struct host *host, uint32_t threads)
{
    const bert_allocator allocator = {take, give, host};
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    bert_session *session;

    o.allocator = &allocator;
    o.threads = threads;
    o.cancel = ask;
    o.cancel_context = host;
    assert_int_equal(bert_session_create(&session, model, &o, NULL), BERT_OK);
    return session;
}

/* Some ids, in two sequences, to [TOKENS][hidden]. */
static bert_status encode_ids(bert_session *session, uint32_t hidden, float *out, bert_error *err)
{
    static const uint32_t offsets[] = {0, 7, TOKENS};
    int32_t ids[TOKENS];

    for (int i = 0; i < TOKENS; i++)
        ids[i] = i;
    return bert_encode(session, ids, NULL, offsets, 2, out, TOKENS * hidden, err);
}

static float *new_rows(uint32_t hidden)
{
    float *rows = malloc(TOKENS * hidden * sizeof *rows);

    assert_non_null(rows);
    return rows;
}

static bert_status encode(const void *what, struct host *host, bert_error *err)
{
    const struct running *r = what;
    bert_session *session = asking(r->model, host, r->threads);
    float *out = new_rows(r->hidden);
    bert_status status = encode_ids(session, r->hidden, out, err);

    if (status == BERT_ECANCELED) { /* the session is as good as new */
        long asked = host->asked;

        host->stop_at = 0;
        assert_int_equal(encode_ids(session, r->hidden, out, NULL), BERT_OK);
        host->asked = asked;
    }
    assert_memory_equal(out, r->want, TOKENS * r->hidden * sizeof *out);
    bert_session_destroy(session);
    free(out);
    return status;
}

static float *answer(bert_model *model, uint32_t hidden)
{
    float *out = new_rows(hidden);
    bert_session *session;

    assert_int_equal(bert_session_create(&session, model, NULL, NULL), BERT_OK);
    assert_int_equal(encode_ids(session, hidden, out, NULL), BERT_OK);
    bert_session_destroy(session);
    return out;
}

static void test_steps(void **state)
{
    static const char *const names[] = {"models/bert/wide96", "models/family/deberta_v2",
                                        "models/family/convbert", "models/family/modernbert"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct running r = {.threads = 1};
        float *want;

        assert_int_equal(bert_model_load(&r.model, path(names[i]), NULL, NULL), BERT_OK);
        r.hidden = bert_model_hidden_size(r.model);
        r.want = want = answer(r.model, r.hidden);
        assert_true(end_anywhere(encode, &r) > 9);
        r.threads = 3;
        end_anywhere(encode, &r);
        bert_model_unref(r.model);
        free(want);
    }
}

/* ---- Parts and entities of a long text ---------------------------------------------- */

enum { LONG = 9000 };

struct of_text {
    bert_model *model;
    uint32_t chunk_tokens; /* 0: entities */
};

static bert_status run_task(bert_session *session, const struct of_text *t, bert_error *err)
{
    static char data[LONG];
    bert_chunk_options o = BERT_CHUNK_OPTIONS_INIT;
    bert_text text = {data, LONG};
    bert_chunks *chunks = NULL;
    bert_entities *entities = NULL;
    bert_status status;

    for (size_t i = 0; i < LONG; i++)
        data[i] = "the cat "[i % 8];
    o.chunk_tokens = t->chunk_tokens;
    o.windows = 1;
    if (t->chunk_tokens > 0)
        status = bert_embed_chunks(session, text, NULL, 0, &o, &chunks, err);
    else
        status = bert_tag(session, &text, 1, NULL, &entities, err);
    assert_int_equal(chunks == NULL && entities == NULL, status != BERT_OK);
    bert_chunks_free(chunks);
    bert_entities_free(entities);
    return status;
}

static bert_status of_text(const void *what, struct host *host, bert_error *err)
{
    const struct of_text *t = what;
    bert_session *session = asking(t->model, host, 1);
    bert_status status = run_task(session, t, err);

    bert_session_destroy(session);
    return status;
}

/* What is put together of many parts is asked about, too. */
static void test_parts(void **state)
{
    struct of_text t = {.chunk_tokens = LONG};
    long whole;

    (void)state;
    assert_int_equal(bert_model_load(&t.model, path("models/embed/base"), NULL, NULL), BERT_OK);
    whole = questions(of_text, &t);
    t.chunk_tokens = 1; /* 2,250 parts, at every 1,024th of which each of 3 loops asks */
    assert_true(questions(of_text, &t) >= whole + 6);
    assert_true(end_anywhere(of_text, &t) > 9);
    bert_model_unref(t.model);
    assert_int_equal(bert_model_load(&t.model, path("models/task/tag"), NULL, NULL), BERT_OK);
    t.chunk_tokens = 0;
    assert_true(end_anywhere(of_text, &t) > 9);
    bert_model_unref(t.model);
}

/* ---- Time ------------------------------------------------------------------------- */

/* A deadline is met within a step, too. */
static void test_deadline(void **state)
{
    static const uint32_t offsets[] = {0, TOKENS};
    float out[TOKENS * 96];
    int32_t ids[TOKENS] = {0};
    bert_session *session;
    bert_model *model;
    bert_error err;

    (void)state;
    assert_int_equal(bert_model_load(&model, path("models/bert/wide96"), NULL, NULL), BERT_OK);
    assert_int_equal(bert_session_create(&session, model, NULL, NULL), BERT_OK);
    for (uint64_t leaps = 1; leaps < 10; leaps++) {
        bert_session_set_timeout(session, leaps * BERT__WATCH_NS);
        assert_int_equal(bert_encode(session, ids, NULL, offsets, 1, out, TOKENS * 96, &err),
                         BERT_ETIMEDOUT);
        assert_string_equal(err.message, "the call's time is up");
    }
    bert_session_set_timeout(session, 0);
    assert_int_equal(bert_encode(session, ids, NULL, offsets, 1, out, TOKENS * 96, &err), BERT_OK);
    bert_session_destroy(session);
    bert_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_team),   cmocka_unit_test(test_tokenizers),
        cmocka_unit_test(test_models), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_steps),  cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_parts),
    };

    return cmocka_run_group_tests(tests, set_clock, reset_clock);
}
