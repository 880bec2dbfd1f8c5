/* SPDX-License-Identifier: MIT */
/*
 * test_sparse.c - term weights against sentence-transformers' SparseEncoder: every variant of
 * tests/fixtures/make_sparse_fixtures.py, and what bert_embed_all() promises.
 */
#include "support.h"

#include <dirent.h>
#include <string.h>

enum { MAX_TEXTS = 16, MAX_TERMS = 512 };

struct variant {
    char name[64];
    struct test_files files;
    struct test_arrays expected;
    bert_model *model;
    bert_session *session;
    bert_text texts[MAX_TEXTS];
    size_t n;
};

static void read_variant(struct variant *v, const char *name)
{
    memset(v, 0, sizeof *v);
    snprintf(v->name, sizeof v->name, "%s", name);
    test_files_add(&v->files, test_path("tests/data/models/sparse/base"));
    test_files_add(&v->files, test_path("tests/data/models/sparse/%s", name));
    test_arrays_load(&v->expected, test_path("tests/data/models/sparse/%s/expected.bin", name));
    v->n = test_texts(&v->expected, v->texts, MAX_TEXTS);
}

static void load_variant(struct variant *v, const char *cpu)
{
    v->model = test_load_files(&v->files, cpu);
    v->session = test_session(v->model, 2);
}

static void close_variant(struct variant *v)
{
    bert_session_destroy(v->session);
    bert_model_unref(v->model);
    test_arrays_free(&v->expected);
    test_files_free(&v->files);
}

static void check_terms(const struct variant *v, const char *kind, const bert_embeddings *r)
{
    const int32_t *ends = test_need(&v->expected, "%s.ends", kind)->data;
    const int32_t *ids = test_need(&v->expected, "%s.ids", kind)->data;
    const float *weights = test_need(&v->expected, "%s.weights", kind)->data;
    size_t from = 0;
    float got[MAX_TERMS];

    assert_int_equal(bert_embeddings_size(r), v->n);
    for (size_t i = 0; i < v->n; i++) {
        size_t n, want = (size_t)ends[i] - from;
        const bert_term *terms = bert_embeddings_terms(r, i, &n);
        char what[160];

        snprintf(what, sizeof what, "%s: %s, text %zu", v->name, kind, i);
        assert_int_equal(bert_embeddings_status(r, i), BERT_OK);
        if (n != want)
            fail_msg("%s: %zu terms, expected %zu", what, n, want);
        assert_true(n <= MAX_TERMS);
        for (size_t k = 0; k < n; k++) {
            if (terms[k].id != ids[from + k])
                fail_msg("%s: term %zu is id %d, expected %d", what, k, (int)terms[k].id,
                         (int)ids[from + k]);
            got[k] = terms[k].weight;
        }
        test_close(what, got, weights + from, n);
        from += n;
    }
}

static void check(struct variant *v, const bert_embed_all_options *options, const char *kind)
{
    bert_embeddings *r;
    bert_error err;

    test_ok(bert_embed_all(v->session, v->texts, v->n, options, &r, &err), &err);
    assert_int_equal(bert_embeddings_outputs(r), BERT_EMBEDDING_SPARSE);
    check_terms(v, kind, r);
    bert_embeddings_free(r);
}

static void check_similarity(struct variant *v, const bert_embed_all_options *options)
{
    static const char *const functions[] = {"cosine", "dot", "euclidean", "manhattan"};
    bert_embeddings *r;
    bert_error err;

    test_ok(bert_embed_all(v->session, v->texts, v->n, options, &r, &err), &err);
    for (size_t f = 0; f < 4; f++) {
        const float *want = test_need(&v->expected, "score.%s", functions[f])->data;

        for (size_t i = 0; i + 1 < v->n; i++) {
            size_t n, m;
            const bert_term *a = bert_embeddings_terms(r, i, &n);
            const bert_term *b = bert_embeddings_terms(r, i + 1, &m);
            float score;

            test_ok(bert_sparse_similarity(functions[f], a, n, b, m, &score, &err), &err);
            test_close(functions[f], &score, &want[i], 1);
        }
    }
    bert_embeddings_free(r);
}

