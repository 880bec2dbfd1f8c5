/* SPDX-License-Identifier: MIT */
/*
 * test_chunks.c - late chunking against what tests/fixtures/make_chunk_fixtures.py made of the
 * reference's token vectors.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { CASES = 24, MAX_PARTS = 64 };
enum { LIMIT, WINDOWS, STRIDE, CHUNK, NORMALIZE, DIMENSIONS };

static const char long_text[] =
    "the cat said that prices rose again . the cat said that birds rose "
    "again . the cat said that machines rose again . the cat said";

static bert_model *load_variant(const char *name, const char *cpu)
{
    struct test_files files = {NULL, 0};
    bert_model *model;

    test_files_add(&files, test_path("tests/data/models/embed/base"));
    test_files_add(&files, test_path("tests/data/models/embed/%s", name));
    model = test_load_files(&files, cpu);
    test_files_free(&files);
    return model;
}

static bert_text view(const char *s)
{
    return (bert_text){s, strlen(s)};
}

static bert_chunk_options options_of(const int32_t *o)
{
    bert_chunk_options options = BERT_CHUNK_OPTIONS_INIT;

    options.max_length = (uint32_t)o[LIMIT];
    options.windows = (uint32_t)o[WINDOWS];
    options.stride = (uint32_t)o[STRIDE];
    options.chunk_tokens = (uint32_t)o[CHUNK];
    options.normalize = (uint32_t)o[NORMALIZE];
    options.dimensions = (uint32_t)o[DIMENSIONS];
    return options;
}

static void check_result(const struct test_arrays *expected, size_t c, const bert_chunks *r)
{
    const struct test_array *want = test_need(expected, "%zu.vectors", c);
    const int32_t *spans = test_need(expected, "%zu.spans", c)->data;
    const int32_t *counts = test_need(expected, "%zu.counts", c)->data;
    const bert_chunk *list = bert_chunks_list(r);
    size_t size = bert_chunks_dimensions(r);

    assert_int_equal(size, want->shape[1]);
    assert_int_equal(bert_chunks_count(r), want->shape[0]);
    assert_int_equal(bert_chunks_tokens(r), *(int32_t *)test_need(expected, "%zu.total", c)->data);
    for (size_t i = 0; i < want->shape[0]; i++) {
        char what[64];

        snprintf(what, sizeof what, "case %zu, part %zu", c, i);
        if (list[i].tokens != (uint32_t)counts[i])
            fail_msg("%s: %u tokens, expected %d", what, list[i].tokens, counts[i]);
        assert_int_equal(list[i].bytes.start, spans[2 * i]);
        assert_int_equal(list[i].bytes.end, spans[2 * i + 1]);
        test_close(what, list[i].vector, (const float *)want->data + i * size, size);
    }
}

static void check_case(const struct test_arrays *expected, size_t c, const char *cpu,
                       uint32_t max_tokens)
{
    const struct test_array *name = test_need(expected, "%zu.model", c);
    const struct test_array *text = test_need(expected, "%zu.text", c);
    const struct test_array *at = test_need(expected, "%zu.spans", c);
    bert_chunk_options o = options_of(test_need(expected, "%zu.options", c)->data);
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    bert_span spans[MAX_PARTS];
    bert_session *session;
    bert_model *model;
    bert_chunks *r;
    bert_error err;
    char variant[64];

    snprintf(variant, sizeof variant, "%.*s", (int)name->count, (const char *)name->data);
    model = load_variant(variant, cpu);
    so.max_tokens = max_tokens;
    so.threads = 2;
    test_ok(bert_session_create(&session, model, &so, &err), &err);
    assert_true(o.chunk_tokens > 0 || at->shape[0] <= MAX_PARTS);
    for (uint32_t i = 0; o.chunk_tokens == 0 && i < at->shape[0]; i++)
        spans[i] = (bert_span){(size_t)((int32_t *)at->data)[2 * i],
                               (size_t)((int32_t *)at->data)[2 * i + 1]};
    test_ok(bert_embed_chunks(session, (bert_text){text->data, text->count},
                              o.chunk_tokens == 0 ? spans : NULL, at->shape[0], &o, &r, &err),
            &err);
    bert_session_destroy(session);
    bert_model_unref(model);
    check_result(expected, c, r); /* outlives them */
    bert_chunks_free(r);
}

static void test_reference(void **state)
{
    struct test_arrays expected;
    const char *cpu;

    (void)state;
    test_arrays_load(&expected, test_path("tests/data/chunks.bin"));
    for (size_t c = 0; c < CASES; c++) {
        for (uint32_t level = 0; (cpu = bert_cpu_name(level)) != NULL; level++)
            check_case(&expected, c, cpu, level % 2 == 0 ? 2048 : 64);
    }
    assert_null(test_find(&expected, "%d.text", CASES));
    test_arrays_free(&expected);
}

