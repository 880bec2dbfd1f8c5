/* SPDX-License-Identifier: MIT */
/*
 * test_drift.c - bert_profile and bert_drift: the values that numpy and scipy give, silence where
 * nothing has changed, alarms where something has, one after another.
 */
#include "support_drift.h"

#include <math.h>
#include <string.h>

enum { ALL = (1 << BERT_DRIFT_STATISTICS) - 1 };

/* ---- Values by numpy and scipy ------------------------------------------------------------- */

static void fill(const struct test_arrays *a, size_t i, bert_observation *o)
{
    const float *fields = (const float *)test_need(a, "fields")->data + 6 * i;

    *o = (bert_observation)BERT_OBSERVATION_INIT;
    if (((const int32_t *)test_need(a, "embedded")->data)[i])
        o->embedding =
            (const float *)test_need(a, "vectors")->data + i * test_need(a, "vectors")->shape[1];
    o->has = ((const uint32_t *)test_need(a, "has")->data)[i];
    o->score = fields[0];
    o->confidence = fields[1];
    o->entropy = fields[2];
    o->label = (uint32_t)fields[3];
    o->tokens = (uint32_t)fields[4];
    o->unknown = (uint32_t)fields[5];
}

static void near(const char *what, double got, double want)
{
    if (!(fabs(got - want) <= 2e-6 * fmax(1, fabs(want))))
        fail_msg("%s is %.9g, expected %.9g", what, got, want);
}

static void compare_fixture(const struct test_arrays *a, bert_drift *drift)
{
    const double *values = test_need(a, "values")->data, *means = test_need(a, "means")->data;
    const double *thresholds = test_need(a, "thresholds")->data;
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    bert_error err;

    test_ok(bert_drift_get(drift, &v, &err), &err);
    assert_int_equal(v.windows, 1);
    assert_int_equal(v.known, ALL);
    for (uint32_t i = 0; i < BERT_DRIFT_STATISTICS; i++) {
        near(bert_drift_name(i), v.value[i], values[i]);
        near(bert_drift_name(i), v.threshold[i], thresholds[i]);
        assert_int_equal((v.fired >> i) & 1, values[i] > thresholds[i]);
    }
    near("mean score", v.score, means[0]);
    near("mean confidence", v.confidence, means[1]);
    near("mean entropy", v.entropy, means[2]);
    near("mean tokens", v.tokens, means[3]);
    near("mean unknown", v.unknown, means[4]);
}

/* The first window, and the same again in a ring that has turned. */
static void test_reference(void **state)
{
    bert_drift_options o = BERT_DRIFT_OPTIONS_INIT;
    bert_observation seen;
    struct test_arrays a;
    bert_profile *profile;
    bert_drift *drift;
    bert_error err;

    (void)state;
    test_arrays_load(&a, test_path("tests/data/drift/expected.bin"));
    test_ok(bert_profile_load(&profile, test_path("tests/data/drift/profile.json"), NULL, 0, &err),
            &err);
    assert_string_equal(bert_profile_model(profile), "by hand");
    assert_int_equal(bert_profile_observations(profile), 1000);
    assert_int_equal(bert_profile_nonfinite(profile), 1);
    o.false_alarms = 0.05;
    o.model = "by hand";
    test_ok(bert_drift_create(&drift, profile, &o, &err), &err);
    bert_profile_unref(profile);
    for (size_t i = 0; i < 17; i++) {
        fill(&a, i, &seen);
        test_ok(bert_drift_add(drift, &seen, &err), &err);
    }
    bert_drift_reset(drift);
    for (size_t i = 0; i < bert_profile_window(profile); i++) {
        fill(&a, i, &seen);
        test_ok(bert_drift_add(drift, &seen, &err), &err);
    }
    compare_fixture(&a, drift);
    bert_drift_destroy(drift);
    test_arrays_free(&a);
}

/* ---- The made-up world ------------------------------------------------------------------------
 */

