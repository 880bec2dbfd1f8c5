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

/* Vectors of another size than the profile's are not looked at, and what else there is, is. */
static void watch_narrow(bert_engine *engine, bert_drift *drift)
{
    const bert_embed_options narrow = {.size = sizeof narrow, .dimensions = 8};
    bert_drift_values before = values_of(drift), after;
    bert_request r = test_request(NULL, 1);

    r.options = &narrow;
    for (int i = 0; i < 60; i++)
        bert_job_unref(test_run(engine, r));
    after = values_of(drift);
    assert_int_equal(after.observed, before.observed + 60);
    assert_int_equal(after.nonfinite, before.nonfinite);
    assert_true((before.known >> BERT_DRIFT_MMD & 1) == 1);
    assert_true((after.known >> BERT_DRIFT_MMD & 1) == 0);
}

/* What was counted of a detector stays when it goes; what it showed does not. */
static void take_away(bert_engine *engine, bert_profile *profile, bert_drift *drift)
{
    bert_metrics before = test_metrics_of(engine), after;
    bert_drift *other = make_drift(profile);
    bert_error err;

    test_ok(bert_engine_watch(engine, NULL, NULL, &err), &err);
    after = test_metrics_of(engine);
    assert_int_equal(after.drift_windows, before.drift_windows);
    assert_int_equal(after.drift_alarms, before.drift_alarms);
    assert_true(isnan(after.drift_psi_length));
    test_ok(bert_engine_watch(engine, NULL, drift, &err), &err); /* not counted twice */
    test_ok(bert_engine_watch(engine, NULL, other, &err), &err);
    after = test_metrics_of(engine);
    assert_int_equal(after.drift_windows, before.drift_windows);
    for (int i = 0; i < 60; i++)
        run_text(engine, BERT_TASK_EMBED, usual[i % 4]);
    after = test_metrics_of(engine);
    assert_int_equal(after.drift_windows, before.drift_windows + values_of(other).windows);
    test_engine_add(engine, "default", "embed/base");
    test_ok(bert_engine_remove_model(engine, "default", &err), &err);
    assert_int_equal(test_metrics_of(engine).drift_windows, after.drift_windows);
    bert_drift_destroy(other);
    test_engine_add(engine, "default", "embed/base");
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
    assert_true(test_metrics_of(engine).drift_cosine_embedding
                == values_of(drift).value[BERT_DRIFT_COSINE]);
    watch_narrow(engine, drift);
    take_away(engine, profile, drift);
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
        test_ok(bert_engine_sample(engine, sampler, NULL, &err), &err);
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

/* Until both have seen something, and the sampler kept something where that is asked for. */
static void wait_until_seen(bert_drift *drift, bert_sampler *sampler, bool kept)
{
    bert_sampler_state counts = BERT_SAMPLER_STATE_INIT;

    for (int i = 0;; i++) {
        bert_sampler_counts(sampler, &counts);
        if (values_of(drift).observed > 0 && counts.offered > 0 && (counts.entries > 0 || !kept))
            return;
        assert_true(i < 200000);
        usleep(100);
    }
}

/* Nobody who was told that he isn't used any more is used. */
static void test_turns(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_model *model = test_load(test_path("tests/data/models/embed/base"), NULL);
    bert_profile *profile = make_profile(model, true);
    struct crowd c = {0};
    pthread_t threads[4];
    bert_sample_options so = BERT_SAMPLE_OPTIONS_INIT;
    bert_error err;

    (void)state;
    so.tagger = "tag";
    o.cache_bytes = 1 << 20;
    o.workers = 2;
    c.engine = test_engine(&o);
    test_engine_add(c.engine, "default", "embed/base");
    test_engine_add(c.engine, "tag", "task/tag");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, &c), 0);
    for (int i = 0; i < 60; i++) {
        bert_drift *drift = make_drift(profile);
        bert_sampler *sampler;

        test_ok(bert_sampler_create(&sampler, NULL, &err), &err);
        test_ok(bert_engine_watch(c.engine, NULL, drift, &err), &err);
        test_ok(bert_engine_sample(c.engine, sampler, i % 2 ? &so : NULL, &err), &err);
        if (i % 4 == 0)
            test_ok(bert_engine_flush_cache(c.engine, &err), &err);
        wait_until_seen(drift, sampler, i % 4 == 3);
        test_ok(bert_engine_watch(c.engine, NULL, NULL, &err), &err);
        test_ok(bert_engine_sample(c.engine, NULL, NULL, &err), &err);
        bert_sampler_destroy(sampler);
        bert_drift_destroy(drift);
    }
    atomic_store(&c.over, true);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
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
    test_ok(bert_engine_sample(engine, sampler, NULL, &err), &err);
    run_text(engine, BERT_TASK_EMBED, "write to ada@example.org");
    test_ok(bert_engine_sample(engine, NULL, NULL, &err), &err);
    run_text(engine, BERT_TASK_EMBED, "nor this");
    assert_int_equal(test_metrics_of(engine).sampled_texts, 1);
    test_ok(bert_sampler_read(sampler, &samples, &err), &err);
    assert_int_equal(bert_samples_count(samples), 1);
    assert_int_equal(bert_samples_text(samples, 0).size, strlen("write to [EMAIL]"));
    assert_memory_equal(bert_samples_text(samples, 0).data, "write to [EMAIL]", 16);
    bert_samples_free(samples);
    bert_sampler_clear(sampler);
    test_ok(bert_engine_sample(engine, sampler, NULL, &err), &err);
    assert_int_equal(test_metrics_of(engine).sampled_texts, 1);
    run_text(engine, BERT_TASK_EMBED, usual[0]);
    assert_int_equal(test_metrics_of(engine).sampled_texts, 2);
    bert_engine_destroy(engine);
    bert_sampler_destroy(sampler);
}

