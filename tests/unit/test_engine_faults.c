/* SPDX-License-Identifier: MIT */
/*
 * test_engine_faults.c - the engine where the system or the host fails: no thread, no descriptor,
 * no memory at each place of a life with loads, routes, shadows, tenants, samples and cache; it
 * answers after each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bert.h>
#include <cmocka.h>

#include "lib/base/sys.h"

static const bert_text text = {"a cat on a mat", 14};
static const char model_path[] = TEST_SRCDIR "/tests/data/models/embed/base";
static const char tagger_path[] = TEST_SRCDIR "/tests/data/models/task/tag";

static bert_request request(void)
{
    bert_request r = BERT_REQUEST_INIT;

    r.task = BERT_TASK_EMBED;
    r.texts = &text;
    r.n = 1;
    return r;
}

static void answers(bert_engine *engine)
{
    bert_request r = request();
    bert_job *job;
    bert_error err = {BERT_OK, ""};

    if (bert_engine_run(engine, &r, &job, &err) != BERT_OK)
        fail_msg("%s", err.message);
    assert_non_null(bert_job_vectors(job, NULL, NULL));
    bert_job_unref(job);
}

/* ---- The system ----------------------------------------------------------------------- */

static int threads_left;

static int some_threads(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                        void *arg)
{
    return threads_left-- > 0 ? pthread_create(thread, attr, run, arg) : 11;
}

static int no_event(void)
{
    return -1;
}

static void test_no_threads(void **state)
{
    struct bert__sys table = *bert__sys();
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_load_options load = BERT_LOAD_OPTIONS_INIT;
    bert_request r = request();
    bert_engine *engine;
    bert_job *job;
    bert_error err;

    (void)state;
    o.threads = 2;
    o.workers = 2;
    table.thread_create = some_threads;
    threads_left = 0;
    bert__sys_replace(&table);
    assert_int_equal(bert_engine_create(&engine, &o, NULL), BERT_OK);
    assert_int_equal(bert_engine_load(engine, "default", model_path, NULL, &err), BERT_OK);
    assert_int_equal(bert_engine_submit(engine, &r, &job, &err), BERT_ENOMEM);
    assert_non_null(strstr(err.message, "thread"));
    answers(engine); /* on the caller's own */
    load.background = 1;
    assert_int_equal(bert_engine_load(engine, "default", model_path, &load, &err), BERT_ENOMEM);
    answers(engine);
    threads_left = 1; /* of two workers */
    assert_int_equal(bert_engine_submit(engine, &r, &job, &err), BERT_OK);
    assert_int_equal(bert_job_wait(job, 0, &err), BERT_OK);
    bert_job_unref(job);
    bert_engine_destroy(engine);
    bert__sys_replace(NULL);
}

static void test_no_threads_to_wait(void **state)
{
    struct bert__sys table = *bert__sys();
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_engine *engine;
    bert_error err;

    (void)state;
    o.threads = 1;
    o.batch_wait_ns = UINT64_C(600000000000); /* a caller's own thread doesn't */
    table.thread_create = some_threads;
    threads_left = 0;
    bert__sys_replace(&table);
    assert_int_equal(bert_engine_create(&engine, &o, NULL), BERT_OK);
    assert_int_equal(bert_engine_load(engine, "default", model_path, NULL, &err), BERT_OK);
    answers(engine);
    /* nor does it leave a shadow that nobody runs */
    assert_int_equal(bert_engine_shadow(engine, "default", "default", 1000, NULL, NULL, &err),
                     BERT_OK);
    answers(engine);
    assert_int_equal(bert_engine_stop(engine, BERT_STOP_DRAIN, &err), BERT_OK);
    bert_engine_destroy(engine);
    bert__sys_replace(NULL);
}

static void test_no_event(void **state)
{
    struct bert__sys table = *bert__sys();
    bert_request r = request();
    bert_engine *engine;
    bert_job *job;
    bert_error err;

    (void)state;
    table.event = no_event;
    bert__sys_replace(&table);
    assert_int_equal(bert_engine_create(&engine, NULL, NULL), BERT_OK);
    assert_int_equal(bert_engine_load(engine, "default", model_path, NULL, &err), BERT_OK);
    assert_int_equal(bert_engine_fd(engine), -1);
    r.notify = BERT_NOTIFY_QUEUE;
    assert_int_equal(bert_engine_submit(engine, &r, NULL, &err), BERT_EIO);
    bert__sys_replace(NULL);
    assert_true(bert_engine_fd(engine) >= 0);
    assert_int_equal(bert_engine_submit(engine, &r, NULL, &err), BERT_OK);
    while ((job = bert_engine_next(engine)) == NULL)
        usleep(100);
    bert_job_unref(job);
    answers(engine);
    bert_engine_destroy(engine);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

struct heap {
    pthread_mutex_t lock;
    long live, calls, fail_at;
    _Atomic long failed;
};

static void *take(void *context, size_t bytes, size_t alignment)
{
    struct heap *heap = context;
    void *memory = NULL;

    pthread_mutex_lock(&heap->lock);
    if (++heap->calls == heap->fail_at)
        heap->failed++;
    else if (posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment, bytes)
             == 0)
        heap->live++;
    pthread_mutex_unlock(&heap->lock);
    return memory;
}

