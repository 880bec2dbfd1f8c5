/* SPDX-License-Identifier: MIT */
/*
 * test_tok_calls.c - pre-split words, batches, cuts, early stops; memory that runs out under
 * them; and one tokenizer of each kind in the hands of many threads.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support_alloc.h"
#include "tests/unit/support_sys.h"
#include "tests/unit/support_tok.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bert_text text_of(const char *s)
{
    return (bert_text){s, strlen(s)};
}

static bert_tokenizer *load(const char *name, const bert_allocator *host, bert_status *status)
{
    bert_tokenizer_options o = BERT_TOKENIZER_OPTIONS_INIT;
    bert_tokenizer *tok;
    bert_error err;
    size_t size;
    char *json = tok_read_file(name, &size);

    o.allocator = host;
    *status =
        bert_tokenizer_load_memory(&tok, &(bert_file){"tokenizer.json", json, size}, 1, &o, &err);
    if (*status != BERT_OK && *status != BERT_ENOMEM)
        fail_msg("%s: %s", name, err.message);
    free(json);
    return tok;
}

static bert_tokenizer *load_ok(const char *name)
{
    bert_status status;
    bert_tokenizer *tok = load(name, NULL, &status);

    assert_int_equal(status, BERT_OK);
    return tok;
}

static const char *const texts[] = {
    "",
    "the quick brown fox jumps over the lazy dog",
    "unbelievable caf\xC3\xA9, na\xC3\xAFve \xE4\xB8\xAD\xE6\x96\x87 [MASK] x",
    "  spaces   in front and behind   ",
    "\xF0\x9F\x98\x80\xFF\xC3 ill-formed \xE2\x82",
    "hello world hello world hello world hello world hello world hello world hello world",
};

/* ---- Words ------------------------------------------------------------------ */

static void test_words(void **state)
{
    bert_tokenizer *tok = load_ok("uncased.json");
    bert_text words[] = {text_of("unaffable"), text_of(""), text_of("new york"),
                         text_of("caf\xC3\xA9")};
    bert_text pair[] = {text_of("hello")};
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *e;
    bert_span kept;
    size_t n;

    (void)state;
    assert_int_equal(bert_tokenize_words(tok, words, 4, pair, 1, NULL, &e, NULL), BERT_OK);
    n = bert_encoding_size(e);
    for (size_t i = 1, last = 0; i + 1 < n && bert_encoding_sequence_ids(e)[i] == 0; i++) {
        size_t word = (size_t)bert_encoding_word_ids(e)[i];

        assert_true(word >= last && word < 4 && word != 1);
        assert_true(bert_encoding_offsets(e)[i].end <= words[word].size);
        assert_true(word == last || bert_encoding_offsets(e)[i].start == 0);
        last = word;
    }
    assert_int_equal(bert_encoding_word_ids(e)[n - 2], 0);
    kept = bert_encoding_kept(e, 0);
    assert_true(kept.start == 0 && kept.end == 4);
    bert_encoding_free(e);
    o.max_length = 3;
    assert_int_equal(bert_tokenize_words(tok, words, 4, NULL, 0, &o, &e, NULL), BERT_OK);
    kept = bert_encoding_kept(e, 0);
    assert_true(kept.start == 0 && kept.end == 1);
    bert_encoding_free(e);
    assert_int_equal(bert_tokenize_words(tok, NULL, 0, NULL, 0, NULL, &e, NULL), BERT_OK);
    assert_int_equal(bert_encoding_size(e), 2);
    bert_encoding_free(e);
    assert_int_equal(bert_tokenize_words(tok, NULL, 2, NULL, 0, NULL, &e, NULL), BERT_EINVAL);
    assert_null(e);
    words[2].data = NULL;
    assert_int_equal(bert_tokenize_words(tok, words, 4, NULL, 0, NULL, &e, NULL), BERT_EINVAL);
    bert_tokenizer_unref(tok);
}

/* ---- Cuts ------------------------------------------------------------------- */

