/* SPDX-License-Identifier: MIT */
/*
 * test_heads.c - logits of task heads against transformers, for the checkpoints of
 * tests/fixtures/make_head_fixtures.py, on every instruction set; and heads that are not whole.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum {
    CASES = 4,
    ENCODER = BERT_OUTPUT_LAST_HIDDEN_STATE | BERT_OUTPUT_HIDDEN_STATES | BERT_OUTPUT_ATTENTIONS,
    HEADS = BERT_OUTPUT_LOGITS | BERT_OUTPUT_START_LOGITS | BERT_OUTPUT_END_LOGITS
            | BERT_OUTPUT_PREDICTION_LOGITS | BERT_OUTPUT_SEQ_RELATIONSHIP_LOGITS
            | BERT_OUTPUT_SOP_LOGITS
};

static const struct expected_output {
    const char *name;
    bert_output bit;
} outputs_known[] = {
    {"logits", BERT_OUTPUT_LOGITS},
    {"start_logits", BERT_OUTPUT_START_LOGITS},
    {"end_logits", BERT_OUTPUT_END_LOGITS},
    {"prediction_logits", BERT_OUTPUT_PREDICTION_LOGITS},
    {"seq_relationship_logits", BERT_OUTPUT_SEQ_RELATIONSHIP_LOGITS},
    {"sop_logits", BERT_OUTPUT_SOP_LOGITS},
    {"last_hidden_state", BERT_OUTPUT_LAST_HIDDEN_STATE},
    {"pooler_output", BERT_OUTPUT_POOLER},
};
enum { KNOWN = sizeof outputs_known / sizeof *outputs_known };

/* Every checkpoint, and what bert_model_task() says of it. */
static const struct checkpoint {
    const char *name, *task;
} checkpoints[] = {
    {"text", "text-classification"},
    {"score", "text-classification"},
    {"plain", "text-classification"},
    {"token", "token-classification"},
    {"span", "question-answering"},
    {"choice", "multiple-choice"},
    {"lm", "fill-mask"},
    {"lm_own", "fill-mask"},
    {"lm_bias", "fill-mask"},
    {"lm_untied", "fill-mask"},
    {"next", "next-sentence-prediction"},
    {"pretraining", "pretraining"},
    {"roberta", "text-classification"},
    {"distilbert", "fill-mask"},
    {"electra", "pretraining"},
    {"albert", "pretraining"},
    {"ernie", "encoder"},
    {"megatron", "encoder"},
    {"xlm_roberta_xl", "encoder"},
};
enum { N_CHECKPOINTS = sizeof checkpoints / sizeof *checkpoints };

static const char *folder(const char *name)
{
    return test_path("tests/data/models/head/%s", name);
}

/* Output bits that the expected values hold. */
static uint32_t expected_bits(const struct test_arrays *expected)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < KNOWN; i++) {
        if (test_find(expected, "0.%s", outputs_known[i].name) != NULL)
            bits |= (uint32_t)outputs_known[i].bit;
    }
    return bits;
}

static void check_output(const struct test_arrays *expected, const char *name, const char *cpu,
                         size_t c, uint32_t sequence, const bert_outputs *outputs)
{
    for (size_t i = 0; i < KNOWN; i++) {
        const struct test_array *want = test_find(expected, "%zu.%s", c, outputs_known[i].name);
        uint32_t shape[4], rank;
        const float *got = bert_outputs_get(outputs, outputs_known[i].bit, sequence, shape, &rank);
        char what[96];

        if (want == NULL)
            continue;
        assert_non_null(got);
        assert_int_equal(rank, want->rank);
        for (uint32_t r = 0; r < rank; r++)
            assert_int_equal(shape[r], want->shape[r]);
        snprintf(what, sizeof what, "%s %s case %zu %s", name, cpu, c, outputs_known[i].name);
        test_close(what, got, want->data, want->count);
    }
}

static void same_outputs(const struct test_arrays *expected, size_t c, const bert_outputs *all,
                         uint32_t sequence, const bert_outputs *alone)
{
    for (size_t o = 0; o < KNOWN; o++) {
        const struct test_array *want = test_find(expected, "%zu.%s", c, outputs_known[o].name);

        if (want != NULL)
            test_same(outputs_known[o].name,
                      bert_outputs_get(all, outputs_known[o].bit, sequence, NULL, NULL),
                      bert_outputs_get(alone, outputs_known[o].bit, 0, NULL, NULL), want->count);
    }
}

