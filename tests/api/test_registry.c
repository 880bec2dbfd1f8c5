/* SPDX-License-Identifier: MIT */
/*
 * test_registry.c - models that come and go under a running engine: loads in the foreground and in
 * the background, checks before a swap, memory, routes, shadows, tenants; traces and metrics of it.
 */
#include "support_engine.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static const bert_text text = {"a cat on a mat", 14};

static uint64_t version_of(bert_engine *engine, const char *name)
{
    bert_model *model;
    uint64_t version;
    bert_error err;

    test_ok(bert_engine_model(engine, name, &model, &version, &err), &err);
    bert_model_unref(model);
    return version;
}

/* ---- Loads ------------------------------------------------------------------------------- */

struct told {
    _Atomic int n;
    bert_status status;
    char message[1024];
};

static void loaded(void *context, const char *name, const bert_error *error)
{
    struct told *told = context;

    assert_string_equal(name, "default");
    told->status = error != NULL ? error->code : BERT_OK;
    snprintf(told->message, sizeof told->message, "%s", error != NULL ? error->message : "");
    atomic_fetch_add(&told->n, 1);
}

static void test_load_swap(void **state)
{
    const char *path = test_path("tests/data/models/embed/base");
    bert_engine *engine = test_engine(NULL);
    bert_load_options o = BERT_LOAD_OPTIONS_INIT;
    struct told told = {0};
    bert_metrics m;
    bert_job *job;
    bert_error err;

    (void)state;
    test_ok(bert_engine_load(engine, "default", path, NULL, &err), &err);
    job = test_run(engine, test_request(NULL, 1));
    assert_string_equal(bert_job_model_name(job), "default");
    bert_job_unref(job);
    o.background = 1;
    o.done = loaded;
    o.context = &told;
    for (int i = 1; i <= 3; i++) {
        test_ok(bert_engine_load(engine, "default", path, &o, &err), &err);
        while (atomic_load(&told.n) < i)
            bert_job_unref(test_run(engine, test_request(NULL, 2)));
        assert_int_equal(told.status, BERT_OK);
        assert_int_equal(version_of(engine, "default"), 1 + i);
    }
    /* a failed one leaves the old serving */
    test_ok(bert_engine_load(engine, "default", "/nope", &o, &err), &err);
    while (atomic_load(&told.n) < 4)
        usleep(100);
    assert_int_equal(told.status, BERT_EIO);
    assert_non_null(strstr(told.message, "/nope"));
    o.background = 0;
    o.done = NULL;
    test_error(bert_engine_load(engine, "default", "/nope", &o, &err), &err, BERT_EIO, "/nope",
               NULL);
    assert_int_equal(version_of(engine, "default"), 4);
    test_ok(bert_engine_rollback(engine, "default", &err), &err);
    assert_int_equal(version_of(engine, "default"), 3);
    m = test_metrics_of(engine);
    assert_int_equal(m.model_loads, 4);
    assert_int_equal(m.model_load_failures, 2);
    assert_int_equal(m.model_swaps, 3);
    assert_int_equal(m.model_rollbacks, 1);
    assert_int_equal(m.models, 2);
    assert_int_equal(m.requests_answered, m.requests_submitted);
    bert_engine_destroy(engine);
}

