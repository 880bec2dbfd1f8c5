/* SPDX-License-Identifier: MIT */
/*
 * test_bpe.c - BPE against merging done as it is defined: the pair of the lowest rank, of equal
 * ones the leftmost, again and again.  Vocabularies are drawn at random, in the order of training
 * and in none; and one is made so that a word's first token hangs on its last letter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bert.h>

enum { MAX_TOKENS = 512, MAX_TEXT = 24, MAX_WORD = 2048, CHAIN = 64 };

static uint32_t state_of = 1;

static uint32_t draw(uint32_t n)
{
    state_of = state_of * 1664525u + 1013904223u;
    return (state_of >> 8) % n;
}

/* Tokens by id, and merges by rank; letters come first. */
struct vocabulary {
    char tokens[MAX_TOKENS][MAX_TEXT + 1];
    int merges[MAX_TOKENS][2];
    int n_letters, n_tokens, n_merges;
};

static int find(const struct vocabulary *v, const char *text)
{
    for (int i = 0; i < v->n_tokens; i++) {
        if (strcmp(v->tokens[i], text) == 0)
            return i;
    }
    return -1;
}

static int join(const struct vocabulary *v, int a, int b)
{
    char text[2 * MAX_TEXT + 1];

    snprintf(text, sizeof text, "%s%s", v->tokens[a], v->tokens[b]);
    return find(v, text);
}

static void add_letters(struct vocabulary *v, const char *letters)
{
    memset(v, 0, sizeof *v);
    for (; *letters; letters++)
        v->tokens[v->n_tokens++][0] = *letters;
    v->n_letters = v->n_tokens;
}

static void add_merge(struct vocabulary *v, int a, int b)
{
    char text[2 * MAX_TEXT + 1];

    snprintf(text, sizeof text, "%s%s", v->tokens[a], v->tokens[b]);
    if (strlen(text) > MAX_TEXT)
        return;
    for (int i = 0; i < v->n_merges; i++) {
        if (v->merges[i][0] == a && v->merges[i][1] == b)
            return;
    }
    if (find(v, text) < 0)
        memcpy(v->tokens[v->n_tokens++], text, strlen(text));
    v->merges[v->n_merges][0] = a;
    v->merges[v->n_merges++][1] = b;
}

static void draw_vocabulary(struct vocabulary *v)
{
    static const char *const letters[] = {"a", "ab", "abc", "abcdef"};
    uint32_t n = draw(120) + 1;

    add_letters(v, letters[draw(4)]);
    for (uint32_t i = 0; i < n; i++)
        add_merge(v, (int)draw((uint32_t)v->n_tokens), (int)draw((uint32_t)v->n_tokens));
    for (int i = v->n_merges - 1; draw(3) == 0 && i > 0; i--) { /* often: no order */
        int k = (int)draw((uint32_t)i + 1), pair[2];

        memcpy(pair, v->merges[i], sizeof pair);
        memcpy(v->merges[i], v->merges[k], sizeof pair);
        memcpy(v->merges[k], pair, sizeof pair);
    }
}

static bert_tokenizer *load(const struct vocabulary *v)
{
    enum { SIZE = MAX_TOKENS * 4 * MAX_TEXT };
    char *json = malloc(SIZE);
    size_t n = 0;
    bert_file file = {"tokenizer.json", json, 0};
    bert_tokenizer *tok;
    bert_error err;

    assert_non_null(json);
    n += (size_t)snprintf(json + n, SIZE - n, "{\"model\": {\"type\": \"BPE\", \"vocab\": {");
    for (int i = 0; i < v->n_tokens; i++)
        n += (size_t)snprintf(json + n, SIZE - n, "%s\"%s\": %d", i ? "," : "", v->tokens[i], i);
    n += (size_t)snprintf(json + n, SIZE - n, "}, \"merges\": [");
    for (int i = 0; i < v->n_merges; i++)
        n += (size_t)snprintf(json + n, SIZE - n, "%s\"%s %s\"", i ? "," : "",
                              v->tokens[v->merges[i][0]], v->tokens[v->merges[i][1]]);
    n += (size_t)snprintf(json + n, SIZE - n, "]}}");
    file.size = n;
    if (bert_tokenizer_load_memory(&tok, &file, 1, NULL, &err) != BERT_OK)
        fail_msg("%s", err.message);
    free(json);
    return tok;
}

static int rank(const struct vocabulary *v, int a, int b)
{
    for (int i = 0; i < v->n_merges; i++) {
        if (v->merges[i][0] == a && v->merges[i][1] == b)
            return i;
    }
    return MAX_TOKENS;
}

static size_t merge(const struct vocabulary *v, const char *word, int *ids)
{
    size_t n = 0;

    for (; *word; word++) {
        char letter[2] = {*word, 0};

        ids[n++] = find(v, letter);
    }
    for (;;) {
        int least = MAX_TOKENS;
        size_t at = 0;

        for (size_t i = 0; i + 1 < n; i++) {
            int r = rank(v, ids[i], ids[i + 1]);

            if (r < least) {
                least = r;
                at = i;
            }
        }
        if (least == MAX_TOKENS)
            return n;
        ids[at] = join(v, ids[at], ids[at + 1]);
        memmove(ids + at + 1, ids + at + 2, (n - at - 2) * sizeof *ids);
        n--;
    }
}

