/* SPDX-License-Identifier: MIT */
/*
 * test_tok_watch.c - a call is ended while it tokenizes one word that has no end, at any question;
 * afterwards the same text gives the same tokens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bert/tokenizer.h>

enum { BYTES = 1 << 20, QUESTIONS = BYTES / 65536 }; /* those of the search for the word's end */

struct host {
    int asked, stop_at;
};

static int ask(void *context)
{
    struct host *host = context;

    return ++host->asked == host->stop_at;
}

static bert_tokenizer *load(const char *name)
{
    char path[4096];
    bert_tokenizer *tok;
    bert_error err;

    snprintf(path, sizeof path, "%s/tests/data/tokenizer_models/%s", TEST_SRCDIR, name);
    if (bert_tokenizer_load(&tok, path, NULL, &err) != BERT_OK)
        fail_msg("%s", err.message);
    return tok;
}

static bert_text long_word(void)
{
    char *data = malloc(BYTES);
    uint32_t state = 1;

    assert_non_null(data);
    for (size_t i = 0; i < BYTES; i++) {
        state = state * 1664525 + 1013904223;
        data[i] = (char)('a' + (state >> 24) % 26);
    }
    return (bert_text){data, BYTES};
}

static void check(const char *name, bert_text text)
{
    bert_tokenizer *tok = load(name);
    struct host host = {0, 0};
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *want, *e;
    bert_error err;
    int asked, step;

    o.cancel = ask;
    o.cancel_context = &host;
    assert_int_equal(bert_tokenize(tok, text, NULL, NULL, &want, &err), BERT_OK);
    assert_int_equal(bert_tokenize(tok, text, NULL, &o, &e, &err), BERT_OK);
    asked = host.asked;
    assert_true(asked > QUESTIONS);
    if (strcmp(name, "distilbert") != 0) /* to WordPiece it is an unknown word, and no work */
        assert_true(asked > 2 * QUESTIONS);
    bert_encoding_free(e);
    step = asked / 17 + 1;
    for (int n = 1; n <= asked; n += step) {
        host = (struct host){0, n};
        bert_status status = bert_tokenize(tok, text, NULL, &o, &e, &err);

        if (status == BERT_OK && host.asked < n)
            break; /* a slow machine is asked more often: there were fewer this time */
        assert_int_equal(status, BERT_ECANCELED);
        assert_string_equal(err.message, "the call was canceled");
        assert_null(e);
        assert_int_equal(host.asked, n);
    }
    host = (struct host){0, 0};
    assert_int_equal(bert_tokenize(tok, text, NULL, &o, &e, &err), BERT_OK);
    assert_int_equal(bert_encoding_size(e), bert_encoding_size(want));
    assert_memory_equal(bert_encoding_ids(e), bert_encoding_ids(want),
                        bert_encoding_size(e) * sizeof(int32_t));
    bert_encoding_free(e);
    bert_encoding_free(want);
    bert_tokenizer_unref(tok);
}

static void test_words(void **state)
{
    static const char *const names[] = {"gpt2",      "plain_bpe", "herbert",
                                        "camembert", "xlmr",      "distilbert"};
    bert_text text = long_word();

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check(names[i], text);
    free((void *)(uintptr_t)text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