static void test_checks(void **state)
{
    char *folder = test_folder();
    struct test_files files = {NULL, 0};
    bert_engine *engine = test_engine(NULL);
    bert_load_options o = BERT_LOAD_OPTIONS_INIT;
    bert_session *session;
    bert_model *model;
    bert_error err;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    test_files_write(&files, folder);
    test_files_free(&files);
    model = test_load(folder, NULL);
    session = test_session(model, 1);
    o.manifest = o.golden = BERT_CHECK_REQUIRED;
    test_error(bert_engine_load(engine, "default", folder, &o, &err), &err, BERT_EFORMAT,
               "bert_manifest.json", NULL);
    test_ok(bert_golden_write(session, &text, NULL, 1, NULL, folder, &err), &err);
    test_ok(bert_manifest_write(folder, NULL, NULL, &err), &err);
    test_ok(bert_engine_load(engine, "default", folder, &o, &err), &err);

    /* golden answers that the model doesn't give */
    files = (struct test_files){NULL, 0};
    test_files_add(&files, folder);
    test_files_edit(&files, "golden.json", "\"vector\": [", "\"vector\": [9, ");
    test_files_write(&files, folder);
    test_files_free(&files);
    test_error(bert_engine_load(engine, "default", folder, NULL, &err), &err, BERT_EFORMAT,
               "golden.json", NULL);
    o.manifest = BERT_CHECK_OFF;
    o.golden = BERT_CHECK_IF_THERE;
    assert_int_equal(bert_engine_load(engine, "default", folder, &o, &err), BERT_EFORMAT);
    o.golden = BERT_CHECK_OFF;
    test_ok(bert_engine_load(engine, "default", folder, &o, &err), &err);
    assert_int_equal(version_of(engine, "default"), 2);
    o.manifest = 3;
    test_error(bert_engine_load(engine, "default", folder, &o, &err), &err, BERT_EINVAL, "manifest",
               NULL);
    bert_session_destroy(session);
    bert_model_unref(model);
    bert_engine_destroy(engine);
    test_folder_remove(folder);
}

/* One that is being loaded again does not take the place of one that was added meanwhile. */
static void check_added_meanwhile(const char *path, uint64_t model_bytes)
{
    bert_model *model = test_load(path, NULL), *got;
    bert_engine_options options = BERT_ENGINE_OPTIONS_INIT;
    bert_engine *engine;
    bert_request r = test_request("a", 1);
    bert_job *job;
    bert_metrics m;
    bert_error err;

    options.model_bytes = model_bytes;
    engine = test_engine(&options);
    test_ok(bert_engine_load(engine, "a", path, NULL, &err), &err);
    test_ok(bert_engine_load(engine, "b", path, NULL, &err), &err);
    test_ok(bert_engine_load(engine, "c", path, NULL, &err), &err); /* a goes */
    assert_int_equal(bert_engine_run(engine, &r, &job, &err), BERT_EBUSY);
    test_ok(bert_engine_add_model(engine, "a", model, &err), &err);
    do {
        usleep(1000);
        m = test_metrics_of(engine);
    } while (m.model_loads + m.model_load_failures < 4);
    test_ok(bert_engine_model(engine, "a", &got, NULL, &err), &err);
    if (m.model_loads == 3) /* else it was loaded before this one was added */
        assert_ptr_equal(got, model);
    bert_job_unref(test_run(engine, test_request("a", 1)));
    bert_model_unref(got);
    bert_engine_destroy(engine);
    bert_model_unref(model);
}

/* Room for two of three: the least recently used goes, and comes back when it is asked for. */
static void test_memory(void **state)
{
    const char *path = test_path("tests/data/models/embed/base");
    bert_model *model = test_load(path, NULL);
    bert_engine_options options = BERT_ENGINE_OPTIONS_INIT;
    bert_engine *engine;
    bert_request r = test_request("a", 1);
    uint64_t unloads;
    bert_status status;
    bert_error err;
    bert_job *job;

    (void)state;
    options.model_bytes = bert_model_bytes(model) * 5 / 2;
    bert_model_unref(model);
    engine = test_engine(&options);
    test_ok(bert_engine_load(engine, "a", path, NULL, &err), &err);
    test_ok(bert_engine_load(engine, "b", path, NULL, &err), &err);
    bert_job_unref(test_run(engine, test_request("a", 1)));
    test_ok(bert_engine_load(engine, "c", path, NULL, &err), &err); /* b goes */
    assert_int_equal(test_metrics_of(engine).models, 2);
    bert_job_unref(test_run(engine, test_request("a", 1)));
    bert_job_unref(test_run(engine, test_request("c", 1)));
    r = test_request("b", 7);
    test_error(bert_engine_run(engine, &r, &job, &err), &err, BERT_EBUSY, "loaded again", NULL);
    while ((status = bert_engine_run(engine, &r, &job, &err)) == BERT_EBUSY)
        usleep(1000);
    test_ok(status, &err);
    bert_job_unref(job);
    assert_int_equal(test_metrics_of(engine).models, 2);
    assert_true(test_metrics_of(engine).model_bytes <= options.model_bytes);
    /* a new version of one doesn't fit beside the old one for a rollback, and for that alone nobody
     * else has to go */
    unloads = test_metrics_of(engine).model_unloads;
    test_ok(bert_engine_load(engine, "b", path, NULL, &err), &err);
    assert_int_equal(test_metrics_of(engine).models, 2);
    assert_int_equal(test_metrics_of(engine).model_unloads, unloads + 1);
    test_error(bert_engine_rollback(engine, "b", &err), &err, BERT_EINVAL, "no version before",
               NULL);
    bert_job_unref(test_run(engine, test_request("c", 1)));
    test_ok(bert_engine_load(engine, "c", path, NULL, &err), &err);
    assert_true(test_metrics_of(engine).model_bytes <= options.model_bytes);
    test_ok(bert_engine_remove_model(engine, "b", &err), &err);
    bert_engine_destroy(engine);
    check_added_meanwhile(path, options.model_bytes);

    options.model_bytes = 1000;
    engine = test_engine(&options);
    assert_int_equal(bert_engine_load(engine, "a", path, NULL, &err), BERT_ELIMIT);
    bert_engine_destroy(engine);
}

