/* SPDX-License-Identifier: MIT */
/*
 * test_spans.c - the pure parts of tagging and question answering, where the reference's pipelines
 * (tests/data/cli/tasks) don't reach: equality under lower-casing, equal scores, odd spans.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "lib/head/answers.h"
#include "lib/head/chars.h"
#include "lib/head/entities.h"
#include "lib/head/fold.h"
#include "lib/head/spans.h"

#define TOKENIZER                                                                                  \
    "{\"added_tokens\":[],\"normalizer\":null,\"decoder\":null,"                                   \
    "\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"post_processor\":{\"type\":"               \
    "\"BertProcessing\",\"cls\":[\"[CLS]\",1],\"sep\":[\"[SEP]\",2]},"                             \
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","                                   \
    "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{"            \
    "\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"a\":3,\"##b\":4,\"##c\":5,\"q\":6}}}"

static bert_text text_of(const char *s)
{
    return (bert_text){s, strlen(s)};
}

static bert_encoding *encode(const char *text, const char *pair, uint32_t max_length,
                             uint32_t stride)
{
    bert_file file = {"tokenizer.json", TOKENIZER, sizeof TOKENIZER - 1};
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_text second = pair != NULL ? text_of(pair) : (bert_text){NULL, 0};
    bert_encoding *encoding;
    bert_tokenizer *tok;

    o.max_length = max_length;
    o.stride = stride;
    o.overflow = max_length > 0;
    o.strategy = pair != NULL ? BERT_ONLY_SECOND : BERT_ONLY_FIRST;
    assert_int_equal(bert_tokenizer_load_memory(&tok, &file, 1, NULL, NULL), BERT_OK);
    assert_int_equal(
        bert_tokenize(tok, text_of(text), pair != NULL ? &second : NULL, &o, &encoding, NULL),
        BERT_OK);
    bert_tokenizer_unref(tok);
    return encoding;
}

/* ---- Lower-casing --------------------------------------------------------------------- */

static void folds(const char *a, const char *b, bool equal)
{
    assert_int_equal(bert__fold_equal(text_of(a), text_of(b)), equal);
    assert_int_equal(bert__fold_equal(text_of(b), text_of(a)), equal);
    if (equal)
        assert_true(bert__fold_hash(text_of(a)) == bert__fold_hash(text_of(b)));
}

static void test_fold(void **state)
{
    (void)state;
    folds("", "", true);
    folds("Berlin", "bERLIN", true);
    folds("Berlin", "Berlin ", false);
    folds("STRASSE",
          "stra\xc3\x9f"
          "e",
          false);
    folds("\xc4\xb0", "i\xcc\x87", true); /* capital I with dot: two code points */
    /* the sigma that ends a word, which need not end the text */
    folds("\xce\x9f\xce\xa3", "\xce\xbf\xcf\x82", true);
    folds("\xce\x9f\xce\xa3", "\xce\xbf\xcf\x83", false);
    folds("\xce\x9f\xce\xa3.", "\xce\xbf\xcf\x82.", true);
    folds("\xce\x9f\xce\xa3.\xce\x9f", "\xce\xbf\xcf\x83.\xce\xbf", true);
    folds("\xce\x9f'\xce\xa3 x", "\xce\xbf'\xcf\x82 x", true);
    folds("\xce\xa3", "\xcf\x83", true); /* no letter before it */
    folds("1\xce\xa3", "1\xcf\x83", true);
    /* ill-formed parts are replacement characters */
    folds("a\xff", "A\xef\xbf\xbd", true);
    folds("a\xff", "A\xfe", true);
}

static void test_chars(void **state)
{
    bert_text text = text_of("a\xc3\xa9\xff\xf0\x9f\x98\x80z");
    struct bert__char_cursor c = {0, 0};

    (void)state;
    assert_int_equal(bert__chars_between(text, 0, text.size), 5);
    assert_int_equal(bert__chars_between(text, 3, 8), 2);
    assert_int_equal(bert__chars_between(text, 8, 3), 0);
    assert_int_equal(bert__char_cursor_to(&c, text, 8), 4);
    assert_int_equal(bert__char_cursor_to(&c, text, 3), 2);
    assert_int_equal(bert__char_cursor_to(&c, text, 0), 0);
    assert_int_equal(bert__char_cursor_forward(&c, text, 3), 4);
    assert_int_equal(bert__char_cursor_forward(&c, text, 99), text.size);
}

/* ---- Answers --------------------------------------------------------------------------- */

static void test_answers(void **state)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    bert_text text = text_of("The cat the CAT, a dog");
    static const bert_span cats[] = {{0, 7}, {8, 15}, {4, 7}, {12, 15}};
    struct bert__answers a;

    (void)state;
    bert__answers_init(&a, alloc);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(bert__answers_add(&a, text, cats[i], 0.125f, NULL), BERT_OK);
    assert_int_equal(bert__answers_add(&a, text, (bert_span){19, 22}, 0.25f, NULL), BERT_OK);
    assert_int_equal(bert__answers_add(&a, text, (bert_span){9, 5}, 0.5f, NULL), BERT_OK);
    for (size_t i = 0; i < text.size; i++) /* so that the table grows */
        assert_int_equal(bert__answers_add(&a, text, (bert_span){i, text.size}, 0, NULL), BERT_OK);
    a.null = 0.25f;
    assert_int_equal(bert__answers_sort(&a, true, NULL), BERT_OK);
    /* nothing, seen as a span; both cats and the dog in their order, then the null answer */
    assert_int_equal(a.list[0].at.start, 9);
    assert_int_equal(a.list[1].at.start, 0);
    assert_int_equal(a.list[2].at.start, 4);
    assert_int_equal(a.list[3].at.start, 19);
    assert_true(a.list[4].null && a.list[4].score >= 0.25);
    assert_int_equal(a.n, 5 + text.size - 1); /* "dog" was there already */
    bert__answers_free(&a);
    assert_int_equal(bert__answers_sort(&a, false, NULL), BERT_OK);
    assert_int_equal(a.n, 0);
    bert__answers_free(&a);
    bert__alloc_destroy(alloc);
}

