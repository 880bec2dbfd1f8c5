/* SPDX-License-Identifier: MIT */
/*
 * test_engine_edges.c - the engine where two of its promises meet: batches that wait and deadlines,
 * shadows and cancels, rollbacks and loads again; and its options at their ends.
 */
#include "support.h"
#include "support_engine.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* ---- Batches that wait ------------------------------------------------------------------- */

/* Answered before its time is up, though a batch may wait for longer than that. */
static void test_wait_and_deadline(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_request r = test_request(NULL, 1);
    uint64_t start = now_ns();
    bert_engine *engine;
    bert_job *job, *patient;
    bert_error err;

    (void)state;
    o.batch_wait_ns = 600 * SECOND;
    engine = test_engine(&o);
    test_engine_add(engine, "default", "embed/base");
    r.timeout_ns = 30 * SECOND;
    bert_job_unref(test_run(engine, r));
    test_ok(bert_engine_submit(engine, &r, &job, &err), &err);
    test_ok(bert_job_wait(job, 0, &err), &err);
    bert_job_unref(job);

    r.timeout_ns = 0; /* one that waits, and joins the batch of one that can't */
    test_ok(bert_engine_submit(engine, &r, &patient, &err), &err);
    usleep(10000);
    assert_false(bert_job_done(patient));
    r.timeout_ns = 1;
    assert_int_equal(bert_engine_run(engine, &r, &job, &err), BERT_ETIMEDOUT);
    assert_true(now_ns() - start < 100 * SECOND);
    bert_job_unref(patient);
    bert_engine_destroy(engine);
}

/* No limit at all is no overflow. */
static void test_longest_wait(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_request r = test_request(NULL, 1);
    bert_engine *engine;
    bert_job *job;
    bert_error err;

    (void)state;
    o.batch_wait_ns = UINT64_MAX;
    engine = test_engine(&o);
    test_engine_add(engine, "default", "embed/base");
    test_ok(bert_engine_submit(engine, &r, &job, &err), &err);
    assert_int_equal(bert_job_wait(job, SECOND / 20, &err), BERT_ETIMEDOUT);
    test_ok(bert_engine_stop(engine, BERT_STOP_DRAIN, &err), &err);
    assert_int_equal(bert_job_status(job, &err), BERT_OK);
    bert_job_unref(job);
    bert_engine_destroy(engine);
}

static void test_threads(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_engine *engine;
    bert_error err;

    (void)state;
    o.threads = 1025;
    assert_int_equal(bert_engine_create(&engine, &o, &err), BERT_EINVAL);
    assert_null(engine);
    assert_non_null(strstr(err.message, "threads is 1025"));
}

/* ---- Counts ------------------------------------------------------------------------------ */

static uint64_t missing(const bert_metrics *m)
{
    uint64_t ended = m->requests_answered;

    for (size_t i = 0; i < BERT_METRICS_STATUSES; i++)
        ended += m->requests_failed[i];
    return m->requests_submitted - ended - m->requests_queued - m->requests_running;
}

/* Those that wait for an equal one wait, too. */
static void test_count_joined(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_request r = test_request(NULL, 1);
    bert_engine *engine;
    bert_metrics m;
    bert_job *jobs[4];
    bert_error err;

    (void)state;
    o.batch_wait_ns = 600 * SECOND;
    o.cache_bytes = 1 << 20;
    engine = test_engine(&o);
    test_engine_add(engine, "default", "embed/base");
    for (int i = 0; i < 4; i++)
        test_ok(bert_engine_submit(engine, &r, &jobs[i], &err), &err);
    m = test_metrics_of(engine);
    assert_int_equal(m.requests_queued, 4);
    bert_job_cancel(jobs[0]); /* another takes its place */
    bert_job_cancel(jobs[3]);
    m = test_metrics_of(engine);
    assert_int_equal(m.requests_queued, 2);
    assert_int_equal(missing(&m), 0);
    test_ok(bert_engine_stop(engine, BERT_STOP_DRAIN, &err), &err);
    m = test_metrics_of(engine);
    assert_int_equal(m.requests_answered, 2);
    assert_int_equal(m.requests_queued, 0);
    for (int i = 0; i < 4; i++)
        bert_job_unref(jobs[i]);
    bert_engine_destroy(engine);
}

struct held {
    atomic_bool runs, canceled;
    bert_engine *engine;
    atomic_bool told;
    bert_metrics metrics;
};

static void hold_batch(void *context, const bert_trace_event *event)
{
    struct held *held = context;

    if (event->stage != BERT_STAGE_BATCH || event->ends)
        return;
    atomic_store(&held->runs, true);
    while (!atomic_load(&held->canceled))
        usleep(1000);
}

static void look(void *context, bert_job *job)
{
    struct held *held = context;

    (void)job;
    held->metrics = test_metrics_of(held->engine);
    atomic_store(&held->told, true);
}

/* One that has ended while its batch goes on runs no more. */
static void test_count_canceled(void **state)
{
    static struct held held;
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_request r = test_request(NULL, 1);
    bert_job *job;
    bert_error err;

    (void)state;
    o.trace = hold_batch;
    o.trace_context = &held;
    held.engine = test_engine(&o);
    test_engine_add(held.engine, "default", "embed/base");
    r.notify = BERT_NOTIFY_CALLBACK;
    r.done = look;
    r.context = &held;
    test_ok(bert_engine_submit(held.engine, &r, &job, &err), &err);
    while (!atomic_load(&held.runs))
        usleep(1000);
    bert_job_cancel(job);
    atomic_store(&held.canceled, true);
    while (!atomic_load(&held.told))
        usleep(1000);
    assert_int_equal(held.metrics.requests_canceled, 1);
    assert_int_equal(missing(&held.metrics), 0);
    bert_job_unref(job);
    bert_engine_destroy(held.engine);
}

