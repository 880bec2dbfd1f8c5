/* SPDX-License-Identifier: MIT */
/*
 * test_tok_limits.c - memory that runs out, texts without end, threads, and WordPiece
 * against the greedy search of its definition.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support_alloc.h"
#include "tokenizer/encoding.h"
#include "tokenizer/tokenizer.h"

/* ---- Loading -------------------------------------------------------------------- */

static bert_file fixture(const char *name)
{
    char path[4096], *data;
    bert_file file = {"tokenizer.json", NULL, 0};
    FILE *f;

    snprintf(path, sizeof path, "%s/tests/data/tokenizer/%s", TEST_SRCDIR, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    file.size = (size_t)ftell(f);
    rewind(f);
    file.data = data = malloc(file.size);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, file.size, f), file.size);
    fclose(f);
    return file;
}

static bert_status load(bert_tokenizer **out, const bert_file *file, const bert_allocator *host,
                        bert_error *err)
{
    bert_tokenizer_options o = BERT_TOKENIZER_OPTIONS_INIT;

    o.allocator = host;
    return bert_tokenizer_load_memory(out, file, 1, &o, err);
}

static bert_tokenizer *load_fixture(const char *name)
{
    bert_file file = fixture(name);
    bert_tokenizer *tok;
    bert_error err;

    if (load(&tok, &file, NULL, &err) != BERT_OK)
        fail_msg("%s", err.message);
    free((void *)(uintptr_t)file.data);
    return tok;
}

/* ---- Memory ---------------------------------------------------------------------- */

#define MARKS "\xCC\x81\xCC\x96\xF0\x9D\x85\xA5\xF0\x9E\x80\x80"

/* Load, encode a pair into windows, count, decode; the first failure's status. */
static bert_status use_all(const bert_file *file, const bert_allocator *host)
{
    static const char text[] = "New  York <m>  caf\xC3\xA9 a" MARKS MARKS MARKS MARKS MARKS " foo";
    bert_text a = {text, sizeof text - 1}, b = {"foo abc <m> x y z", 17};
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_tokenizer *tok;
    bert_encoding *e = NULL;
    bert_error err = {BERT_OK, ""};
    size_t n;
    char out[200];
    bert_status status = load(&tok, file, host, &err);

    if (status != BERT_OK) {
        assert_null(tok);
        assert_int_equal(err.code, status);
        return status;
    }
    o.max_length = 9;
    o.overflow = 1;
    status = bert_tokenize(tok, a, &b, &o, &e, &err);
    if (status == BERT_OK) {
        status = bert_count_tokens(tok, a, &b, &o, &n, &err);
        if (status == BERT_OK)
            status = bert_decode(tok, bert_encoding_ids(e), bert_encoding_size(e), 1, out,
                                 sizeof out, &n, &err);
    } else {
        assert_null(e);
        assert_int_equal(err.code, status);
    }
    bert_encoding_free(e);
    bert_tokenizer_unref(tok);
    return status;
}

static void test_out_of_memory(void **state)
{
    bert_file file = fixture("added.json");
    struct test_alloc heap;
    long n = 0;
    bert_status status;

    (void)state;
    do {
        test_alloc_init(&heap, ++n);
        status = use_all(&file, &heap.host);
        if (status != BERT_OK && status != BERT_ENOMEM)
            fail_msg("allocation %ld fails: %s", n, bert_status_name(status));
        assert_int_equal(heap.live, 0);
    } while (status != BERT_OK);
    assert_true(n > 30);
    assert_true(heap.calls < n);
    free((void *)(uintptr_t)file.data);
}

/* Once grown, the scratch is enough. */
static void test_no_allocation(void **state)
{
    bert_tokenizer *tok = load_fixture("uncased.json");
    struct test_alloc heap;
    struct bert__alloc *alloc;
    struct bert__token_scratch *scratch;
    bert_text text = {"hello caf\xC3\xA9 unbelievable \xE4\xB8\xAD " MARKS, 48}, none = {NULL, 0},
              prompt = {"query: ", 7};
    int32_t ids[64], types[64];
    uint32_t count, at;
    uint64_t cut;
    long before;

    (void)state;
    text.size = strlen(text.data);
    test_alloc_init(&heap, 0);
    alloc = bert__alloc_create(&heap.host, 0);
    assert_int_equal(bert__token_scratch_create(&scratch, alloc, NULL), BERT_OK);
    for (int round = 0; round < 3; round++) {
        before = heap.calls;
        assert_int_equal(bert__tokenize_ids(tok, scratch, prompt, text, 64, 0, ids, types, &count,
                                            &cut, &at, NULL),
                         BERT_OK);
        assert_int_equal(at, 7); /* [CLS] q ##u ##e ##r ##y : */
        assert_int_equal(bert__tokenize_ids(tok, scratch, none, text, 8, 1, ids, types, &count,
                                            &cut, NULL, NULL),
                         BERT_OK);
        assert_int_equal(count, 8);
        assert_true(round == 0 || heap.calls == before);
    }
    bert__token_scratch_destroy(scratch);
    bert__alloc_destroy(alloc);
    assert_int_equal(heap.live, 0);
    bert_tokenizer_unref(tok);
}

