/* SPDX-License-Identifier: MIT */
/*
 * test_calibrate.c - bert_calibrate() and what a model in int8 makes of its file: closer to fp32
 * where a column is far larger than the rest, the same bits in any batch, on any threads; and every
 * file that is not the model's is refused.
 */
#include "support_pack.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TEXTS = 5, WIDTH = 32, LARGE_COLUMN = 3 };

static const bert_text texts[TEXTS] = {{"a cat on a mat", 14},
                                       {"prices rose again", 17},
                                       {"the bank , it said", 18},
                                       {"who wrote it ?", 14},
                                       {"a", 1}};

/* A model one of whose columns is large behind every norm, in a folder. */
static const char *large_model(void)
{
    struct test_files files = {NULL, 0};
    struct test_tensor t;
    bert_file *weights;
    const char *dir;

    test_files_add(&files, test_path("tests/data/models/embed/base"));
    weights = test_files_find(&files, "model.safetensors");
    for (size_t i = 0; test_tensor_at(weights, i, &t); i++) {
        float gamma;
        char *at = (char *)(uintptr_t)weights->data + t.begin + LARGE_COLUMN * sizeof gamma;

        if (strstr(t.name, "LayerNorm.weight") == NULL || strcmp(t.dtype, "F32") != 0)
            continue;
        memcpy(&gamma, at, sizeof gamma);
        gamma *= 60;
        memcpy(at, &gamma, sizeof gamma);
    }
    dir = pack_directory(&files, "large");
    test_files_free(&files);
    return dir;
}

static bert_status load(bert_model **model, const char *dir, const char *file, uint32_t precision,
                        bert_error *err)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;

    o.precision = precision;
    o.calibration = file;
    return bert_model_load(model, dir, &o, err);
}

static void calibrate(const char *dir, const char *file, const bert_calibrate_options *options)
{
    bert_model *model = test_load(dir, NULL);
    bert_session *session = test_session(model, 2);
    bert_error err;

    test_ok(bert_calibrate(session, texts, TEXTS, options, file, &err), &err);
    bert_session_destroy(session);
    bert_model_unref(model);
}

static void embed(bert_model *model, uint32_t threads, const bert_text *list, size_t n, float *out)
{
    bert_session *session = test_session(model, threads);
    bert_error err;

    assert_int_equal(bert_model_embedding_size(model), WIDTH);
    test_ok(bert_embed(session, list, n, NULL, out, n * WIDTH, NULL, &err), &err);
    bert_session_destroy(session);
}

static void embed_as(const char *dir, const char *file, uint32_t precision, float *out)
{
    bert_model *model;
    bert_error err;

    test_ok(load(&model, dir, file, precision, &err), &err);
    embed(model, 1, texts, TEXTS, out);
    bert_model_unref(model);
}

static double distance(const float *a, const float *b)
{
    double sum = 0;

    for (int i = 0; i < TEXTS * WIDTH; i++)
        sum += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
    return sqrt(sum);
}

static void test_outliers(void **state)
{
    float want[TEXTS * WIDTH], plain[TEXTS * WIDTH], got[TEXTS * WIDTH];
    const char *dir = large_model(), *file = pack_path("outliers.json");
    char *json;
    size_t size;

    (void)state;
    calibrate(dir, file, NULL);
    json = test_read_file(file, &size);
    assert_non_null(strstr(json, "\"outliers\": [3"));
    assert_null(strstr(json, "clip"));
    free(json);
    embed_as(dir, NULL, BERT_PRECISION_FP32, want);
    embed_as(dir, NULL, BERT_PRECISION_INT8, plain);
    embed_as(dir, file, BERT_PRECISION_INT8, got);
    print_message("from fp32: int8 %g, calibrated %g\n", distance(plain, want),
                  distance(got, want));
    assert_true(distance(got, want) < 0.5 * distance(plain, want));
}