/* ---- Routes and shadows -----------------------------------------------------------------------
 */

static void test_routes(void **state)
{
    bert_engine *engine = test_engine(NULL);
    const bert_route routes[2] = {{"main", 3}, {"canary", 1}};
    const bert_route bad[2] = {{"main", 0}, {"nobody", 1}};
    int canary = 0;
    bert_error err;

    (void)state;
    test_engine_add(engine, "main", "embed/base");
    test_engine_add(engine, "canary", "embed/base");
    test_ok(bert_engine_route(engine, "main", routes, 2, &err), &err);
    for (uint64_t i = 0; i < 400; i++) {
        bert_job *one = test_run(engine, test_request("main", i)),
                 *two = test_run(engine, test_request("main", i));

        assert_string_equal(bert_job_model_name(one), bert_job_model_name(two));
        canary += strcmp(bert_job_model_name(one), "canary") == 0;
        bert_job_unref(one);
        bert_job_unref(two);
    }
    assert_in_range(canary, 60, 140);
    for (uint64_t i = 0; i < 40; i++) { /* by the key alone */
        bert_request r = test_request("main", i);
        bert_job *job;

        r.route_key = "user 7";
        job = test_run(engine, r);
        r.id = 0;
        assert_int_equal(bert_job_id(job), i);
        if (i > 0)
            assert_int_equal(strcmp(bert_job_model_name(job), "canary") == 0, canary);
        canary = strcmp(bert_job_model_name(job), "canary") == 0;
        bert_job_unref(job);
    }
    test_error(bert_engine_route(engine, "main", bad, 2, &err), &err, BERT_EINVAL, "nobody", NULL);
    test_error(bert_engine_route(engine, "main", bad, 1, &err), &err, BERT_EINVAL, "sum", NULL);
    test_error(bert_engine_route(engine, "x", routes, 2, &err), &err, BERT_EINVAL, "x", NULL);
    test_ok(bert_engine_remove_model(engine, "canary", &err), &err);
    for (uint64_t i = 0; i < 50; i++) {
        bert_job *job = test_run(engine, test_request("main", i));

        assert_string_equal(bert_job_model_name(job), "main");
        bert_job_unref(job);
    }
    test_ok(bert_engine_route(engine, "main", NULL, 0, &err), &err);
    bert_engine_destroy(engine);
}

struct shadows {
    _Atomic int n;
    double distance;
};

static void shadowed(void *context, const bert_divergence *d)
{
    struct shadows *s = context;

    assert_int_equal(d->task, BERT_TASK_EMBED);
    assert_int_equal(d->answer, BERT_OK);
    assert_int_equal(d->shadow, BERT_OK);
    s->distance = d->distance;
    atomic_fetch_add(&s->n, 1);
}

