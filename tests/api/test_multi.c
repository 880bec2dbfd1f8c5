/* SPDX-License-Identifier: MIT */
/*
 * test_multi.c - vectors of tokens against sentence-transformers' MultiVectorEncoder, and a small
 * bge-m3: every variant of tests/fixtures/make_multi_fixtures.py, and what bert_embed_all()
 * promises of them.
 */
#include "support.h"

#include <dirent.h>
#include <string.h>

enum { MAX_TEXTS = 16, MAX_TERMS = 64 };

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
    if (strcmp(name, "m3") != 0)
        test_files_add(&v->files, test_path("tests/data/models/multi/base"));
    test_files_add(&v->files, test_path("tests/data/models/multi/%s", name));
    test_arrays_load(&v->expected, test_path("tests/data/models/multi/%s/expected.bin", name));
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

/* ---- Against the reference ------------------------------------------------------------- */

static void check_vectors(const struct variant *v, const char *kind, const bert_embeddings *r)
{
    const int32_t *counts = test_need(&v->expected, "%s.counts", kind)->data;
    const struct test_array *want = test_need(&v->expected, "%s.vectors", kind);
    const float *at = want->data;

    assert_int_equal(bert_embeddings_size(r), v->n);
    for (size_t i = 0; i < v->n; i++) {
        size_t count, size, n = (size_t)counts[i] * want->shape[1];
        const float *got = bert_embeddings_vectors(r, i, &count, &size);
        char what[160];

        snprintf(what, sizeof what, "%s: %s, text %zu", v->name, kind, i);
        assert_int_equal(bert_embeddings_status(r, i), BERT_OK);
        if (count != (size_t)counts[i])
            fail_msg("%s: %zu vectors, expected %d", what, count, (int)counts[i]);
        assert_int_equal(size, count > 0 ? want->shape[1] : 0);
        if (count > 0)
            test_close(what, got, at, n);
        else
            assert_null(got);
        at += n;
    }
}

static void check(struct variant *v, const bert_embed_all_options *options, const char *kind)
{
    bert_embeddings *r;
    bert_error err;

    test_ok(bert_embed_all(v->session, v->texts, v->n, options, &r, &err), &err);
    assert_int_equal(bert_embeddings_outputs(r), BERT_EMBEDDING_MULTI);
    check_vectors(v, kind, r);
    bert_embeddings_free(r);
}

static void check_score(const char *function, const bert_embeddings *a, size_t i,
                        const bert_embeddings *b, size_t j, float want)
{
    size_t n, m, size, other;
    const float *x = bert_embeddings_vectors(a, i, &n, &size);
    const float *y = bert_embeddings_vectors(b, j, &m, &other);
    bert_error err;
    float score;

    test_ok(bert_multi_similarity(function, x, n, y, m, size > 0 ? size : other, &score, &err),
            &err);
    test_close(function, &score, &want, 1);
}

/* Query i with document i. */
static void check_similarity(struct variant *v)
{
    static const char *const functions[] = {"maxsim", "meanmaxsim"};
    const struct test_array *name = test_need(&v->expected, "similarity");
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    bert_embeddings *queries, *documents;
    bert_error err;

    assert_int_equal(strlen(bert_model_similarity(v->model)), name->count);
    assert_memory_equal(bert_model_similarity(v->model), name->data, name->count);
    o.role = BERT_ROLE_QUERY;
    test_ok(bert_embed_all(v->session, v->texts, v->n, &o, &queries, &err), &err);
    o.role = BERT_ROLE_DOCUMENT;
    test_ok(bert_embed_all(v->session, v->texts, v->n, &o, &documents, &err), &err);
    for (size_t f = 0; f < 2; f++) {
        const float *want = test_need(&v->expected, "score.%s", functions[f])->data;

        for (size_t i = 0; i < v->n; i++)
            check_score(functions[f], queries, i, documents, i, want[i]);
    }
    bert_embeddings_free(queries);
    bert_embeddings_free(documents);
}

