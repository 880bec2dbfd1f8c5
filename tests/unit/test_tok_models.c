/* SPDX-License-Identifier: MIT */
/*
 * test_tok_models.c - tests/data/tokenizer_models: models and directories as the reference reads
 * them (tests/fixtures/make_models_fixtures.py, which describes the files).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bert.h>

#include "lib/base/json.h"
#include "support_alloc.h"

#define DATA TEST_SRCDIR "/tests/data/tokenizer_models/"

/* A parsed file. */
struct fixture {
    struct bert__alloc *alloc;
    struct bert__arena arena;
    char *data;
    const struct bert__json *root;
};

static void open_fixture(struct fixture *f, const char *path)
{
    FILE *file = fopen(path, "rb");
    bert_error err;
    size_t size;

    if (file == NULL)
        fail_msg("%s: not there", path);
    fseek(file, 0, SEEK_END);
    size = (size_t)ftell(file);
    rewind(file);
    f->data = malloc(size + 1);
    assert_non_null(f->data);
    assert_int_equal(fread(f->data, 1, size, file), size);
    fclose(file);
    f->alloc = bert__alloc_create(NULL, 0);
    bert__arena_init(&f->arena, f->alloc);
    if (bert__json_parse(&f->arena, path, f->data, size, &f->root, &err) != BERT_OK)
        fail_msg("%s", err.message);
}

static void close_fixture(struct fixture *f)
{
    bert__arena_free(&f->arena);
    bert__alloc_destroy(f->alloc);
    free(f->data);
}

static const struct bert__json *item(const struct bert__json *array, size_t i)
{
    assert_true(bert__json_is(array, BERT__JSON_ARRAY));
    assert_true(i < array->u.array.count);
    return &array->u.array.items[i];
}

/* The i-th token against the case's lists, of which some may be null. */
static void check_token(const bert_encoding *e, const struct bert__json *c, size_t i,
                        const char *label)
{
    const struct bert__json *spans = item(c, 2), *tokens = item(c, 3);
    bert_text got = bert_encoding_token(e, i), want = got;
    bert_span span = bert_encoding_offsets(e)[i];

    if (bert_encoding_ids(e)[i] != item(item(c, 1), i)->u.integer)
        fail_msg("%s: token %zu is %ld, not %ld", label, i, (long)bert_encoding_ids(e)[i],
                 (long)item(item(c, 1), i)->u.integer);
    if (spans->type != BERT__JSON_NULL
        && ((int64_t)span.start != item(spans, 2 * i)->u.integer
            || (int64_t)span.end != item(spans, 2 * i + 1)->u.integer))
        fail_msg("%s: token %zu is at %zu to %zu", label, i, span.start, span.end);
    if (tokens->type != BERT__JSON_NULL)
        want = item(tokens, i)->u.string;
    if (got.size != want.size || memcmp(got.data, want.data, got.size) != 0)
        fail_msg("%s: token %zu is \"%.*s\", not \"%.*s\"", label, i, (int)got.size, got.data,
                 (int)want.size, want.data);
}

/* A folder's cases have type ids, and some a second text. */
static void check_types(const bert_encoding *e, const struct bert__json *c, const char *label)
{
    for (size_t i = 0; c->u.array.count > 4 && i < bert_encoding_size(e); i++) {
        if (bert_encoding_type_ids(e)[i] != item(item(c, 4), i)->u.integer)
            fail_msg("%s: token %zu has type %ld", label, i, (long)bert_encoding_type_ids(e)[i]);
    }
}

static void check_cases(const bert_tokenizer *tok, const struct bert__json *cases,
                        const char *label)
{
    assert_true(bert__json_is(cases, BERT__JSON_ARRAY) && cases->u.array.count > 0);
    for (size_t k = 0; k < cases->u.array.count; k++) {
        const struct bert__json *c = item(cases, k);
        const bert_text *pair = c->u.array.count > 5 ? &item(c, 5)->u.string : NULL;
        bert_text text = item(c, 0)->u.string;
        bert_encoding *e;
        bert_error err;
        char name[200];

        snprintf(name, sizeof name, "%s, case %zu (%.*s)", label, k,
                 text.size < 80 ? (int)text.size : 80, text.data);
        if (bert_tokenize(tok, text, pair, NULL, &e, &err) != BERT_OK)
            fail_msg("%s: %s", name, err.message);
        if (bert_encoding_size(e) != item(c, 1)->u.array.count)
            fail_msg("%s: %zu tokens, not %zu", name, bert_encoding_size(e),
                     item(c, 1)->u.array.count);
        for (size_t i = 0; i < bert_encoding_size(e); i++)
            check_token(e, c, i, name);
        check_types(e, c, name);
        bert_encoding_free(e);
    }
}

/* ---- The beginning of long texts ------------------------------------------------- */

static uint32_t state_of = 1;

static size_t draw(size_t n)
{
    state_of = state_of * 1664525u + 1013904223u;
    return (state_of >> 8) % n;
}

/* A text of parts of the cases', most of them without white space, so that nothing parts it. */
static size_t make_long(const struct bert__json *cases, char *out, size_t size)
{
    size_t n = 0;

    while (n < size) {
        bert_text t = item(item(cases, draw(cases->u.array.count)), 0)->u.string;
        size_t from = t.size > 0 ? draw(t.size) : 0, end = from + draw(12);

        for (; from < end && from < t.size && n < size; from++) {
            if ((unsigned char)t.data[from] > ' ' || draw(200) == 0)
                out[n++] = t.data[from];
        }
        if (draw(100) == 0 && n < size)
            out[n++] = 'a';
    }
    return n;
}