/* ---- Spans ------------------------------------------------------------------------------ */

/* [CLS] q [SEP] a ##b a [SEP]: all logits are equal, so that order alone decides. */
static void test_equal_spans(void **state)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    bert_encoding *e = encode("q", "ab a", 0, 0);
    float logits[2 * 7] = {0}, null;
    struct bert__spans s;

    (void)state;
    assert_int_equal(bert_encoding_size(e), 7);
    assert_int_equal(bert__spans_init(&s, alloc, 7, 2, 3, NULL), BERT_OK);
    bert__spans_find(&s, e, logits, &null);
    assert_true(fabs((double)null - 1.0 / 16) < 1e-7);
    assert_int_equal(s.n, 3);
    assert_int_equal(s.list[0].start * 10 + s.list[0].end, 33);
    assert_int_equal(s.list[1].start * 10 + s.list[1].end, 34);
    assert_int_equal(s.list[2].start * 10 + s.list[2].end, 44);
    for (size_t i = 0; i < s.n; i++) { /* all of them widen to the first word */
        bert_span at = bert__span_bytes(e, text_of("q"), text_of("ab a"), &s.list[i]);

        assert_int_equal(at.start * 10 + at.end, 2);
    }
    bert__spans_free(&s);
    bert_encoding_free(e);
    bert__alloc_destroy(alloc);
}

/* A word that the window cuts is as wide as the window has it. */
static void test_cut_word(void **state)
{
    bert_encoding *e = encode("q", "a abc", 5, 0);
    struct bert__token_span span = {3, 3, 1};
    const bert_encoding *second = bert_encoding_overflow(e, 0);
    bert_span at;

    (void)state;
    assert_int_equal(bert_encoding_size(second), 5);
    at = bert__span_bytes(second, text_of("q"), text_of("a abc"), &span);
    assert_int_equal(at.start, 2);
    assert_int_equal(at.end, 3);
    bert_encoding_free(e);
}

/* ---- Entities ---------------------------------------------------------------------------- */

static void check_merge(const struct bert__entity *list, size_t n, const char *want)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    bert_text text = text_of("\xc3\xa9\xc3\xa9 abcdefgh");
    struct bert__entities e = {.alloc = alloc};
    struct bert__watch watch = {.cancel = NULL};
    char have[64] = "";

    bert__watch_begin(&watch);
    e.list = bert__alloc_array(alloc, n, sizeof *e.list);
    memcpy(e.list, list, n * sizeof *e.list);
    e.n = e.cap = n;
    assert_int_equal(bert__entities_merge(&e, text, &watch, NULL), BERT_OK);
    for (size_t i = 0; i < e.n; i++)
        strcat(have, e.list[i].name);
    assert_string_equal(have, want);
    bert__entities_free(&e);
    bert__alloc_destroy(alloc);
}

static int end_it(void *context)
{
    (void)context;
    return 1;
}

/* Of a call that is ended nothing is told. */
static void test_merge_ended(void **state)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__entities e = {.alloc = alloc};
    struct bert__watch watch = {.cancel = end_it};
    bert_error err;

    (void)state;
    bert__watch_begin(&watch);
    watch.asked_ns -= BERT__WATCH_NS;
    e.n = e.cap = 3000;
    e.list = bert__alloc_array(alloc, e.n, sizeof *e.list);
    for (size_t i = 0; i < e.n; i++)
        e.list[i] = (struct bert__entity){"a", 0, 1, i, i + 1};
    assert_int_equal(bert__entities_merge(&e, text_of("a"), &watch, &err), BERT_ECANCELED);
    assert_string_equal(err.message, "the call was canceled");
    bert__entities_free(&e);
    assert_int_equal(bert__alloc_used(alloc), 0);
    bert__alloc_destroy(alloc);
}

static void test_merge(void **state)
{
    static const struct bert__entity longer[] = {{"a", 0, 0.9f, 0, 4}, {"b", 0, 0.1f, 0, 6}};
    static const struct bert__entity score[] = {{"a", 0, 0.5f, 5, 7}, {"b", 0, 0.6f, 5, 7}};
    /* two code points of two bytes against three of one */
    static const struct bert__entity chars[] = {{"a", 0, 0.9f, 0, 4}, {"b", 0, 0.1f, 2, 6}};
    static const struct bert__entity order[] = {{"b", 0, 1, 7, 9}, {"a", 0, 1, 5, 7}};
    /* what overlaps only the one that was dropped stays */
    static const struct bert__entity chain[] = {
        {"a", 0, 1, 5, 8}, {"b", 0, 1, 7, 9}, {"c", 0, 1, 8, 10}};
    static const struct bert__entity empty[] = {{"a", 0, 1, 5, 5}, {"b", 0, 1, 6, 8}};

    (void)state;
    check_merge(longer, 2, "b");
    check_merge(score, 2, "b");
    check_merge(chars, 2, "b");
    check_merge(order, 2, "ab");
    check_merge(chain, 3, "ac");
    check_merge(empty, 2, "aab"); /* as the reference lists it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold),        cmocka_unit_test(test_chars),
        cmocka_unit_test(test_answers),     cmocka_unit_test(test_equal_spans),
        cmocka_unit_test(test_cut_word),    cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
