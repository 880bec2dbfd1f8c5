/* SPDX-License-Identifier: MIT */
/*
 * test_tok_reference.c - tests/data/tokenizer: texts as the reference tokenizes them
 * (tests/fixtures/make_tokenizer_fixtures.py, which describes the files).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bert.h>

#include "lib/base/json.h"
#include "tokenizer/tokenizer.h"

enum { IDS, TYPES, OFFSETS, SPECIAL, WORDS, SEQUENCES, TOKENS, N_LISTS };

static char *read_file(const char *name, size_t *size)
{
    char path[4096], *data;
    FILE *f;

    snprintf(path, sizeof path, "%s/tests/data/tokenizer/%s", TEST_SRCDIR, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    data = malloc(*size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, f), *size);
    fclose(f);
    return data;
}

static const struct bert__json *item(const struct bert__json *array, size_t i)
{
    assert_true(bert__json_is(array, BERT__JSON_ARRAY));
    assert_true(i < array->u.array.count);
    return &array->u.array.items[i];
}

static int64_t number(const struct bert__json *array, size_t i)
{
    const struct bert__json *v = item(array, i);

    assert_true(v->type == BERT__JSON_NUMBER && v->is_integer);
    return v->u.integer;
}

/* A text of a case: a string, or {"hex": ...} into the buffer. */
static bert_text text_of(const struct bert__json *value, char buffer[256])
{
    const struct bert__json *hex = bert__json_get(value, "hex");
    bert_text text = {buffer, 0};

    if (value->type == BERT__JSON_STRING)
        return value->u.string;
    assert_true(bert__json_is(hex, BERT__JSON_STRING));
    assert_true(hex->u.string.size < 512);
    for (; text.size < hex->u.string.size / 2; text.size++) {
        char digits[3] = {hex->u.string.data[2 * text.size], hex->u.string.data[2 * text.size + 1],
                          0};

        buffer[text.size] = (char)strtoul(digits, NULL, 16);
    }
    return text;
}

static bert_tokenize_options options_of(const struct bert__json *value)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    uint32_t *fields[] = {&o.no_special, &o.max_length, &o.stride,      &o.overflow,
                          &o.strategy,   &o.side,       &o.offset_unit, &o.pad_length};

    for (size_t i = 0; value->type == BERT__JSON_ARRAY && i < 8; i++)
        *fields[i] = (uint32_t)number(value, i);
    return o;
}

/* Entry i of list k, whatever its type in the encoding. */
static int64_t entry(const bert_encoding *e, int k, size_t i)
{
    switch (k) {
    case IDS:
        return bert_encoding_ids(e)[i];
    case TYPES:
        return bert_encoding_type_ids(e)[i];
    case OFFSETS:
        return (int64_t)(i & 1 ? bert_encoding_offsets(e)[i / 2].end
                               : bert_encoding_offsets(e)[i / 2].start);
    case SPECIAL:
        return bert_encoding_special_mask(e)[i];
    case WORDS:
        return bert_encoding_word_ids(e)[i];
    default:
        return bert_encoding_sequence_ids(e)[i];
    }
}

static void check_tokens(const bert_tokenizer *tok, const bert_encoding *e,
                         const struct bert__json *tokens, const char *label)
{
    for (size_t i = 0; i < bert_encoding_size(e); i++) {
        bert_text got = bert_encoding_token(e, i), want;

        if (tokens->type == BERT__JSON_ARRAY) {
            assert_true(bert__json_is(item(tokens, i), BERT__JSON_STRING));
            want = item(tokens, i)->u.string;
        } else {
            want = bert_tokenizer_token(tok, bert_encoding_ids(e)[i]);
        }
        if (got.size != want.size || memcmp(got.data, want.data, got.size) != 0)
            fail_msg("%s: token %zu is \"%.*s\", not \"%.*s\"", label, i, (int)got.size, got.data,
                     (int)want.size, want.data);
    }
}

static void check_window(const bert_tokenizer *tok, const bert_encoding *e,
                         const struct bert__json *window, const char *label)
{
    static const char *const names[] = {"id",           "type id", "offset",
                                        "special mask", "word",    "sequence"};

    assert_non_null(e);
    assert_int_equal(window->u.array.count, N_LISTS);
    if (bert_encoding_size(e) != item(window, IDS)->u.array.count)
        fail_msg("%s: %zu tokens, not %zu", label, bert_encoding_size(e),
                 item(window, IDS)->u.array.count);
    for (int k = IDS; k < TOKENS; k++) {
        const struct bert__json *list = item(window, (size_t)k);

        assert_int_equal(list->u.array.count, bert_encoding_size(e) * (k == OFFSETS ? 2 : 1));
        for (size_t i = 0; i < list->u.array.count; i++) {
            if (entry(e, k, i) != number(list, i))
                fail_msg("%s: %s %zu is %lld, not %lld", label, names[k], i,
                         (long long)entry(e, k, i), (long long)number(list, i));
        }
    }
    check_tokens(tok, e, item(window, TOKENS), label);
}

static void check_case(const bert_tokenizer *tok, const struct bert__json *c, const char *label)
{
    char buffers[2][256];
    bert_text text = text_of(item(c, 0), buffers[0]), pair, *second = NULL;
    const struct bert__json *windows = item(c, 3);
    bert_tokenize_options o = options_of(item(c, 2));
    bert_encoding *e;
    bert_error err;
    size_t count;
    bert_status status;

    if (item(c, 1)->type != BERT__JSON_NULL) {
        pair = text_of(item(c, 1), buffers[1]);
        second = &pair;
    }
    status = bert_tokenize(tok, text, second, &o, &e, &err);
    if (windows->type == BERT__JSON_NULL) {
        if (status != BERT_EINVAL && status != BERT_ERANGE)
            fail_msg("%s: status %d where the reference refuses", label, (int)status);
        assert_null(e);
        assert_int_equal(bert_count_tokens(tok, text, second, &o, &count, NULL), status);
        return;
    }
    if (status != BERT_OK)
        fail_msg("%s: %s", label, err.message);
    assert_int_equal(bert_encoding_overflow_count(e) + 1, windows->u.array.count);
    check_window(tok, e, item(windows, 0), label);
    for (size_t i = 1; i < windows->u.array.count; i++)
        check_window(tok, bert_encoding_overflow(e, i - 1), item(windows, i), label);
    assert_null(bert_encoding_overflow(e, windows->u.array.count - 1));
    if (bert_encoding_truncated(e) != (size_t)number(c, 4))
        fail_msg("%s: truncated is %zu", label, bert_encoding_truncated(e));
    assert_int_equal(bert_count_tokens(tok, text, second, &o, &count, NULL), BERT_OK);
    assert_int_equal(count, bert_encoding_size(e));
    bert_encoding_free(e);
}

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
    json = read_file(file, &n);
    tok = load(name, &(bert_file){"tokenizer.json", json, n});
    snprintf(file, sizeof file, "%s.cases.json", name);
    data = read_file(file, &size);
    bert__arena_init(&arena, alloc);
    if (bert__json_parse(&arena, file, data, size, &cases, &err) != BERT_OK)
        fail_msg("%s", err.message);
    assert_true(cases->u.array.count >= at_least);
    for (size_t i = 0; i < cases->u.array.count; i++) {
        snprintf(label, sizeof label, "%s, case %zu", file, i);
        check_case(tok, item(cases, i), label);
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