/* Each sequence alone, then those that have types in one batch: the same bits. */
static void check_cases(const struct test_arrays *expected, const char *name, const char *cpu,
                        bert_session *session, uint32_t bits)
{
    int32_t ids[64], types[64];
    uint32_t offsets[CASES] = {0};
    bert_outputs *alone[CASES], *all;
    bert_error err;

    for (size_t c = 0; c < CASES; c++) {
        const struct test_array *i = test_need(expected, "%zu.ids", c);
        const struct test_array *t = test_find(expected, "%zu.types", c);
        uint32_t one[2] = {0, (uint32_t)i->count};

        test_ok(bert_forward(session, bits, i->data, t != NULL ? t->data : NULL, one, 1, &alone[c],
                             &err),
                &err);
        check_output(expected, name, cpu, c, 0, alone[c]);
        if (c == 0)
            continue;
        memcpy(ids + offsets[c - 1], i->data, i->count * sizeof *ids);
        memcpy(types + offsets[c - 1], t->data, i->count * sizeof *types);
        offsets[c] = offsets[c - 1] + (uint32_t)i->count;
    }
    test_ok(bert_forward(session, bits | ENCODER, ids, types, offsets, CASES - 1, &all, &err),
            &err);
    for (size_t c = 1; c < CASES; c++) {
        check_output(expected, name, cpu, c, (uint32_t)c - 1, all);
        same_outputs(expected, c, all, (uint32_t)c - 1, alone[c]);
    }
    bert_outputs_free(all);
    for (size_t c = 0; c < CASES; c++)
        bert_outputs_free(alone[c]);
}

static void check_checkpoint(const struct checkpoint *k, const char *cpu)
{
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    bert_model *model = test_load(folder(k->name), cpu);
    struct test_arrays expected;
    bert_session *session;
    bert_error err;
    uint32_t bits;

    o.threads = 2;
    o.max_tokens = 64;
    test_ok(bert_session_create(&session, model, &o, &err), &err);
    test_arrays_load(&expected, test_path("tests/data/models/head/%s/expected.bin", k->name));
    bits = expected_bits(&expected);
    assert_true(bits != 0);
    assert_string_equal(bert_model_task(model), k->task);
    assert_null(bert_model_head_missing(model));
    assert_int_equal(bert_model_outputs(model) & HEADS, bits & HEADS);
    check_cases(&expected, k->name, cpu, session, bits);
    bert_session_destroy(session);
    bert_model_unref(model);
    test_arrays_free(&expected);
}

static void test_reference(void **state)
{
    const char *cpu;

    (void)state;
    for (uint32_t level = 0; (cpu = bert_cpu_name(level)) != NULL; level++) {
        for (size_t i = 0; i < N_CHECKPOINTS; i++)
            check_checkpoint(&checkpoints[i], cpu);
    }
}

/* ---- Heads that are not whole ----------------------------------------------- */

static const int32_t some_ids[] = {1, 2, 3};
static const uint32_t some_offsets[] = {0, 3};

/* The encoder answers, the head doesn't, and says which tensors it lacks. */
static void expect_missing(bert_model *model, uint32_t output, const char *tensor)
{
    bert_session *session = test_session(model, 1);
    bert_outputs *outputs = (bert_outputs *)&outputs;
    bert_error err;

    assert_non_null(bert_model_head_missing(model));
    assert_non_null(strstr(bert_model_head_missing(model), tensor));
    assert_int_equal(bert_model_outputs(model) & output, 0);
    test_error(bert_forward(session, output, some_ids, NULL, some_offsets, 1, &outputs, &err), &err,
               BERT_EUNSUPPORTED, tensor, NULL);
    assert_null(outputs);
    test_ok(bert_forward(session, ENCODER, some_ids, NULL, some_offsets, 1, &outputs, &err), &err);
    bert_outputs_free(outputs);
    bert_session_destroy(session);
}

static bert_model *load_without(const char *name, const char *tensor, const char *in_its_place)
{
    struct test_files files = {NULL, 0};
    bert_model *model;

    test_files_add(&files, folder(name));
    test_files_edit(&files, "model.safetensors", tensor, in_its_place);
    model = test_load_files(&files, NULL);
    test_files_free(&files);
    return model;
}

