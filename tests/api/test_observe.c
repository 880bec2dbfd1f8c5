/* SPDX-License-Identifier: MIT */
/*
 * test_observe.c - what an engine shows to detectors of drift and to samplers: each answered text,
 * whoever computed the answer, and to nobody any more once it was told so.
 */
#include "support_engine.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static bert_request ask(uint32_t task, const bert_text *text)
{
    bert_request r = test_request(NULL, 1);

    r.task = task;
    r.texts = text;
    return r;
}

static void run_text(bert_engine *engine, uint32_t task, const char *words)
{
    bert_text own = {words, strlen(words)};

    bert_job_unref(test_run(engine, ask(task, &own)));
}

/* ---- Drift ------------------------------------------------------------------------------- */

static const char *const usual[4] = {"a cat on a mat", "the weather is cold today", "a kitten",
                                     "prices rose again"};

/* Of the model's own answers to the usual texts, or of what a classifier might give. */
static bert_profile *make_profile(bert_model *model, bool embeddings)
{
    bert_session *session = test_session(model, 1);
    bert_profile_options po = BERT_PROFILE_OPTIONS_INIT;
    bert_profile *profile;
    bert_error err;
    float row[512];

    po.dimensions = embeddings ? bert_model_embedding_size(model) : 0;
    po.labels = embeddings ? 0 : bert_model_label_count(model);
    po.window = 20;
    po.replicates = 400;
    test_ok(bert_profile_create(&profile, &po, &err), &err);
    for (int i = 0; i < 600; i++) {
        bert_observation o = BERT_OBSERVATION_INIT;
        bert_text own = {usual[i * 7 % 4], strlen(usual[i * 7 % 4])};

        if (embeddings) {
            test_ok(bert_embed(session, &own, 1, NULL, row, 512, NULL, &err), &err);
            o.embedding = row;
        } else {
            o.has = BERT_OBSERVED_TOKENS | BERT_OBSERVED_UNKNOWN | BERT_OBSERVED_LABEL
                    | BERT_OBSERVED_CONFIDENCE | BERT_OBSERVED_ENTROPY;
            o.tokens = 3 + (uint32_t)i % 5;
            o.label = (uint32_t)i % po.labels;
            o.confidence = 0.5f + (float)(i % 50) / 100;
            o.entropy = 1 - (float)(i % 50) / 50;
        }
        test_ok(bert_profile_add(profile, &o, &err), &err);
    }
    test_ok(bert_profile_finish(profile, &err), &err);
    bert_session_destroy(session);
    return profile;
}

static bert_drift *make_drift(bert_profile *profile)
{
    bert_drift *drift;
    bert_error err;

    test_ok(bert_drift_create(&drift, profile, NULL, &err), &err);
    return drift;
}

static bert_drift_values values_of(bert_drift *drift)
{
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    bert_error err;

    test_ok(bert_drift_get(drift, &v, &err), &err);
    return v;
}

/* Usual texts, then others. */
static void test_watch(void **state)
{
    static const char *const strange[2] = {"\xf0\x9f\x90\x88 \xf0\x9f\x90\x88", "[MASK] [MASK]"};
    bert_model *model = test_load(test_path("tests/data/models/embed/base"), NULL);
    bert_profile *profile = make_profile(model, true);
    bert_drift *drift = make_drift(profile);
    bert_engine *engine = test_engine(NULL);
    bert_error err;

    (void)state;
    test_engine_add(engine, "default", "embed/base");
    test_error(bert_engine_watch(engine, "x", drift, &err), &err, BERT_EINVAL, "x", NULL);
    test_ok(bert_engine_watch(engine, NULL, drift, &err), &err);
    assert_true(isnan(test_metrics_of(engine).drift_mmd_embedding));
    for (int i = 0; i < 60; i++)
        run_text(engine, BERT_TASK_EMBED, usual[i % 4]);
    assert_true(test_metrics_of(engine).drift_windows > 0);
    assert_true(!isnan(test_metrics_of(engine).drift_mmd_embedding));
    assert_int_equal(test_metrics_of(engine).drift_alarms, 0);
    for (int i = 0; i < 60; i++)
        run_text(engine, BERT_TASK_EMBED, strange[i % 2]);
    assert_true(test_metrics_of(engine).drift_alarms > 0);
    test_ok(bert_engine_watch(engine, NULL, NULL, &err), &err);
    bert_drift_destroy(drift);
    bert_profile_unref(profile);
    run_text(engine, BERT_TASK_EMBED, usual[0]);
    bert_engine_destroy(engine);
    bert_model_unref(model);
}

/* ---- Answers that were there ---------------------------------------------------------------- */

/* The same requests with the cache and without look the same. */
static void check_cached(const char *folder, uint32_t task)
{
    bert_model *model = test_load(test_path("tests/data/models/%s", folder), NULL);
    bert_profile *profile = make_profile(model, task == BERT_TASK_EMBED);
    bert_drift_values seen[2];
    bert_error err;

    for (int cached = 0; cached < 2; cached++) {
        bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
        bert_drift *drift = make_drift(profile);
        bert_sampler_state counts = BERT_SAMPLER_STATE_INIT;
        bert_sampler *sampler;
        bert_engine *engine;

        o.cache_bytes = cached ? 1 << 20 : 0;
        engine = test_engine(&o);
        test_engine_add(engine, "default", folder);
        test_ok(bert_sampler_create(&sampler, NULL, &err), &err);
        test_ok(bert_engine_watch(engine, NULL, drift, &err), &err);
        test_ok(bert_engine_sample(engine, sampler, &err), &err);
        for (int i = 0; i < 90; i++)
            run_text(engine, task, usual[i * 7 % 4]);
        assert_int_equal(test_metrics_of(engine).batches, cached ? 4 : 90);
        seen[cached] = values_of(drift);
        bert_sampler_counts(sampler, &counts);
        assert_int_equal(counts.offered, 90);
        bert_engine_destroy(engine);
        bert_sampler_destroy(sampler);
        bert_drift_destroy(drift);
    }
    assert_int_equal(seen[0].observed, 90);
    assert_true(seen[0].windows > 0 && seen[0].known != 0);
    assert_memory_equal(&seen[0], &seen[1], sizeof seen[0]);
    bert_profile_unref(profile);
    bert_model_unref(model);
}