static void check_variant(const char *name, const char *cpu)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    const struct test_array *function;
    struct variant v;
    bert_text prompt = {"search: ", 8};

    read_variant(&v, name);
    load_variant(&v, cpu);
    if (strcmp(name, "bare") == 0)
        o.outputs = BERT_EMBEDDING_SPARSE; /* nothing says what it is for */
    check(&v, &o, "plain");
    check_similarity(&v, &o);
    o.max_active = 5;
    check(&v, &o, "top");
    o.max_active = 0;
    o.prompt = &prompt;
    check(&v, &o, "prompted");
    o.prompt = NULL;
    for (uint32_t i = 0; (o.prompt_name = bert_model_prompt_name(v.model, i)) != NULL; i++) {
        char kind[80];

        snprintf(kind, sizeof kind, "prompt.%s", o.prompt_name);
        if (bert_model_prompt(v.model, i).size > 0)
            check(&v, &o, kind);
    }
    function = test_need(&v.expected, "similarity");
    if (o.outputs == 0) {
        assert_int_equal(strlen(bert_model_similarity(v.model)), function->count);
        assert_memory_equal(bert_model_similarity(v.model), function->data, function->count);
    }
    close_variant(&v);
}

static void test_variants(void **state)
{
    DIR *dir = opendir(test_path("tests/data/models/sparse"));
    struct dirent *e;
    const char *cpu;
    int n = 0;

    (void)state;
    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.' || strcmp(e->d_name, "base") == 0)
            continue;
        for (uint32_t i = 0; (cpu = bert_cpu_name(i)) != NULL; i++)
            check_variant(e->d_name, cpu);
        n++;
    }
    closedir(dir);
    assert_int_equal(n, 7);
}

/* The same bits alone and together, and the dense vector of the same pass that of bert_embed(). */
static void test_alone(void **state)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    struct variant v;
    bert_embeddings *all, *one;
    bert_error err;
    float vector[64];

    (void)state;
    read_variant(&v, "sum");
    load_variant(&v, NULL);
    o.outputs = BERT_EMBEDDING_SPARSE | BERT_EMBEDDING_DENSE;
    test_ok(bert_embed_all(v.session, v.texts, v.n, &o, &all, &err), &err);
    for (size_t i = 0; i < v.n; i++) {
        size_t n, m, dim, dim2;
        const bert_term *a, *b;

        test_ok(bert_embed_all(v.session, &v.texts[i], 1, &o, &one, &err), &err);
        a = bert_embeddings_terms(all, i, &n);
        b = bert_embeddings_terms(one, 0, &m);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n * sizeof *a);
        assert_int_equal(bert_embeddings_tokens(all, i), bert_embeddings_tokens(one, 0));
        test_ok(bert_embed(v.session, &v.texts[i], 1, NULL, vector, 64, NULL, &err), &err);
        test_same("dense", bert_embeddings_dense(all, i, &dim), vector, 32);
        test_same("dense", bert_embeddings_dense(one, 0, &dim2), vector, 32);
        assert_int_equal(dim, 32);
        assert_int_equal(dim2, 32);
        bert_embeddings_free(one);
    }
    bert_embeddings_free(all);
    close_variant(&v);
}

/* A long text next to one that is refused. */
static void test_records(void **state)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    bert_text texts[3] = {{"a cat", 5}, {NULL, 4}, {"a cat on a mat and a rug", 24}};
    struct variant v;
    bert_embeddings *r;
    bert_error err;
    size_t n;

    (void)state;
    read_variant(&v, "max");
    load_variant(&v, NULL);
    o.max_length = 6;
    test_ok(bert_embed_all(v.session, texts, 3, &o, &r, &err), &err);
    assert_int_equal(bert_embeddings_status(r, 1), BERT_EINVAL);
    assert_null(bert_embeddings_terms(r, 1, &n));
    assert_int_equal(n, 0);
    assert_int_equal(bert_embeddings_tokens(r, 2), 6);
    assert_int_equal(bert_embeddings_truncated(r, 2), 4);
    assert_null(bert_embeddings_dense(r, 0, &n));
    assert_int_equal(bert_embeddings_status(r, 3), BERT_EINVAL);
    bert_embeddings_free(r);
    o.overlong = BERT_OVERLONG_ERROR;
    test_ok(bert_embed_all(v.session, texts, 3, &o, &r, &err), &err);
    assert_int_equal(bert_embeddings_status(r, 0), BERT_OK);
    assert_int_equal(bert_embeddings_status(r, 2), BERT_ERANGE);
    bert_embeddings_free(r);
    o.overlong = BERT_OVERLONG_WINDOWS;
    test_error(bert_embed_all(v.session, texts, 3, &o, &r, &err), &err, BERT_EINVAL, "overlong",
               NULL);
    o.overlong = 0;
    o.outputs = 64;
    test_error(bert_embed_all(v.session, texts, 3, &o, &r, &err), &err, BERT_EINVAL, "outputs",
               NULL);
    close_variant(&v);
}