static void test_missing(void **state)
{
    bert_model *model = load_without("token", "classifier.bias", "classifier.bios");

    (void)state;
    assert_string_equal(bert_model_task(model), "encoder");
    expect_missing(model, BERT_OUTPUT_LOGITS, "classifier.bias");
    bert_model_unref(model);
    model = load_without("text", "pooler.dense.weight", "pooler.dense.weighs");
    expect_missing(model, BERT_OUTPUT_LOGITS, "bert.pooler.dense.weight");
    bert_model_unref(model);
    model =
        load_without("lm_untied", "cls.predictions.decoder.bias", "cls.predictions.decoder.bios");
    expect_missing(model, BERT_OUTPUT_LOGITS, "cls.predictions.decoder.bias");
    bert_model_unref(model);
    /* of two heads the whole one answers */
    model = load_without("pretraining", "predictions.transform.dense.bias",
                         "predictions.transform.dense.bios");
    expect_missing(model, BERT_OUTPUT_PREDICTION_LOGITS, "transform.dense.bias");
    assert_int_equal(bert_model_outputs(model) & HEADS, BERT_OUTPUT_SEQ_RELATIONSHIP_LOGITS);
    bert_model_unref(model);
}

/* A head of another shape than the config's is no head to do without. */
static void test_wrong_shape(void **state)
{
    struct test_files files = {NULL, 0};
    bert_model *model = (bert_model *)&files;
    bert_error err;

    (void)state;
    test_files_add(&files, folder("token"));
    test_files_edit(&files, "config.json", "\"num_labels\": 5", "\"num_labels\": 6");
    test_error(bert_model_load_memory(&model, files.list, files.n, NULL, &err), &err, BERT_EFORMAT,
               "classifier.weight", "[5,", "[6,", NULL);
    assert_null(model);
    test_files_free(&files);
}

static void test_no_head_wanted(void **state)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    bert_model *with = test_load(folder("lm"), NULL), *without;
    bert_error err;

    (void)state;
    o.flags = BERT_MODEL_NO_HEAD;
    test_ok(bert_model_load(&without, folder("lm"), &o, &err), &err);
    expect_missing(without, BERT_OUTPUT_LOGITS, "BERT_MODEL_NO_HEAD");
    assert_true(bert_model_bytes(without) + 400 * 24 * sizeof(float) <= bert_model_bytes(with));
    /* tied: the same parameters but for transform, norm and bias */
    assert_int_equal(bert_model_parameters(with) - bert_model_parameters(without),
                     24 * 24 + 24 + 2 * 24 + 400);
    bert_model_unref(with);
    bert_model_unref(without);
}

/* A base model has none and says nothing of it. */
static void test_base(void **state)
{
    bert_model *model = test_load(test_path("tests/data/models/bert/base33"), NULL);
    bert_session *session = test_session(model, 1);
    bert_outputs *outputs;
    bert_error err;

    (void)state;
    assert_null(bert_model_head_missing(model));
    assert_int_equal(bert_model_outputs(model), ENCODER | BERT_OUTPUT_POOLER);
    test_error(
        bert_forward(session, BERT_OUTPUT_LOGITS, some_ids, NULL, some_offsets, 1, &outputs, &err),
        &err, BERT_EUNSUPPORTED, "head", NULL);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* ---- Memory ------------------------------------------------------------------- */

static bert_status live(const struct test_files *files, struct test_heap *heap, bert_error *err)
{
    bert_allocator allocator = test_heap_allocator(heap);
    bert_model_options mo = BERT_MODEL_OPTIONS_INIT;
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    bert_session *session = NULL;
    bert_outputs *outputs = NULL;
    bert_model *model = NULL;
    bert_status status;

    mo.allocator = so.allocator = &allocator;
    so.threads = 1;
    so.max_tokens = 16;
    status = bert_model_load_memory(&model, files->list, files->n, &mo, err);
    if (status == BERT_OK)
        status = bert_session_create(&session, model, &so, err);
    if (status == BERT_OK)
        status = bert_forward(session, bert_model_outputs(model), some_ids, NULL, some_offsets, 1,
                              &outputs, err);
    bert_outputs_free(outputs);
    bert_session_destroy(session);
    bert_model_unref(model);
    return status;
}

static void test_allocations(void **state)
{
    static const char *const names[] = {"pretraining", "span"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct test_files files = {NULL, 0};
        struct test_heap heap = {0};
        bert_error err;
        long calls;

        test_files_add(&files, folder(names[i]));
        test_ok(live(&files, &heap, &err), &err);
        calls = heap.calls;
        for (long n = 1; n <= calls; n++) {
            heap = (struct test_heap){.fail_at = n};
            test_error(live(&files, &heap, &err), &err, BERT_ENOMEM, NULL);
            assert_int_equal(heap.live, 0);
        }
        test_files_free(&files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),   cmocka_unit_test(test_missing),
        cmocka_unit_test(test_wrong_shape), cmocka_unit_test(test_no_head_wanted),
        cmocka_unit_test(test_base),        cmocka_unit_test(test_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
