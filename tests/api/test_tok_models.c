/* SPDX-License-Identifier: MIT */
/* test_tok_models.c - models that are wrong: a status and a message each; and very large ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

struct bad {
    const char *model;
    bert_status status;
    const char *word; /* that the message has to hold, besides the file's name */
};

#define BPE(rest) "{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"##b\":3}," rest "}"
#define UNI(rest) "{\"type\":\"Unigram\"," rest "}"

static const struct bad models[] = {
    /* BPE */
    {BPE("\"m\":[]"), BERT_EFORMAT, "merges"},
    {BPE("\"merges\":{}"), BERT_EFORMAT, "merges"},
    {BPE("\"merges\":[3]"), BERT_EFORMAT, "merge 1 is a number"},
    {BPE("\"merges\":[\"a b\",[\"a\",\"b\"]]"), BERT_EFORMAT, "merge 2"},
    {BPE("\"merges\":[\"a b\",\"ab\"]"), BERT_EFORMAT, "merge 2 is not two tokens"},
    {BPE("\"merges\":[\"a b c\"]"), BERT_EFORMAT, "merge 1 is not two tokens"},
    {BPE("\"merges\":[[\"a\"]]"), BERT_EFORMAT, "merge 1 is not two tokens"},
    {BPE("\"merges\":[\"a b\",\"a x\"]"), BERT_EFORMAT, "merge 2: token \"x\""},
    {BPE("\"merges\":[\"b a\"]"), BERT_EFORMAT, "merge 1: token \"ba\""},
    {BPE("\"merges\":[\"a b\"],\"continuing_subword_prefix\":\"##\""), BERT_EFORMAT, "prefix"},
    {BPE("\"merges\":[],\"unk_token\":\"<unk>\""), BERT_EFORMAT, "<unk>"},
    {BPE("\"merges\":[],\"unk_token\":3"), BERT_EFORMAT, "unk_token"},
    {BPE("\"merges\":[],\"dropout\":0.1"), BERT_EUNSUPPORTED, "dropout"},
    {BPE("\"merges\":[],\"dropout\":\"no\""), BERT_EFORMAT, "dropout"},
    {BPE("\"merges\":[],\"fuse_unk\":1"), BERT_EFORMAT, "fuse_unk"},
    {BPE("\"merges\":[],\"byte_fallback\":\"\""), BERT_EFORMAT, "byte_fallback"},
    {"{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}", BERT_EFORMAT, "same id"},
    {"{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":-1},\"merges\":[]}", BERT_EFORMAT, "\"b\""},
    {"{\"type\":\"BPE\",\"vocab\":{\"a\":2147483648},\"merges\":[]}", BERT_EFORMAT, "2147483648"},
    {"{\"type\":\"BPE\",\"vocab\":{\"a\":2000000000},\"merges\":[]}", BERT_ELIMIT, "2000000000"},
    {"{\"type\":\"BPE\",\"vocab\":[],\"merges\":[]}", BERT_EFORMAT, "vocab"},
    /* Unigram */
    {UNI("\"unk_id\":0"), BERT_EFORMAT, "vocab"},
    {UNI("\"unk_id\":0,\"vocab\":{}"), BERT_EFORMAT, "vocab"},
    {UNI("\"unk_id\":0,\"vocab\":[]"), BERT_EFORMAT, "no pieces"},
    {UNI("\"vocab\":[[\"a\",0]]"), BERT_EFORMAT, "unk_id"},
    {UNI("\"unk_id\":null,\"vocab\":[[\"a\",0]]"), BERT_EFORMAT, "unk_id"},
    {UNI("\"unk_id\":1,\"vocab\":[[\"a\",0]]"), BERT_EFORMAT, "\"unk_id\" is 1"},
    {UNI("\"unk_id\":-1,\"vocab\":[[\"a\",0]]"), BERT_EFORMAT, "unk_id"},
    {UNI("\"unk_id\":0.5,\"vocab\":[[\"a\",0]]"), BERT_EFORMAT, "unk_id"},
    {UNI("\"unk_id\":0,\"vocab\":[[\"a\",0],[\"b\"]]"), BERT_EFORMAT, "piece 1"},
    {UNI("\"unk_id\":0,\"vocab\":[[\"a\",0],7]"), BERT_EFORMAT, "piece 1"},
    {UNI("\"unk_id\":0,\"vocab\":[[\"a\",\"0\"]]"), BERT_EFORMAT, "piece 0"},
    {UNI("\"unk_id\":0,\"vocab\":[[\"a\",0],[\"b\",-1e999]]"), BERT_EFORMAT, "\"b\""},
    {UNI("\"unk_id\":0,\"vocab\":[[\"a\",0],[\"b\",NaN]]"), BERT_EFORMAT, "line 1"},
    {UNI("\"unk_id\":0,\"vocab\":[[\"a\",0]],\"byte_fallback\":2"), BERT_EFORMAT, "byte_fallback"},
    /* WordLevel */
    {"{\"type\":\"WordLevel\",\"vocab\":{\"a\":0}}", BERT_EFORMAT, "unk_token"},
    {"{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},\"unk_token\":\"b\"}", BERT_EFORMAT, "\"b\""},
    {"{\"type\":\"WordLevel\",\"vocab\":{\"a\":0.5},\"unk_token\":\"a\"}", BERT_EFORMAT, "\"a\""},
    {"{\"type\":7}", BERT_EFORMAT, "type"},
    {"{\"type\":\"BPE\"", BERT_EFORMAT, "line 1"},
};