static void check_cuts(const bert_tokenizer *tok, bert_text text)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *e, *part;
    size_t n, at, count;

    o.no_special = 1;
    assert_int_equal(bert_tokenize(tok, text, NULL, &o, &e, NULL), BERT_OK);
    n = bert_encoding_size(e);
    for (size_t k = 0; k <= n + 1; k++) {
        assert_int_equal(bert_cut_text(tok, text, k, BERT_TRUNCATE_RIGHT, &at, NULL), BERT_OK);
        assert_int_equal(at, k >= n ? text.size : k == 0 ? 0 : bert_encoding_offsets(e)[k - 1].end);
        assert_int_equal(bert_cut_text(tok, text, k, BERT_TRUNCATE_LEFT, &at, NULL), BERT_OK);
        assert_int_equal(at, k >= n   ? 0
                             : k == 0 ? text.size
                                      : bert_encoding_offsets(e)[n - k].start);
        if (k == 0)
            continue;
        o.max_length = (uint32_t)k;
        for (o.stop_early = 0; o.stop_early < 2; o.stop_early++) {
            assert_int_equal(bert_tokenize(tok, text, NULL, &o, &part, NULL), BERT_OK);
            assert_int_equal(bert_encoding_size(part), k < n ? k : n);
            assert_memory_equal(bert_encoding_ids(part), bert_encoding_ids(e),
                                bert_encoding_size(part) * sizeof(int32_t));
            assert_int_equal(bert_encoding_kept(part, 0).end,
                             k >= n ? text.size : bert_encoding_offsets(e)[k - 1].end);
            if (!o.stop_early)
                assert_int_equal(bert_encoding_truncated(part), k < n ? n - k : 0);
            bert_encoding_free(part);
        }
        assert_int_equal(bert_count_tokens(tok, text, NULL, &o, &count, NULL), BERT_EINVAL);
        o.stop_early = 0; /* 2 was none */
        assert_int_equal(bert_count_tokens(tok, text, NULL, &o, &count, NULL), BERT_OK);
        assert_int_equal(count, k < n ? k : n);
        o.max_length = 0;
    }
    bert_encoding_free(e);
}

static void test_cuts(void **state)
{
    bert_tokenizer *tok = load_ok("uncased.json");
    size_t at;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        check_cuts(tok, text_of(texts[i]));
    assert_int_equal(bert_cut_text(tok, text_of("a"), 1, (bert_truncation_side)2, &at, NULL),
                     BERT_EINVAL);
    assert_int_equal(bert_cut_text(NULL, text_of("a"), 1, BERT_TRUNCATE_LEFT, &at, NULL),
                     BERT_EINVAL);
    bert_tokenizer_unref(tok);
}

/* The windows say which bytes they hold, and together hold all. */
static void test_kept(void **state)
{
    bert_tokenizer *tok = load_ok("uncased.json");
    bert_text text = text_of(texts[5]);
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;

    (void)state;
    o.max_length = 5;
    o.overflow = 1;
    for (o.side = 0; o.side < 2; o.side++) {
        bert_encoding *e;
        size_t windows, edge = o.side ? text.size : 0;

        assert_int_equal(bert_tokenize(tok, text, NULL, &o, &e, NULL), BERT_OK);
        windows = bert_encoding_overflow_count(e) + 1;
        assert_true(windows > 3);
        for (size_t i = 0; i < windows; i++) {
            bert_span s = bert_encoding_kept(i == 0 ? e : bert_encoding_overflow(e, i - 1), 0);

            if (i > 0) /* a space lies between them */
                assert_int_equal(o.side ? s.end : s.start, o.side ? edge - 1 : edge + 1);
            edge = o.side ? s.start : s.end;
        }
        assert_int_equal(edge, o.side ? 0 : text.size);
        assert_int_equal(bert_encoding_kept(e, 1).end, 0);
        assert_int_equal(bert_encoding_kept(e, -1).end, 0);
        bert_encoding_free(e);
    }
    bert_tokenizer_unref(tok);
}

/* ---- Batches ---------------------------------------------------------------- */

enum { BATCH = 700 };

static bool same(const bert_encoding *a, const bert_encoding *b)
{
    size_t n = bert_encoding_size(a);

    return n == bert_encoding_size(b)
           && (n == 0
               || (memcmp(bert_encoding_ids(a), bert_encoding_ids(b), n * sizeof(int32_t)) == 0
                   && memcmp(bert_encoding_offsets(a), bert_encoding_offsets(b),
                             n * sizeof(bert_span))
                          == 0));
}