/* Without outliers and clipping, nothing changes; with clipping, something does. */
static void test_clip(void **state)
{
    bert_calibrate_options o = BERT_CALIBRATE_OPTIONS_INIT;
    float plain[TEXTS * WIDTH], got[TEXTS * WIDTH];
    const char *dir = large_model(), *file = pack_path("clip.json");

    (void)state;
    setlocale(LC_NUMERIC, "de_DE.UTF-8"); /* where there is one, its point is a comma */
    o.max_outliers = UINT32_MAX;
    calibrate(dir, file, &o);
    embed_as(dir, NULL, BERT_PRECISION_INT8, plain);
    embed_as(dir, file, BERT_PRECISION_INT8, got);
    test_same("a calibration that asks for nothing", got, plain, TEXTS * WIDTH);
    o.percentile = 90.5;
    calibrate(dir, file, &o);
    embed_as(dir, file, BERT_PRECISION_INT8, got);
    assert_true(distance(got, plain) > 0.01);
    setlocale(LC_NUMERIC, "C");
}

/* On every level, alone and together, by one thread and by three. */
static void test_invariance(void **state)
{
    const char *dir = large_model(), *file = pack_path("same.json"), *cpu;
    bert_calibrate_options o = BERT_CALIBRATE_OPTIONS_INIT;

    (void)state;
    o.outlier_ratio = 1.2;
    o.percentile = 99;
    calibrate(dir, file, &o);
    for (uint32_t i = 0; (cpu = bert_cpu_name(i)) != NULL; i++) {
        bert_model_options mo = BERT_MODEL_OPTIONS_INIT;
        float together[TEXTS * WIDTH], alone[TEXTS * WIDTH];
        bert_model *model;
        bert_error err;

        mo.precision = BERT_PRECISION_INT8;
        mo.calibration = file;
        mo.cpu = cpu;
        test_ok(bert_model_load(&model, dir, &mo, &err), &err);
        embed(model, 3, texts, TEXTS, together);
        for (size_t t = 0; t < TEXTS; t++)
            embed(model, 1, texts + t, 1, alone + t * WIDTH);
        test_same(cpu, together, alone, TEXTS * WIDTH);
        bert_model_unref(model);
    }
}

/* Layers that are shared, gated, grouped, without biases; every one loads and runs. */
static void test_families(void **state)
{
    static const char *const names[] = {"family/modernbert", "family/deberta_v2", "family/convbert",
                                        "family/mobilebert", "bert/wide96",       "family/gte"};

    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const char *dir = test_path("tests/data/models/%s", names[k]);
        const char *file = pack_path("family.json");
        bert_calibrate_options o = BERT_CALIBRATE_OPTIONS_INIT;
        int32_t ids[] = {5, 6, 7, 8};
        uint32_t offsets[] = {0, 4};
        bert_model *model = test_load(dir, NULL);
        bert_session *session = test_session(model, 1);
        const bert_tokenizer *tokenizer;
        float *out = calloc(4, bert_model_hidden_size(model) * sizeof *out);
        bert_error err;

        o.outlier_ratio = 1.01;
        if (bert_model_tokenizer(model, &tokenizer, &err) != BERT_OK) {
            test_error(bert_calibrate(session, texts, TEXTS, &o, file, &err), &err,
                       BERT_EUNSUPPORTED, "tokenizer", NULL);
        } else {
            size_t size = 4 * (size_t)bert_model_hidden_size(model);

            test_ok(bert_calibrate(session, texts, TEXTS, &o, file, &err), &err);
            bert_session_destroy(session);
            bert_model_unref(model);
            test_ok(load(&model, dir, file, BERT_PRECISION_INT8, &err), &err);
            session = test_session(model, 2);
            test_ok(bert_encode(session, ids, NULL, offsets, 1, out, size, &err), &err);
            for (size_t i = 0; i < size; i++)
                assert_true(isfinite(out[i]));
        }
        free(out);
        bert_session_destroy(session);
        bert_model_unref(model);
    }
}