static void load_fails(const bert_file *files, size_t n, bert_status status, const char *word)
{
    bert_tokenizer *tok = (bert_tokenizer *)"";
    bert_error err;
    bert_status got = bert_tokenizer_load_memory(&tok, files, n, NULL, &err);

    if (got != status || tok != NULL)
        fail_msg("status %d instead of %d for \"%s\": %s", (int)got, (int)status, word,
                 got != BERT_OK ? err.message : "");
    if (strstr(err.message, word) == NULL)
        fail_msg("\"%s\" is not in: %s", word, err.message);
}

static void test_bad_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char text[400];
        int n = snprintf(text, sizeof text, "{\"model\":%s}", models[i].model);
        bert_file file = {"tokenizer.json", text, (size_t)n};

        load_fails(&file, 1, models[i].status, models[i].word);
        load_fails(&file, 1, models[i].status, "tokenizer.json");
    }
}

static void test_bad_merges(void **state)
{
    static const char vocab[] = "{\"a\":0,\"b\":1,\"ab\":2}";
    bert_file files[2] = {{"vocab.json", vocab, sizeof vocab - 1}, {"merges.txt", "a b\nab\n", 7}};

    (void)state;
    load_fails(files, 2, BERT_EFORMAT, "merge 2");
    load_fails(files, 1, BERT_EFORMAT, "merges.txt");
    files[0].size--;
    load_fails(files, 2, BERT_EFORMAT, "vocab.json");
}

/* A file of `open` n times and then `close` n times, around nothing. */
static void test_deep(void **state)
{
    enum { DEPTH = 100000 };
    char *text = malloc(2 * DEPTH);
    bert_file file = {"tokenizer.json", text, 2 * DEPTH};

    (void)state;
    assert_non_null(text);
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    text[0] = '{';
    load_fails(&file, 1, BERT_EFORMAT, "tokenizer.json");
    free(text);
}

static void count_is(const bert_tokenizer *tok, const char *data, size_t size, size_t want)
{
    size_t n = 0;
    bert_error err;

    if (bert_count_tokens(tok, (bert_text){data, size}, NULL, NULL, &n, &err) != BERT_OK)
        fail_msg("%s", err.message);
    assert_int_equal(n, want);
}

/* A token of a megabyte: taken, found, and no slower for it; but not as a piece. */
static void test_huge_token(void **state)
{
    enum { SIZE = 1 << 20 };
    static const char *const heads[] = {
        "{\"model\":{\"type\":\"BPE\",\"ignore_merges\":true,\"merges\":[],\"vocab\":{\"a\":0,\"",
        "{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"a\",\"vocab\":{\"a\":0,\"",
        "{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"a\",0],[\""};
    static const char *const tails[] = {"\":1}}}", "\":1}}}", "\",-1]]}}"};
    char *text = malloc(SIZE + 400);

    (void)state;
    assert_non_null(text);
    for (int k = 0; k < 3; k++) {
        size_t n = strlen(heads[k]), m = strlen(tails[k]);
        bert_file file = {"tokenizer.json", text, n + SIZE + m};
        bert_tokenizer *tok;
        bert_error err;

        memcpy(text, heads[k], n);
        memset(text + n, 'a', SIZE);
        memcpy(text + n + SIZE, tails[k], m);
        if (k == 2) {
            load_fails(&file, 1, BERT_ELIMIT, "piece 1");
            continue;
        }
        if (bert_tokenizer_load_memory(&tok, &file, 1, NULL, &err) != BERT_OK)
            fail_msg("%s", err.message);
        count_is(tok, text + n, SIZE, 1);
        count_is(tok, text + n, SIZE - 1, k == 0 ? SIZE - 1 : 1);
        bert_tokenizer_unref(tok);
    }
    free(text);
}

/* A word of ten megabytes through BPE and Unigram: every letter is met once. */
static void test_huge_word(void **state)
{
    enum { SIZE = 10 << 20 };
    static const char bpe[] = "{\"model\":{\"type\":\"BPE\",\"merges\":[\"a a\",\"aa aa\"],"
                              "\"vocab\":{\"a\":0,\"aa\":1,\"aaaa\":2}}}";
    static const char unigram[] = "{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":"
                                  "[[\"<unk>\",0],[\"a\",-5],[\"aa\",-6],[\"aaaa\",-7]]}}";
    const char *const files[] = {bpe, unigram};
    char *text = malloc(SIZE);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', SIZE);
    for (int k = 0; k < 2; k++) {
        bert_file file = {"tokenizer.json", files[k], strlen(files[k])};
        bert_tokenizer *tok;
        bert_error err;

        if (bert_tokenizer_load_memory(&tok, &file, 1, NULL, &err) != BERT_OK)
            fail_msg("%s", err.message);
        count_is(tok, text, SIZE, SIZE / 4);
        count_is(tok, text, SIZE - 1, SIZE / 4 - 1 + 2);
        bert_tokenizer_unref(tok);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_models), cmocka_unit_test(test_bad_merges),
        cmocka_unit_test(test_deep),       cmocka_unit_test(test_huge_token),
        cmocka_unit_test(test_huge_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
