/* SPDX-License-Identifier: MIT */
/*
 * test_explain.c - attention rollout against tests/fixtures/make_explain_fixtures.py, which works
 * it out of the reference's attentions.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 49, LIMIT = 0, OVERLONG, TARGET };

/* "embed/base embed/mean": the later folder's files win. */
static bert_model *load_model(const char *names, const char *cpu)
{
    struct test_files files = {NULL, 0};
    bert_model *model;
    char name[64];

    while (*names != '\0') {
        size_t size = strcspn(names, " ");

        snprintf(name, sizeof name, "%.*s", (int)size, names);
        test_files_add(&files, test_path("tests/data/models/%s", name));
        names += size + (names[size] == ' ');
    }
    model = test_load_files(&files, cpu);
    test_files_free(&files);
    return model;
}

static bert_text text_of(const struct test_array *a)
{
    return a != NULL ? (bert_text){a->data, a->count} : (bert_text){NULL, 0};
}

static void check_result(const struct test_arrays *expected, size_t c, const bert_explanation *r)
{
    const struct test_array *want = test_need(expected, "%zu.scores", c);
    const int32_t *spans = test_need(expected, "%zu.spans", c)->data;
    const int32_t *ids = test_need(expected, "%zu.ids", c)->data;
    const int32_t *sequences = test_need(expected, "%zu.sequences", c)->data;
    const bert_relevance *list = bert_explanation_list(r);
    double total = 0;

    assert_int_equal(bert_explanation_count(r), want->count);
    for (size_t i = 0; i < want->count; i++) {
        float score = ((const float *)want->data)[i];

        assert_int_equal(list[i].id, ids[i]);
        assert_int_equal(list[i].sequence, sequences[i]);
        assert_int_equal(list[i].bytes.start, spans[2 * i]);
        assert_int_equal(list[i].bytes.end, spans[2 * i + 1]);
        if (!(fabs((double)list[i].score - (double)score) <= 1e-6))
            fail_msg("case %zu, token %zu: %.9g, expected %.9g", c, i, (double)list[i].score,
                     (double)score);
        total += (double)list[i].score;
    }
    assert_true(fabs(total - 1) < 1e-6);
}

static void check_case(const struct test_arrays *expected, size_t c, bert_session *session)
{
    const struct test_array *pair = test_find(expected, "%zu.pair", c);
    const int32_t *o = test_need(expected, "%zu.options", c)->data;
    bert_explain_options options = BERT_EXPLAIN_OPTIONS_INIT;
    bert_text second = text_of(pair);
    bert_explanation *r;
    bert_error err;

    options.max_length = (uint32_t)o[LIMIT];
    options.overlong = (uint32_t)o[OVERLONG];
    options.target = (uint32_t)o[TARGET];
    test_ok(bert_explain(session, text_of(test_need(expected, "%zu.text", c)),
                         pair != NULL ? &second : NULL, &options, &r, &err),
            &err);
    check_result(expected, c, r);
    assert_true((bert_explanation_truncated(r) > 0) == (options.max_length > 0));
    bert_explanation_free(r);
}

static void test_reference(void **state)
{
    struct test_arrays expected;
    const char *cpu;

    (void)state;
    test_arrays_load(&expected, test_path("tests/data/explain.bin"));
    for (size_t c = 0; c < CASES; c++) {
        const struct test_array *names = test_need(&expected, "%zu.model", c);
        char name[128];

        snprintf(name, sizeof name, "%.*s", (int)names->count, (const char *)names->data);
        for (uint32_t level = 0; (cpu = bert_cpu_name(level)) != NULL; level++) {
            bert_model *model = load_model(name, cpu);
            bert_session *session = test_session(model, 2);

            check_case(&expected, c, session);
            bert_session_destroy(session);
            bert_model_unref(model);
        }
    }
    assert_null(test_find(&expected, "%d.text", CASES));
    test_arrays_free(&expected);
}

static void test_refusals(void **state)
{
    bert_model *model = load_model("task/classify", NULL);
    bert_session *session = test_session(model, 1);
    bert_explain_options o = BERT_EXPLAIN_OPTIONS_INIT;
    const bert_text text = {"a cat on a mat", 14}, bad = {NULL, 2};
    bert_explanation *r = (bert_explanation *)&o;
    bert_error err;

    (void)state;
    o.max_length = 4;
    o.overlong = BERT_OVERLONG_ERROR;
    test_error(bert_explain(session, text, NULL, &o, &r, &err), &err, BERT_ERANGE,
               "over the limit of 4", NULL);
    assert_null(r);
    o.max_length = 1;
    test_error(bert_explain(session, text, NULL, &o, &r, &err), &err, BERT_EINVAL,
               "max_length is 1", NULL);
    o.max_length = 0;
    o.overlong = BERT_OVERLONG_WINDOWS;
    test_error(bert_explain(session, text, NULL, &o, &r, &err), &err, BERT_EINVAL, "overlong",
               NULL);
    o.overlong = 0;
    o.reserved = 1;
    test_error(bert_explain(session, text, NULL, &o, &r, &err), &err, BERT_EINVAL, "reserved",
               NULL);
    o.reserved = 0;
    o.target = 4;
    test_error(bert_explain(session, text, NULL, &o, &r, &err), &err, BERT_EINVAL, "target", NULL);
    test_error(bert_explain(session, bad, NULL, NULL, &r, &err), &err, BERT_EINVAL, "text", NULL);
    test_error(bert_explain(session, text, &bad, NULL, &r, &err), &err, BERT_EINVAL, "pair", NULL);
    test_error(bert_explain(NULL, text, NULL, NULL, &r, &err), &err, BERT_EINVAL, "session", NULL);
    test_error(bert_explain(session, text, NULL, NULL, NULL, &err), &err, BERT_EINVAL, "out", NULL);
    test_ok(bert_explain(session, text, NULL, NULL, &r, &err), &err);
    bert_session_destroy(session);
    bert_model_unref(model);
    assert_int_equal(bert_explanation_list(r)[0].sequence, -1);
    bert_explanation_free(r);
    bert_explanation_free(NULL);
}

static void test_allocations(void **state)
{
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    bert_model *model = load_model("task/explain", NULL);
    const bert_text text = {"a cat on a mat", 14};
    bert_session *session;
    bert_explanation *r;
    bert_error err;
    long calls, live;

    (void)state;
    so.allocator = &allocator;
    so.threads = 1;
    test_ok(bert_session_create(&session, model, &so, &err), &err);
    live = heap.live;
    calls = heap.calls;
    test_ok(bert_explain(session, text, &text, NULL, &r, &err), &err);
    bert_explanation_free(r);
    assert_int_equal(heap.live, live);
    calls = heap.calls - calls;
    assert_true(calls > 4);
    for (long n = 1; n <= calls; n++) {
        heap.calls = 0;
        heap.fail_at = n;
        test_error(bert_explain(session, text, &text, NULL, &r, &err), &err, BERT_ENOMEM, NULL);
        assert_null(r);
        assert_int_equal(heap.live, live);
    }
    heap.fail_at = 0;
    bert_session_destroy(session);
    bert_model_unref(model);
    assert_int_equal(heap.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
