/* SPDX-License-Identifier: MIT */
/*
 * test_encode_coverage.c - every parameter of a checkpoint is read and matters: one
 * value of the file is changed in memory and the output must change.  No reference needed.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS = 512, HIDDEN = 33 };

struct answer {
    float last[TOKENS * HIDDEN];
    float pooler[HIDDEN];
};

/* A sequence that holds every id, every type and every position of base33. */
static bert_status answer(bert_model *model, struct answer *out, bert_error *err)
{
    bert_session *session = test_session(model, 1);
    int32_t ids[TOKENS], types[TOKENS];
    uint32_t offsets[2] = {0, TOKENS};
    bert_outputs *outputs;
    bert_status status;

    for (int i = 0; i < TOKENS; i++) {
        ids[i] = i % 61;
        types[i] = i % 3 == 0;
    }
    status = bert_forward(session, BERT_OUTPUT_LAST_HIDDEN_STATE | BERT_OUTPUT_POOLER, ids, types,
                          offsets, 1, &outputs, err);
    if (status == BERT_OK) {
        memcpy(out->last, bert_outputs_get(outputs, BERT_OUTPUT_LAST_HIDDEN_STATE, 0, NULL, NULL),
               sizeof out->last);
        memcpy(out->pooler, bert_outputs_get(outputs, BERT_OUTPUT_POOLER, 0, NULL, NULL),
               sizeof out->pooler);
        bert_outputs_free(outputs);
    }
    bert_session_destroy(session);
    return status;
}

static double difference(const struct answer *a, const struct answer *b)
{
    double worst = 0;

    for (size_t i = 0; i < TOKENS * HIDDEN; i++)
        worst = fmax(worst, fabs((double)a->last[i] - (double)b->last[i]));
    for (size_t i = 0; i < HIDDEN; i++)
        worst = fmax(worst, fabs((double)a->pooler[i] - (double)b->pooler[i]));
    return worst;
}

static void *weights_of(struct test_files *files)
{
    return (void *)(uintptr_t)test_files_find(files, "model.safetensors")->data;
}

static float get(struct test_files *files, size_t at)
{
    float value;

    memcpy(&value, (char *)weights_of(files) + at, sizeof value);
    return value;
}

static void set(struct test_files *files, size_t at, float value)
{
    memcpy((char *)weights_of(files) + at, &value, sizeof value);
}

static void changed_answer(struct test_files *files, size_t at, float value, struct answer *out)
{
    float before = get(files, at);
    bert_model *model;
    bert_error err;

    set(files, at, value);
    model = test_load_files(files, NULL);
    test_ok(answer(model, out, &err), &err);
    bert_model_unref(model);
    set(files, at, before);
}

/* The key's bias adds the same to all scores of a query: softmax takes it out. */
static int cancels(const char *name)
{
    return strstr(name, "attention.self.key.bias") != NULL;
}

static void test_every_tensor_matters(void **state)
{
    struct answer *plain = malloc(sizeof *plain), *changed = malloc(sizeof *changed);
    struct test_files files = {NULL, 0};
    struct test_tensor t;
    bert_model *model;
    bert_error err;
    size_t n = 0;

    (void)state;
    assert_true(plain != NULL && changed != NULL);
    test_files_add(&files, test_path("tests/data/models/bert/base33"));
    model = test_load_files(&files, NULL);
    test_ok(answer(model, plain, &err), &err);
    bert_model_unref(model);
    for (; test_tensor_at(test_files_find(&files, "model.safetensors"), n, &t); n++) {
        size_t count = (t.end - t.begin) / 4;
        size_t places[3] = {0, count / 2, count - 1};
        for (int k = 0; k < 3; k++) {
            size_t at = t.begin + 4 * places[k];
            double d;
            changed_answer(&files, at, get(&files, at) + 1, changed);
            d = difference(plain, changed);
            if (cancels(t.name) ? !(d <= 3e-5) : !(d > 1e-3))
                fail_msg("%s, value %zu raised by 1: the output changes by %.3g", t.name, places[k],
                         d);
        }
    }
    assert_int_equal(n, 5 + 3 * 16 + 2);
    test_files_free(&files);
    free(changed);
    free(plain);
}

/* NaN anywhere is refused by name; allowed, it reaches the output, even from the key's bias. */
static void test_every_tensor_is_checked(void **state)
{
    struct answer *changed = malloc(sizeof *changed);
    bert_model_options allow = BERT_MODEL_OPTIONS_INIT;
    struct test_files files = {NULL, 0};
    struct test_tensor t;
    bert_error err;

    (void)state;
    assert_non_null(changed);
    allow.flags = BERT_MODEL_ALLOW_NONFINITE;
    test_files_add(&files, test_path("tests/data/models/bert/base33"));
    for (size_t n = 0; test_tensor_at(test_files_find(&files, "model.safetensors"), n, &t); n++) {
        size_t at = t.end - 4;
        float before = get(&files, at);
        bert_model *model = (bert_model *)&files;
        set(&files, at, n % 2 ? NAN : -INFINITY);
        test_error(bert_model_load_memory(&model, files.list, files.n, NULL, &err), &err,
                   BERT_ENONFINITE, t.name, NULL);
        assert_null(model);
        set(&files, at, NAN);
        test_ok(bert_model_load_memory(&model, files.list, files.n, &allow, &err), &err);
        test_ok(answer(model, changed, &err), &err);
        if (!isnan(changed->last[TOKENS * HIDDEN - 1]) && !isnan(changed->pooler[HIDDEN - 1]))
            fail_msg("a NaN in %s doesn't reach the output", t.name);
        bert_model_unref(model);
        set(&files, at, before);
    }
    test_files_free(&files);
    free(changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tensor_matters),
        cmocka_unit_test(test_every_tensor_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