static void check_variant(const char *name, const char *cpu)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    struct variant v;
    bert_text prompt = {"search: ", 8};

    read_variant(&v, name);
    load_variant(&v, cpu);
    assert_string_equal(bert_model_task(v.model), "embedding");
    assert_int_equal(bert_model_embeddings(v.model), BERT_EMBEDDING_DENSE | BERT_EMBEDDING_MULTI);
    check(&v, NULL, "none");
    o.role = BERT_ROLE_QUERY;
    check(&v, &o, "query");
    o.role = BERT_ROLE_DOCUMENT;
    check(&v, &o, "document");
    o.normalize = BERT_NORMALIZE_ON;
    check(&v, &o, "unit");
    o.normalize = 0;
    o.role = BERT_ROLE_QUERY;
    o.prompt = &prompt;
    check(&v, &o, "prompted");
    check_similarity(&v);
    close_variant(&v);
}

static void test_variants(void **state)
{
    DIR *dir = opendir(test_path("tests/data/models/multi"));
    struct dirent *e;
    const char *cpu;
    int n = 0;

    (void)state;
    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.' || strcmp(e->d_name, "base") == 0 || strcmp(e->d_name, "m3") == 0)
            continue;
        for (uint32_t i = 0; (cpu = bert_cpu_name(i)) != NULL; i++)
            check_variant(e->d_name, cpu);
        n++;
    }
    closedir(dir);
    assert_int_equal(n, 11);
}

/* ---- bge-m3 ------------------------------------------------------------------------------ */

static void check_dense(const struct variant *v, const bert_embeddings *r)
{
    const struct test_array *want = test_need(&v->expected, "dense");

    for (size_t i = 0; i < v->n; i++) {
        size_t n;
        const float *got = bert_embeddings_dense(r, i, &n);

        assert_int_equal(n, want->shape[1]);
        test_close("dense", got, (const float *)want->data + i * n, n);
    }
}

static void check_lexical(const struct variant *v, const bert_embeddings *r)
{
    const int32_t *ends = test_need(&v->expected, "lexical.ends")->data;
    const int32_t *ids = test_need(&v->expected, "lexical.ids")->data;
    const float *weights = test_need(&v->expected, "lexical.weights")->data;
    size_t from = 0;
    float got[MAX_TERMS];

    for (size_t i = 0; i < v->n; i++) {
        size_t n;
        const bert_term *terms = bert_embeddings_terms(r, i, &n);

        assert_int_equal(n, (size_t)ends[i] - from);
        assert_true(n <= MAX_TERMS);
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(terms[k].id, ids[from + k]);
            got[k] = terms[k].weight;
        }
        test_close("lexical", got, weights + from, n);
        from += n;
    }
}

/* All three kinds by one pass. */
static void check_m3(struct variant *v)
{
    static const uint32_t all = BERT_EMBEDDING_DENSE | BERT_EMBEDDING_SPARSE | BERT_EMBEDDING_MULTI;
    const float *scores = test_need(&v->expected, "score.meanmaxsim")->data;
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    bert_embeddings *r;
    bert_error err;

    assert_int_equal(bert_model_embeddings(v->model), all);
    assert_string_equal(bert_model_embedding_similarity(v->model, BERT_EMBEDDING_MULTI),
                        "meanmaxsim");
    assert_string_equal(bert_model_embedding_similarity(v->model, BERT_EMBEDDING_SPARSE), "dot");
    assert_string_equal(bert_model_embedding_similarity(v->model, BERT_EMBEDDING_DENSE), "cosine");
    o.outputs = all;
    test_ok(bert_embed_all(v->session, v->texts, v->n, &o, &r, &err), &err);
    assert_int_equal(bert_embeddings_outputs(r), all);
    check_dense(v, r);
    check_lexical(v, r);
    check_vectors(v, "none", r);
    for (size_t i = 0; i + 1 < v->n; i++)
        check_score("meanmaxsim", r, i, r, i + 1, scores[i]);
    bert_embeddings_free(r);
    test_ok(bert_embed_all(v->session, v->texts, v->n, NULL, &r, &err), &err);
    assert_int_equal(bert_embeddings_outputs(r), BERT_EMBEDDING_DENSE);
    check_dense(v, r);
    bert_embeddings_free(r);
}

static void test_m3(void **state)
{
    const char *cpu;

    (void)state;
    for (uint32_t i = 0; (cpu = bert_cpu_name(i)) != NULL; i++) {
        struct variant v;

        read_variant(&v, "m3");
        load_variant(&v, cpu);
        check_m3(&v);
        close_variant(&v);
    }
}

