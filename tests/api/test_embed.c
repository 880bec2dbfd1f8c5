/* SPDX-License-Identifier: MIT */
/*
 * test_embed.c - text to embedding against sentence-transformers: every variant of
 * tests/fixtures/make_embedding_fixtures.py, on every instruction set.
 */
#include "support.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXTS = 16, MAX_SIZE = 256 };

struct variant {
    char name[64];
    struct test_files files;
    struct test_arrays expected;
    bert_model *model;
    bert_session *session;
    bert_text texts[MAX_TEXTS];
    size_t n, size; /* texts; floats a row */
};

static void open_variant(struct variant *v, const char *name, const char *cpu)
{
    const char *dir = test_path("tests/data/models/embed/%s", name);

    memset(v, 0, sizeof *v);
    snprintf(v->name, sizeof v->name, "%s (%s)", name, cpu != NULL ? cpu : "default");
    if (strcmp(name, "subfolder") != 0) /* which has all it needs in 0_Transformer */
        test_files_add(&v->files, test_path("tests/data/models/embed/base"));
    test_files_add(&v->files, dir);
    test_arrays_load(&v->expected, test_path("tests/data/models/embed/%s/expected.bin", name));
    v->n = test_texts(&v->expected, v->texts, MAX_TEXTS);
    v->model = test_load_files(&v->files, cpu);
    v->session = test_session(v->model, 2);
    v->size = bert_model_embedding_size(v->model);
    assert_true(v->size > 0 && v->size <= MAX_SIZE);
}

static void close_variant(struct variant *v)
{
    bert_session_destroy(v->session);
    bert_model_unref(v->model);
    test_arrays_free(&v->expected);
    test_files_free(&v->files);
}

/* Embed all texts with `options` and compare each with the array called `name`. */
static void check(struct variant *v, const bert_embed_options *options, const char *name)
{
    const struct test_array *want = test_need(&v->expected, "%s", name);
    float got[MAX_TEXTS * MAX_SIZE];
    bert_embed_report reports[MAX_TEXTS];
    bert_error err;
    size_t size;

    test_ok(bert_embed_size(v->model, options, &size, &err), &err);
    assert_int_equal(want->rank, 2);
    assert_int_equal(want->shape[0], v->n);
    if (size != want->shape[1])
        fail_msg("%s: %s has %zu columns, expected %u", v->name, name, size, want->shape[1]);
    test_ok(bert_embed(v->session, v->texts, v->n, options, got, v->n * size, reports, &err), &err);
    for (size_t i = 0; i < v->n; i++) {
        char what[160];
        snprintf(what, sizeof what, "%s: %s, text %zu", v->name, name, i);
        assert_int_equal(reports[i].status, BERT_OK);
        test_close(what, got + i * size, (const float *)want->data + i * size, size);
    }
}

static int normalizes(struct variant *v)
{
    const bert_file *modules = test_files_find(&v->files, "modules.json");

    return modules != NULL && strstr(modules->data, "Normalize") != NULL;
}

static void check_options(struct variant *v)
{
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
    const struct test_array *prompt = test_need(&v->expected, "prompt_text");
    bert_text text = {prompt->data, prompt->count};

    check(v, NULL, "plain");
    check(v, &o, "plain");
    o.normalize = BERT_NORMALIZE_ON;
    check(v, &o, "normalized");
    o.dimensions = *(const uint32_t *)test_need(&v->expected, "cut_to")->data;
    check(v, &o, "unit_cut");
    o.normalize = BERT_NORMALIZE_MODEL;
    check(v, &o, "unit_cut");
    o.normalize = BERT_NORMALIZE_OFF;
    if (!normalizes(v))
        check(v, &o, "cut");
    o.normalize = BERT_NORMALIZE_MODEL;
    o.dimensions = 0;
    o.prompt = &text;
    check(v, &o, "prompted");
    o.prompt = NULL;
    for (uint32_t i = 0; (o.prompt_name = bert_model_prompt_name(v->model, i)) != NULL; i++) {
        char name[64];
        snprintf(name, sizeof name, "prompt.%s", o.prompt_name);
        if (test_find(&v->expected, "%s", name) != NULL)
            check(v, &o, name);
    }
}

static void check_reports(struct variant *v)
{
    const struct test_array *tokens = test_need(&v->expected, "tokens");
    float got[MAX_TEXTS * MAX_SIZE];
    bert_embed_report reports[MAX_TEXTS];
    bert_error err;

    test_ok(bert_embed(v->session, v->texts, v->n, NULL, got, v->n * v->size, reports, &err), &err);
    for (size_t i = 0; i < v->n; i++) {
        uint32_t want = (uint32_t)((const int32_t *)tokens->data)[i];
        assert_int_equal(reports[i].tokens, want);
        assert_true(want <= bert_model_max_length(v->model));
        if (want < bert_model_max_length(v->model))
            assert_int_equal(reports[i].truncated, 0);
    }
    assert_true(reports[v->n - 1].truncated > 0); /* the long one */
}