/* ---- Shadows ----------------------------------------------------------------------------- */

struct seen {
    atomic_int n;
    bert_divergence last;
};

static void see(void *context, const bert_divergence *d)
{
    struct seen *seen = context;

    seen->last = *d;
    atomic_fetch_add(&seen->n, 1);
}

/* A caller that gives up is told of, but the models don't differ by it. */
static void test_shadow_of_canceled(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_request r = test_request(NULL, 7);
    struct seen seen = {.n = 0};
    bert_engine *engine;
    bert_metrics m;
    bert_job *job;
    bert_error err;

    (void)state;
    o.batch_wait_ns = 600 * SECOND; /* both wait until the engine stops */
    engine = test_engine(&o);
    test_engine_add(engine, "default", "embed/base");
    test_engine_add(engine, "same", "embed/base");
    test_ok(bert_engine_shadow(engine, "default", "same", 1000, see, &seen, &err), &err);
    test_ok(bert_engine_submit(engine, &r, &job, &err), &err);
    bert_job_cancel(job);
    bert_job_unref(job);
    test_ok(bert_engine_stop(engine, BERT_STOP_DRAIN, &err), &err);
    assert_int_equal(atomic_load(&seen.n), 1);
    assert_int_equal(seen.last.answer, BERT_ECANCELED);
    assert_int_equal(seen.last.shadow, BERT_OK);
    m = test_metrics_of(engine);
    assert_int_equal(m.shadow_runs, 1);
    assert_int_equal(m.shadow_divergences, 0);
    bert_engine_destroy(engine);
}

/* ---- Loads ------------------------------------------------------------------------------- */

struct told {
    atomic_int n;
    char name[256];
};

static void tell(void *context, const char *name, const bert_error *error)
{
    struct told *told = context;

    assert_null(error);
    snprintf(told->name, sizeof told->name, "%s", name);
    atomic_fetch_add(&told->n, 1);
}

/* Who loads hears of it by the name that it gave. */
static void test_loaded_name(void **state)
{
    bert_load_options load = BERT_LOAD_OPTIONS_INIT;
    struct told told = {.n = 0};
    bert_engine *engine = test_engine(NULL);
    char name[201] = "a\tb";
    bert_error err;

    (void)state;
    memset(name + 3, 'x', 197);
    load.done = tell;
    load.context = &told;
    for (uint32_t background = 0; background < 2; background++) {
        load.background = background;
        test_ok(
            bert_engine_load(engine, name, test_path("tests/data/models/embed/base"), &load, &err),
            &err);
        while (atomic_load(&told.n) == (int)background)
            usleep(1000);
        assert_string_equal(told.name, name);
        told.name[0] = '\0';
    }
    bert_engine_destroy(engine);
}

static atomic_bool hold_load;

static int keep_loading(void *context)
{
    while (atomic_load((atomic_bool *)context))
        usleep(1000);
    return 0;
}

/* A model that is being loaded again doesn't come back over a rollback. */
static void test_rollback_while_loading(void **state)
{
    const char *path = test_path("tests/data/models/embed/base");
    bert_model *model = test_load(path, NULL), *now;
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_load_options load = BERT_LOAD_OPTIONS_INIT;
    bert_model_options how = BERT_MODEL_OPTIONS_INIT;
    bert_request r = test_request("a", 1);
    bert_engine *engine;
    bert_job *job;
    bert_error err;
    uint64_t version;

    (void)state;
    how.cancel = keep_loading;
    how.cancel_context = &hold_load;
    load.model = &how;
    o.model_bytes = bert_model_bytes(model) * 3 / 2;
    engine = test_engine(&o);
    test_ok(bert_engine_add_model(engine, "a", model, &err), &err);
    test_ok(bert_engine_load(engine, "a", path, &load, &err), &err);
    test_ok(bert_engine_load(engine, "b", path, NULL, &err), &err); /* no room for both */
    atomic_store(&hold_load, true);
    assert_int_equal(bert_engine_submit(engine, &r, &job, &err), BERT_EBUSY);
    test_ok(bert_engine_rollback(engine, "a", &err), &err);
    atomic_store(&hold_load, false);
    while (test_metrics_of(engine).model_loads + test_metrics_of(engine).model_load_failures < 3)
        usleep(1000);
    test_ok(bert_engine_model(engine, "a", &now, &version, &err), &err);
    assert_ptr_equal(now, model);
    assert_int_equal(version, 1);
    bert_model_unref(now);
    bert_job_unref(test_run(engine, r));
    bert_model_unref(model);
    bert_engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_and_deadline), cmocka_unit_test(test_longest_wait),
        cmocka_unit_test(test_threads),           cmocka_unit_test(test_count_joined),
        cmocka_unit_test(test_count_canceled),    cmocka_unit_test(test_shadow_of_canceled),
        cmocka_unit_test(test_loaded_name),       cmocka_unit_test(test_rollback_while_loading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