static void move(struct test_files *files, const char *from, const char *to)
{
    bert_file *file = test_files_find(files, from);

    assert_non_null(file);
    test_files_set(files, to, file->data, file->size);
    test_files_remove(files, from);
}

/* Pickles are named, and only where they are asked for. */
static void test_pickles(void **state)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    struct variant v;
    bert_embeddings *r;
    bert_error err;

    (void)state;
    read_variant(&v, "m3");
    move(&v.files, "colbert_linear.safetensors", "colbert_linear.pt");
    move(&v.files, "sparse_linear.safetensors", "sparse_linear.pt");
    load_variant(&v, NULL);
    assert_int_equal(bert_model_embeddings(v.model), BERT_EMBEDDING_DENSE);
    o.outputs = BERT_EMBEDDING_MULTI;
    test_error(bert_embed_all(v.session, v.texts, v.n, &o, &r, &err), &err, BERT_EUNSUPPORTED,
               "colbert_linear.pt", "libbert.convert", "colbert_linear.safetensors", NULL);
    o.outputs = BERT_EMBEDDING_SPARSE;
    test_error(bert_embed_all(v.session, v.texts, v.n, &o, &r, &err), &err, BERT_EUNSUPPORTED,
               "sparse_linear.pt", "libbert.convert", "sparse_linear.safetensors", NULL);
    o.outputs = 0;
    test_ok(bert_embed_all(v.session, v.texts, v.n, &o, &r, &err), &err);
    check_dense(&v, r);
    bert_embeddings_free(r);
    close_variant(&v);
}

static void check_bad_file(const char *file, const char *from, const char *to, bert_status want,
                           const char *word)
{
    struct variant v;
    bert_model *model;
    bert_error err;

    read_variant(&v, "m3");
    test_files_edit(&v.files, file, from, to);
    test_error(bert_model_load_memory(&model, v.files.list, v.files.n, NULL, &err), &err, want,
               word, NULL);
    assert_null(model);
    close_variant(&v);
}

static void test_shapes(void **state)
{
    (void)state;
    check_bad_file("colbert_linear.safetensors", "[9,16]", "[16,9]", BERT_EFORMAT, "weight");
    check_bad_file("colbert_linear.safetensors", "\"bias\"", "\"bIas\"", BERT_EFORMAT, "bias");
    check_bad_file("colbert_linear.safetensors", "\"weight\"", "\"weights\"", BERT_EFORMAT, "");
    check_bad_file("sparse_linear.safetensors", "[1,16]", "[16,1]", BERT_EFORMAT,
                   "sparse_linear.weight");
}

/* ---- Promises ----------------------------------------------------------------------------- */

static void same_vectors(const bert_embeddings *a, size_t i, const bert_embeddings *b, size_t j)
{
    size_t n, m, size, other;
    const float *x = bert_embeddings_vectors(a, i, &n, &size);
    const float *y = bert_embeddings_vectors(b, j, &m, &other);

    assert_int_equal(n, m);
    assert_int_equal(size, other);
    if (n > 0)
        test_same("vectors", x, y, n * size);
}

/* The same bits alone, in any batch, by any number of threads. */
static void check_alone(const char *name, uint32_t role, uint32_t outputs)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    struct variant v;
    bert_session *small;
    bert_embeddings *all, *other, *one;
    bert_error err;

    read_variant(&v, name);
    load_variant(&v, NULL);
    so.threads = 1;
    so.max_tokens = 41;
    test_ok(bert_session_create(&small, v.model, &so, &err), &err);
    o.role = role;
    o.outputs = outputs;
    test_ok(bert_embed_all(v.session, v.texts, v.n, &o, &all, &err), &err);
    test_ok(bert_embed_all(small, v.texts, v.n, &o, &other, &err), &err);
    for (size_t i = 0; i < v.n; i++) {
        size_t n, m;
        const bert_term *a, *b;

        test_ok(bert_embed_all(v.session, &v.texts[i], 1, &o, &one, &err), &err);
        same_vectors(all, i, one, 0);
        same_vectors(all, i, other, i);
        a = bert_embeddings_terms(all, i, &n);
        b = bert_embeddings_terms(one, 0, &m);
        assert_int_equal(n, m);
        if (n > 0)
            assert_memory_equal(a, b, n * sizeof *a);
        bert_embeddings_free(one);
    }
    bert_embeddings_free(all);
    bert_embeddings_free(other);
    bert_session_destroy(small);
    close_variant(&v);
}

