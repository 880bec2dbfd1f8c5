/* SPDX-License-Identifier: MIT */
/*
 * test_choose.c - multiple choice against the reference's classes: the models choose* of
 * tests/fixtures/make_task_fixtures.py, on every instruction set.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXTS = 32 };

struct scene {
    struct test_arrays expected;
    bert_model *model;
    bert_session *session;
    bert_text prompts[MAX_TEXTS], choices[MAX_TEXTS];
    size_t offsets[MAX_TEXTS + 1], n;
};

static size_t find_texts(const struct test_arrays *expected, const char *name, bert_text *out)
{
    const char *all = test_need(expected, "%ss", name)->data;
    const struct test_array *ends = test_need(expected, "%s_ends", name);
    size_t from = 0;

    assert_true(ends->count <= MAX_TEXTS);
    for (size_t i = 0; i < ends->count; i++) {
        size_t end = (size_t)((const int32_t *)ends->data)[i];

        out[i] = (bert_text){all + from, end - from};
        from = end;
    }
    return ends->count;
}

static void open_scene(struct scene *s, const char *name, const char *cpu, uint32_t max_tokens)
{
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    const char *folder = test_path("tests/data/models/task/%s", name);
    const struct test_array *offsets;
    bert_error err;

    test_arrays_load(&s->expected, test_path("tests/data/models/task/%s/expected.bin", name));
    s->n = find_texts(&s->expected, "prompt", s->prompts);
    find_texts(&s->expected, "choice", s->choices);
    offsets = test_need(&s->expected, "offsets");
    assert_int_equal(offsets->count, s->n + 1);
    for (size_t i = 0; i <= s->n; i++)
        s->offsets[i] = (size_t)((const int32_t *)offsets->data)[i];
    s->model = test_load(folder, cpu);
    o.threads = 2;
    o.max_tokens = max_tokens;
    test_ok(bert_session_create(&s->session, s->model, &o, &err), &err);
}

static void close_scene(struct scene *s)
{
    bert_session_destroy(s->session);
    bert_model_unref(s->model);
    test_arrays_free(&s->expected);
}

/* Scores add up to 1, in the order of the logits, and the best is the first of the largest. */
static void check_record(const bert_choices *r, size_t i, const float *logits, size_t n)
{
    const bert_choice *list = bert_choices_list(r, i);
    double total = 0, sum = 0;
    size_t best = 0;

    assert_int_equal(bert_choices_status(r, i), BERT_OK);
    assert_string_equal(bert_choices_message(r, i), "");
    assert_int_equal(bert_choices_count(r, i), n);
    for (size_t k = 0; k < n; k++) {
        test_close("logit", &list[k].logit, &logits[k], 1);
        sum += exp((double)logits[k]);
        total += (double)list[k].score;
        if (logits[k] > logits[best])
            best = k;
    }
    assert_true(fabs(total - 1) < 1e-6);
    for (size_t k = 0; k < n; k++) {
        float want = (float)(exp((double)logits[k]) / sum);

        test_close("score", &list[k].score, &want, 1);
    }
    assert_int_equal(bert_choices_best(r, i), best);
}

static void check(const struct scene *s, const bert_choose_options *o, const char *name)
{
    const float *logits = test_need(&s->expected, "%s", name)->data;
    bert_choices *r;
    bert_error err;

    test_ok(bert_choose(s->session, s->prompts, s->n, s->choices, s->offsets, o, &r, &err), &err);
    assert_int_equal(bert_choices_size(r), s->n);
    for (size_t i = 0; i < s->n; i++)
        check_record(r, i, logits + s->offsets[i], s->offsets[i + 1] - s->offsets[i]);
    assert_int_equal(bert_choices_truncated(r, s->n), 0);
    assert_true((bert_choices_truncated(r, s->n - 1) > 0) == (bert_choices_truncated(r, 5) > 0));
    bert_choices_free(r);
}

static void test_reference(void **state)
{
    static const char *const names[] = {"choose", "choose_distilbert"};
    const char *cpu;

    (void)state;
    for (uint32_t level = 0; (cpu = bert_cpu_name(level)) != NULL; level++) {
        for (size_t i = 0; i < 2; i++) {
            bert_choose_options o = BERT_CHOOSE_OPTIONS_INIT;
            struct scene s;

            open_scene(&s, names[i], cpu, i == 0 ? 64 : 2048);
            check(&s, NULL, "logits");
            o.max_length = 11;
            o.overlong = BERT_OVERLONG_CUT_LEFT;
            check(&s, &o, "cut");
            close_scene(&s);
        }
    }
}

/* A record alone has the bits that it has among others. */
static void test_alone(void **state)
{
    struct scene s;
    bert_choices *all, *one;
    bert_error err;

    (void)state;
    open_scene(&s, "choose", NULL, 0);
    test_ok(bert_choose(s.session, s.prompts, s.n, s.choices, s.offsets, NULL, &all, &err), &err);
    for (size_t i = 0; i < s.n; i++) {
        size_t offsets[2] = {0, s.offsets[i + 1] - s.offsets[i]};

        test_ok(bert_choose(s.session, &s.prompts[i], 1, s.choices + s.offsets[i], offsets, NULL,
                            &one, &err),
                &err);
        assert_memory_equal(bert_choices_list(all, i), bert_choices_list(one, 0),
                            offsets[1] * sizeof(bert_choice));
        assert_int_equal(bert_choices_truncated(all, i), bert_choices_truncated(one, 0));
        bert_choices_free(one);
    }
    close_scene(&s);
    bert_choices_free(all); /* outlives them */
}

