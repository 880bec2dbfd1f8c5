/* SPDX-License-Identifier: MIT */
/*
 * test_alloc_fail.c - the n-th allocation fails, for every n of load + session + embed +
 * forward + free: BERT_ENOMEM and nothing else, and nothing is left.  Limits on memory
 * likewise give BERT_ELIMIT.
 */
#include "support.h"

#include <string.h>

enum { OWN = 128 }; /* the count of the memory itself is not counted */

struct life {
    struct test_files files;
    struct test_heap heap;
    bert_allocator allocator;
    uint64_t model_bytes, session_bytes; /* limits */
    float vectors[3 * 64];
    bert_error err;
};

static const bert_text texts[] = {{"a cat on a mat", 14}, {"", 0}, {"prices \xff rose", 13}};

static bert_status use(struct life *l, bert_session *session, bert_model *model)
{
    static const int32_t ids[] = {2, 7, 9, 3, 2, 5, 3};
    static const uint32_t offsets[] = {0, 4, 7};
    size_t n = 3 * (size_t)bert_model_embedding_size(model);
    bert_outputs *outputs = (bert_outputs *)l;
    bert_status status = bert_embed(session, texts, 3, NULL, l->vectors, n, NULL, &l->err);

    if (status != BERT_OK)
        return status;
    status = bert_forward(session, 15, ids, NULL, offsets, 2, &outputs, &l->err);
    if (status != BERT_OK)
        assert_null(outputs);
    bert_outputs_free(outputs);
    return status;
}

/* All of it; the first status that isn't BERT_OK. */
static bert_status live(struct life *l)
{
    bert_model_options mo = BERT_MODEL_OPTIONS_INIT;
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    bert_session *session = (bert_session *)l;
    bert_model *model = (bert_model *)l;
    bert_status status;

    mo.allocator = so.allocator = &l->allocator;
    mo.max_bytes = l->model_bytes;
    so.max_bytes = l->session_bytes;
    so.threads = 2;
    so.max_tokens = 128;
    memset(&l->err, 0, sizeof l->err);
    status = bert_model_load_memory(&model, l->files.list, l->files.n, &mo, &l->err);
    if (status != BERT_OK) {
        assert_null(model);
        return status;
    }
    status = bert_session_create(&session, model, &so, &l->err);
    if (status != BERT_OK)
        assert_null(session);
    else
        status = use(l, session, model);
    bert_session_destroy(session);
    bert_model_unref(model);
    return status;
}

static void open_life(struct life *l)
{
    memset(l, 0, sizeof *l);
    test_files_add(&l->files, test_path("tests/data/models/embed/base"));
    test_files_add(&l->files, test_path("tests/data/models/embed/dense_tanh"));
    l->allocator = test_heap_allocator(&l->heap);
}

static void each_allocation(int fail_on)
{
    float want[3 * 20];
    struct life l;
    long calls;

    open_life(&l);
    test_ok(live(&l), &l.err);
    assert_int_equal(l.heap.live, 0);
    memcpy(want, l.vectors, sizeof want);
    calls = l.heap.calls;
    print_message("%ld allocations\n", calls);
    assert_true(calls > 20);
    for (long n = 1; n <= calls; n++) {
        l.heap = (struct test_heap){.fail_at = n, .fail_on = fail_on};
        test_error(live(&l), &l.err, BERT_ENOMEM, NULL);
        if (l.heap.live != 0)
            fail_msg("allocation %ld failing leaves %ld blocks", n, l.heap.live);
        assert_true(l.heap.failed >= 1);
    }
    l.heap = (struct test_heap){.fail_at = calls + 1};
    test_ok(live(&l), &l.err);
    test_same("after all failures", l.vectors, want, 3 * 20);
    assert_int_equal(l.heap.live, 0);
    test_files_free(&l.files);
}

static void test_one_fails(void **state)
{
    (void)state;
    each_allocation(0);
}

static void test_all_after_fail(void **state)
{
    (void)state;
    each_allocation(1);
}

/* A session in use survives: the failing call fails, the next one answers. */
static void test_session_survives(void **state)
{
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    bert_session *session;
    bert_model *model;
    float want[3 * 20];
    bert_status status;
    struct life l;
    int failures = 0;

    (void)state;
    open_life(&l);
    model = test_load_files(&l.files, NULL);
    so.allocator = &l.allocator;
    test_ok(bert_session_create(&session, model, &so, &l.err), &l.err);
    test_ok(use(&l, session, model), &l.err);
    memcpy(want, l.vectors, sizeof want);
    for (long n = 1; n < 100; n++) {
        l.heap.calls = 0;
        l.heap.fail_at = n;
        status = use(&l, session, model);
        l.heap.fail_at = 0;
        if (status == BERT_OK)
            break;
        assert_int_equal(status, BERT_ENOMEM);
        failures++;
        test_ok(use(&l, session, model), &l.err);
        test_same("after a failed allocation", l.vectors, want, 3 * 20);
    }
    assert_true(failures >= 1 && failures < 90);
    bert_session_destroy(session);
    assert_int_equal(l.heap.live, 0);
    bert_model_unref(model);
    test_files_free(&l.files);
}

static void test_limits(void **state)
{
    struct life l;
    uint64_t enough;

    (void)state;
    open_life(&l);
    test_ok(live(&l), &l.err);
    enough = l.heap.peak * 2;
    for (uint64_t limit = 1; limit < enough; limit += 1 + limit / 7) {
        bert_status status;
        l.heap = (struct test_heap){0};
        l.model_bytes = limit;
        status = live(&l);
        if (status != BERT_OK)
            test_error(status, &l.err, BERT_ELIMIT, NULL);
        assert_true(l.heap.peak <= limit + OWN || status == BERT_OK);
        assert_int_equal(l.heap.live, 0);
        l.model_bytes = 0;
        l.heap = (struct test_heap){0};
        l.session_bytes = limit;
        status = live(&l);
        if (status != BERT_OK)
            test_error(status, &l.err, BERT_ELIMIT, NULL);
        assert_int_equal(l.heap.live, 0);
        l.session_bytes = 0;
    }
    l.model_bytes = l.session_bytes = enough;
    test_ok(live(&l), &l.err);
    test_files_free(&l.files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_fails),
        cmocka_unit_test(test_all_after_fail),
        cmocka_unit_test(test_session_survives),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