static void test_order(void **state)
{
    bert_term a[2] = {{3, 1}, {2, 1}};
    bert_error err;
    float score;

    (void)state;
    test_error(bert_sparse_similarity("dot", a, 2, NULL, 0, &score, &err), &err, BERT_EINVAL,
               "ascend", NULL);
    test_ok(bert_sparse_similarity("manhattan", a, 1, NULL, 0, &score, &err), &err);
    assert_true(score == -1);
    test_error(bert_sparse_similarity("maxi", a, 1, NULL, 0, &score, &err), &err, BERT_EINVAL,
               "maxi", NULL);
}

/* Modules that are not handled leave the encoder, and say so where terms are asked for. */
static void check_refusal(const char *file, const char *from, const char *to, const char *word)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    struct variant v;
    bert_embeddings *r;
    bert_error err;
    size_t n;

    read_variant(&v, "max");
    test_files_edit(&v.files, file, from, to);
    load_variant(&v, NULL);
    test_error(bert_embed_all(v.session, v.texts, v.n, NULL, &r, &err), &err, BERT_EUNSUPPORTED,
               word, NULL);
    assert_null(r);
    o.outputs = BERT_EMBEDDING_DENSE;
    test_ok(bert_embed_all(v.session, v.texts, v.n, &o, &r, &err), &err);
    assert_non_null(bert_embeddings_dense(r, 1, &n));
    bert_embeddings_free(r);
    close_variant(&v);
}

static void test_refusals(void **state)
{
    (void)state;
    check_refusal("modules.json", "splade_pooling.SpladePooling", "x.SparseAutoEncoder",
                  "SparseAutoEncoder");
    check_refusal("modules.json", "transformer.Transformer", "router.Router", "Router");
    check_refusal("sentence_bert_config.json", "fill-mask", "feature-extraction",
                  "feature-extraction");
    check_refusal("sentence_bert_config.json", "transformer_task", "no", "transformer_task");
    check_refusal("1_SpladePooling/config.json", "max", "mean", "pooling_strategy");
    check_refusal("1_SpladePooling/config.json", "relu", "gelu", "activation_function");
}

/* Of a model that has no such head. */
static void test_no_head(void **state)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    struct test_files files = {NULL, 0};
    bert_model *model;
    bert_session *session;
    bert_text text = {"a cat", 5};
    bert_embeddings *r;
    bert_error err;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    model = test_load_files(&files, NULL);
    session = test_session(model, 1);
    o.outputs = BERT_EMBEDDING_SPARSE;
    test_error(bert_embed_all(session, &text, 1, &o, &r, &err), &err, BERT_EUNSUPPORTED,
               "fill-mask", "cls.predictions", NULL);
    bert_session_destroy(session);
    bert_model_unref(model);
    test_files_free(&files);
}

/* Each allocation of a call fails once. */
static void test_memory(void **state)
{
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    struct variant v;
    bert_session *session;
    bert_embeddings *r;
    bert_error err;
    bert_status st = BERT_ENOMEM;
    long failures = 0;

    (void)state;
    read_variant(&v, "settings");
    load_variant(&v, NULL);
    so.allocator = &allocator;
    o.outputs = BERT_EMBEDDING_SPARSE | BERT_EMBEDDING_DENSE;
    test_ok(bert_session_create(&session, v.model, &so, &err), &err);
    for (long at = 1; st != BERT_OK; at++) {
        long live = heap.live;

        heap.calls = 0;
        heap.fail_at = at;
        st = bert_embed_all(session, v.texts, v.n, &o, &r, &err);
        heap.fail_at = 0;
        if (st == BERT_OK) {
            check_terms(&v, "plain", r);
            bert_embeddings_free(r);
        } else {
            assert_int_equal(st, BERT_ENOMEM);
            assert_null(r);
            failures++;
        }
        assert_true(heap.live <= live + 1); /* the tokenizer's scratch may have grown */
    }
    assert_true(failures > 5);
    bert_session_destroy(session);
    assert_int_equal(heap.live, 0);
    close_variant(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants), cmocka_unit_test(test_alone),
        cmocka_unit_test(test_records),  cmocka_unit_test(test_order),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_no_head),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