static void test_failures(void **state)
{
    bert_choose_options o = BERT_CHOOSE_OPTIONS_INIT;
    const bert_text bad = {NULL, 3};
    struct scene s;
    bert_choices *r;
    bert_error err;

    (void)state;
    open_scene(&s, "choose", NULL, 0);
    s.offsets[2] = s.offsets[1]; /* no choices */
    s.choices[s.offsets[4] + 1] = bad;
    o.overlong = BERT_OVERLONG_ERROR;
    test_ok(bert_choose(s.session, s.prompts, s.n, s.choices, s.offsets, &o, &r, &err), &err);
    assert_int_equal(bert_choices_status(r, 0), BERT_OK);
    assert_int_equal(bert_choices_status(r, 1), BERT_EINVAL);
    assert_non_null(strstr(bert_choices_message(r, 1), "no choices"));
    assert_int_equal(bert_choices_status(r, 3), BERT_OK);
    assert_int_equal(bert_choices_status(r, 4), BERT_EINVAL);
    assert_non_null(strstr(bert_choices_message(r, 4), "choice 1: its data is NULL"));
    assert_int_equal(bert_choices_status(r, 5), BERT_ERANGE);
    assert_non_null(strstr(bert_choices_message(r, 5), "choice 0: the text has"));
    assert_int_equal(bert_choices_status(r, s.n), BERT_EINVAL);
    assert_int_equal(bert_choices_count(r, 5), 0);
    assert_null(bert_choices_list(r, 5));
    assert_int_equal(bert_choices_best(r, 5), 0);
    bert_choices_free(r);
    bert_choices_free(NULL);
    o.overlong = BERT_OVERLONG_WINDOWS;
    test_error(bert_choose(s.session, s.prompts, 1, s.choices, s.offsets, &o, &r, &err), &err,
               BERT_EINVAL, "overlong is 3", NULL);
    assert_null(r);
    s.offsets[1] = 99;
    test_error(bert_choose(s.session, s.prompts, 2, s.choices, s.offsets, NULL, &r, &err), &err,
               BERT_EINVAL, "offsets[2] is", NULL);
    s.offsets[0] = 1;
    test_error(bert_choose(s.session, s.prompts, 1, s.choices, s.offsets, NULL, &r, &err), &err,
               BERT_EINVAL, "offsets[0] is 1", NULL);
    s.offsets[0] = 0;
    test_error(bert_choose(s.session, s.prompts, 1, NULL, s.offsets, NULL, &r, &err), &err,
               BERT_EINVAL, "choices is NULL", NULL);
    test_error(bert_choose(s.session, NULL, 1, s.choices, s.offsets, NULL, &r, &err), &err,
               BERT_EINVAL, "prompts is NULL", NULL);
    test_error(bert_choose(s.session, s.prompts, 1, s.choices, NULL, NULL, &r, &err), &err,
               BERT_EINVAL, "offsets is NULL", NULL);
    test_error(bert_choose(NULL, s.prompts, 1, s.choices, s.offsets, NULL, &r, &err), &err,
               BERT_EINVAL, "session is NULL", NULL);
    test_ok(bert_choose(s.session, NULL, 0, NULL, NULL, NULL, &r, &err), &err);
    assert_int_equal(bert_choices_size(r), 0);
    bert_choices_free(r);
    close_scene(&s);
}

static void test_no_head(void **state)
{
    bert_model *model = test_load(test_path("tests/data/models/task/next"), NULL);
    bert_session *session = test_session(model, 1);
    bert_choices *r;
    bert_error err;

    (void)state;
    test_error(bert_choose(session, NULL, 0, NULL, NULL, NULL, &r, &err), &err, BERT_EUNSUPPORTED,
               "no multiple-choice head: tensors classifier.*", NULL);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* ---- Memory ------------------------------------------------------------------------- */

static void test_allocations(void **state)
{
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    bert_choices *r = NULL;
    struct scene s;
    bert_error err;
    long calls, live;

    (void)state;
    open_scene(&s, "choose", NULL, 0);
    bert_session_destroy(s.session);
    o.allocator = &allocator;
    o.threads = 1;
    test_ok(bert_session_create(&s.session, s.model, &o, &err), &err);
    test_ok(bert_choose(s.session, s.prompts, s.n, s.choices, s.offsets, NULL, &r, &err), &err);
    bert_choices_free(r);
    live = heap.live;
    calls = heap.calls;
    test_ok(bert_choose(s.session, s.prompts, s.n, s.choices, s.offsets, NULL, &r, &err), &err);
    bert_choices_free(r);
    calls = heap.calls - calls;
    assert_true(calls > 3);
    for (long n = 1; n <= calls; n++) {
        heap.calls = 0;
        heap.fail_at = n;
        test_error(bert_choose(s.session, s.prompts, s.n, s.choices, s.offsets, NULL, &r, &err),
                   &err, BERT_ENOMEM, NULL);
        assert_null(r);
        assert_int_equal(heap.live, live);
    }
    heap.fail_at = 0;
    close_scene(&s);
    assert_int_equal(heap.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),   cmocka_unit_test(test_alone),
        cmocka_unit_test(test_failures),    cmocka_unit_test(test_no_head),
        cmocka_unit_test(test_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
