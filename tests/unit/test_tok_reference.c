/* SPDX-License-Identifier: MIT */
/*
 * test_tok_reference.c - tests/data/tokenizer: texts as the reference tokenizes them
 * (tests/fixtures/make_tokenizer_fixtures.py, which describes the files).
 */
#include "tests/unit/support_tok.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/tokenizer.h"

/* With a Lowercase in front if the name says so. */
static bert_tokenizer *load(const char *name, const bert_file *file)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__source *source;
    bert_tokenizer *tok;
    bert_error err;

    assert_int_equal(bert__source_open_memory(&source, alloc, file, 1, 0, &err), BERT_OK);
    if (bert__tokenizer_load(&tok, NULL, source, "", strstr(name, "lowered") != NULL, &err)
        != BERT_OK)
        fail_msg("%s: %s", name, err.message);
    bert__source_close(source);
    bert__alloc_destroy(alloc);
    return tok;
}

static void check_file(const char *name, size_t at_least)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__arena arena;
    const struct bert__json *cases;
    char file[64], label[100], *data, *json;
    size_t size, n;
    bert_tokenizer *tok;
    bert_error err;

    snprintf(file, sizeof file, "%s.json", name);
    json = tok_read_file(file, &n);
    tok = load(name, &(bert_file){"tokenizer.json", json, n});
    snprintf(file, sizeof file, "%s.cases.json", name);
    data = tok_read_file(file, &size);
    bert__arena_init(&arena, alloc);
    if (bert__json_parse(&arena, file, data, size, &cases, &err) != BERT_OK)
        fail_msg("%s", err.message);
    assert_true(cases->u.array.count >= at_least);
    for (size_t i = 0; i < cases->u.array.count; i++) {
        snprintf(label, sizeof label, "%s, case %zu", file, i);
        tok_check_case(tok, tok_item(cases, i), label);
    }
    bert__arena_free(&arena);
    bert__alloc_destroy(alloc);
    bert_tokenizer_unref(tok);
    free(data);
    free(json);
}

static void test_wordpiece(void **state)
{
    (void)state;
    check_file("uncased", 700);
    check_file("cased", 200);
}

static void test_templates(void **state)
{
    (void)state;
    check_file("processing", 100);
    check_file("template", 100);
}

static void test_added(void **state)
{
    (void)state;
    check_file("added", 200);
}

static void test_normalizers(void **state)
{
    (void)state;
    check_file("chars", 500);
    check_file("chars_unclean", 200);
    check_file("chars_strip", 200);
    check_file("chars_raw", 200);
    check_file("chars_lowered", 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wordpiece),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_added),
        cmocka_unit_test(test_normalizers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