/* One part that is the whole text is the text, less its special tokens' share. */
static void test_parts(void **state)
{
    bert_model *model = load_variant("mean", NULL);
    bert_session *session = test_session(model, 1);
    bert_chunk_options o = BERT_CHUNK_OPTIONS_INIT;
    bert_chunks *r;
    bert_error err;

    (void)state;
    o.chunk_tokens = 3;
    test_ok(bert_embed_chunks(session, view(""), NULL, 0, &o, &r, &err), &err);
    assert_int_equal(bert_chunks_count(r), 0);
    assert_null(bert_chunks_list(r));
    assert_int_equal(bert_chunks_tokens(r), 2);
    bert_chunks_free(r);
    test_ok(bert_embed_chunks(session, view("a cat"), (bert_span[]){{0, 0}}, 0, NULL, &r, &err),
            &err);
    assert_int_equal(bert_chunks_count(r), 0);
    bert_chunks_free(r);
    bert_chunks_free(NULL);
    /* more parts than the session has rows */
    bert_session_destroy(session);
    {
        bert_session_options so = BERT_SESSION_OPTIONS_INIT;
        bert_chunks *many;

        so.max_sequences = 2;
        o.chunk_tokens = 1;
        test_ok(bert_session_create(&session, model, &so, &err), &err);
        test_ok(bert_embed_chunks(session, view("the cat on the mat"), NULL, 0, &o, &many, &err),
                &err);
        bert_session_destroy(session);
        session = test_session(model, 1);
        test_ok(bert_embed_chunks(session, view("the cat on the mat"), NULL, 0, &o, &r, &err),
                &err);
        assert_int_equal(bert_chunks_count(r), bert_chunks_count(many));
        for (size_t i = 0; i < bert_chunks_count(r); i++)
            test_same("a part", bert_chunks_list(r)[i].vector, bert_chunks_list(many)[i].vector,
                      bert_chunks_dimensions(r));
        bert_chunks_free(r);
        bert_chunks_free(many);
    }
    bert_session_destroy(session);
    bert_model_unref(model);
}

static void test_refusals(void **state)
{
    bert_model *model = load_variant("mean", NULL);
    bert_session *session = test_session(model, 1);
    bert_chunk_options o = BERT_CHUNK_OPTIONS_INIT;
    const bert_span bad[] = {{0, 2}, {3, 6}}, turned[] = {{2, 1}}, good[] = {{0, 2}};
    bert_chunks *r = (bert_chunks *)&o;
    bert_error err;

    (void)state;
    test_error(bert_embed_chunks(session, view("a cat"), bad, 2, NULL, &r, &err), &err, BERT_EINVAL,
               "spans[1] is [3, 6); the text has 5 bytes", NULL);
    assert_null(r);
    test_error(bert_embed_chunks(session, view("a cat"), turned, 1, NULL, &r, &err), &err,
               BERT_EINVAL, "spans[0] is [2, 1)", NULL);
    test_error(bert_embed_chunks(session, view("a cat"), NULL, 1, NULL, &r, &err), &err,
               BERT_EINVAL, "spans is NULL and chunk_tokens is 0", NULL);
    o.max_length = 20;
    test_error(bert_embed_chunks(session, view(long_text), good, 1, &o, &r, &err), &err,
               BERT_ERANGE, "the limit is 20", "windows", NULL);
    o.windows = 1;
    o.stride = 18;
    test_error(bert_embed_chunks(session, view(long_text), good, 1, &o, &r, &err), &err,
               BERT_EINVAL, "stride is 18", NULL);
    o.stride = 17;
    test_ok(bert_embed_chunks(session, view(long_text), good, 1, &o, &r, &err), &err);
    bert_chunks_free(r);
    o.windows = 2;
    test_error(bert_embed_chunks(session, view("a"), good, 1, &o, &r, &err), &err, BERT_EINVAL,
               "windows", NULL);
    o.windows = 0;
    o.prompt_name = "nobody";
    test_error(bert_embed_chunks(session, view("a cat"), good, 1, &o, &r, &err), &err, BERT_EINVAL,
               "nobody", NULL);
    test_error(bert_embed_chunks(session, (bert_text){NULL, 2}, good, 1, NULL, &r, &err), &err,
               BERT_EINVAL, "text.data is NULL", NULL);
    test_error(bert_embed_chunks(NULL, view("a"), good, 1, NULL, &r, &err), &err, BERT_EINVAL,
               "session is NULL", NULL);
    test_error(bert_embed_chunks(session, view("a"), good, 1, NULL, NULL, &err), &err, BERT_EINVAL,
               "out is NULL", NULL);
    bert_session_destroy(session);
    bert_model_unref(model);
}

static void test_allocations(void **state)
{
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    bert_chunk_options o = BERT_CHUNK_OPTIONS_INIT;
    bert_model *model = load_variant("prompts", NULL);
    bert_session *session;
    bert_chunks *r;
    bert_error err;
    long calls, live;

    (void)state;
    so.allocator = &allocator;
    so.threads = 1;
    o.windows = 1;
    o.max_length = 20;
    o.stride = 3;
    o.chunk_tokens = 4;
    test_ok(bert_session_create(&session, model, &so, &err), &err);
    live = heap.live;
    calls = heap.calls;
    test_ok(bert_embed_chunks(session, view(long_text), NULL, 0, &o, &r, &err), &err);
    bert_chunks_free(r);
    assert_int_equal(heap.live, live);
    calls = heap.calls - calls;
    assert_true(calls > 6);
    for (long n = 1; n <= calls; n++) {
        heap.calls = 0;
        heap.fail_at = n;
        test_error(bert_embed_chunks(session, view(long_text), NULL, 0, &o, &r, &err), &err,
                   BERT_ENOMEM, NULL);
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
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
