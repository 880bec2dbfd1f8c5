/* SPDX-License-Identifier: MIT */
/*
 * test_encodings.c - arrays of many encodings by one call are those of the getters, end to end.
 */
#include "support.h"

#include <string.h>

enum { N = 5 };

static const char *const words[N] = {"a cat on a mat", "", "x", "prices rose again", "a"};

struct batch {
    bert_tokenizer *tok;
    bert_encoding *e[N];
    size_t sizes[N];
    size_t tokens;
};

static const bert_encoding *const *view(const struct batch *b)
{
    return (const bert_encoding *const *)b->e;
}

/* The third text has no encoding, as if it had failed. */
static int set_up(void **state)
{
    static struct batch b;
    bert_error err;

    test_ok(bert_tokenizer_load(&b.tok, test_path("tests/data/models/embed/base"), NULL, &err),
            &err);
    for (size_t i = 0; i < N; i++) {
        bert_text text = {words[i], strlen(words[i])};

        b.e[i] = NULL;
        if (i != 2)
            test_ok(bert_tokenize(b.tok, text, NULL, NULL, &b.e[i], &err), &err);
    }
    b.tokens = bert_encodings_sizes(view(&b), N, b.sizes);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct batch *b = *state;

    bert_encodings_free(b->e, N);
    for (size_t i = 0; i < N; i++)
        assert_null(b->e[i]);
    bert_encodings_free(b->e, N);
    bert_encodings_free(NULL, 0);
    bert_tokenizer_unref(b->tok);
    return 0;
}

static void test_sizes(void **state)
{
    struct batch *b = *state;
    size_t sum = 0;

    for (size_t i = 0; i < N; i++) {
        assert_int_equal(b->sizes[i], i == 2 ? 0 : bert_encoding_size(b->e[i]));
        sum += b->sizes[i];
    }
    assert_true(sum > 15);
    assert_int_equal(b->tokens, sum);
    assert_int_equal(bert_encodings_sizes(view(b), N, NULL), sum);
    assert_int_equal(bert_encodings_sizes(NULL, 0, NULL), 0);
}

static const void *getter(const bert_encoding *e, bert_encoding_field field)
{
    switch (field) {
    case BERT_ENCODING_IDS:
        return bert_encoding_ids(e);
    case BERT_ENCODING_TYPE_IDS:
        return bert_encoding_type_ids(e);
    case BERT_ENCODING_OFFSETS:
        return bert_encoding_offsets(e);
    case BERT_ENCODING_SPECIAL_MASK:
        return bert_encoding_special_mask(e);
    case BERT_ENCODING_ATTENTION_MASK:
        return bert_encoding_attention_mask(e);
    case BERT_ENCODING_WORD_IDS:
        return bert_encoding_word_ids(e);
    case BERT_ENCODING_SEQUENCE_IDS:
        return bert_encoding_sequence_ids(e);
    }
    return NULL;
}

static void test_copy(void **state)
{
    static const size_t widths[] = {4, 4, sizeof(bert_span), 1, 1, 4, 1};
    struct batch *b = *state;
    unsigned char out[2048];
    bert_error err;

    for (int field = BERT_ENCODING_IDS; field <= BERT_ENCODING_SEQUENCE_IDS; field++) {
        size_t width = widths[field], at = 0, size = b->tokens * width;

        assert_true(size < sizeof out);
        memset(out, 0xA5, sizeof out);
        test_ok(bert_encodings_copy(view(b), N, (bert_encoding_field)field, out, size, &err), &err);
        for (size_t i = 0; i < N; i++) {
            if (b->e[i] == NULL)
                continue;
            assert_memory_equal(out + at, getter(b->e[i], (bert_encoding_field)field),
                                b->sizes[i] * width);
            at += b->sizes[i] * width;
        }
        assert_int_equal(at, size);
        assert_int_equal(out[size], 0xA5);
        memset(out, 0xA5, sizeof out);
        test_error(bert_encodings_copy(view(b), N, (bert_encoding_field)field, out, size - 1, &err),
                   &err, BERT_ERANGE, "bytes", NULL);
        assert_int_equal(out[0], 0xA5);
    }
}

static void test_bad_arguments(void **state)
{
    struct batch *b = *state;
    unsigned char out[2048];
    bert_error err;

    test_error(bert_encodings_copy(view(b), N, (bert_encoding_field)7, out, sizeof out, &err), &err,
               BERT_EINVAL, "field", NULL);
    test_error(bert_encodings_copy(NULL, N, BERT_ENCODING_IDS, out, sizeof out, &err), &err,
               BERT_EINVAL, "encodings", NULL);
    test_error(bert_encodings_copy(view(b), N, BERT_ENCODING_IDS, NULL, sizeof out, &err), &err,
               BERT_EINVAL, "out", NULL);
    test_ok(bert_encodings_copy(NULL, 0, BERT_ENCODING_IDS, NULL, 0, &err), &err);
    test_ok(bert_encodings_copy(view(b) + 2, 1, BERT_ENCODING_IDS, NULL, 0, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_bad_arguments),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