/* ---- Texts without end ------------------------------------------------------------- */

/* `unit` over and over; `tokens` are due for each; at most `scratch` bytes of buffers. */
static void check_endless(const char *unit, double tokens, size_t bytes)
{
    enum { SIZE = 3 << 20 };
    bert_tokenizer *tok = load_fixture("uncased.json");
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__token_scratch *s;
    size_t n = strlen(unit), units = SIZE / n;
    char *data = malloc(SIZE);
    bert_text text = {data, units * n}, none = {NULL, 0};
    int32_t ids[16], types[16];
    uint32_t count, at;
    uint64_t cut;

    assert_non_null(data);
    for (size_t i = 0; i < units; i++)
        memcpy(data + i * n, unit, n);
    assert_int_equal(bert__token_scratch_create(&s, alloc, NULL), BERT_OK);
    assert_int_equal(
        bert__tokenize_ids(tok, s, none, text, 16, 0, ids, types, &count, &cut, &at, NULL),
        BERT_OK);
    if (count - 2 + cut != (uint64_t)(tokens * (double)units))
        fail_msg("%s: %llu tokens", unit, (unsigned long long)(count - 2 + cut));
    if (bert__token_scratch_bytes(s) > bytes)
        fail_msg("%s: %zu bytes of buffers", unit, bert__token_scratch_bytes(s));
    bert__token_scratch_destroy(s);
    bert__alloc_destroy(alloc);
    free(data);
    bert_tokenizer_unref(tok);
}

static void test_endless(void **state)
{
    const size_t small = 1 << 20, large = 100u << 20;

    (void)state;
    check_endless("a ", 1, small);
    check_endless(" ", 0, small);
    check_endless(".", 1, small);
    check_endless("\xE4\xB8\xAD", 1, small);
    check_endless("[MASK]", 1, small);
    check_endless("[MASK", 5, small);
    check_endless("brown, ", 2, small);
    check_endless("\xCC\x81\xCC\x96", 0, large);
    check_endless("\xE2\x82", 0, large);
}

/* One word that nothing parts: too long for the model, so one token. */
static void test_endless_word(void **state)
{
    bert_tokenizer *tok = load_fixture("uncased.json");
    enum { SIZE = 2 << 20 };
    char *data = malloc(SIZE);
    bert_text text = {data, SIZE};
    bert_encoding *e;

    (void)state;
    assert_non_null(data);
    memset(data, 'a', SIZE);
    assert_int_equal(bert_tokenize(tok, text, NULL, NULL, &e, NULL), BERT_OK);
    assert_int_equal(bert_encoding_size(e), 3);
    assert_int_equal(bert_encoding_offsets(e)[1].end, SIZE);
    bert_encoding_free(e);
    free(data);
    bert_tokenizer_unref(tok);
}

/* ---- WordPiece by its definition ----------------------------------------------------- */

static bert_tokenizer *load_vocab(char *const *words, size_t n, const char *max_chars)
{
    char *json = malloc(n * 64 + 1000);
    size_t at = 0;
    bert_file file = {"tokenizer.json", json, 0};
    bert_tokenizer *tok;
    bert_error err;

    assert_non_null(json);
    at += (size_t)sprintf(json,
                          "{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\","
                          "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":%s,"
                          "\"vocab\":{\"?\":0",
                          max_chars);
    for (size_t i = 0; i < n; i++)
        at += (size_t)sprintf(json + at, ",\"%s\":%zu", words[i], i + 1);
    file.size = at + (size_t)sprintf(json + at, "}}}");
    if (load(&tok, &file, NULL, &err) != BERT_OK)
        fail_msg("%s", err.message);
    free(json);
    return tok;
}

/* The longest known prefix, again and again; 0 tokens where one is missing. */
static size_t greedy(const bert_tokenizer *tok, const char *word, int32_t *ids)
{
    char piece[64];
    size_t n = 0, size = strlen(word);

    for (size_t at = 0; at < size;) {
        size_t end = size;
        int32_t id = -1;

        for (; end > at && id < 0; end--) {
            bert_text t = {piece, 0};

            t.size =
                (size_t)sprintf(piece, "%s%.*s", at > 0 ? "##" : "", (int)(end - at), word + at);
            id = bert_tokenizer_id(tok, t);
            if (id >= 0)
                break;
        }
        if (id < 0)
            return 0;
        ids[n++] = id;
        at = end;
    }
    return n;
}

static uint32_t random_below(uint64_t *s, uint32_t below)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return (uint32_t)((*s * 0x2545F4914F6CDD1DULL) >> 33) % below;
}

static void random_word(uint64_t *s, char *out, uint32_t longest)
{
    uint32_t n = 1 + random_below(s, longest);

    for (uint32_t i = 0; i < n; i++)
        *out++ = "ab#c"[random_below(s, 4)];
    *out = '\0';
}