/* A shadow's request is nobody's. */
static void test_sample_shadow(void **state)
{
    bert_engine *engine = test_engine(NULL);
    bert_sampler_state counts = BERT_SAMPLER_STATE_INIT;
    bert_sampler *sampler;
    bert_metrics m;
    bert_error err;

    (void)state;
    test_engine_add(engine, "default", "embed/base");
    test_engine_add(engine, "next", "embed/base");
    test_ok(bert_engine_shadow(engine, "default", "next", 1000, NULL, NULL, &err), &err);
    test_ok(bert_sampler_create(&sampler, NULL, &err), &err);
    test_ok(bert_engine_sample(engine, sampler, NULL, &err), &err);
    for (int i = 0; i < 5; i++)
        run_text(engine, BERT_TASK_EMBED, usual[i % 4]);
    test_ok(bert_engine_stop(engine, BERT_STOP_DRAIN, &err), &err);
    m = test_metrics_of(engine);
    assert_int_equal(m.shadow_runs, 5);
    assert_int_equal(m.requests_submitted, 5);
    assert_int_equal(m.requests_answered, 5);
    bert_sampler_counts(sampler, &counts);
    assert_int_equal(counts.offered, 5);
    bert_engine_destroy(engine);
    bert_sampler_destroy(sampler);
}

/* ---- Samples without what a model tags ------------------------------------------------------- */

static const char *const stories[] = {"a cat on a mat wrote to ada@example.org",
                                      "BERLIN and Paris: 42 % ?",
                                      "prices rose again",
                                      "",
                                      "the weather is cold today but it will",
                                      "call +44 20 7946 0958 a kitten"};
enum { STORIES = sizeof stories / sizeof *stories };

static bert_sampler_state counts_of(bert_sampler *sampler)
{
    bert_sampler_state counts = BERT_SAMPLER_STATE_INIT;

    bert_sampler_counts(sampler, &counts);
    return counts;
}

/* Until so many are kept or dropped; the counts. */
static bert_sampler_state wait_for(bert_sampler *sampler, uint64_t n)
{
    bert_sampler_state c = counts_of(sampler);

    for (int i = 0; c.entries + c.dropped + c.oversized < n; i++) {
        assert_true(i < 200000);
        usleep(100);
        c = counts_of(sampler);
    }
    return c;
}

static bert_engine *make_tagging(bert_engine_options *o)
{
    bert_engine *engine = test_engine(o);

    test_engine_add(engine, "default", "embed/base");
    test_engine_add(engine, "tag", "task/tag");
    return engine;
}