static void check_batch(const bert_tokenizer *tok, const bert_text *pairs, uint32_t threads)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_text views[BATCH];
    bert_encoding *out[BATCH], *one;

    o.threads = threads;
    for (size_t i = 0; i < BATCH; i++)
        views[i] = text_of(texts[i * 7 % COUNT(texts)]);
    test_sys_install();
    assert_int_equal(bert_tokenize_batch(tok, views, pairs, BATCH, &o, out, NULL), BERT_OK);
    assert_int_equal(test_sys.threads, threads > 1 ? threads - 1 : 0);
    bert__sys_replace(NULL);
    for (size_t i = 0; i < BATCH; i++) {
        assert_int_equal(
            bert_tokenize(tok, views[i], pairs != NULL ? &pairs[i] : NULL, NULL, &one, NULL),
            BERT_OK);
        assert_true(same(one, out[i]));
        bert_encoding_free(one);
        bert_encoding_free(out[i]);
    }
}

static void test_batch(void **state)
{
    bert_tokenizer *tok = load_ok("uncased.json");
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_text pairs[BATCH];
    bert_encoding *out[BATCH];
    bert_error err;

    (void)state;
    for (size_t i = 0; i < BATCH; i++)
        pairs[i] = text_of(texts[i * 5 % COUNT(texts)]);
    for (uint32_t threads = 0; threads < 5; threads++)
        check_batch(tok, threads & 1 ? pairs : NULL, threads);
    /* Of the second texts only "" has too little to cut. */
    o.max_length = 8;
    o.strategy = BERT_ONLY_SECOND;
    o.threads = 2;
    for (size_t i = 0; i < BATCH; i++)
        pairs[i] = text_of(i == 311 || i == 500 ? "" : texts[5]);
    for (size_t i = 0; i < BATCH; i++)
        out[i] = NULL;
    {
        bert_text views[BATCH];

        for (size_t i = 0; i < BATCH; i++)
            views[i] = text_of(i == 311 || i == 500 ? texts[5] : "a");
        assert_int_equal(bert_tokenize_batch(tok, views, pairs, BATCH, &o, out, &err), BERT_ERANGE);
    }
    assert_non_null(strstr(err.message, "text 311: "));
    for (size_t i = 0; i < BATCH; i++) {
        assert_true((out[i] == NULL) == (i == 311 || i == 500));
        bert_encoding_free(out[i]);
    }
    assert_int_equal(bert_tokenize_batch(tok, NULL, NULL, 0, &o, NULL, NULL), BERT_OK);
    assert_int_equal(bert_tokenize_batch(tok, NULL, NULL, 3, &o, out, NULL), BERT_EINVAL);
    o.threads = 1 << 20;
    assert_int_equal(bert_tokenize_batch(tok, pairs, NULL, 3, &o, out, NULL), BERT_EINVAL);
    bert_tokenizer_unref(tok);
}

/* ---- Memory that runs out ------------------------------------------------------ */

static bert_status use_all(const char *name, const bert_allocator *host)
{
    bert_text words[] = {text_of(texts[2]), text_of(texts[4])};
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *e[3] = {NULL, NULL, NULL};
    bert_status status;
    bert_tokenizer *tok = load(name, host, &status);
    char out[2000];
    size_t at;

    if (status != BERT_OK)
        return status;
    o.max_length = 9;
    o.overflow = 1;
    status = bert_tokenize_words(tok, words, 2, words, 2, &o, &e[2], NULL);
    if (status == BERT_OK)
        status = bert_tokenize_batch(tok, words, words, 2, &o, e, NULL);
    if (status == BERT_OK)
        status = bert_cut_text(tok, words[0], 3, BERT_TRUNCATE_LEFT, &at, NULL);
    if (status == BERT_OK)
        status = bert_decode(tok, bert_encoding_ids(e[0]), bert_encoding_size(e[0]), 1, out,
                             sizeof out, &at, NULL);
    for (int i = 0; i < 3; i++)
        bert_encoding_free(e[i]);
    bert_tokenizer_unref(tok);
    return status;
}