struct told {
    int began, ended;
    bert_drift_values last;
    bert_drift *drift;
};

static void tell(void *context, int drifting, const bert_drift_values *values)
{
    struct told *told = context;
    bert_drift_values now = BERT_DRIFT_VALUES_INIT;

    *(drifting ? &told->began : &told->ended) += 1;
    told->last = *values;
    assert_int_equal(values->size, sizeof *values);
    assert_int_equal(values->drifting, drifting);
    if (told->drift != NULL)
        test_ok(bert_drift_get(told->drift, &now, NULL), NULL);
}

static void run(bert_drift *drift, struct drift_world *world, int n)
{
    float vector[DRIFT_DIM];
    bert_observation o;
    bert_error err;

    for (int i = 0; i < n; i++) {
        drift_observe(world, vector, &o);
        test_ok(bert_drift_add(drift, &o, &err), &err);
    }
}

/* Over 1,000 windows of each of five profiles. */
static void test_silent(void **state)
{
    bert_profile_options po = drift_profile_options();
    bert_drift_options o = BERT_DRIFT_OPTIONS_INIT;
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    struct drift_world world;
    uint64_t windows = 0, fired = 0;
    bert_drift *drift;
    bert_error err;

    (void)state;
    o.step = DRIFT_WINDOW;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        bert_profile *profile = drift_profile(&po, seed, 3000);

        test_ok(bert_drift_create(&drift, profile, &o, &err), &err);
        bert_profile_unref(profile);
        drift_world_init(&world, 100 + seed);
        run(drift, &world, 1000 * DRIFT_WINDOW);
        test_ok(bert_drift_get(drift, &v, &err), &err);
        print_message("%u of %u windows fired\n", (unsigned)v.windows_fired, (unsigned)v.windows);
        assert_int_equal(v.observed, 1000 * DRIFT_WINDOW);
        windows += v.windows;
        fired += v.windows_fired;
        bert_drift_destroy(drift);
    }
    assert_int_equal(windows, 5000);
    assert_true(fired * 100 <= windows);
}

/* Begins within two windows, for the reason that there is, and ends when the old world is back. */
static void one_drift(bert_profile *profile, const struct drift_world *other, uint32_t expected)
{
    bert_drift_options o = BERT_DRIFT_OPTIONS_INIT;
    struct drift_world world;
    struct told told = {.began = 0};
    bert_drift *drift;
    bert_error err;

    o.callback = tell;
    o.context = &told;
    test_ok(bert_drift_create(&drift, profile, &o, &err), &err);
    told.drift = drift;
    drift_world_init(&world, 77);
    run(drift, &world, 3 * DRIFT_WINDOW);
    assert_int_equal(told.began, 0);
    world = *other;
    run(drift, &world, 2 * DRIFT_WINDOW);
    assert_int_equal(told.began, 1);
    assert_int_equal(told.ended, 0);
    if ((told.last.fired & expected) == 0)
        fail_msg("fired %#x, expected one of %#x", told.last.fired, expected);
    drift_world_init(&world, 78);
    run(drift, &world, 3 * DRIFT_WINDOW);
    assert_int_equal(told.ended, 1);
    bert_drift_destroy(drift);
}

static void test_fires(void **state)
{
    bert_profile_options po = drift_profile_options();
    bert_profile *profile = drift_profile(&po, 9, 3000);
    struct drift_world world;
    const uint32_t vectors = 1u << BERT_DRIFT_PSI_EMBEDDING | 1u << BERT_DRIFT_KS_EMBEDDING
                             | 1u << BERT_DRIFT_COSINE | 1u << BERT_DRIFT_MMD;

    (void)state;
    drift_world_init(&world, 40);
    world.shift = 1.5f;
    one_drift(profile, &world, vectors);
    drift_world_init(&world, 41);
    world.scale = 2.5f;
    one_drift(profile, &world, vectors);
    drift_world_init(&world, 42);
    world.label = 60;
    one_drift(profile, &world, 1u << BERT_DRIFT_PSI_LABEL | 1u << BERT_DRIFT_KS_LABEL);
    drift_world_init(&world, 43);
    world.confidence = 0.2f;
    one_drift(profile, &world,
              1u << BERT_DRIFT_PSI_CONFIDENCE | 1u << BERT_DRIFT_KS_CONFIDENCE
                  | 1u << BERT_DRIFT_PSI_ENTROPY | 1u << BERT_DRIFT_KS_ENTROPY);
    drift_world_init(&world, 44);
    world.unknown = 0.2f;
    one_drift(profile, &world, 1u << BERT_DRIFT_PSI_UNKNOWN | 1u << BERT_DRIFT_KS_UNKNOWN);
    bert_profile_unref(profile);
}