static bert_sampler *make_sampler(const bert_sampler_options *options)
{
    bert_sampler *sampler;
    bert_error err;

    test_ok(bert_sampler_create(&sampler, options, &err), &err);
    return sampler;
}

static bert_redaction shout(void *context, bert_text text, char *out, size_t capacity, size_t *size)
{
    (void)context;
    *size = text.size + 1;
    if (*size <= capacity) {
        memcpy(out, text.data, text.size);
        out[text.size] = '!';
    }
    return BERT_REDACTION_DONE;
}

static size_t n_entities; /* in all that was to be masked */

/* What is to be kept of a story, by the calls that a host would make. */
static bert_text masked(bert_session *tagger, const char *story, const bert_sample_options *o,
                        const bert_sampler_options *so, char out[256])
{
    bert_text text = {story, strlen(story)};
    bert_entities *entities;
    bert_error err;
    size_t size;

    test_ok(bert_tag(tagger, &text, 1, o->tag, &entities, &err), &err);
    test_ok(bert_mask_entities(text, entities, 0, o->labels, o->n_labels, so->mask, out, 256, &size,
                               &err),
            &err);
    n_entities += bert_entities_count(entities, 0);
    if (so->redact != NULL) /* these stories have nothing else for it */
        out[size++] = '!';
    bert_entities_free(entities);
    return (bert_text){out, size};
}

static void check_kept(bert_sampler *sampler, const bert_sample_options *o,
                       const bert_sampler_options *so, const char *const *list, size_t n)
{
    bert_model *model = test_load(test_path("tests/data/models/task/tag"), NULL);
    bert_session *tagger = test_session(model, 1);
    bert_samples *samples;
    bert_error err;

    test_ok(bert_sampler_read(sampler, &samples, &err), &err);
    assert_int_equal(bert_samples_count(samples), n);
    for (size_t i = 0; i < n; i++) {
        char out[256];
        bert_text want = masked(tagger, list[i], o, so, out);
        size_t found = 0;

        for (size_t k = 0; k < n; k++) {
            bert_text got = bert_samples_text(samples, k);

            found += got.size == want.size && memcmp(got.data, want.data, want.size) == 0;
        }
        if (found != 1)
            fail_msg("%.*s", (int)want.size, want.data);
    }
    bert_samples_free(samples);
    bert_session_destroy(tagger);
    bert_model_unref(model);
}

static void check_tagged(const bert_sample_options *o, const bert_sampler_options *so, size_t first,
                         size_t n)
{
    bert_engine *engine = make_tagging(NULL);
    bert_sampler *sampler = make_sampler(so);
    bert_error err;

    test_ok(bert_engine_sample(engine, sampler, o, &err), &err);
    for (size_t i = first; i < first + n; i++)
        run_text(engine, BERT_TASK_EMBED, stories[i]);
    wait_for(sampler, n);
    assert_int_equal(counts_of(sampler).offered, n); /* what is tagged isn't offered again */
    check_kept(sampler, o, so, stories + first, n);
    bert_engine_destroy(engine);
    bert_sampler_destroy(sampler);
}

static void test_tagged(void **state)
{
    static const unsigned char key[16] = "a secret, 16 by";
    bert_model *model = test_load(test_path("tests/data/models/task/tag"), NULL);
    const char *label = bert_model_label(model, 1);
    bert_sample_options o = BERT_SAMPLE_OPTIONS_INIT;
    bert_sampler_options so = BERT_SAMPLER_OPTIONS_INIT;
    bert_mask_options mask = BERT_MASK_OPTIONS_INIT;
    bert_tag_options tag = BERT_TAG_OPTIONS_INIT;

    (void)state;
    o.tagger = "tag";
    check_tagged(&o, &so, 0, STORIES);
    tag.aggregation = BERT_AGGREGATE_NONE;
    o.tag = &tag;
    o.labels = &label;
    o.n_labels = 1;
    mask.key = key;
    so.mask = &mask;
    check_tagged(&o, &so, 0, STORIES);
    o = (bert_sample_options)BERT_SAMPLE_OPTIONS_INIT;
    o.tagger = "tag";
    so.mask = NULL;
    so.redact = shout;
    check_tagged(&o, &so, 1, 4);
    assert_true(n_entities > STORIES);
    bert_model_unref(model);
}

