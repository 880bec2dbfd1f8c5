/* SPDX-License-Identifier: MIT */
/*
 * test_tok_stages.c - tests/data/tokenizer/stages.json: each normalizer and pre-tokenizer with
 * each option, and the sequences of real files, as the reference runs them
 * (tests/fixtures/make_stages_fixtures.py, which describes the file); in ordinary stretches, and
 * in the smallest, which must not show.
 */
#include "tests/unit/support_alloc.h"
#include "tests/unit/support_tok.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "tokenizer/pipeline.h"

enum { TEXT, IDS, TOKENS, OFFSETS, WORDS }; /* of a case */

struct fixture {
    struct bert__alloc *alloc;
    struct bert__arena arena;
    char *data;
    const struct bert__json *configs;
};

static void open_fixture(struct fixture *f)
{
    bert_error err;
    size_t size;

    f->data = tok_read_file("stages.json", &size);
    f->alloc = bert__alloc_create(NULL, 0);
    bert__arena_init(&f->arena, f->alloc);
    if (bert__json_parse(&f->arena, "stages.json", f->data, size, &f->configs, &err) != BERT_OK)
        fail_msg("%s", err.message);
    assert_true(f->configs->u.array.count >= 288);
}

static void close_fixture(struct fixture *f)
{
    bert__arena_free(&f->arena);
    bert__alloc_destroy(f->alloc);
    free(f->data);
}

/* The string of a configuration or case. */
static bert_text string(const struct bert__json *value)
{
    assert_true(bert__json_is(value, BERT__JSON_STRING));
    return value->u.string;
}

static bert_status load(bert_tokenizer **tok, bert_text json, const bert_allocator *host,
                        bert_error *err)
{
    bert_tokenizer_options o = BERT_TOKENIZER_OPTIONS_INIT;
    bert_file file = {"tokenizer.json", json.data, json.size};

    o.allocator = host;
    return bert_tokenizer_load_memory(tok, &file, 1, &o, err);
}

/* ---- A case --------------------------------------------------------------------- */

static size_t chars_before(bert_text text, size_t end)
{
    size_t n = 0, len;

    for (size_t i = 0; i < end; i += len, n++)
        (void)bert__utf8_next(text.data + i, text.size - i, &len);
    return n;
}

static void check_token(const bert_encoding *e, const struct bert__json *c, size_t i, bool chars,
                        const char *label)
{
    bert_text text = string(tok_item(c, TEXT)), got = bert_encoding_token(e, i);
    bert_text want = string(tok_item(tok_item(c, TOKENS), i));
    bert_span span = bert_encoding_offsets(e)[i];
    size_t begin = (size_t)tok_number(tok_item(c, OFFSETS), 2 * i);
    size_t end = (size_t)tok_number(tok_item(c, OFFSETS), 2 * i + 1);

    if (bert_encoding_ids(e)[i] != tok_number(tok_item(c, IDS), i))
        fail_msg("%s: id %zu is %ld", label, i, (long)bert_encoding_ids(e)[i]);
    if (got.size != want.size || memcmp(got.data, want.data, got.size) != 0)
        fail_msg("%s: token %zu is \"%.*s\", not \"%.*s\"", label, i, (int)got.size, got.data,
                 (int)want.size, want.data);
    if (chars) {
        begin = chars_before(text, begin);
        end = chars_before(text, end);
    }
    if (span.start != begin || span.end != end)
        fail_msg("%s: token %zu is at %zu to %zu, not %zu to %zu", label, i, span.start, span.end,
                 begin, end);
    if (bert_encoding_word_ids(e)[i] != tok_number(tok_item(c, WORDS), i))
        fail_msg("%s: word %zu is %ld", label, i, (long)bert_encoding_word_ids(e)[i]);
}

/* In bytes, or in code points. */
static void check_case(const bert_tokenizer *tok, const struct bert__json *c, bool chars,
                       const char *label)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *e;
    bert_error err;

    o.offset_unit = chars ? BERT_OFFSET_CHARS : BERT_OFFSET_BYTES;
    if (bert_tokenize(tok, string(tok_item(c, TEXT)), NULL, &o, &e, &err) != BERT_OK)
        fail_msg("%s: %s", label, err.message);
    if (bert_encoding_size(e) != tok_item(c, TOKENS)->u.array.count)
        fail_msg("%s: %zu tokens, not %zu", label, bert_encoding_size(e),
                 tok_item(c, TOKENS)->u.array.count);
    for (size_t i = 0; i < bert_encoding_size(e); i++)
        check_token(e, c, i, chars, label);
    bert_encoding_free(e);
}