static void check(const struct vocabulary *v, const bert_tokenizer *tok, const char *word,
                  const char *label)
{
    static int ids[MAX_WORD];
    size_t n = merge(v, word, ids), count, at = 0;
    bert_encoding *e;
    bert_error err;

    if (bert_tokenize(tok, (bert_text){word, strlen(word)}, NULL, NULL, &e, &err) != BERT_OK)
        fail_msg("%s", err.message);
    count = bert_encoding_size(e);
    for (size_t i = 0; i < n && i < count; i++) {
        bert_span span = bert_encoding_offsets(e)[i];

        if (bert_encoding_ids(e)[i] != ids[i])
            fail_msg("%s: \"%.60s\" (%zu): token %zu is %d, not %d", label, word, strlen(word), i,
                     (int)bert_encoding_ids(e)[i], ids[i]);
        assert_int_equal(span.start, at);
        at += strlen(v->tokens[ids[i]]);
        assert_int_equal(span.end, at);
    }
    assert_int_equal(count, n);
    bert_encoding_free(e);
}

static void test_random(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 5, 9, 17, 40, 41, 63, 64, 65, 150, 400};
    static struct vocabulary v;
    char word[MAX_WORD], label[32];

    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        bert_tokenizer *tok;

        state_of = seed;
        draw_vocabulary(&v);
        tok = load(&v);
        snprintf(label, sizeof label, "seed %u", (unsigned)seed);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes - (seed % 8 > 0); k++) {
            uint32_t letters = draw(4) == 0 ? 1 : (uint32_t)v.n_letters;

            for (size_t i = 0; i < sizes[k]; i++)
                word[i] = v.tokens[draw(letters)][0];
            word[sizes[k]] = 0;
            check(&v, tok, word, label);
        }
        bert_tokenizer_unref(tok);
    }
}

/* Merges of neighbours, the last letters' first: pairs count from the word's end. */
static void test_chain(void **state)
{
    static const char letters[CHAIN + 1] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    static struct vocabulary v;
    bert_tokenizer *tok;

    (void)state;
    add_letters(&v, letters);
    for (int i = CHAIN - 1; i-- > 0;)
        add_merge(&v, i, i + 1);
    tok = load(&v);
    for (size_t n = 1; n <= CHAIN; n++) {
        char word[CHAIN + 1] = {0};

        memcpy(word, letters, n);
        check(&v, tok, word, "chain");
    }
    bert_tokenizer_unref(tok);
}

/* A token over a thousand letters: words are merged, not searched. */
static void test_long_token(void **state)
{
    enum { DOUBLINGS = 11 };
    static char json[1 << 16], word[4 << 10];
    size_t n = 0, count;
    bert_file file = {"tokenizer.json", json, 0};
    bert_tokenizer *tok;
    bert_error err;

    (void)state;
    memset(word, 'a', sizeof word);
    n += (size_t)sprintf(json + n, "{\"model\": {\"type\": \"BPE\", \"vocab\": {");
    for (int i = 0; i <= DOUBLINGS; i++)
        n += (size_t)sprintf(json + n, "%s\"%.*s\": %d", i ? "," : "", 1 << i, word, i);
    n += (size_t)sprintf(json + n, "}, \"merges\": [");
    for (int i = 0; i < DOUBLINGS; i++)
        n += (size_t)sprintf(json + n, "%s\"%.*s %.*s\"", i ? "," : "", 1 << i, word, 1 << i, word);
    n += (size_t)sprintf(json + n, "]}}");
    file.size = n;
    if (bert_tokenizer_load_memory(&tok, &file, 1, NULL, &err) != BERT_OK)
        fail_msg("%s", err.message);
    assert_int_equal(bert_count_tokens(tok, (bert_text){word, 4095}, NULL, NULL, &count, NULL),
                     BERT_OK);
    assert_int_equal(count, 12); /* 4095 = 2048 + 1024 + ... + 1 */
    bert_tokenizer_unref(tok);
}

/* Where the first k tokens of a long word end, by a call that need not read the rest. */
static void check_first(const bert_tokenizer *tok, bert_text word, const char *label)
{
    bert_encoding *e;
    size_t n, at;

    assert_int_equal(bert_tokenize(tok, word, NULL, NULL, &e, NULL), BERT_OK);
    n = bert_encoding_size(e);
    for (size_t k = 1; k < n && k < 500; k += 1 + k / 2) {
        assert_int_equal(bert_cut_text(tok, word, k, BERT_TRUNCATE_RIGHT, &at, NULL), BERT_OK);
        if (at != bert_encoding_offsets(e)[k - 1].end)
            fail_msg("%s: %zu of %zu tokens end at %zu, not %zu", label, k, n, at,
                     bert_encoding_offsets(e)[k - 1].end);
    }
    bert_encoding_free(e);
}

static void test_first(void **state)
{
    enum { LONG = 8000 };
    static struct vocabulary v;
    static char word[LONG];
    char label[32];

    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        bert_tokenizer *tok;

        state_of = seed;
        draw_vocabulary(&v);
        tok = load(&v);
        snprintf(label, sizeof label, "seed %u", (unsigned)seed);
        for (int k = 0; k < 3; k++) { /* of all letters, of few, of one again and again */
            uint32_t letters = k == 0 ? (uint32_t)v.n_letters : 1 + draw((uint32_t)v.n_letters);

            for (size_t i = 0; i < LONG; i++)
                word[i] = v.tokens[k == 2 ? i % letters : draw(letters)][0];
            check_first(tok, (bert_text){word, LONG}, label);
        }
        bert_tokenizer_unref(tok);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_chain),
                                       cmocka_unit_test(test_long_token),
                                       cmocka_unit_test(test_first)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