static void test_alone(void **state)
{
    (void)state;
    check_alone("native", BERT_ROLE_QUERY, 0);
    check_alone("native", BERT_ROLE_DOCUMENT, 0);
    check_alone("min", BERT_ROLE_QUERY, 0);
    check_alone("modernbert", BERT_ROLE_QUERY, 0);
    check_alone("m3", BERT_ROLE_NONE, BERT_EMBEDDING_SPARSE | BERT_EMBEDDING_MULTI);
}

/* A pooled vector of the same pass is that of bert_embed(). */
static void test_together(void **state)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    struct variant v;
    bert_embeddings *r;
    bert_error err;
    float vector[64];

    (void)state;
    read_variant(&v, "native");
    load_variant(&v, NULL);
    o.outputs = BERT_EMBEDDING_MULTI | BERT_EMBEDDING_DENSE;
    test_ok(bert_embed_all(v.session, v.texts, v.n, &o, &r, &err), &err);
    check_vectors(&v, "none", r);
    for (size_t i = 0; i < v.n; i++) {
        size_t n;
        const float *got = bert_embeddings_dense(r, i, &n);

        test_ok(bert_embed(v.session, &v.texts[i], 1, NULL, vector, 64, NULL, &err), &err);
        test_same("dense", got, vector, n);
    }
    bert_embeddings_free(r);
    o.role = BERT_ROLE_QUERY; /* masks would be in the pooling */
    test_error(bert_embed_all(v.session, v.texts, v.n, &o, &r, &err), &err, BERT_EINVAL, "widened",
               NULL);
    assert_null(r);
    o.role = 3;
    test_error(bert_embed_all(v.session, v.texts, v.n, &o, &r, &err), &err, BERT_EINVAL, "role",
               NULL);
    o.role = 0;
    o.reserved = 1;
    test_error(bert_embed_all(v.session, v.texts, v.n, &o, &r, &err), &err, BERT_EINVAL, "reserved",
               NULL);
    close_variant(&v);
}

/* What is wrong with one text, and a session that holds no query. */
static void test_records(void **state)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    bert_text texts[3] = {{"a cat", 5}, {NULL, 4}, {"a cat on a mat and a rug", 24}};
    struct variant v;
    bert_session *small;
    bert_embeddings *r;
    bert_error err;
    size_t n, size;

    (void)state;
    read_variant(&v, "native");
    load_variant(&v, NULL);
    o.max_length = 6;
    o.role = BERT_ROLE_QUERY;
    test_ok(bert_embed_all(v.session, texts, 3, &o, &r, &err), &err);
    assert_int_equal(bert_embeddings_status(r, 1), BERT_EINVAL);
    assert_null(bert_embeddings_vectors(r, 1, &n, &size));
    assert_int_equal(n, 0);
    assert_null(bert_embeddings_vectors(r, 3, &n, &size));
    assert_int_equal(bert_embeddings_tokens(r, 2), 6);
    assert_true(bert_embeddings_truncated(r, 2) > 0);
    assert_non_null(bert_embeddings_vectors(r, 2, &n, &size));
    assert_int_equal(n, 16); /* masks and all */
    assert_null(bert_embeddings_dense(r, 0, &n));
    bert_embeddings_free(r);
    so.max_tokens = 15;
    test_ok(bert_session_create(&small, v.model, &so, &err), &err);
    test_ok(bert_embed_all(small, texts, 1, &o, &r, &err), &err);
    assert_int_equal(bert_embeddings_status(r, 0), BERT_ERANGE);
    bert_embeddings_free(r);
    bert_session_destroy(small);
    assert_int_equal(bert_model_max_length(v.model), 40);
    close_variant(&v);
}

