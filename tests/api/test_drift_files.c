/* SPDX-License-Identifier: MIT */
/*
 * test_drift_files.c - profiles written and read: the same to the bit, whole or not at all, and
 * what is wrong with one refused by its name; options; each allocation made to fail.
 */
#include "support_drift.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *folder, path[600];

static int set_up(void **state)
{
    (void)state;
    folder = test_folder();
    snprintf(path, sizeof path, "%s/profile.json", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static void write_file(const char *text, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* ---- There and back ----------------------------------------------------------------------- */

/* What a window of another world is like to a profile. */
static bert_drift_values look(bert_profile *profile)
{
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    struct drift_world world;
    float vector[DRIFT_DIM];
    bert_observation o;
    bert_drift *drift;
    bert_error err;

    test_ok(bert_drift_create(&drift, profile, NULL, &err), &err);
    drift_world_init(&world, 31);
    world.shift = 0.25f;
    for (int i = 0; i < DRIFT_WINDOW; i++) {
        drift_observe(&world, vector, &o);
        test_ok(bert_drift_add(drift, &o, &err), &err);
    }
    test_ok(bert_drift_get(drift, &v, &err), &err);
    assert_int_equal(v.windows, 1);
    bert_drift_destroy(drift);
    return v;
}

static void test_there_and_back(void **state)
{
    bert_profile_options po = drift_profile_options();
    bert_profile *made = drift_profile(&po, 4, 3000), *again = drift_profile(&po, 4, 3000), *read;
    bert_drift_values want = look(made), got;
    size_t size, size_again;
    char *text, *text_again;
    bert_error err;

    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where there is one: a comma for the point */
    test_ok(bert_profile_save(made, path, &err), &err);
    setlocale(LC_ALL, "C");
    text = test_read_file(path, &size);
    test_ok(bert_profile_load(&read, path, NULL, 0, &err), &err);
    got = look(read);
    assert_memory_equal(&got, &want, sizeof got);
    assert_string_equal(bert_profile_model(read), "made up");
    assert_int_equal(bert_profile_observations(read), 3000);
    assert_int_equal(bert_profile_dimensions(read), DRIFT_DIM);
    assert_int_equal(bert_profile_labels(read), DRIFT_LABELS);
    assert_int_equal(bert_profile_window(read), DRIFT_WINDOW);
    assert_memory_equal(bert_profile_variance(read), bert_profile_variance(made),
                        DRIFT_DIM * sizeof(float));
    test_ok(bert_profile_save(read, path, &err), &err);
    text_again = test_read_file(path, &size_again);
    assert_int_equal(size, size_again);
    assert_memory_equal(text, text_again, size);
    free(text_again);
    test_ok(bert_profile_save(again, path, &err), &err); /* by the same seed */
    text_again = test_read_file(path, &size_again);
    assert_int_equal(size, size_again);
    assert_memory_equal(text, text_again, size);
    free(text_again);
    free(text);
    bert_profile_unref(made);
    bert_profile_unref(again);
    bert_profile_unref(read);
}

/* ---- Files that are no profiles ------------------------------------------------------------- */

static void refused(const char *text, size_t size, bert_status want, const char *says)
{
    bert_profile *profile = (bert_profile *)path;
    bert_error err;
    bert_status st;

    write_file(text, size);
    st = bert_profile_load(&profile, path, NULL, 0, &err);
    test_error(st, &err, want, path, says, NULL);
    assert_null(profile);
}

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    size_t head;
    char *out;

    if (at == NULL)
        fail_msg("%s is not there", from);
    out = malloc(strlen(text) + strlen(to) + 1);
    assert_non_null(out);
    head = (size_t)(at - text);
    memcpy(out, text, head);
    strcpy(out + head, to);
    strcat(out, at + strlen(from));
    return out;
}

static void test_refused(void **state)
{
    static const struct {
        const char *from, *to, *says;
        bert_status status;
    } cases[] = {
        {"bert-profile", "bert-calibration", "no profile", BERT_EFORMAT},
        {"\"version\": 1", "\"version\": 2", "version 2", BERT_EUNSUPPORTED},
        {"\"model\": \"by hand\"", "\"model\": 7", "\"model\"", BERT_EFORMAT},
        {"\"model\": \"by hand\"", "\"model\": \"a\\u0000b\"", "\"model\"", BERT_EFORMAT},
        {"\"dimensions\": 11", "\"dimensions\": 12", "\"mean\"", BERT_EFORMAT},
        {"\"dimensions\": 11", "\"dimensions\": 8193", "\"dimensions\"", BERT_EFORMAT},
        {"\"dimensions\": 11", "\"dimensions\": 0", "\"embeddings\"", BERT_EFORMAT},
        {"\"dimensions\": 11", "\"dimension\": 11", "\"dimensions\" is missing", BERT_EFORMAT},
        {"\"labels\": 5", "\"labels\": 6", "\"counts\"", BERT_EFORMAT},
        {"\"labels\": 5", "\"labels\": 0", "\"edges\"", BERT_EFORMAT},
        {"\"window\": 40", "\"window\": 19", "\"window\"", BERT_EFORMAT},
        {"\"window\": 40", "\"window\": 40.5", "\"window\"", BERT_EFORMAT},
        {"\"replicates\": 200", "\"replicates\": 400", "\"largest_z\"", BERT_EFORMAT},
        {"\"observations\": 1000", "\"observations\": 299", "\"observations\"", BERT_EFORMAT},
        {"\"base\": 300", "\"base\": 299", "\"base_embeddings\"", BERT_EFORMAT},
        {"\"base\": 300, \"base_embeddings\": 300", "\"base\": 299, \"base_embeddings\": 299",
         "\"counts\"", BERT_EFORMAT},
        {"\"name\": \"score\"", "\"name\": \"sc\"", "\"histograms\"", BERT_EFORMAT},
        {"\"name\": \"score\"", "\"name\": \"tokens\"", "\"histograms\"", BERT_EFORMAT},
        {"\"name\": \"score\"", "\"name\": \"axis\"", "\"axes\"", BERT_EFORMAT},
        {"\"edges\": [", "\"edges\": [1e30, ", "\"edges\"", BERT_EFORMAT},
        {"\"counts\": [", "\"counts\": [-", "\"counts\"", BERT_EFORMAT},
        {"\"statistic\": \"mmd\"", "\"statistic\": \"cosine\"", "\"thresholds\"", BERT_EFORMAT},
        {"\"spread\": 0", "\"spread\": -0", "\"spread\"", BERT_EFORMAT},
        {"\"largest_z\": [", "\"largest_z\": [-99, ", "\"largest_z\"", BERT_EFORMAT},
        {"\"axes\": [[", "\"axes\": [[1e999, ", "\"axes\"", BERT_EFORMAT},
        {"\"gamma\": 0", "\"gamma\": -0", "\"gamma\"", BERT_EFORMAT},
        {"\"rows\": [[", "\"rows\": [[], [", "\"rows\"", BERT_EFORMAT},
        {"\"kernel\": {", "\"kernel\": [", "line", BERT_EFORMAT},
        {"\"kernel\": {", "\"kernel\": 3, \"other\": {", "\"kernel\"", BERT_EFORMAT},
    };
    size_t size;
    char *text = test_read_file(test_path("tests/data/drift/profile.json"), &size), *whole;

    (void)state;
    whole = malloc(size + 1);
    assert_non_null(whole);
    memcpy(whole, text, size);
    whole[size] = '\0';
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *bad = replaced(whole, cases[i].from, cases[i].to);

        refused(bad, strlen(bad), cases[i].status, cases[i].says);
        free(bad);
    }
    for (size_t n = 0; n < size - 2; n += 97)
        refused(whole, n, BERT_EFORMAT, "profile.json");
    free(whole);
    free(text);
}

/* Any byte of it changed: an error or a profile that can be used. */
static void test_damaged(void **state)
{
    size_t size;
    char *text = test_read_file(test_path("tests/data/drift/profile.json"), &size);
    uint64_t random = 11;

    (void)state;
    for (int i = 0; i < 600; i++) {
        size_t at = test_random(&random, (uint32_t)size);
        char kept = text[at];
        bert_observation o = BERT_OBSERVATION_INIT;
        bert_profile *profile;
        bert_drift *drift;
        float vector[64] = {0};

        text[at] = "0123456789.-eE,]}"[test_random(&random, 17)];
        write_file(text, size);
        text[at] = kept;
        if (bert_profile_load(&profile, path, NULL, 0, NULL) != BERT_OK)
            continue;
        if (bert_drift_create(&drift, profile, NULL, NULL) == BERT_OK) {
            o.embedding = bert_profile_dimensions(profile) <= 64 ? vector : NULL;
            o.has = 63;
            o.label = o.tokens = 3;
            for (uint32_t k = 0; k < bert_profile_window(profile); k++)
                test_ok(bert_drift_add(drift, &o, NULL), NULL);
            bert_drift_destroy(drift);
        }
        bert_profile_unref(profile);
    }
    free(text);
}

static void test_not_written(void **state)
{
    bert_profile_options po = drift_profile_options();
    bert_profile *profile = drift_profile(&po, 4, 1000), *read;
    bert_error err;

    (void)state;
    test_error(bert_profile_save(profile, "/nowhere/at/all.json", &err), &err, BERT_EIO,
               "/nowhere/at/all.json", NULL);
    test_error(bert_profile_load(&read, "/nowhere/at/all.json", NULL, 0, &err), &err, BERT_EIO,
               "/nowhere", NULL);
    assert_null(read);
    test_ok(bert_profile_save(profile, path, &err), &err);
    bert_profile_unref(profile);
    test_error(bert_profile_load(&read, path, NULL, 4096, &err), &err, BERT_ELIMIT, NULL);
    test_error(bert_profile_load(&read, folder, NULL, 0, &err), &err, BERT_EFORMAT, "folder", NULL);
}

/* ---- Arguments ----------------------------------------------------------------------------------
 */

static void option_fails(const bert_profile_options *o, const char *says)
{
    bert_profile *profile = (bert_profile *)path;
    bert_error err;

    test_error(bert_profile_create(&profile, o, &err), &err, BERT_EINVAL, says, NULL);
    assert_null(profile);
}

static void test_profile_options(void **state)
{
    bert_profile_options o;
    char long_name[300];

    (void)state;
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
#define FAILS(field, value)                                                                        \
    o = drift_profile_options();                                                                   \
    o.field = value;                                                                               \
    option_fails(&o, #field)
    FAILS(dimensions, 8193);
    FAILS(labels, 4097);
    FAILS(window, 19);
    FAILS(window, 16385);
    FAILS(sample, DRIFT_WINDOW * 6 - 1);
    FAILS(sample, UINT32_MAX);
    FAILS(directions, 13);
    FAILS(directions, 17);
    FAILS(replicates, 199);
    FAILS(replicates, 100001);
    FAILS(model, long_name);
    FAILS(model, "\xff");
    FAILS(size, 3);
}

static void test_arguments(void **state)
{
    bert_profile_options po = drift_profile_options();
    bert_observation o = BERT_OBSERVATION_INIT;
    bert_drift_options options = BERT_DRIFT_OPTIONS_INIT;
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    double own[1] = {NAN};
    const float one = 1;
    bert_profile *profile;
    bert_drift *drift;
    bert_error err;

    (void)state;
    test_error(bert_profile_create(NULL, &po, &err), &err, BERT_EINVAL, "out", NULL);
    test_ok(bert_profile_create(&profile, &po, &err), &err);
    test_error(bert_profile_add(NULL, &o, &err), &err, BERT_EINVAL, "profile", NULL);
    test_error(bert_profile_add(profile, NULL, &err), &err, BERT_EINVAL, "observation", NULL);
    test_error(bert_profile_save(profile, path, &err), &err, BERT_EINVAL, "finish", NULL);
    test_error(bert_drift_create(&drift, profile, NULL, &err), &err, BERT_EINVAL, "finish", NULL);
    test_error(bert_profile_finish(profile, &err), &err, BERT_EINVAL, "0 observations", NULL);
    assert_null(bert_profile_mean(profile));
    bert_profile_unref(profile);
    bert_profile_unref(NULL);
    profile = drift_profile(&po, 1, 1000);
    test_error(bert_profile_add(profile, &o, &err), &err, BERT_EINVAL, "finished", NULL);
    test_error(bert_profile_finish(profile, &err), &err, BERT_EINVAL, "finished", NULL);
#define REFUSED(field, value)                                                                      \
    options = (bert_drift_options)BERT_DRIFT_OPTIONS_INIT;                                         \
    options.field = value;                                                                         \
    test_error(bert_drift_create(&drift, profile, &options, &err), &err, BERT_EINVAL, #field, NULL)
    REFUSED(window, DRIFT_WINDOW + 1);
    REFUSED(step, DRIFT_WINDOW + 1);
    REFUSED(n_thresholds, 17);
    REFUSED(n_thresholds, 1);
    REFUSED(false_alarms, 0.001);
    REFUSED(false_alarms, 0.21);
    REFUSED(false_alarms, NAN);
    REFUSED(model, "another");
    options = (bert_drift_options)BERT_DRIFT_OPTIONS_INIT;
    options.thresholds = own;
    options.n_thresholds = 1;
    test_error(bert_drift_create(&drift, profile, &options, &err), &err, BERT_EINVAL, "psi_score",
               NULL);
    test_ok(bert_drift_create(&drift, profile, NULL, &err), &err);
    test_error(bert_drift_add(NULL, &o, &err), &err, BERT_EINVAL, "drift", NULL);
    test_error(bert_drift_add(drift, NULL, &err), &err, BERT_EINVAL, "observation", NULL);
    test_error(bert_drift_get(drift, NULL, &err), &err, BERT_EINVAL, "values", NULL);
    v.size = 3;
    test_error(bert_drift_get(drift, &v, &err), &err, BERT_EINVAL, "size", NULL);
    v.size = offsetof(bert_drift_values, windows);
    v.windows = 99;
    test_ok(bert_drift_get(drift, &v, &err), &err);
    assert_int_equal(v.windows, 99); /* not that program's yet */
    assert_null(bert_drift_name(BERT_DRIFT_STATISTICS));
    bert_drift_destroy(drift);
    bert_drift_destroy(NULL);
    bert_profile_unref(profile);
    po.dimensions = po.directions = 0;
    test_ok(bert_profile_create(&profile, &po, &err), &err);
    o.embedding = &one;
    test_error(bert_profile_add(profile, &o, &err), &err, BERT_EINVAL, "embedding", NULL);
    bert_profile_unref(profile);
}

/* ---- Memory
 * --------------------------------------------------------------------------------------- */

/* All of it; the first status that isn't BERT_OK. */
static bert_status live(const bert_allocator *allocator, bert_error *err)
{
    bert_profile_options po = drift_profile_options();
    bert_drift_options o = BERT_DRIFT_OPTIONS_INIT;
    bert_profile *profile = NULL, *read = NULL;
    struct drift_world world;
    float vector[DRIFT_DIM];
    bert_drift *drift = NULL;
    bert_observation seen;
    bert_status st;

    po.sample = 6 * DRIFT_WINDOW;
    po.replicates = 200;
    po.allocator = o.allocator = allocator;
    drift_world_init(&world, 2);
    st = bert_profile_create(&profile, &po, err);
    for (int i = 0; i < 400 && st == BERT_OK; i++) {
        drift_observe(&world, vector, &seen);
        st = bert_profile_add(profile, &seen, err);
    }
    if (st == BERT_OK)
        st = bert_profile_finish(profile, err);
    if (st == BERT_OK)
        st = bert_profile_save(profile, path, err);
    if (st == BERT_OK)
        st = bert_profile_load(&read, path, allocator, 0, err);
    if (st == BERT_OK)
        st = bert_drift_create(&drift, read, &o, err);
    bert_profile_unref(profile);
    bert_profile_unref(read);
    bert_drift_destroy(drift);
    return st;
}

static void test_allocations(void **state)
{
    struct test_heap heap = {.live = 0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_error err;
    long calls;

    (void)state;
    test_ok(live(&allocator, &err), &err);
    assert_int_equal(heap.live, 0);
    calls = heap.calls;
    print_message("%ld allocations\n", calls);
    assert_true(calls > 40);
    for (long n = 1; n <= calls; n++)
        for (int on = 0; on < 2; on++) {
            heap = (struct test_heap){.fail_at = n, .fail_on = on};
            test_error(live(&allocator, &err), &err, BERT_ENOMEM, NULL);
            if (heap.live != 0)
                fail_msg("allocation %ld failing leaves %ld blocks", n, heap.live);
        }
}

/* A profile survives: what failed is done again, and gives the same. */
static void test_finish_again(void **state)
{
    bert_profile_options po = drift_profile_options();
    struct test_heap heap = {.live = 0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_profile *plain = drift_profile(&po, 8, 1500), *profile;
    bert_drift_values want = look(plain), got;
    struct drift_world world;
    float vector[DRIFT_DIM];
    bert_observation seen;
    bert_error err;
    int failures = 0;

    (void)state;
    bert_profile_unref(plain);
    po.allocator = &allocator;
    drift_world_init(&world, 8);
    test_ok(bert_profile_create(&profile, &po, &err), &err);
    for (int i = 0; i < 1500; i++) {
        drift_observe(&world, vector, &seen);
        test_ok(bert_profile_add(profile, &seen, &err), &err);
    }
    for (heap.fail_at = 1;; heap.fail_at++, failures++) {
        heap.calls = 0;
        if (bert_profile_finish(profile, &err) == BERT_OK)
            break;
        assert_int_equal(err.code, BERT_ENOMEM);
    }
    heap.fail_at = 0;
    assert_in_range(failures, 8, 40);
    got = look(profile);
    assert_memory_equal(&got, &want, sizeof got);
    bert_profile_unref(profile);
    assert_int_equal(heap.live, 0);
}

/* Nothing is allocated when something is added. */
static void test_no_allocation(void **state)
{
    bert_profile_options po = drift_profile_options();
    bert_drift_options o = BERT_DRIFT_OPTIONS_INIT;
    struct test_heap heap = {.live = 0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_profile *profile = drift_profile(&po, 8, 1500);
    struct drift_world world;
    float vector[DRIFT_DIM];
    bert_observation seen;
    bert_drift *drift;
    bert_error err;
    long calls;

    (void)state;
    o.allocator = &allocator;
    test_ok(bert_drift_create(&drift, profile, &o, &err), &err);
    bert_profile_unref(profile);
    calls = heap.calls;
    drift_world_init(&world, 8);
    for (int i = 0; i < 10 * DRIFT_WINDOW; i++) {
        drift_observe(&world, vector, &seen);
        test_ok(bert_drift_add(drift, &seen, &err), &err);
    }
    assert_int_equal(heap.calls, calls);
    bert_drift_destroy(drift);
    assert_int_equal(heap.live, 0);
    o.max_bytes = 2048;
    profile = drift_profile(&po, 8, 1500);
    test_error(bert_drift_create(&drift, profile, &o, &err), &err, BERT_ELIMIT, NULL);
    bert_profile_unref(profile);
    assert_int_equal(heap.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damaged),         cmocka_unit_test(test_not_written),
        cmocka_unit_test(test_profile_options), cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_allocations),     cmocka_unit_test(test_finish_again),
        cmocka_unit_test(test_no_allocation),
    };

    return cmocka_run_group_tests_name("drift files", tests, set_up, tear_down);
}