/* One in how many would be tagged is the sampler's choice, made before. */
static void test_tagged_few(void **state)
{
    bert_engine *engine = make_tagging(NULL);
    bert_sampler_options so = BERT_SAMPLER_OPTIONS_INIT;
    bert_sample_options o = BERT_SAMPLE_OPTIONS_INIT;
    bert_sampler *sampler;
    bert_metrics m;
    bert_error err;

    (void)state;
    so.entries = 2;
    o.tagger = "tag";
    sampler = make_sampler(&so);
    test_ok(bert_engine_sample(engine, sampler, &o, &err), &err);
    for (int i = 0; i < 400; i++)
        run_text(engine, BERT_TASK_EMBED, stories[i % 3]);
    test_ok(bert_engine_stop(engine, BERT_STOP_DRAIN, &err), &err);
    m = test_metrics_of(engine);
    assert_int_equal(counts_of(sampler).offered, 400);
    assert_int_equal(m.requests_submitted, m.requests_answered);
    assert_true(m.texts > 400 && m.texts < 440); /* 2 + 2 (1/3 + 1/4 + ...): about 13 */
    bert_engine_destroy(engine);
    bert_sampler_destroy(sampler);
}

/* ---- Nothing in clear where there is no tagging -----------------------------------------------
 */

static void test_no_tagger(void **state)
{
    bert_engine *engine = make_tagging(NULL);
    bert_sampler *sampler = make_sampler(NULL);
    bert_sample_options o = BERT_SAMPLE_OPTIONS_INIT;
    const char *label = NULL;
    bert_error err;

    (void)state;
    o.tagger = "nobody";
    test_error(bert_engine_sample(engine, sampler, &o, &err), &err, BERT_EINVAL, "nobody", NULL);
    o.tagger = "default";
    test_error(bert_engine_sample(engine, sampler, &o, &err), &err, BERT_EUNSUPPORTED,
               "\"default\"", "token classification", NULL);
    o.tagger = "tag";
    o.n_labels = 1;
    test_error(bert_engine_sample(engine, sampler, &o, &err), &err, BERT_EINVAL, "labels", NULL);
    o.labels = &label;
    test_error(bert_engine_sample(engine, sampler, &o, &err), &err, BERT_EINVAL, "labels[0]", NULL);
    o.tagger = NULL;
    label = "PER";
    test_error(bert_engine_sample(engine, sampler, &o, &err), &err, BERT_EINVAL, "tagger", NULL);
    run_text(engine, BERT_TASK_EMBED, stories[0]); /* none of these took it */
    assert_int_equal(counts_of(sampler).offered, 0);

    o = (bert_sample_options)BERT_SAMPLE_OPTIONS_INIT;
    o.tagger = "tag";
    test_ok(bert_engine_sample(engine, sampler, &o, &err), &err);
    test_ok(bert_engine_remove_model(engine, "tag", &err), &err);
    for (int i = 0; i < 3; i++)
        run_text(engine, BERT_TASK_EMBED, stories[i]);
    assert_int_equal(wait_for(sampler, 3).dropped, 3);
    test_engine_add(engine, "tag", "task/classify"); /* another kind under its name */
    run_text(engine, BERT_TASK_EMBED, stories[0]);
    assert_int_equal(wait_for(sampler, 4).dropped, 4);
    test_engine_add(engine, "tag", "task/tag");
    run_text(engine, BERT_TASK_EMBED, stories[1]);
    assert_int_equal(wait_for(sampler, 5).entries, 1);
    bert_engine_destroy(engine);
    bert_sampler_destroy(sampler);
}

/* A text that the sampler has no room for isn't tagged. */
static void test_no_room(void **state)
{
    bert_sampler_options so = BERT_SAMPLER_OPTIONS_INIT;
    bert_sample_options o = BERT_SAMPLE_OPTIONS_INIT;
    bert_engine *engine = make_tagging(NULL);
    bert_sampler *sampler;
    bert_error err;

    (void)state;
    so.max_bytes = 20;
    o.tagger = "tag";
    sampler = make_sampler(&so);
    test_ok(bert_engine_sample(engine, sampler, &o, &err), &err);
    run_text(engine, BERT_TASK_EMBED, stories[0]);
    assert_int_equal(wait_for(sampler, 1).dropped, 1);
    run_text(engine, BERT_TASK_EMBED, "a cat");
    assert_int_equal(wait_for(sampler, 2).dropped, 1);
    bert_engine_destroy(engine);
    bert_sampler_destroy(sampler);
}