static void test_shadow(void **state)
{
    bert_engine *engine = test_engine(NULL);
    struct shadows s = {0};
    bert_error err;

    (void)state;
    test_engine_add(engine, "main", "embed/base");
    test_engine_add(engine, "next", "embed/base");
    test_ok(bert_engine_shadow(engine, "main", "next", 1000, shadowed, &s, &err), &err);
    for (int i = 1; i <= 5; i++) {
        bert_job *job = test_run(engine, test_request("main", (uint64_t)i));

        assert_string_equal(bert_job_model_name(job), "main");
        bert_job_unref(job);
        while (atomic_load(&s.n) < i)
            usleep(100);
        assert_true(fabs(s.distance) < 1e-6);
    }
    assert_int_equal(test_metrics_of(engine).shadow_runs, 5);
    assert_int_equal(test_metrics_of(engine).shadow_divergences, 0);
    test_error(bert_engine_shadow(engine, "main", "nobody", 10, NULL, NULL, &err), &err,
               BERT_EINVAL, "nobody", NULL);
    test_error(bert_engine_shadow(engine, "main", "next", 1001, NULL, NULL, &err), &err,
               BERT_EINVAL, "1001", NULL);
    test_ok(bert_engine_shadow(engine, "main", NULL, 0, NULL, NULL, &err), &err);
    bert_job_unref(test_run(engine, test_request("main", 9)));
    assert_int_equal(test_metrics_of(engine).shadow_runs, 5);
    assert_int_equal(test_metrics_of(engine).requests_submitted, 6);
    assert_int_equal(test_metrics_of(engine).requests_answered, 6);
    bert_engine_destroy(engine);
}

/* ---- Tenants ------------------------------------------------------------------------------------
 */

static void test_tenants(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_engine *engine;
    bert_job *jobs[4], *late;
    bert_request r = test_request(NULL, 1);
    bert_error err;

    (void)state;
    o.batch_wait_ns = 200000000; /* so that they wait */
    engine = test_engine(&o);
    test_engine_add(engine, "default", "embed/base");
    test_ok(bert_engine_limit_tenant(engine, "a", 2, &err), &err);
    r.tenant = "a";
    test_ok(bert_engine_submit(engine, &r, &jobs[0], &err), &err);
    test_ok(bert_engine_submit(engine, &r, &jobs[1], &err), &err);
    test_error(bert_engine_submit(engine, &r, &late, &err), &err, BERT_EBUSY, "tenant \"a\"", NULL);
    r.tenant = "b";
    test_ok(bert_engine_submit(engine, &r, &jobs[2], &err), &err);
    test_ok(bert_engine_limit_tenant(engine, NULL, 1, &err), &err);
    r.tenant = "c";
    test_ok(bert_engine_submit(engine, &r, &jobs[3], &err), &err);
    test_error(bert_engine_submit(engine, &r, &late, &err), &err, BERT_EBUSY, "tenant \"c\"", NULL);
    for (int i = 0; i < 4; i++) {
        test_ok(bert_job_wait(jobs[i], 0, &err), &err);
        bert_job_unref(jobs[i]);
    }
    test_ok(bert_engine_submit(engine, &r, &late, &err), &err);
    test_ok(bert_job_wait(late, 0, &err), &err);
    bert_job_unref(late);
    assert_int_equal(test_metrics_of(engine).requests_rejected, 2);
    assert_true(test_metrics_of(engine).batch_requests.max >= 4);
    bert_engine_destroy(engine);
}

static bert_status submit_text(bert_engine *engine, const char *words, const char *tenant,
                               bert_job **job, bert_error *err)
{
    bert_text own = {words, strlen(words)};
    bert_request r = test_request(NULL, 1);

    r.texts = &own;
    r.tenant = tenant;
    return bert_engine_submit(engine, &r, job, err);
}