static void refused(const char *dir, const char *json, bert_status code, const char *part)
{
    const char *file = pack_path("bad.json");
    bert_model *model;
    bert_error err;

    pack_write(file, json, strlen(json));
    test_error(load(&model, dir, file, BERT_PRECISION_INT8, &err), &err, code, "bad.json", part,
               NULL);
    assert_null(model);
}

#define HEAD "{\"format\": \"libbert calibration\", \"version\": 1, \"layers\": "
#define NAME "\"layer\": \"encoder.layer.0.attention.self.query.weight\""

static void test_refused(void **state)
{
    const char *dir = test_path("tests/data/models/embed/base"), *file = pack_path("other.json");
    bert_model *model;
    bert_error err;

    (void)state;
    refused(dir, "{", BERT_EFORMAT, "line 1");
    refused(dir, "[]", BERT_EFORMAT, "object");
    refused(dir, "{}", BERT_EFORMAT, "no calibration");
    refused(dir, "{\"format\": \"libbert calibration\", \"version\": 2}", BERT_EUNSUPPORTED,
            "version 2");
    refused(dir, HEAD "[]}", BERT_EFORMAT, "layers");
    refused(dir, HEAD "[7]}", BERT_EFORMAT, "\"layer\"");
    refused(dir, HEAD "[{" NAME "}]}", BERT_EFORMAT, "inputs");
    refused(dir, HEAD "[{" NAME ", \"inputs\": 7}]}", BERT_EFORMAT, "has 7 inputs");
    refused(dir, HEAD "[{" NAME ", \"inputs\": 32, \"clip\": 0}]}", BERT_EFORMAT, "clip");
    refused(dir, HEAD "[{" NAME ", \"inputs\": 32, \"clip\": -1}]}", BERT_EFORMAT, "clip");
    refused(dir, HEAD "[{" NAME ", \"inputs\": 32, \"outliers\": [32]}]}", BERT_EFORMAT,
            "outliers");
    refused(dir, HEAD "[{" NAME ", \"inputs\": 32, \"outliers\": [3, 3]}]}", BERT_EFORMAT,
            "ascending");
    refused(dir, HEAD "[{" NAME ", \"inputs\": 32, \"outliers\": [1.5]}]}", BERT_EFORMAT,
            "ascending");
    refused(dir, HEAD "[{\"layer\": \"nowhere\", \"inputs\": 32}]}", BERT_EFORMAT, "nowhere");
    calibrate(dir, file, NULL);
    test_error(load(&model, dir, file, BERT_PRECISION_FP32, &err), &err, BERT_EINVAL, "other.json",
               "fp32", NULL);
    test_error(load(&model, dir, file, BERT_PRECISION_DEFAULT, &err), &err, BERT_EINVAL, "int8",
               NULL);
    test_error(load(&model, dir, pack_path("absent.json"), BERT_PRECISION_INT8, &err), &err,
               BERT_EIO, "absent.json", NULL);
    test_error(load(&model, dir, pack_path(""), BERT_PRECISION_INT8, &err), &err, BERT_EFORMAT,
               "folder", NULL);
}

/* A packed model is what it is, and a calibrated one is not packed. */
static void test_packed(void **state)
{
    const char *dir = test_path("tests/data/models/embed/base"), *file = pack_path("packed.json");
    const char *packed = pack_path("model.bert");
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    bert_model *model;
    bert_error err;

    (void)state;
    calibrate(dir, file, NULL);
    pack_make(dir, packed, NULL, BERT_PRECISION_INT8);
    test_error(load(&model, packed, file, BERT_PRECISION_INT8, &err), &err, BERT_EUNSUPPORTED,
               "model.bert", "calibrated", NULL);
    o.precision = BERT_PRECISION_INT8;
    o.calibration = file;
    test_error(bert_model_pack(dir, pack_path("no.bert"), &o, &err), &err, BERT_EUNSUPPORTED,
               "packed.json", "packed", NULL);
}

