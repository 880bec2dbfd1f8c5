/* SPDX-License-Identifier: MIT */
/* test_drift_threads.c - eight threads add to one detector while another looks. */
#include "support_drift.h"

#include <pthread.h>

enum { THREADS = 8, EACH = 3000 };

struct shared {
    bert_drift *drift;
    _Atomic int done, turns;
};

struct adder {
    struct shared *shared;
    uint64_t seed;
    pthread_t thread;
    int failed;
};

static void tell(void *context, int drifting, const bert_drift_values *values)
{
    struct shared *shared = context;

    (void)drifting;
    shared->turns += values->windows > 0;
}

static void *add(void *context)
{
    struct adder *adder = context;
    struct drift_world world;
    float vector[DRIFT_DIM];
    bert_observation o;

    drift_world_init(&world, adder->seed);
    for (int i = 0; i < EACH; i++) {
        world.shift = i / 500 % 2 == 0 ? 0 : 6;
        drift_observe(&world, vector, &o);
        adder->failed += bert_drift_add(adder->shared->drift, &o, NULL) != BERT_OK;
    }
    return NULL;
}

static void *look(void *context)
{
    struct shared *shared = context;
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    uint64_t before = 0;

    while (!shared->done && bert_drift_get(shared->drift, &v, NULL) == BERT_OK
           && v.observed >= before)
        before = v.observed;
    return shared->done ? NULL : context;
}

static void test_threads(void **state)
{
    bert_profile_options po = drift_profile_options();
    bert_profile *profile = drift_profile(&po, 5, 2000);
    bert_drift_options o = BERT_DRIFT_OPTIONS_INIT;
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    struct shared shared = {.drift = NULL};
    struct adder adders[THREADS];
    pthread_t looker;
    void *result;
    bert_error err;

    (void)state;
    o.callback = tell;
    o.context = &shared;
    test_ok(bert_drift_create(&shared.drift, profile, &o, &err), &err);
    bert_profile_unref(profile);
    assert_int_equal(pthread_create(&looker, NULL, look, &shared), 0);
    for (uint64_t i = 0; i < THREADS; i++) {
        adders[i] = (struct adder){.shared = &shared, .seed = 50 + i};
        assert_int_equal(pthread_create(&adders[i].thread, NULL, add, &adders[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(adders[i].thread, NULL);
        assert_int_equal(adders[i].failed, 0);
    }
    shared.done = 1;
    pthread_join(looker, &result);
    assert_null(result);
    test_ok(bert_drift_get(shared.drift, &v, &err), &err);
    assert_int_equal(v.observed, THREADS * EACH);
    assert_int_equal(v.windows, 1 + (THREADS * EACH - DRIFT_WINDOW) / (DRIFT_WINDOW / 4));
    assert_true(v.windows_fired > 0 && shared.turns > 0);
    bert_drift_destroy(shared.drift);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};

    return cmocka_run_group_tests_name("drift threads", tests, NULL, NULL);
}
