/* SPDX-License-Identifier: MIT */
/*
 * test_backend.c - backends as modules (tests/modules) and the level that is one: found,
 * refused by name, and bit-equal where the arithmetic is the same.
 */
#include "support.h"

#include <string.h>

enum { TOKENS = 40, HIDDEN = 33, N = TOKENS * HIDDEN };

static bert_status load(bert_model **model, const char *backend, const char *cpu, bert_error *err)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;

    o.backend = backend;
    o.cpu = cpu;
    return bert_model_load(model, test_path("tests/data/models/bert/base33"), &o, err);
}

static void encode_with(bert_model *model, const uint32_t *offsets, uint32_t n, float *out)
{
    bert_session *session;
    int32_t ids[TOKENS];
    bert_error err;

    for (int i = 0; i < TOKENS; i++)
        ids[i] = i * 5 % 61;
    test_ok(bert_session_create(&session, model, NULL, &err), &err);
    test_ok(bert_encode(session, ids, NULL, offsets, n, out, N, &err), &err);
    bert_session_destroy(session);
}

static void test_twin(void **state)
{
    static const uint32_t offsets[] = {0, 17, 18, TOKENS};
    float cpu[N], twin[N];
    bert_model *a, *b;
    bert_error err;

    (void)state;
    assert_true(bert_backend_available("twin", &err));
    assert_true(bert_backend_available("cpu", NULL));
    test_ok(load(&a, NULL, NULL, &err), &err);
    test_ok(load(&b, "twin", NULL, &err), &err);
    encode_with(a, offsets, 3, cpu);
    encode_with(b, offsets, 3, twin);
    test_same("a backend from a module", twin, cpu, N);
    bert_model_unref(a);
    bert_model_unref(b);
}

enum { SEQUENCES = 30 };

/* Everything that the model gives for sequences of all lengths, on a backend. */
static bert_outputs *forward_with(bert_model *model)
{
    uint32_t longest = bert_model_max_positions(model), offsets[SEQUENCES + 1] = {0};
    uint32_t vocab = bert_model_vocab_size(model), types = bert_model_type_vocab_size(model);
    int32_t ids[SEQUENCES * TOKENS], type_ids[SEQUENCES * TOKENS];
    uint64_t random = 5;
    bert_session *session = test_session(model, 2);
    bert_outputs *outputs;
    bert_error err;

    for (uint32_t s = 0; s < SEQUENCES; s++)
        offsets[s + 1] = offsets[s] + 1 + s * 7 % (longest < TOKENS ? longest : TOKENS);
    for (uint32_t i = 0; i < offsets[SEQUENCES]; i++) {
        ids[i] = (int32_t)test_random(&random, vocab);
        type_ids[i] = types > 1 ? (int32_t)test_random(&random, types) : 0;
    }
    test_ok(bert_forward(session, bert_model_outputs(model), ids, type_ids, offsets, SEQUENCES,
                         &outputs, &err),
            &err);
    bert_session_destroy(session);
    return outputs;
}

/* The twin's waves are as small as they can be, the CPU's hold all of it. */
static void test_waves(void **state)
{
    static const char *const names[] = {"bert/wide96",     "bert/base33",     "family/esm",
                                        "family/deberta",  "family/convbert", "family/mobilebert",
                                        "family/roformer", "family/mpnet"};
    uint32_t shape[4], rank;

    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        bert_model_options o = BERT_MODEL_OPTIONS_INIT;
        const char *dir = test_path("tests/data/models/%s", names[k]);
        bert_model *whole = test_load(dir, NULL), *waves;
        bert_outputs *want, *got;
        bert_error err;

        o.backend = "twin";
        test_ok(bert_model_load(&waves, dir, &o, &err), &err);
        want = forward_with(whole);
        got = forward_with(waves);
        for (uint32_t s = 0; s < SEQUENCES; s++) {
            for (uint32_t bit = 1; bit <= BERT_OUTPUT_ATTENTIONS; bit <<= 1) {
                const float *rows = bert_outputs_get(want, bit, s, shape, &rank);
                size_t n = rows != NULL;

                for (uint32_t i = 0; rows != NULL && i < rank; i++)
                    n *= shape[i];
                if (n > 0)
                    test_same(names[k], bert_outputs_get(got, bit, s, NULL, NULL), rows, n);
            }
        }
        bert_outputs_free(want);
        bert_outputs_free(got);
        bert_model_unref(whole);
        bert_model_unref(waves);
    }
}

static void test_refused(void **state)
{
    static const char *const names[][2] = {
        {"newer", "interface"},       {"idle", "idle"},         {"blank", "bert_backend_entry"},
        {"absent", "libbert-absent"}, {"../bert/twin", "twin"}, {"", "libbert-"},
    };
    bert_model *model;
    bert_error err;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bert_status st = load(&model, names[i][0], NULL, &err);

        test_error(st, &err, BERT_EBACKEND, names[i][1], NULL);
        assert_null(model);
        assert_false(bert_backend_available(names[i][0], NULL));
    }
}

/* The BLAS level against ours; and its rows do not depend on their batch. */
static void test_blas(void **state)
{
    static const uint32_t three[] = {0, 17, 18, TOKENS}, one[] = {0, 17};
    float ours[N], blas[N], alone[N];
    bert_model *a, *b;
    bert_error err;

    (void)state;
    if (!bert_cpu_available("blas"))
        skip();
    test_ok(load(&a, NULL, "scalar", &err), &err);
    test_ok(load(&b, NULL, "blas", &err), &err);
    assert_string_equal(bert_model_cpu(b), "blas");
    encode_with(a, three, 3, ours);
    encode_with(b, three, 3, blas);
    test_close("the BLAS level", blas, ours, N);
    encode_with(b, one, 1, alone);
    test_same("a row of the BLAS level alone", alone, blas, 17 * HIDDEN);
    bert_model_unref(a);
    bert_model_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twin),
        cmocka_unit_test(test_waves),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_blas),
    };

    return cmocka_run_group_tests_name("backend", tests, NULL, NULL);
}