static void test_arguments(void **state)
{
    bert_calibrate_options o = BERT_CALIBRATE_OPTIONS_INIT;
    const char *file = pack_path("never.json");
    bert_model *model = test_load(test_path("tests/data/models/embed/base"), NULL);
    bert_session *session = test_session(model, 1);
    struct stat s;
    bert_error err;

    (void)state;
    test_error(bert_calibrate(NULL, texts, 1, NULL, file, &err), &err, BERT_EINVAL, "session",
               NULL);
    test_error(bert_calibrate(session, texts, 1, NULL, NULL, &err), &err, BERT_EINVAL, "path",
               NULL);
    test_error(bert_calibrate(session, texts, 0, NULL, file, &err), &err, BERT_EINVAL, "texts",
               NULL);
    o.percentile = 101;
    test_error(bert_calibrate(session, texts, 1, &o, file, &err), &err, BERT_EINVAL, "percentile",
               NULL);
    o.percentile = NAN;
    test_error(bert_calibrate(session, texts, 1, &o, file, &err), &err, BERT_EINVAL, "percentile",
               NULL);
    o.percentile = 0;
    o.outlier_ratio = 1;
    test_error(bert_calibrate(session, texts, 1, &o, file, &err), &err, BERT_EINVAL,
               "outlier_ratio", NULL);
    o.outlier_ratio = 0;
    o.max_outliers = 257;
    test_error(bert_calibrate(session, texts, 1, &o, file, &err), &err, BERT_EINVAL, "max_outliers",
               NULL);
    test_error(bert_calibrate(session, texts, 1, NULL, pack_path("no/where.json"), &err), &err,
               BERT_EIO, "where.json", NULL);
    assert_int_equal(stat(file, &s), -1);
    test_ok(bert_calibrate(session, texts, 1, NULL, file, &err), &err);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* Each allocation of measuring and of a calibrated load fails once. */
static void test_allocations(void **state)
{
    const char *dir = large_model(), *file = pack_path("alloc.json");
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_model_options mo = BERT_MODEL_OPTIONS_INIT;
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    bert_status st = BERT_ENOMEM;
    long failures = 0;

    (void)state;
    mo.allocator = so.allocator = &allocator;
    mo.threads = 1;
    so.threads = 1;
    for (long n = 1; st != BERT_OK; n++) {
        bert_model *model = NULL, *small = NULL;
        bert_session *session = NULL, *of_small = NULL;
        float out[WIDTH];
        bert_error err;

        heap = (struct test_heap){.fail_at = n};
        mo.precision = BERT_PRECISION_FP32;
        mo.calibration = NULL;
        st = bert_model_load(&model, dir, &mo, &err);
        if (st == BERT_OK)
            st = bert_session_create(&session, model, &so, &err);
        if (st == BERT_OK)
            st = bert_calibrate(session, texts, 2, NULL, file, &err);
        mo.precision = BERT_PRECISION_INT8;
        mo.calibration = file;
        if (st == BERT_OK)
            st = bert_model_load(&small, dir, &mo, &err);
        if (st == BERT_OK)
            st = bert_session_create(&of_small, small, &so, &err);
        if (st == BERT_OK)
            st = bert_embed(of_small, texts, 1, NULL, out, WIDTH, NULL, &err);
        if (st != BERT_OK) {
            test_error(st, &err, BERT_ENOMEM, NULL);
            failures++;
        }
        bert_session_destroy(session);
        bert_session_destroy(of_small);
        bert_model_unref(model);
        bert_model_unref(small);
        assert_int_equal(heap.live, 0);
    }
    assert_true(failures > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outliers),   cmocka_unit_test(test_clip),
        cmocka_unit_test(test_invariance), cmocka_unit_test(test_families),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_packed),
        cmocka_unit_test(test_arguments),  cmocka_unit_test(test_allocations),
    };

    return cmocka_run_group_tests_name("calibrate", tests, pack_set_up, pack_tear_down);
}