/* ---- All of them ------------------------------------------------------------------ */

/* One configuration; returns the number of its cases. */
static size_t check_config(const struct bert__json *config, bool smallest)
{
    const struct bert__json *cases = tok_item(config, 2);
    bert_text name = string(tok_item(config, 0));
    bert_tokenizer *tok;
    bert_error err;
    char label[120];

    if (load(&tok, string(tok_item(config, 1)), NULL, &err) != BERT_OK)
        fail_msg("%.*s: %s", (int)name.size, name.data, err.message);
    if (smallest && tok->stretch != 0)
        tok->stretch = 1;
    for (size_t k = 0; k < cases->u.array.count; k++) {
        snprintf(label, sizeof label, "%.*s, case %zu", (int)name.size, name.data, k);
        check_case(tok, tok_item(cases, k), false, label);
        check_case(tok, tok_item(cases, k), true, label);
    }
    bert_tokenizer_unref(tok);
    return cases->u.array.count;
}

static void check_all(bool smallest)
{
    struct fixture f;
    size_t n = 0;

    open_fixture(&f);
    for (size_t i = 0; i < f.configs->u.array.count; i++)
        n += check_config(tok_item(f.configs, i), smallest);
    assert_true(n >= 3700);
    close_fixture(&f);
}

static void test_stages(void **state)
{
    (void)state;
    check_all(false);
}

static void test_smallest_stretches(void **state)
{
    (void)state;
    check_all(true);
}

/* ---- Regular expressions that are not taken -------------------------------------------- */

static void test_refused(void **state)
{
    static const char *const patterns[] = {
        "(?=a)",      "a{0,2}",     "a*",         "[a&&b]",
        "a++b",       "(a+)+",      "(?i:a)",     "\\\\bx",
        "[a-",        "[",          "[]",         "[^]",
        "[a[b]",      "a\\\\",      "[\\\\s-a]",  "[a-b-c]",
        "[z-a]",      "\\\\p{L",    "\\\\p{Han}", "\\\\u12",
        "a{",         "a{1",        "a{99}",      "a{3,2}",
        "a+?",        "^a",         "a$",         "a|",
        "(a",         "[a\\\\w-z]", "\\\\s+$|a",  "\\\\s*[\\\\r\\\\n]+",
        "[[:alpha:]]"};

    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        char json[400];
        bert_tokenizer *tok;
        bert_error err;

        snprintf(
            json, sizeof json,
            "{\"added_tokens\":[],\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":"
            "\"%s\"},\"behavior\":\"Isolated\",\"invert\":false},\"model\":{\"type\":"
            "\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0.0]]}}",
            patterns[i]);
        if (load(&tok, (bert_text){json, strlen(json)}, NULL, &err) != BERT_EUNSUPPORTED)
            fail_msg("%s is not refused: %s", patterns[i], err.message);
        assert_non_null(strstr(err.message, "regular expression"));
    }
}

/* ---- Memory that runs out ------------------------------------------------------------ */

static bert_status use(bert_text json, bert_text text, const bert_allocator *host)
{
    bert_tokenizer *tok;
    bert_encoding *e;
    bert_status status = load(&tok, json, host, NULL);

    assert_true((status == BERT_OK) == (tok != NULL));
    if (status != BERT_OK)
        return status;
    status = bert_tokenize(tok, text, NULL, NULL, &e, NULL);
    assert_true((status == BERT_OK) == (e != NULL));
    bert_encoding_free(e);
    bert_tokenizer_unref(tok);
    return status;
}

static void fail_each_allocation(const struct bert__json *config)
{
    const struct bert__json *cases = tok_item(config, 2);
    bert_text text = string(tok_item(tok_item(cases, cases->u.array.count - 1), TEXT));
    bert_text name = string(tok_item(config, 0));
    struct test_alloc heap;
    long n = 0;
    bert_status status;

    do {
        test_alloc_init(&heap, ++n);
        status = use(string(tok_item(config, 1)), text, &heap.host);
        if (status != BERT_OK && status != BERT_ENOMEM)
            fail_msg("%.*s: allocation %ld fails: %s", (int)name.size, name.data, n,
                     bert_status_name(status));
        if (heap.live != 0)
            fail_msg("%.*s: allocation %ld fails: %ld blocks are left", (int)name.size, name.data,
                     n, heap.live);
    } while (heap.calls >= n);
    assert_int_equal(status, BERT_OK);
    assert_true(n > 10);
}

static void test_out_of_memory(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < f.configs->u.array.count; i++)
        fail_each_allocation(tok_item(f.configs, i));
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_smallest_stretches),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