/* Who waits for another's answer counts; what the cache has is everybody's. */
static void test_tenants_cached(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_engine *engine;
    bert_job *jobs[3], *late;
    bert_error err;

    (void)state;
    o.batch_wait_ns = 400000000; /* so that they wait */
    o.cache_bytes = 1 << 20;
    engine = test_engine(&o);
    test_engine_add(engine, "default", "embed/base");
    test_ok(bert_engine_limit_tenant(engine, NULL, 2, &err), &err);
    bert_job_unref(test_run(engine, test_request(NULL, 1)));
    while (test_metrics_of(engine).cache_inserts == 0) /* after its end */
        usleep(100);
    test_ok(submit_text(engine, "one", "b", &jobs[0], &err), &err);
    test_ok(submit_text(engine, "one", "a", &jobs[1], &err), &err);
    test_ok(submit_text(engine, "one", "a", &jobs[2], &err), &err);
    assert_int_equal(test_metrics_of(engine).cache_coalesced, 2);
    test_error(submit_text(engine, "one", "a", &late, &err), &err, BERT_EBUSY, "tenant \"a\"",
               NULL);
    test_error(submit_text(engine, "two", "a", &late, &err), &err, BERT_EBUSY, "tenant \"a\"",
               NULL);
    test_ok(submit_text(engine, text.data, "a", &late, &err), &err);
    assert_int_equal(bert_job_done(late), 1);
    bert_job_unref(late);
    bert_job_cancel(jobs[1]); /* makes room */
    bert_job_unref(jobs[1]);
    test_ok(submit_text(engine, "one", "a", &jobs[1], &err), &err);
    bert_job_cancel(jobs[0]); /* one of those that wait takes its place */
    for (int i = 1; i < 3; i++)
        test_ok(bert_job_wait(jobs[i], 0, &err), &err);
    for (int i = 0; i < 3; i++)
        bert_job_unref(jobs[i]);
    for (int i = 0; i < 2; i++)
        test_ok(submit_text(engine, i == 0 ? "two" : "three", "a", &jobs[i], &err), &err);
    for (int i = 0; i < 2; i++) {
        test_ok(bert_job_wait(jobs[i], 0, &err), &err);
        bert_job_unref(jobs[i]);
    }
    assert_int_equal(test_metrics_of(engine).requests_rejected, 2);
    bert_engine_destroy(engine);
}

/* ---- Traces
 * ----------------------------------------------------------------------------------------- */

struct trace {
    pthread_mutex_t lock;
    bert_trace_event events[64];
    size_t n;
};

static void traced(void *context, const bert_trace_event *event)
{
    struct trace *t = context;

    pthread_mutex_lock(&t->lock);
    assert_true(t->n < 64);
    t->events[t->n] = *event;
    t->events[t->n++].model = NULL;
    pthread_mutex_unlock(&t->lock);
    assert_string_equal(event->model, "default");
}

static void test_trace(void **state)
{
    static const uint32_t stages[6] = {0, 1, 1, 2, 2, 0}, ends[6] = {0, 0, 1, 0, 1, 1};
    struct trace t = {.lock = PTHREAD_MUTEX_INITIALIZER};
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_engine *engine;
    bert_request r = test_request(NULL, 5);
    const uint8_t trace_id[2] = {0x0a, 0xf7};

    (void)state;
    o.trace = traced;
    o.trace_context = &t;
    engine = test_engine(&o);
    test_engine_add(engine, "default", "embed/base");
    r.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    bert_job_unref(test_run(engine, r));
    assert_int_equal(t.n, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(t.events[i].stage, stages[i]);
        assert_int_equal(t.events[i].ends, ends[i]);
        assert_memory_equal(t.events[i].trace_id, trace_id, 2);
        assert_int_equal(t.events[i].sampled, 0);
        assert_int_equal(t.events[i].id, 5);
        assert_true(i == 0 || t.events[i].time_ns >= t.events[i - 1].time_ns);
    }
    assert_int_equal(t.events[0].parent_id[0], 0xb7);
    assert_memory_equal(t.events[3].parent_id, t.events[0].span_id, 8);
    assert_memory_equal(t.events[3].span_id, t.events[4].span_id, 8);
    assert_memory_not_equal(t.events[3].span_id, t.events[1].span_id, 8);
    t.n = 0;
    r.traceparent = "00-00000000000000000000000000000000-b7ad6b7169203331-01"; /* not of the form */
    bert_job_unref(test_run(engine, r));
    assert_int_equal(t.events[0].parent_id[0], 0);
    assert_int_equal(t.events[0].sampled, 1);
    bert_engine_destroy(engine);
}

/* ---- Metrics
 * -------------------------------------------------------------------------------------------- */