/* Vocabulary of random words without repeats; returns how many. */
static size_t random_vocab(uint64_t *s, char words[][16], char **list)
{
    size_t n = 0, want = 2 + random_below(s, 20);

    for (size_t tries = 0; n < want && tries < 100; tries++) {
        size_t i = 0;

        strcpy(words[n], "##");
        random_word(s, words[n] + (random_below(s, 2) ? 2 : 0), 5);
        while (i < n && strcmp(words[i], words[n]) != 0)
            i++;
        if (i == n)
            list[n] = words[n], n++;
    }
    return n;
}

static void test_greedy(void **state)
{
    uint64_t s = 77;
    size_t known = 0, several = 0;

    (void)state;
    for (int trial = 0; trial < 400; trial++) {
        char words[24][16], *list[24], word[16];
        bert_tokenizer *tok = load_vocab(list, random_vocab(&s, words, list), "100");

        for (int i = 0; i < 60; i++) {
            int32_t ids[16];
            bert_encoding *e;
            size_t n;

            random_word(&s, word, 12);
            n = greedy(tok, word, ids);
            assert_int_equal(
                bert_tokenize(tok, (bert_text){word, strlen(word)}, NULL, NULL, &e, NULL), BERT_OK);
            known += n > 0;
            several += n > 2;
            if (n == 0)
                ids[n++] = 0;
            if (bert_encoding_size(e) != n
                || memcmp(bert_encoding_ids(e), ids, n * sizeof *ids) != 0)
                fail_msg("trial %d: \"%s\"", trial, word);
            bert_encoding_free(e);
        }
        bert_tokenizer_unref(tok);
    }
    assert_true(known > 1000 && several > 300);
}

/* A vocabulary made to waste work: a long token whose beginnings match all the way and
 * which never comes.  Quadratic search would take minutes here. */
static void test_wasted_work(void **state)
{
    enum { LONG = 100000, SIZE = 1 << 20 };
    char *token = malloc(LONG + 3), *text = malloc(SIZE), *json = malloc(2 * LONG + 1000);
    bert_file file = {"tokenizer.json", json, 0};
    bert_tokenizer *tok;
    bert_encoding *e;
    bert_error err;

    (void)state;
    assert_true(token != NULL && text != NULL && json != NULL);
    memset(token, 'a', LONG);
    strcpy(token + LONG, "b");
    memset(text, 'a', SIZE);
    file.size =
        (size_t)sprintf(json,
                        "{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\","
                        "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":"
                        "1000000000,\"vocab\":{\"?\":0,\"a\":1,\"##a\":2,\"%s\":3,\"##%s\":4}}}",
                        token, token);
    if (load(&tok, &file, NULL, &err) != BERT_OK)
        fail_msg("%s", err.message);
    assert_int_equal(bert_tokenize(tok, (bert_text){text, SIZE}, NULL, NULL, &e, NULL), BERT_OK);
    assert_int_equal(bert_encoding_size(e), SIZE);
    assert_int_equal(bert_encoding_ids(e)[0], 1);
    assert_int_equal(bert_encoding_ids(e)[SIZE - 1], 2);
    bert_encoding_free(e);
    bert_tokenizer_unref(tok);
    free(token);
    free(text);
    free(json);
}

/* ---- Threads ------------------------------------------------------------------------ */

enum { THREADS = 4, ROUNDS = 300 };

struct shared {
    bert_tokenizer *tok;
    const bert_encoding *want;
    bert_text text;
    int bad;
};

static void *tokenize_often(void *context)
{
    struct shared *s = context;

    for (int i = 0; i < ROUNDS; i++) {
        bert_encoding *e;
        size_t n = bert_encoding_size(s->want);

        if (bert_tokenize(bert_tokenizer_ref(s->tok), s->text, NULL, NULL, &e, NULL) != BERT_OK) {
            s->bad = 1;
            return NULL;
        }
        bert_tokenizer_unref(s->tok);
        if (bert_encoding_size(e) != n
            || memcmp(bert_encoding_ids(e), bert_encoding_ids(s->want), n * sizeof(int32_t)) != 0)
            s->bad = 1;
        bert_encoding_free(e);
    }
    return NULL;
}

static void test_threads(void **state)
{
    bert_tokenizer *tok = load_fixture("uncased.json");
    static const char text[] = "the quick brown fox, unbelievable caf\xC3\xA9 \xE4\xB8\xAD [MASK]";
    struct shared shared[THREADS];
    pthread_t threads[THREADS];
    bert_encoding *want;

    (void)state;
    assert_int_equal(
        bert_tokenize(tok, (bert_text){text, sizeof text - 1}, NULL, NULL, &want, NULL), BERT_OK);
    for (int i = 0; i < THREADS; i++) {
        shared[i] = (struct shared){tok, want, {text, sizeof text - 1}, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, tokenize_often, &shared[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(shared[i].bad, 0);
    }
    bert_encoding_free(want);
    bert_tokenizer_unref(tok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_no_allocation),
        cmocka_unit_test(test_endless),       cmocka_unit_test(test_endless_word),
        cmocka_unit_test(test_greedy),        cmocka_unit_test(test_wasted_work),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
