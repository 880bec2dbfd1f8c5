/* SPDX-License-Identifier: MIT */
/* support_tok.c - cases of the tokenizer fixtures. */
#include "tests/unit/support_tok.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDS, TYPES, OFFSETS, SPECIAL, WORDS, SEQUENCES, TOKENS, N_LISTS };

char *tok_read_file(const char *name, size_t *size)
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

const struct bert__json *tok_item(const struct bert__json *array, size_t i)
{
    assert_true(bert__json_is(array, BERT__JSON_ARRAY));
    assert_true(i < array->u.array.count);
    return &array->u.array.items[i];
}

int64_t tok_number(const struct bert__json *array, size_t i)
{
    const struct bert__json *v = tok_item(array, i);

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
        *fields[i] = (uint32_t)tok_number(value, i);
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
            assert_true(bert__json_is(tok_item(tokens, i), BERT__JSON_STRING));
            want = tok_item(tokens, i)->u.string;
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
    if (bert_encoding_size(e) != tok_item(window, IDS)->u.array.count)
        fail_msg("%s: %zu tokens, not %zu", label, bert_encoding_size(e),
                 tok_item(window, IDS)->u.array.count);
    for (int k = IDS; k < TOKENS; k++) {
        const struct bert__json *list = tok_item(window, (size_t)k);

        assert_int_equal(list->u.array.count, bert_encoding_size(e) * (k == OFFSETS ? 2 : 1));
        for (size_t i = 0; i < list->u.array.count; i++) {
            if (entry(e, k, i) != tok_number(list, i))
                fail_msg("%s: %s %zu is %lld, not %lld", label, names[k], i,
                         (long long)entry(e, k, i), (long long)tok_number(list, i));
        }
    }
    check_tokens(tok, e, tok_item(window, TOKENS), label);
}

enum { MAX_WORDS = 16 };

/* A text, or a list of words. */
struct text {
    bert_text words[MAX_WORDS];
    size_t n;
    bool is_list, is_there;
};

static struct text read_text(const struct bert__json *value, char buffer[256])
{
    struct text t = {.is_there = value->type != BERT__JSON_NULL};

    t.is_list = value->type == BERT__JSON_ARRAY;
    if (!t.is_list && t.is_there)
        t.words[t.n++] = text_of(value, buffer);
    for (size_t i = 0; t.is_list && i < value->u.array.count; i++) {
        assert_true(t.n < MAX_WORDS);
        t.words[t.n++] = tok_item(value, i)->u.string;
    }
    return t;
}

static bert_status tokenize(const bert_tokenizer *tok, const struct text *a, const struct text *b,
                            const bert_tokenize_options *o, bert_encoding **e, bert_error *err)
{
    if (a->is_list)
        return bert_tokenize_words(tok, a->words, a->n, b->is_there ? b->words : NULL, b->n, o, e,
                                   err);
    return bert_tokenize(tok, a->words[0], b->is_there ? &b->words[0] : NULL, o, e, err);
}

static void check_count(const bert_tokenizer *tok, const struct text *a, const struct text *b,
                        const bert_tokenize_options *o, bert_status status, size_t expected)
{
    size_t count;

    if (a->is_list)
        return;
    assert_int_equal(
        bert_count_tokens(tok, a->words[0], b->is_there ? &b->words[0] : NULL, o, &count, NULL),
        status);
    assert_int_equal(count, expected);
}

void tok_check_case(const bert_tokenizer *tok, const struct bert__json *c, const char *label)
{
    char buffers[2][256];
    struct text a = read_text(tok_item(c, 0), buffers[0]);
    struct text b = read_text(tok_item(c, 1), buffers[1]);
    const struct bert__json *windows = tok_item(c, 3);
    bert_tokenize_options o = options_of(tok_item(c, 2));
    bert_encoding *e;
    bert_error err;
    bert_status status = tokenize(tok, &a, &b, &o, &e, &err);

    if (windows->type == BERT__JSON_NULL) {
        if (status != BERT_EINVAL && status != BERT_ERANGE)
            fail_msg("%s: status %d where the reference refuses", label, (int)status);
        assert_null(e);
        check_count(tok, &a, &b, &o, status, 0);
        return;
    }
    if (status != BERT_OK)
        fail_msg("%s: %s", label, err.message);
    assert_int_equal(bert_encoding_overflow_count(e) + 1, windows->u.array.count);
    check_window(tok, e, tok_item(windows, 0), label);
    for (size_t i = 1; i < windows->u.array.count; i++)
        check_window(tok, bert_encoding_overflow(e, i - 1), tok_item(windows, i), label);
    assert_null(bert_encoding_overflow(e, windows->u.array.count - 1));
    if (tok_number(c, 4) >= 0 && bert_encoding_truncated(e) != (size_t)tok_number(c, 4))
        fail_msg("%s: truncated is %zu", label, bert_encoding_truncated(e));
    check_count(tok, &a, &b, &o, BERT_OK, bert_encoding_size(e));
    bert_encoding_free(e);
}