static void check_similarity(struct variant *v)
{
    const struct test_array *function = test_need(&v->expected, "similarity");
    const struct test_array *want = test_need(&v->expected, "pairwise");
    const float *rows = test_need(&v->expected, "plain")->data;
    const char *name = bert_model_similarity(v->model);
    float got[MAX_TEXTS];
    bert_error err;

    assert_int_equal(strlen(name), function->count);
    assert_memory_equal(name, function->data, function->count);
    for (size_t i = 0; i < want->count; i++)
        test_ok(bert_similarity(name, rows + i * v->size, rows + (i + 1) * v->size, v->size,
                                &got[i], &err),
                &err);
    test_close(v->name, got, want->data, want->count);
}

static void check_variant(const char *name, const char *cpu)
{
    struct variant v;

    open_variant(&v, name, cpu);
    check_options(&v);
    check_reports(&v);
    check_similarity(&v);
    close_variant(&v);
}

static void test_variants(void **state)
{
    DIR *dir = opendir(test_path("tests/data/models/embed"));
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
    assert_int_equal(n, 41);
}

/* Pooling asked for by the caller, on a model with other modules: as if it had that one. */
static void test_pooling_option(void **state)
{
    static const struct {
        bert_pooling pooling;
        const char *like;
    } modes[] = {{BERT_POOLING_CLS, "cls"},           {BERT_POOLING_MAX, "max"},
                 {BERT_POOLING_MEAN, "mean"},         {BERT_POOLING_MEAN_SQRT_LEN, "mean_sqrt_len"},
                 {BERT_POOLING_WEIGHTED, "weighted"}, {BERT_POOLING_LAST, "last"}};
    struct variant v, w;

    (void)state;
    open_variant(&v, "dense_tanh", NULL);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
        o.pooling = modes[i].pooling;
        open_variant(&w, modes[i].like, NULL);
        assert_string_equal(bert_model_pooling(w.model), modes[i].like);
        test_arrays_free(&v.expected);
        v.expected = w.expected;
        v.n = test_texts(&v.expected, v.texts, MAX_TEXTS);
        w.expected = (struct test_arrays){NULL, 0};
        check(&v, &o, "plain");
        o.normalize = BERT_NORMALIZE_ON;
        check(&v, &o, "normalized");
        close_variant(&w);
    }
    close_variant(&v);
}

/* Normalize off takes the module out: legacy_mean is mean with it. */
static void test_normalize_off(void **state)
{
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
    struct variant v, w;

    (void)state;
    open_variant(&v, "legacy_mean", NULL);
    open_variant(&w, "mean", NULL);
    o.normalize = BERT_NORMALIZE_OFF;
    test_arrays_free(&v.expected);
    v.expected = w.expected;
    w.expected = (struct test_arrays){NULL, 0};
    v.n = test_texts(&v.expected, v.texts, MAX_TEXTS);
    check(&v, &o, "plain");
    close_variant(&w);
    close_variant(&v);
}

static void test_facts(void **state)
{
    struct variant v;

    (void)state;
    open_variant(&v, "prompts", NULL);
    assert_string_equal(bert_model_task(v.model), "embedding");
    assert_int_equal(bert_model_prompt_count(v.model), 3);
    assert_string_equal(bert_model_default_prompt(v.model), "document");
    for (uint32_t i = 0; i < 3; i++)
        if (strcmp(bert_model_prompt_name(v.model, i), "query") == 0) {
            bert_text t = bert_model_prompt(v.model, i);
            assert_int_equal(t.size, 7);
            assert_memory_equal(t.data, "query: ", 7);
        }
    assert_null(bert_model_prompt_name(v.model, 3));
    close_variant(&v);
    open_variant(&v, "listed", NULL);
    assert_string_equal(bert_model_pooling(v.model), "mean+cls+last");
    assert_int_equal(v.size, 96);
    close_variant(&v);
    open_variant(&v, "legacy_all", NULL);
    assert_string_equal(bert_model_pooling(v.model), "cls+max+mean+mean_sqrt_len+weighted+last");
    close_variant(&v);
    open_variant(&v, "matryoshka", NULL);
    assert_int_equal(v.size, 10);
    close_variant(&v);
    open_variant(&v, "bare", NULL);
    assert_string_equal(bert_model_task(v.model), "encoder");
    assert_true(bert_model_note_count(v.model) > 0);
    close_variant(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_pooling_option),
        cmocka_unit_test(test_normalize_off),
        cmocka_unit_test(test_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