static void test_metrics(void **state)
{
    bert_engine *engine = test_engine(NULL);
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
    bert_request r = test_request(NULL, 5);
    static char out[1 << 16];
    bert_metrics m;
    size_t size;
    bert_job *job;
    bert_error err;

    (void)state;
    test_engine_add(engine, "default", "embed/base");
    for (int i = 0; i < 10; i++)
        bert_job_unref(test_run(engine, r));
    o.max_length = 4;
    r.options = &o;
    bert_job_unref(test_run(engine, r));
    o.prompt_name = "none";
    assert_int_equal(bert_engine_run(engine, &r, &job, &err), BERT_EINVAL);
    m = test_metrics_of(engine);
    assert_int_equal(m.requests_submitted, 12);
    assert_int_equal(m.requests_answered, 11);
    assert_int_equal(m.requests_failed[1], 1);
    assert_int_equal(m.texts, 12);
    assert_int_equal(m.texts_truncated, 1);
    assert_true(m.tokens >= 11 * 4 && m.tokens == m.batched_tokens);
    assert_int_equal(m.batches, 12);
    assert_int_equal(m.total_ns.count, 11);
    assert_int_equal(m.queue_wait_ns.count, 12);
    assert_int_equal(m.requests_queued, 0);
    assert_int_equal(m.requests_running, 0);
    assert_true(m.session_bytes > 0 && m.model_bytes > 0);
    test_ok(bert_metrics_prometheus(&m, out, sizeof out, &size, &err), &err);
    out[size] = '\0';
    assert_non_null(strstr(out, "bert_requests_submitted_total 12\n"));
    assert_null(strstr(out, "mat")); /* no text */
    bert_engine_destroy(engine);
}

/* ---- Cache
 * ---------------------------------------------------------------------------------------------- */

struct crowd {
    bert_engine *engine;
    const float *want;
    size_t width;
    _Atomic int ok, canceled;
};

/* The same few texts again and again; some are canceled. */
static void *ask(void *arg)
{
    struct crowd *c = arg;
    static const char letters[] = "abcdefghijklmnop";
    bert_error err;

    for (int i = 0; i < 300; i++) {
        bert_text own = {letters + i % 7, 3};
        bert_request r = test_request(NULL, (uint64_t)i);
        bert_status status;
        bert_job *job;

        r.texts = i % 3 == 0 ? &text : &own;
        test_ok(bert_engine_submit(c->engine, &r, &job, &err), &err);
        if (i % 5 == 0)
            bert_job_cancel(job);
        status = bert_job_wait(job, 0, &err);
        if (status == BERT_ECANCELED) {
            atomic_fetch_add(&c->canceled, 1);
        } else {
            test_ok(status, &err);
            if (r.texts == &text)
                test_same("a cached row", bert_job_vectors(job, NULL, NULL), c->want, c->width);
            atomic_fetch_add(&c->ok, 1);
        }
        bert_job_unref(job);
    }
    return NULL;
}

static void test_cache(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    struct crowd c = {0};
    pthread_t threads[6];
    bert_request r = test_request(NULL, 1);
    bert_embed_options embed = BERT_EMBED_OPTIONS_INIT;
    bert_job *first, *again;
    bert_metrics m;
    size_t n;
    bert_error err;

    (void)state;
    o.cache_bytes = 8 << 20;
    c.engine = test_engine(&o);
    test_engine_add(c.engine, "default", "embed/base");
    first = test_run(c.engine, r);
    again = test_run(c.engine, r);
    c.want = bert_job_vectors(first, &n, &c.width);
    test_same("a hit", bert_job_vectors(again, &n, &c.width), c.want, c.width);
    m = test_metrics_of(c.engine);
    assert_int_equal(m.cache_hits, 1);
    assert_int_equal(m.batches, 1);
    assert_int_equal(m.requests_answered, 2);
    embed.dimensions = 5;
    r.options = &embed; /* another question */
    bert_job_unref(again);
    again = test_run(c.engine, r);
    assert_int_equal(test_metrics_of(c.engine).cache_hits, 1);
    bert_job_vectors(again, &n, &n);
    assert_int_equal(n, 5);
    bert_job_unref(again);
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &c), 0);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(c.ok + c.canceled, 6 * 300);
    m = test_metrics_of(c.engine);
    assert_true(m.cache_hits > 500 && m.batches < 400 && m.cache_entries >= 8);
    /* a new version answers by itself */
    test_engine_add(c.engine, "default", "embed/base");
    test_engine_add(c.engine, "default", "embed/base");
    assert_true(test_metrics_of(c.engine).cache_entries == 0);
    again = test_run(c.engine, test_request(NULL, 1));
    assert_int_equal(test_metrics_of(c.engine).cache_hits, m.cache_hits);
    bert_job_unref(again);
    test_ok(bert_engine_flush_cache(c.engine, &err), &err);
    assert_int_equal(test_metrics_of(c.engine).cache_entries, 0);
    bert_engine_destroy(c.engine);
    bert_job_unref(first);
}