/* An own threshold stands in place of the profile's; an infinite one never fires. */
static void test_own_thresholds(void **state)
{
    bert_profile_options po = drift_profile_options();
    bert_profile *profile = drift_profile(&po, 3, 3000);
    bert_drift_options o = BERT_DRIFT_OPTIONS_INIT;
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    double own[BERT_DRIFT_STATISTICS] = {0};
    struct drift_world world;
    bert_drift *drift;
    bert_error err;

    (void)state;
    own[BERT_DRIFT_COSINE] = -1;
    own[BERT_DRIFT_MMD] = INFINITY;
    o.thresholds = own;
    o.n_thresholds = BERT_DRIFT_STATISTICS;
    test_ok(bert_drift_create(&drift, profile, &o, &err), &err);
    bert_profile_unref(profile);
    drift_world_init(&world, 5);
    run(drift, &world, DRIFT_WINDOW);
    test_ok(bert_drift_get(drift, &v, &err), &err);
    assert_int_equal(v.fired, 1u << BERT_DRIFT_COSINE);
    assert_int_equal(v.drifting, 1);
    world.shift = 50;
    run(drift, &world, DRIFT_WINDOW);
    test_ok(bert_drift_get(drift, &v, &err), &err);
    assert_int_equal(v.fired & 1u << BERT_DRIFT_MMD, 0);
    bert_drift_reset(drift);
    test_ok(bert_drift_get(drift, &v, &err), &err);
    assert_int_equal(v.drifting, 0);
    assert_int_equal(v.observed, 2 * DRIFT_WINDOW);
    bert_drift_destroy(drift);
}

/* ---- What is odd ----------------------------------------------------------------------------- */

/* NaN and infinity are counted and left out; nothing else of the observation is lost. */
static void test_nonfinite(void **state)
{
    const float odd[] = {NAN, INFINITY, -INFINITY, 3e38f};
    bert_profile_options po = drift_profile_options();
    bert_profile *profile = drift_profile(&po, 9, 3000);
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    struct drift_world world;
    float vector[DRIFT_DIM];
    bert_observation o;
    bert_drift *drift;
    bert_error err;

    (void)state;
    test_ok(bert_drift_create(&drift, profile, NULL, &err), &err);
    drift_world_init(&world, 12);
    for (int i = 0; i < DRIFT_WINDOW; i++) {
        drift_observe(&world, vector, &o);
        if (i % 15 == 0) {
            vector[i / 15] = odd[i / 15];
            o.confidence = odd[i / 15];
        }
        test_ok(bert_drift_add(drift, &o, &err), &err);
    }
    test_ok(bert_drift_get(drift, &v, &err), &err);
    assert_int_equal(v.nonfinite, 4);
    assert_int_equal(v.known, ALL);
    assert_int_equal(v.fired, 0);
    for (int i = 0; i < DRIFT_WINDOW; i++) {
        drift_observe(&world, vector, &o);
        vector[3] = NAN;
        test_ok(bert_drift_add(drift, &o, &err), &err);
    }
    test_ok(bert_drift_get(drift, &v, &err), &err);
    assert_int_equal(v.nonfinite, 4 + DRIFT_WINDOW);
    assert_int_equal(v.known,
                     ALL
                         & ~(1 << BERT_DRIFT_MMD | 1 << BERT_DRIFT_COSINE
                             | 1 << BERT_DRIFT_PSI_EMBEDDING | 1 << BERT_DRIFT_KS_EMBEDDING));
    bert_drift_destroy(drift);
    bert_profile_unref(profile);
}