static void fail_each_allocation(const char *name)
{
    struct test_alloc heap;
    long n = 0;
    bert_status status;

    do {
        test_alloc_init(&heap, ++n);
        status = use_all(name, &heap.host);
        if (status != BERT_OK && status != BERT_ENOMEM)
            fail_msg("%s: allocation %ld fails: %s", name, n, bert_status_name(status));
        if (heap.live != 0)
            fail_msg("%s: allocation %ld fails: %ld blocks are left", name, n, heap.live);
    } while (status != BERT_OK || heap.calls >= n);
    assert_true(n > 30);
}

/* ---- Each kind of tokenizer ----------------------------------------------------- */

enum { MAX_KINDS = 64, THREADS = 4, ROUNDS = 20 };

struct kind {
    char file[80];
    bert_tokenizer *tok;
    bert_encoding *want[COUNT(texts)];
};

static int is_tokenizer(const char *name)
{
    static const char *const others[] = {"processors.json", "decoders.json", "stages.json"};
    size_t n = strlen(name);

    for (size_t i = 0; i < COUNT(others); i++) {
        if (strcmp(name, others[i]) == 0)
            return 0;
    }
    return n > 5 && strcmp(name + n - 5, ".json") == 0 && strstr(name, ".cases") == NULL;
}

/* All tokenizers of the fixtures; returns how many. */
static size_t list_kinds(struct kind kinds[MAX_KINDS])
{
    DIR *d = opendir(TEST_SRCDIR "/tests/data/tokenizer");
    struct dirent *entry;
    size_t n = 0;

    assert_non_null(d);
    while ((entry = readdir(d)) != NULL) {
        if (!is_tokenizer(entry->d_name))
            continue;
        assert_true(n < MAX_KINDS && strlen(entry->d_name) < sizeof kinds->file);
        strcpy(kinds[n++].file, entry->d_name);
    }
    closedir(d);
    assert_true(n >= 9);
    return n;
}

static void test_out_of_memory(void **state)
{
    static struct kind kinds[MAX_KINDS];
    size_t n = list_kinds(kinds);

    (void)state;
    for (size_t i = 0; i < n; i++)
        fail_each_allocation(kinds[i].file);
}

struct shared {
    const struct kind *kinds;
    size_t n;
    int bad;
};

static bool use_kind(const struct kind *k)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_text views[COUNT(texts)];
    bert_encoding *out[COUNT(texts)], *e;
    char text[400];
    size_t n;
    bool ok;

    o.threads = 2;
    for (size_t i = 0; i < COUNT(texts); i++)
        views[i] = text_of(texts[i]);
    ok = bert_tokenize_batch(k->tok, views, NULL, COUNT(texts), &o, out, NULL) == BERT_OK;
    for (size_t i = 0; i < COUNT(texts); i++) {
        ok = ok && same(out[i], k->want[i]);
        bert_encoding_free(out[i]);
        ok = bert_tokenize(k->tok, views[i], NULL, NULL, &e, NULL) == BERT_OK && ok;
        ok = ok && same(e, k->want[i]);
        ok = ok && bert_count_tokens(k->tok, views[i], NULL, NULL, &n, NULL) == BERT_OK
             && n == bert_encoding_size(e);
        ok = ok
             && bert_decode(k->tok, bert_encoding_ids(e), n, 0, text, sizeof text, &n, NULL)
                    == BERT_OK;
        bert_encoding_free(e);
    }
    return ok;
}

static void *use_kinds(void *context)
{
    struct shared *s = context;

    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < s->n; i++) {
            if (!use_kind(&s->kinds[i]))
                s->bad = 1;
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    static struct kind kinds[MAX_KINDS];
    size_t n = list_kinds(kinds);
    struct shared shared[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < n; i++) {
        kinds[i].tok = load_ok(kinds[i].file);
        for (size_t k = 0; k < COUNT(texts); k++)
            assert_int_equal(
                bert_tokenize(kinds[i].tok, text_of(texts[k]), NULL, NULL, &kinds[i].want[k], NULL),
                BERT_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        shared[i] = (struct shared){kinds, n, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, use_kinds, &shared[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(shared[i].bad, 0);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < COUNT(texts); k++)
            bert_encoding_free(kinds[i].want[k]);
        bert_tokenizer_unref(kinds[i].tok);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),         cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_kept),          cmocka_unit_test(test_batch),
        cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