static void give(void *context, void *memory)
{
    struct heap *heap = context;

    pthread_mutex_lock(&heap->lock);
    heap->live--;
    pthread_mutex_unlock(&heap->lock);
    free(memory);
}

static void divergence(void *context, const bert_divergence *d)
{
    (void)d;
    ++*(_Atomic int *)context;
}

/* Each step may fail, and then the next is tried all the same. */
static void steps(bert_engine *engine, bert_model *model, bert_model *tagger, bert_sampler *sampler,
                  _Atomic int *shadows)
{
    const bert_route routes[2] = {{"default", 1}, {"other", 1}};
    const char *const label = "LOC";
    bert_sample_options sample = {sizeof sample, "tag", &label, 1, NULL};
    bert_request r = request();
    bert_job *job;

    bert_engine_add_model(engine, "default", model, NULL);
    bert_engine_add_model(engine, "other", model, NULL);
    bert_engine_route(engine, "default", routes, 2, NULL);
    bert_engine_shadow(engine, "default", "other", 1000, divergence, shadows, NULL);
    bert_engine_limit_tenant(engine, "t", 5, NULL);
    bert_engine_add_model(engine, "tag", tagger, NULL);
    bert_engine_sample(engine, sampler, &sample, NULL);
    for (uint64_t i = 0; i < 4; i++) {
        r.id = i / 2;
        r.tenant = i % 2 ? "t" : "u";
        job = NULL;
        bert_engine_run(engine, &r, &job, NULL);
        bert_job_unref(job);
    }
    bert_engine_route(engine, "default", NULL, 0, NULL);
    bert_engine_sample(engine, NULL, NULL, NULL);
    bert_engine_flush_cache(engine, NULL);
}

static void test_no_memory(void **state)
{
    bert_model *model, *tagger;
    bert_error err;
    long at;

    (void)state;
    assert_int_equal(bert_model_load(&model, model_path, NULL, &err), BERT_OK);
    assert_int_equal(bert_model_load(&tagger, tagger_path, NULL, &err), BERT_OK);
    for (at = 1;; at++) {
        struct heap heap = {.lock = PTHREAD_MUTEX_INITIALIZER, .fail_at = at};
        bert_allocator allocator = {take, give, &heap};
        bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
        bert_sampler_state counts = BERT_SAMPLER_STATE_INIT;
        bert_engine *engine = NULL;
        bert_sampler *sampler;
        _Atomic int shadows = 0;
        bert_status status;

        assert_int_equal(bert_sampler_create(&sampler, NULL, &err), BERT_OK);

        o.threads = 1;
        o.batch_tokens = 64;
        o.cache_bytes = 1 << 20;
        o.allocator = &allocator;
        status = bert_engine_create(&engine, &o, &err);
        assert_int_equal(status, heap.failed > 0 && engine == NULL ? BERT_ENOMEM : BERT_OK);
        if (engine != NULL) {
            steps(engine, model, tagger, sampler, &shadows);
            pthread_mutex_lock(&heap.lock); /* a worker may be at the shadows still */
            heap.fail_at = 0;
            pthread_mutex_unlock(&heap.lock);
            assert_int_equal(bert_engine_add_model(engine, "default", model, &err), BERT_OK);
            answers(engine);
            bert_engine_destroy(engine);
        }
        assert_int_equal(heap.live, 0);
        bert_sampler_counts(sampler, &counts); /* kept or dropped, nothing is lost */
        assert_int_equal(counts.offered, counts.entries + counts.dropped);
        bert_sampler_destroy(sampler);
        if (heap.failed == 0)
            break;
    }
    assert_true(at > 60);
    bert_model_unref(tagger);
    bert_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_threads),
        cmocka_unit_test(test_no_threads_to_wait),
        cmocka_unit_test(test_no_event),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