/* The first k tokens and where they end, by calls that need not read the rest. */
static void check_beginning(const bert_tokenizer *tok, bert_text text, const bert_encoding *all,
                            size_t k, const char *label)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    size_t n = bert_encoding_size(all), at;
    bert_encoding *e;

    assert_int_equal(bert_cut_text(tok, text, k, BERT_TRUNCATE_RIGHT, &at, NULL), BERT_OK);
    if (at != (k >= n ? text.size : bert_encoding_offsets(all)[k - 1].end))
        fail_msg("%s: %zu tokens end at %zu", label, k, at);
    o.no_special = o.stop_early = 1;
    o.max_length = (uint32_t)k;
    assert_int_equal(bert_tokenize(tok, text, NULL, &o, &e, NULL), BERT_OK);
    assert_int_equal(bert_encoding_size(e), k < n ? k : n);
    for (size_t i = 0; i < bert_encoding_size(e); i++) {
        bert_span a = bert_encoding_offsets(e)[i], b = bert_encoding_offsets(all)[i];

        if (bert_encoding_ids(e)[i] != bert_encoding_ids(all)[i] || a.start != b.start
            || a.end != b.end)
            fail_msg("%s: of %zu tokens the %zu-th differs", label, k, i);
    }
    bert_encoding_free(e);
}

static void check_long(const bert_tokenizer *tok, const struct bert__json *cases, const char *label)
{
    enum { SIZE = 20000 };
    static const size_t wanted[] = {1, 2, 7, 30, 200, 1000};
    char *data = malloc(SIZE);
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_text text = {data, 0};
    bert_encoding *e;

    assert_non_null(data);
    text.size = make_long(cases, data, SIZE);
    o.no_special = 1;
    assert_int_equal(bert_tokenize(tok, text, NULL, &o, &e, NULL), BERT_OK);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        check_beginning(tok, text, e, wanted[i], label);
    bert_encoding_free(e);
    free(data);
}

static void test_random_models(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, DATA "random.json");
    assert_true(f.root->u.array.count >= 70);
    for (size_t i = 0; i < f.root->u.array.count; i++) {
        bert_text file = item(item(f.root, i), 0)->u.string;
        bert_file files[1] = {{"tokenizer.json", file.data, file.size}};
        bert_tokenizer *tok;
        bert_error err;
        char label[40];

        snprintf(label, sizeof label, "model %zu", i);
        if (bert_tokenizer_load_memory(&tok, files, 1, NULL, &err) != BERT_OK)
            fail_msg("%s: %s", label, err.message);
        check_cases(tok, item(item(f.root, i), 1), label);
        check_long(tok, item(item(f.root, i), 1), label);
        bert_tokenizer_unref(tok);
    }
    close_fixture(&f);
}

static void check_folder(const char *name)
{
    struct fixture f;
    bert_tokenizer *tok;
    bert_error err;
    char path[4096];

    snprintf(path, sizeof path, "%s%s", DATA, name);
    if (bert_tokenizer_load(&tok, path, NULL, &err) != BERT_OK)
        fail_msg("%s", err.message);
    snprintf(path, sizeof path, "%s%s/expected", DATA, name);
    open_fixture(&f, path);
    check_cases(tok, f.root, name);
    close_fixture(&f);
    bert_tokenizer_unref(tok);
}

static void test_folders(void **state)
{
    static const char *const names[] = {
        "roberta",
        "roberta_prefix",
        "longformer",
        "deberta",
        "gpt2",
        "mpnet",
        "distilbert",
        "electra",
        "xlmr",
        "xlmr_mask",
        "camembert",
        "albert",
        "albert_cased",
        "deberta_v2",
        "deberta_v2_lower",
        "plain_unigram",
        "plain_bpe",
        "plain_bytes",
        "gpt2_ends",
        "herbert",
        "funnel",
        "splinter",
        "dpr",
        "big_bird",
        "rembert",
        "xlnet",
        "bert_additional",
        "luke",
        "esm",
        "esm_no_end",
        "bert_generation",
        "bert_generation_unigram",
        "bert_generation_suffix",
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_folder(names[i]);
}

/* Load the folder and encode a text, with memory from `host`. */
static bert_status use_folder(const char *name, const bert_allocator *host)
{
    static const char text[] = "hello unbelievable caf\xC3\xA9 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                               "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb \xE6\x97\xA5 <mask>";
    bert_tokenizer_options o = BERT_TOKENIZER_OPTIONS_INIT;
    bert_tokenizer *tok;
    bert_encoding *e;
    char path[4096];
    bert_status status;

    o.allocator = host;
    snprintf(path, sizeof path, "%s%s", DATA, name);
    status = bert_tokenizer_load(&tok, path, &o, NULL);
    if (status != BERT_OK) {
        assert_null(tok);
        return status;
    }
    status = bert_tokenize(tok, (bert_text){text, sizeof text - 1}, NULL, NULL, &e, NULL);
    assert_true((status == BERT_OK) == (e != NULL));
    bert_encoding_free(e);
    bert_tokenizer_unref(tok);
    return status;
}

static void test_out_of_memory(void **state)
{
    static const char *const names[] = {"roberta",  "albert",  "deberta_v2",     "mpnet",
                                        "splinter", "rembert", "plain_bpe",      "herbert",
                                        "luke",     "esm",     "bert_generation"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct test_alloc heap;
        long n = 0;
        bert_status status;

        do {
            test_alloc_init(&heap, ++n);
            status = use_folder(names[i], &heap.host);
            if (status != BERT_OK && status != BERT_ENOMEM)
                fail_msg("%s: allocation %ld fails: %s", names[i], n, bert_status_name(status));
            if (heap.live != 0)
                fail_msg("%s: allocation %ld fails: %ld blocks are left", names[i], n, heap.live);
        } while (heap.calls >= n);
        assert_true(n > 30);
        assert_int_equal(status, BERT_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_models),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