/* Values that are all the same, missing, or of nothing at all: known or not, never NaN. */
static void test_constant(void **state)
{
    bert_profile_options po = BERT_PROFILE_OPTIONS_INIT;
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    bert_observation o = BERT_OBSERVATION_INIT;
    const float zeros[3] = {0};
    bert_profile *profile;
    bert_drift *drift;
    bert_error err;

    (void)state;
    po.window = 20;
    po.dimensions = 3;
    po.replicates = 200;
    for (int kind = 0; kind < 3; kind++) {
        test_ok(bert_profile_create(&profile, &po, &err), &err);
        o.embedding = kind == 1 ? zeros : NULL;
        o.has =
            kind > 0 ? BERT_OBSERVED_CONFIDENCE | BERT_OBSERVED_UNKNOWN | BERT_OBSERVED_TOKENS : 0;
        o.confidence = 1;
        o.tokens = kind == 2 ? 0 : 7;
        for (int i = 0; i < 200; i++)
            test_ok(bert_profile_add(profile, &o, &err), &err);
        o.reserved = 1;
        test_error(bert_profile_add(profile, &o, &err), &err, BERT_EINVAL, "reserved is 1", NULL);
        o.reserved = 0;
        test_ok(bert_profile_finish(profile, &err), &err);
        test_ok(bert_drift_create(&drift, profile, NULL, &err), &err);
        for (int i = 0; i < 20; i++)
            test_ok(bert_drift_add(drift, &o, &err), &err);
        test_ok(bert_drift_get(drift, &v, &err), &err);
        assert_int_equal(v.windows, 1);
        assert_int_equal(v.fired, 0);
        for (int i = 0; i < BERT_DRIFT_STATISTICS; i++)
            assert_true(isfinite(v.value[i]) && !isnan(v.threshold[i]));
        assert_int_equal(v.known != 0, kind > 0);
        o.confidence = 0.5f; /* below all that there was */
        for (int i = 0; i < 20; i++)
            test_ok(bert_drift_add(drift, &o, &err), &err);
        test_ok(bert_drift_get(drift, &v, &err), &err);
        assert_int_equal(v.fired & 1u << BERT_DRIFT_KS_CONFIDENCE,
                         kind > 0 ? 1u << BERT_DRIFT_KS_CONFIDENCE : 0);
        bert_drift_destroy(drift);
        bert_profile_unref(profile);
    }
}

static void test_moments(void **state)
{
    bert_profile_options po = drift_profile_options();
    struct drift_world world;
    float vector[DRIFT_DIM];
    double sum[DRIFT_DIM] = {0}, squares[DRIFT_DIM] = {0};
    bert_observation o;
    bert_profile *profile = drift_profile(&po, 21, 2000);

    (void)state;
    drift_world_init(&world, 21);
    for (int i = 0; i < 2000; i++) {
        drift_observe(&world, vector, &o);
        for (int j = 0; j < DRIFT_DIM; j++) {
            sum[j] += (double)vector[j] / 2000;
            squares[j] += (double)vector[j] * (double)vector[j] / 2000;
        }
    }
    for (int j = 0; j < DRIFT_DIM; j++) {
        near("mean", (double)bert_profile_mean(profile)[j], sum[j]);
        near("variance", (double)bert_profile_variance(profile)[j], squares[j] - sum[j] * sum[j]);
    }
    bert_profile_unref(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference), cmocka_unit_test(test_silent),
        cmocka_unit_test(test_fires),     cmocka_unit_test(test_own_thresholds),
        cmocka_unit_test(test_nonfinite), cmocka_unit_test(test_constant),
        cmocka_unit_test(test_moments),
    };

    return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
