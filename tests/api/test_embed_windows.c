/* SPDX-License-Identifier: MIT */
/*
 * test_embed_windows.c - long texts and token vectors: what bert_embed() does with windows,
 * either end cut, and bert_embed_tokens(), rebuilt here from tokenizer and encoder.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HIDDEN = 32, MAX_TOKENS = 64 };

struct scene {
    struct test_files files;
    bert_model *model;
    bert_session *session;
    const bert_tokenizer *tokenizer;
    char *data;
    bert_text text;
};

static int open_scene(void **state)
{
    static const char piece[] = "the bank said that prices rose again , ";
    struct scene *s = calloc(1, sizeof *s);
    bert_error err;

    assert_non_null(s);
    test_files_add(&s->files, test_path("tests/data/models/embed/base"));
    test_files_add(&s->files, test_path("tests/data/models/embed/mean"));
    s->model = test_load_files(&s->files, NULL);
    s->session = test_session(s->model, 2);
    test_ok(bert_model_tokenizer(s->model, &s->tokenizer, &err), &err);
    s->text.size = 40 * (sizeof piece - 1);
    s->text.data = s->data = malloc(s->text.size);
    assert_non_null(s->data);
    for (size_t i = 0; i < s->text.size; i++) /* no two pieces alike */
        s->data[i] = i % 97 == 5 ? 'x' : piece[i % (sizeof piece - 1)];
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;

    bert_session_destroy(s->session);
    bert_model_unref(s->model);
    test_files_free(&s->files);
    free(s->data);
    free(s);
    return 0;
}

/* Adds mean * weight of one window's hidden states to sum; returns its tokens. */
static size_t add_window(struct scene *s, const bert_encoding *e, double *sum, int cls)
{
    uint32_t n = (uint32_t)bert_encoding_size(e), offsets[2] = {0, n};
    float hidden[MAX_TOKENS * HIDDEN];
    bert_error err;

    assert_true(n <= MAX_TOKENS);
    test_ok(
        bert_encode(s->session, bert_encoding_ids(e), NULL, offsets, 1, hidden, n * HIDDEN, &err),
        &err);
    for (uint32_t t = 0; t < n; t++)
        for (int i = 0; i < HIDDEN; i++)
            sum[i] += (double)hidden[(cls ? 0 : t) * HIDDEN + (unsigned)i];
    return n;
}

static void windows_by_hand(struct scene *s, uint32_t length, uint32_t stride, int cls, float *out,
                            size_t *tokens)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    double sum[HIDDEN] = {0};
    bert_encoding *e;
    bert_error err;

    o.max_length = length;
    o.stride = stride;
    o.overflow = 1;
    test_ok(bert_tokenize(s->tokenizer, s->text, NULL, &o, &e, &err), &err);
    assert_true(bert_encoding_overflow_count(e) > 3);
    *tokens = add_window(s, e, sum, cls);
    for (size_t i = 0; i < bert_encoding_overflow_count(e); i++)
        *tokens += add_window(s, bert_encoding_overflow(e, i), sum, cls);
    bert_encoding_free(e);
    for (int i = 0; i < HIDDEN; i++)
        out[i] = (float)(sum[i] / (double)*tokens);
}

static void normalize(float *row)
{
    double sum = 0;

    for (int i = 0; i < HIDDEN; i++)
        sum += (double)row[i] * (double)row[i];
    for (int i = 0; i < HIDDEN; i++)
        row[i] = (float)((double)row[i] / sqrt(sum));
}

static void test_windows(void **state)
{
    static const struct {
        uint32_t length, stride;
        int cls;
    } cases[] = {{64, 0, 0}, {64, 16, 0}, {20, 17, 0}, {33, 5, 1}, {3, 0, 0}};
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
        float want[HIDDEN], got[HIDDEN];
        bert_embed_report report;
        size_t tokens;
        bert_error err;
        o.overlong = BERT_OVERLONG_WINDOWS;
        o.max_length = cases[i].length;
        o.stride = cases[i].stride;
        o.pooling = cases[i].cls ? BERT_POOLING_CLS : BERT_POOLING_MODEL;
        windows_by_hand(s, cases[i].length, cases[i].stride, cases[i].cls, want, &tokens);
        test_ok(bert_embed(s->session, &s->text, 1, &o, got, HIDDEN, &report, &err), &err);
        test_close("windows", got, want, HIDDEN);
        assert_int_equal(report.tokens, tokens);
        assert_int_equal(report.truncated, 0);
        o.normalize = BERT_NORMALIZE_ON;
        normalize(want);
        test_ok(bert_embed(s->session, &s->text, 1, &o, got, HIDDEN, &report, &err), &err);
        test_close("normalized windows", got, want, HIDDEN);
    }
}

/* A text that fits is what it is without windows; a batch may mix both. */
static void test_mixed(void **state)
{
    struct scene *s = *state;
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
    bert_text texts[3] = {{"a cat", 5}, s->text, {"on the mat", 10}};
    float plain[3 * HIDDEN], got[3 * HIDDEN], alone[HIDDEN];
    bert_error err;

    test_ok(bert_embed(s->session, texts, 3, NULL, plain, 3 * HIDDEN, NULL, &err), &err);
    o.overlong = BERT_OVERLONG_WINDOWS;
    o.stride = 8;
    test_ok(bert_embed(s->session, texts, 3, &o, got, 3 * HIDDEN, NULL, &err), &err);
    test_ok(bert_embed(s->session, texts + 1, 1, &o, alone, HIDDEN, NULL, &err), &err);
    test_same("before", got, plain, HIDDEN);
    test_same("long", got + HIDDEN, alone, HIDDEN);
    test_same("after", got + 2 * HIDDEN, plain + 2 * HIDDEN, HIDDEN);
}