static void fill_long(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = "a cat on the mat . "[i % 19];
}

/* On the only worker's thread: until it returns the queue is full. */
struct filler {
    bert_engine *engine;
    bert_job *jobs[2];
};

static bert_redaction fill_queue(void *context, bert_text text, char *out, size_t capacity,
                                 size_t *size)
{
    struct filler *f = context;
    bert_request r = test_request(NULL, 1);
    bert_error err;

    for (int i = 0; i < 2 && f->jobs[1] == NULL; i++)
        test_ok(bert_engine_submit(f->engine, &r, &f->jobs[i], &err), &err);
    *size = text.size;
    if (*size <= capacity)
        memcpy(out, text.data, text.size);
    return BERT_REDACTION_DONE;
}

/* While one text is being tagged another comes, and then there is no place for it. */
static void test_queue_full(void **state)
{
    static char longest[60000];
    bert_engine_options eo = BERT_ENGINE_OPTIONS_INIT;
    bert_sampler_options so = BERT_SAMPLER_OPTIONS_INIT;
    bert_sample_options o = BERT_SAMPLE_OPTIONS_INIT;
    const bert_text text = {longest, sizeof longest};
    struct filler filler = {NULL, {NULL, NULL}};
    bert_sampler *sampler;
    bert_error err;

    (void)state;
    fill_long(longest, sizeof longest);
    eo.queue_requests = 2;
    so.redact = fill_queue;
    so.redact_context = &filler;
    o.tagger = "tag";
    filler.engine = make_tagging(&eo);
    sampler = make_sampler(&so);
    test_ok(bert_engine_sample(filler.engine, sampler, &o, &err), &err);
    bert_job_unref(test_run(filler.engine, ask(BERT_TASK_EMBED, &text)));
    run_text(filler.engine, BERT_TASK_EMBED, stories[0]);
    assert_int_equal(counts_of(sampler).entries, 0); /* it is still under way */
    assert_int_equal(wait_for(sampler, 2).dropped, 1);
    for (int i = 0; i < 2; i++) {
        test_ok(bert_job_wait(filler.jobs[i], 0, &err), &err);
        bert_job_unref(filler.jobs[i]);
    }
    bert_engine_destroy(filler.engine);
    bert_sampler_destroy(sampler);
}

/* ---- Ends -------------------------------------------------------------------------------------
 */

/* While a tagging of seconds runs, the sampler is taken away, or the engine. */
static void test_tagged_ends(void **state)
{
    static char longest[200000];
    bert_sample_options o = BERT_SAMPLE_OPTIONS_INIT;
    bert_text text = {longest, sizeof longest};
    bert_request r = ask(BERT_TASK_EMBED, &text);
    bert_error err;

    (void)state;
    fill_long(longest, sizeof longest);
    o.tagger = "tag";
    for (int how = 0; how < 3; how++) {
        bert_engine *engine = make_tagging(NULL);
        bert_sampler *sampler = make_sampler(NULL);

        test_ok(bert_engine_sample(engine, sampler, &o, &err), &err);
        for (int i = 0; i < 3; i++)
            bert_job_unref(test_run(engine, r));
        usleep(how == 0 ? 0 : 30000);
        if (how < 2)
            test_ok(bert_engine_sample(engine, NULL, NULL, &err), &err);
        else
            bert_engine_destroy(engine);
        assert_int_equal(counts_of(sampler).offered, 3);
        assert_int_equal(counts_of(sampler).dropped, 3);
        bert_sampler_destroy(sampler);
        if (how < 2)
            bert_engine_destroy(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watch),      cmocka_unit_test(test_cached),
        cmocka_unit_test(test_joined),     cmocka_unit_test(test_turns),
        cmocka_unit_test(test_sample),     cmocka_unit_test(test_sample_shadow),
        cmocka_unit_test(test_tagged),     cmocka_unit_test(test_tagged_few),
        cmocka_unit_test(test_no_tagger),  cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_queue_full), cmocka_unit_test(test_tagged_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