/* ---- Silence ---------------------------------------------------------------------- */

static const char secret[] = "xyzzyplugh";

/* All that the library says to anybody. */
struct ears {
    char text[1 << 18];
    size_t size;
};

static void overhear(struct ears *ears, const char *message)
{
    size_t n = strlen(message);

    assert_true(ears->size + n + 1 < sizeof ears->text);
    memcpy(ears->text + ears->size, message, n + 1);
    ears->size += n;
}

static void log_line(void *context, bert_log_level level, const char *message)
{
    (void)level;
    overhear(context, message);
}

static void log_span(void *context, const bert_trace_event *event)
{
    overhear(context, event->model);
}

/* Texts that hold a secret, in every task and every way to fail. */
static void test_silence(void **state)
{
    static struct ears ears;
    static const char *const models[] = {"embed/base", "task/classify", "task/classify_score",
                                         "task/tag",   "task/answer",   "task/next",
                                         "task/fill",  "task/choose"};
    static char longest[20000], out[1 << 17];
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_load_options load = BERT_LOAD_OPTIONS_INIT;
    bert_model_options model = BERT_MODEL_OPTIONS_INIT;
    bert_text texts[3] = {{secret, sizeof secret - 1}, {longest, 0}, {NULL, 5}};
    bert_engine *engine;
    bert_metrics m;
    bert_error err;
    size_t size;

    (void)state;
    while (texts[1].size + sizeof secret < sizeof longest) {
        memcpy(longest + texts[1].size, secret, sizeof secret - 1);
        longest[texts[1].size + sizeof secret - 1] = ' ';
        texts[1].size += sizeof secret;
    }
    o.cache_bytes = 1 << 20;
    o.trace = log_span;
    o.trace_context = &ears;
    engine = test_engine(&o);
    model.log = log_line;
    model.log_context = &ears;
    load.model = &model;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        test_ok(bert_engine_load(engine, "default", test_path("tests/data/models/%s", models[i]),
                                 &load, &err),
                &err);
        for (uint32_t task = 1; task <= 12; task++) {
            for (int k = 0; k < 9; k++) {
                bert_request r = test_request(NULL, task);
                bert_job *job = NULL;

                r.task = task;
                r.texts = &texts[k % 3];
                r.pairs = task == BERT_TASK_ANSWER || task == BERT_TASK_NEXT ? &texts[k / 3] : NULL;
                r.query = texts[k / 3];
                r.tenant = NULL;
                if (bert_engine_run(engine, &r, &job, &err) != BERT_OK)
                    overhear(&ears, err.message);
                if (job != NULL && bert_job_entities(job) != NULL)
                    overhear(&ears, bert_entities_message(bert_job_entities(job), 0));
                if (job != NULL && bert_job_classifications(job) != NULL)
                    overhear(&ears, bert_classifications_message(bert_job_classifications(job), 0));
                if (job != NULL && bert_job_answers(job) != NULL)
                    overhear(&ears, bert_answers_message(bert_job_answers(job), 0));
                bert_job_unref(job);
            }
        }
    }
    m = test_metrics_of(engine);
    test_ok(bert_metrics_prometheus(&m, out, sizeof out, &size, &err), &err);
    out[size] = '\0';
    overhear(&ears, out);
    test_ok(bert_metrics_json(&m, out, sizeof out, &size, &err), &err);
    out[size] = '\0';
    overhear(&ears, out);
    assert_true(ears.size > 10000);
    assert_null(strstr(ears.text, "xyzzy"));
    assert_null(strstr(ears.text, "plugh"));
    bert_engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_swap),      cmocka_unit_test(test_checks),
        cmocka_unit_test(test_memory),         cmocka_unit_test(test_routes),
        cmocka_unit_test(test_shadow),         cmocka_unit_test(test_tenants),
        cmocka_unit_test(test_tenants_cached), cmocka_unit_test(test_trace),
        cmocka_unit_test(test_metrics),        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