static void cut_by_hand(struct scene *s, uint32_t length, uint32_t side, float *out, size_t *lost)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    double sum[HIDDEN] = {0};
    bert_encoding *e;
    bert_error err;
    size_t n;

    o.max_length = length;
    o.side = side;
    test_ok(bert_tokenize(s->tokenizer, s->text, NULL, &o, &e, &err), &err);
    n = add_window(s, e, sum, 0);
    *lost = bert_encoding_truncated(e);
    bert_encoding_free(e);
    for (int i = 0; i < HIDDEN; i++)
        out[i] = (float)(sum[i] / (double)n);
}

static void test_cuts(void **state)
{
    struct scene *s = *state;

    for (uint32_t length = 3; length <= 70; length += 7)
        for (uint32_t side = BERT_TRUNCATE_RIGHT; side <= BERT_TRUNCATE_LEFT; side++) {
            bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
            uint32_t tokens = length < 64 ? length : 64; /* the model's own limit holds */
            float want[HIDDEN], got[HIDDEN];
            bert_embed_report report;
            size_t lost;
            bert_error err;
            o.overlong =
                side == BERT_TRUNCATE_LEFT ? BERT_OVERLONG_CUT_LEFT : BERT_OVERLONG_CUT_RIGHT;
            o.max_length = length;
            cut_by_hand(s, tokens, side, want, &lost);
            test_ok(bert_embed(s->session, &s->text, 1, &o, got, HIDDEN, &report, &err), &err);
            test_close("cut", got, want, HIDDEN);
            assert_int_equal(report.tokens, tokens);
            assert_int_equal(report.truncated, lost);
        }
}

static void test_token_vectors(void **state)
{
    struct scene *s = *state;
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
    bert_text text = {"a cat on the mat", 16};
    bert_encoding *e;
    bert_outputs *outputs;
    bert_embed_report report;
    uint32_t shape[4], rank, offsets[2] = {0, 0};
    float hidden[MAX_TOKENS * HIDDEN], row[HIDDEN];
    const float *got;
    bert_error err;

    test_ok(bert_tokenize(s->tokenizer, text, NULL, NULL, &e, &err), &err);
    offsets[1] = (uint32_t)bert_encoding_size(e);
    test_ok(bert_encode(s->session, bert_encoding_ids(e), NULL, offsets, 1, hidden,
                        MAX_TOKENS * HIDDEN, &err),
            &err);
    test_ok(bert_embed_tokens(s->session, text, NULL, &outputs, &report, &err), &err);
    got = bert_outputs_get(outputs, BERT_OUTPUT_LAST_HIDDEN_STATE, 0, shape, &rank);
    assert_non_null(got);
    assert_int_equal(rank, 2);
    assert_int_equal(shape[0], offsets[1]);
    assert_int_equal(shape[1], HIDDEN);
    assert_int_equal(report.tokens, offsets[1]);
    test_same("token vectors", got, hidden, offsets[1] * HIDDEN);
    bert_outputs_free(outputs);
    o.normalize = BERT_NORMALIZE_ON;
    test_ok(bert_embed_tokens(s->session, text, &o, &outputs, NULL, &err), &err);
    got = bert_outputs_get(outputs, BERT_OUTPUT_LAST_HIDDEN_STATE, 0, NULL, NULL);
    memcpy(row, hidden + 2 * HIDDEN, sizeof row);
    normalize(row);
    test_close("of unit length", got + 2 * HIDDEN, row, HIDDEN);
    bert_outputs_free(outputs);
    o.normalize = BERT_NORMALIZE_OFF;
    o.dimensions = 5;
    test_ok(bert_embed_tokens(s->session, text, &o, &outputs, NULL, &err), &err);
    got = bert_outputs_get(outputs, BERT_OUTPUT_LAST_HIDDEN_STATE, 0, shape, &rank);
    assert_int_equal(shape[1], 5);
    test_same("cut", got + 2 * 5, hidden + 2 * HIDDEN, 5);
    bert_outputs_free(outputs);
    o.pooling = BERT_POOLING_CLS;
    test_error(bert_embed_tokens(s->session, text, &o, &outputs, NULL, &err), &err, BERT_EINVAL,
               "pooling", NULL);
    assert_null(outputs);
    bert_encoding_free(e);
}

/* A type that the model doesn't have is refused, in windows and without. */
static void test_types(void **state)
{
    struct scene *s = *state;
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
    bert_text short_text = {"a cat", 5};
    bert_session *session;
    bert_model *model;
    float got[HIDDEN];
    bert_error err;

    test_files_edit(&s->files, "tokenizer.json", "\"type_id\": 0", "\"type_id\": 9");
    model = test_load_files(&s->files, NULL);
    session = test_session(model, 1);
    test_error(bert_embed(session, &short_text, 1, NULL, got, HIDDEN, NULL, &err), &err,
               BERT_EINVAL, "type id 9; the model has 2", NULL);
    o.overlong = BERT_OVERLONG_WINDOWS;
    test_error(bert_embed(session, &s->text, 1, &o, got, HIDDEN, NULL, &err), &err, BERT_EINVAL,
               "type id 9; the model has 2", NULL);
    bert_session_destroy(session);
    bert_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_windows, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_mixed, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_cuts, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_types, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_token_vectors, open_scene, close_scene),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