/* Not even special tokens. */
static void test_no_vectors(void **state)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    bert_text texts[2] = {{"?!", 2}, {"a ?", 3}}, none = {"", 0};
    struct variant v;
    bert_embeddings *r;
    bert_error err;
    size_t n, size;

    (void)state;
    read_variant(&v, "native");
    test_files_edit(&v.files, "2_MultiVectorMask/config.json", "\"!\"",
                    "\"!\", \"[CLS]\", \"[SEP]\"");
    load_variant(&v, NULL);
    o.role = BERT_ROLE_DOCUMENT;
    o.prompt = &none;
    test_ok(bert_embed_all(v.session, texts, 2, &o, &r, &err), &err);
    assert_int_equal(bert_embeddings_status(r, 0), BERT_OK);
    assert_null(bert_embeddings_vectors(r, 0, &n, &size));
    assert_int_equal(n, 0);
    assert_non_null(bert_embeddings_vectors(r, 1, &n, &size));
    assert_int_equal(n, 1);
    assert_int_equal(size, 8);
    bert_embeddings_free(r);
    close_variant(&v);
}

static void test_similarity_arguments(void **state)
{
    static const float a[4] = {1, 0, 0, 1}, b[2] = {0.6f, 0.8f};
    bert_error err;
    float score;

    (void)state;
    test_ok(bert_multi_similarity("maxsim", a, 2, b, 1, 2, &score, &err), &err);
    assert_true(score > 1.3999f && score < 1.4001f);
    test_ok(bert_multi_similarity("meanmaxsim", b, 1, a, 2, 2, &score, &err), &err);
    assert_true(score > 0.7999f && score < 0.8001f);
    test_ok(bert_multi_similarity("maxsim", a, 2, NULL, 0, 2, &score, &err), &err);
    assert_true(score == -1e9f);
    test_ok(bert_multi_similarity("meanmaxsim", NULL, 0, b, 1, 2, &score, &err), &err);
    assert_true(score == 0);
    test_error(bert_multi_similarity("cosine", a, 2, b, 1, 2, &score, &err), &err, BERT_EINVAL,
               "cosine", NULL);
    test_error(bert_multi_similarity("maxsim", NULL, 2, b, 1, 2, &score, &err), &err, BERT_EINVAL,
               "NULL", NULL);
}

/* Stanford's file says nothing: 32 tokens, attended to or not by its own default, punctuation. */
static void test_stanford_defaults(void **state)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    struct variant v;
    bert_embeddings *r;
    bert_error err;
    size_t n, size;

    (void)state;
    read_variant(&v, "stanford");
    test_files_remove(&v.files, "artifact.metadata");
    load_variant(&v, NULL);
    o.role = BERT_ROLE_QUERY;
    test_ok(bert_embed_all(v.session, v.texts, v.n, &o, &r, &err), &err);
    for (size_t i = 0; i < v.n; i++) {
        assert_non_null(bert_embeddings_vectors(r, i, &n, &size));
        assert_int_equal(n, 32);
    }
    bert_embeddings_free(r);
    close_variant(&v);
}

/* ---- What is not handled -------------------------------------------------------------------- */

/* It leaves the encoder, and says so where vectors are asked for. */
static void check_refusal(const char *name, const char *file, const char *from, const char *to,
                          const char *word)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    struct variant v;
    bert_embeddings *r;
    bert_error err;
    size_t n;

    read_variant(&v, name);
    test_files_edit(&v.files, file, from, to);
    load_variant(&v, NULL);
    assert_int_equal(bert_model_embeddings(v.model), BERT_EMBEDDING_DENSE);
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
    static const char settings[] = "sentence_bert_config.json";

    (void)state;
    check_refusal("native", "modules.json", "multi_vector_mask.MultiVectorMask",
                  "token_pooling.HierarchicalTokenPooling", "HierarchicalTokenPooling");
    check_refusal("native", "modules.json", "transformer.Transformer", "router.Router", "Router");
    check_refusal("native", settings, "\"fixed\"", "\"loose\"", "loose");
    check_refusal("native", settings, "\"strategy\"", "\"where\": 1, \"strategy\"", "where");
    check_refusal("native", settings, "16", "41", "positions");
    check_refusal("native", "1_Dense/config.json", "\"token_embeddings\"", "\"sentence_embedding\"",
                  "sentence_embedding");
    check_refusal("attended", settings, "[unused0]", "[unused7]", "[unused7]");
    check_refusal("attended", settings, "14", "8", "query_length");
    check_refusal("modernbert", settings, "17", "18", "window");
    check_refusal("stanford", "model.safetensors", "linear.weight", "limear.weight",
                  "linear.weight");
}

