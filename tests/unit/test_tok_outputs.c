/* SPDX-License-Identifier: MIT */
/*
 * test_tok_outputs.c - post-processors and decoders, chained at random, as the reference runs them
 * (tests/fixtures/make_output_fixtures.py, which describes the files).
 */
#include "tests/unit/support_tok.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"

/* The tokenizer `base` with a component in place of "key":null. */
static bert_tokenizer *load(bert_text base, const char *key, bert_text component)
{
    char *json = malloc(base.size + component.size + 1), *copy = malloc(base.size + 1), *at;
    char pattern[64];
    bert_tokenizer *tok = NULL;
    bert_error err;
    size_t n;

    assert_true(json != NULL && copy != NULL);
    memcpy(copy, base.data, base.size);
    copy[base.size] = 0;
    snprintf(pattern, sizeof pattern, "\"%s\":null", key);
    at = strstr(copy, pattern);
    assert_non_null(at);
    n = (size_t)(at - copy) + strlen(key) + 3;
    memcpy(json, copy, n);
    memcpy(json + n, component.data, component.size);
    memcpy(json + n + component.size, copy + n + 4, base.size - n - 4);
    if (bert_tokenizer_load_memory(
            &tok, &(bert_file){"tokenizer.json", json, base.size + component.size - 4}, 1, NULL,
            &err)
        != BERT_OK)
        fail_msg("%.*s: %s", (int)component.size, component.data, err.message);
    free(copy);
    free(json);
    return tok;
}

typedef void case_fn(const bert_tokenizer *tok, const struct bert__json *c, const char *label);

static void check_file(const char *name, const char *key, case_fn *check, size_t at_least)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__arena arena;
    const struct bert__json *root, *entries;
    char label[4096], *data;
    size_t size, n = 0;
    bert_error err;

    data = tok_read_file(name, &size);
    bert__arena_init(&arena, alloc);
    if (bert__json_parse(&arena, name, data, size, &root, &err) != BERT_OK)
        fail_msg("%s", err.message);
    entries = tok_item(root, 1);
    for (size_t i = 0; i < entries->u.array.count; i++) {
        bert_text component = tok_item(tok_item(entries, i), 0)->u.string;
        const struct bert__json *cases = tok_item(tok_item(entries, i), 1);
        bert_tokenizer *tok = load(tok_item(root, 0)->u.string, key, component);

        for (size_t k = 0; k < cases->u.array.count; k++, n++) {
            snprintf(label, sizeof label, "%.*s, case %zu", (int)component.size, component.data, k);
            check(tok, tok_item(cases, k), label);
        }
        bert_tokenizer_unref(tok);
    }
    assert_true(n >= at_least);
    bert__arena_free(&arena);
    bert__alloc_destroy(alloc);
    free(data);
}

static void test_processors(void **state)
{
    (void)state;
    check_file("processors.json", "post_processor", tok_check_case, 800);
}

static void check_decoding(const bert_tokenizer *tok, const struct bert__json *c, const char *label)
{
    const struct bert__json *list = tok_item(c, 0);
    bert_text want = tok_item(c, 2)->u.string;
    int32_t ids[16];
    char text[512];
    size_t n, size;

    assert_true(list->u.array.count <= 16);
    for (n = 0; n < list->u.array.count; n++)
        ids[n] = (int32_t)tok_number(list, n);
    assert_int_equal(
        bert_decode(tok, ids, n, (int)tok_number(c, 1), text, sizeof text, &size, NULL), BERT_OK);
    if (size != want.size || memcmp(text, want.data, size) != 0)
        fail_msg("%s: \"%.*s\", not \"%.*s\"", label, (int)size, text, (int)want.size, want.data);
    assert_int_equal(bert_decode(tok, ids, n, (int)tok_number(c, 1), NULL, 0, &size, NULL),
                     want.size > 0 ? BERT_ERANGE : BERT_OK);
    assert_int_equal(size, want.size);
}

static void test_decoders(void **state)
{
    (void)state;
    check_file("decoders.json", "decoder", check_decoding, 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processors),
        cmocka_unit_test(test_decoders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