static void test_cached(void **state)
{
    (void)state;
    check_cached("embed/base", BERT_TASK_EMBED);
    check_cached("task/classify", BERT_TASK_CLASSIFY);
}

/* Those who wait for another's answer are seen, one who left is not. */
static void test_joined(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_model *model = test_load(test_path("tests/data/models/embed/base"), NULL);
    bert_profile *profile = make_profile(model, true);
    bert_drift *drift = make_drift(profile);
    bert_request r = test_request(NULL, 1);
    bert_engine *engine;
    bert_job *jobs[5];
    bert_error err;

    (void)state;
    o.cache_bytes = 1 << 20;
    o.batch_wait_ns = 400000000; /* so that they wait */
    engine = test_engine(&o);
    test_engine_add(engine, "default", "embed/base");
    test_ok(bert_engine_watch(engine, NULL, drift, &err), &err);
    for (int i = 0; i < 5; i++)
        test_ok(bert_engine_submit(engine, &r, &jobs[i], &err), &err);
    assert_int_equal(test_metrics_of(engine).cache_coalesced, 4);
    bert_job_cancel(jobs[3]);
    test_ok(bert_engine_stop(engine, BERT_STOP_DRAIN, &err), &err);
    for (int i = 0; i < 5; i++)
        bert_job_unref(jobs[i]);
    assert_int_equal(values_of(drift).observed, 4);
    bert_engine_destroy(engine);
    bert_drift_destroy(drift);
    bert_profile_unref(profile);
    bert_model_unref(model);
}

/* ---- Observers that come and go -------------------------------------------------------------- */

struct crowd {
    bert_engine *engine;
    _Atomic bool over;
};

static void *keep_asking(void *arg)
{
    struct crowd *c = arg;

    for (int i = 0; !atomic_load(&c->over); i++)
        run_text(c->engine, BERT_TASK_EMBED, usual[i % 4]);
    return NULL;
}

/* Nobody who was told that he isn't used any more is used. */
static void test_turns(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_model *model = test_load(test_path("tests/data/models/embed/base"), NULL);
    bert_profile *profile = make_profile(model, true);
    struct crowd c = {0};
    pthread_t threads[4];
    uint64_t observed = 0, offered = 0;
    bert_error err;

    (void)state;
    o.cache_bytes = 1 << 20;
    o.workers = 2;
    c.engine = test_engine(&o);
    test_engine_add(c.engine, "default", "embed/base");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, &c), 0);
    for (int i = 0; i < 60; i++) {
        bert_sampler_state counts = BERT_SAMPLER_STATE_INIT;
        bert_drift *drift = make_drift(profile);
        bert_sampler *sampler;

        test_ok(bert_sampler_create(&sampler, NULL, &err), &err);
        test_ok(bert_engine_watch(c.engine, NULL, drift, &err), &err);
        test_ok(bert_engine_sample(c.engine, sampler, &err), &err);
        if (i % 4 == 0)
            test_ok(bert_engine_flush_cache(c.engine, &err), &err);
        usleep(2000);
        test_ok(bert_engine_watch(c.engine, NULL, NULL, &err), &err);
        test_ok(bert_engine_sample(c.engine, NULL, &err), &err);
        observed += values_of(drift).observed;
        bert_sampler_counts(sampler, &counts);
        offered += counts.offered;
        bert_sampler_destroy(sampler);
        bert_drift_destroy(drift);
    }
    atomic_store(&c.over, true);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(observed > 60 && offered > 60);
    bert_engine_destroy(c.engine);
    bert_profile_unref(profile);
    bert_model_unref(model);
}

/* ---- Samples --------------------------------------------------------------------------------- */

static void test_sample(void **state)
{
    bert_engine *engine = test_engine(NULL);
    bert_sampler *sampler;
    bert_samples *samples;
    bert_error err;

    (void)state;
    test_engine_add(engine, "default", "embed/base");
    run_text(engine, BERT_TASK_EMBED, "nobody keeps this");
    test_ok(bert_sampler_create(&sampler, NULL, &err), &err);
    test_ok(bert_engine_sample(engine, sampler, &err), &err);
    run_text(engine, BERT_TASK_EMBED, "write to ada@example.org");
    test_ok(bert_engine_sample(engine, NULL, &err), &err);
    run_text(engine, BERT_TASK_EMBED, "nor this");
    test_ok(bert_sampler_read(sampler, &samples, &err), &err);
    assert_int_equal(bert_samples_count(samples), 1);
    assert_int_equal(bert_samples_text(samples, 0).size, strlen("write to [EMAIL]"));
    assert_memory_equal(bert_samples_text(samples, 0).data, "write to [EMAIL]", 16);
    bert_samples_free(samples);
    bert_sampler_destroy(sampler);
    bert_engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watch), cmocka_unit_test(test_cached), cmocka_unit_test(test_joined),
        cmocka_unit_test(test_turns), cmocka_unit_test(test_sample),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