static void test_none(void **state)
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
    o.outputs = BERT_EMBEDDING_MULTI;
    test_error(bert_embed_all(session, &text, 1, &o, &r, &err), &err, BERT_EUNSUPPORTED, "ColBERT",
               "colbert_linear", NULL);
    bert_session_destroy(session);
    bert_model_unref(model);
    test_files_free(&files);
}

/* A NaN in a matrix is refused, or is the text's error. */
static void test_nonfinite(void **state)
{
    static const unsigned char nan[4] = {0, 0, 0xC0, 0x7F};
    bert_model_options mo = BERT_MODEL_OPTIONS_INIT;
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    struct test_tensor tensor;
    bert_file *file;
    struct variant v;
    bert_embeddings *r;
    bert_error err;
    size_t n, size;

    (void)state;
    read_variant(&v, "m3");
    file = test_files_find(&v.files, "colbert_linear.safetensors");
    test_tensor_find(file, "weight", &tensor);
    memcpy((char *)(uintptr_t)file->data + tensor.begin, nan, sizeof nan);
    test_error(bert_model_load_memory(&v.model, v.files.list, v.files.n, NULL, &err), &err,
               BERT_ENONFINITE, "colbert_linear.safetensors", "weight", NULL);
    mo.flags = BERT_MODEL_ALLOW_NONFINITE;
    test_ok(bert_model_load_memory(&v.model, v.files.list, v.files.n, &mo, &err), &err);
    v.session = test_session(v.model, 1);
    o.outputs = BERT_EMBEDDING_MULTI;
    test_ok(bert_embed_all(v.session, v.texts, v.n, &o, &r, &err), &err);
    assert_int_equal(bert_embeddings_status(r, 1), BERT_ENONFINITE);
    assert_null(bert_embeddings_vectors(r, 1, &n, &size));
    bert_embeddings_free(r);
    close_variant(&v);
}

/* ---- Memory -----------------------------------------------------------------------------------
 */

/* Each allocation of a call fails once. */
static void check_memory(const char *name, uint32_t outputs, const char *kind)
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

    read_variant(&v, name);
    load_variant(&v, NULL);
    so.allocator = &allocator;
    o.outputs = outputs;
    test_ok(bert_session_create(&session, v.model, &so, &err), &err);
    for (long at = 1; st != BERT_OK; at++) {
        long live = heap.live;

        heap.calls = 0;
        heap.fail_at = at;
        st = bert_embed_all(session, v.texts, v.n, &o, &r, &err);
        heap.fail_at = 0;
        if (st == BERT_OK) {
            check_vectors(&v, kind, r);
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

/* The same of a load. */
static void check_load_memory(const char *name)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    struct variant v;
    bert_model *model;
    bert_error err;
    bert_status st = BERT_ENOMEM;

    read_variant(&v, name);
    o.allocator = &allocator;
    for (long at = 1; st != BERT_OK; at++) {
        heap.calls = 0;
        heap.fail_at = at;
        st = bert_model_load_memory(&model, v.files.list, v.files.n, &o, &err);
        heap.fail_at = 0;
        if (st != BERT_OK)
            test_error(st, &err, BERT_ENOMEM, NULL);
        else
            bert_model_unref(model);
        assert_int_equal(heap.live, 0);
    }
    close_variant(&v);
}

static void test_memory(void **state)
{
    (void)state;
    check_memory("native", 0, "none");
    check_memory("m3", BERT_EMBEDDING_DENSE | BERT_EMBEDDING_SPARSE | BERT_EMBEDDING_MULTI, "none");
    check_load_memory("pylate_added");
    check_load_memory("attended");
    check_load_memory("kept");
    check_load_memory("stanford");
    check_load_memory("m3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_m3),
        cmocka_unit_test(test_pickles),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_no_vectors),
        cmocka_unit_test(test_similarity_arguments),
        cmocka_unit_test(test_stanford_defaults),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_nonfinite),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
