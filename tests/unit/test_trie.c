/* SPDX-License-Identifier: MIT */
/* test_trie.c - keys are sorted as bytes and found in the trie, whatever they share; those that
 * begin at each position of a text are found by walking from several of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "tokenizer/trie.h"
#include "tokenizer/unigram_trie.h"

enum { KEYS = 9000, LONGEST = 900 }; /* fewer, and many more, than are sorted in parts of a byte */

static uint32_t state;

static uint32_t draw(uint32_t n)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % n;
}

static int compare(const void *x, const void *y)
{
    const struct bert__trie_key *a = x, *b = y;
    int c = memcmp(a->data, b->data, a->size < b->size ? a->size : b->size);

    return c != 0 ? c : a->size < b->size ? -1 : a->size > b->size;
}

/* Keys of few different bytes, NUL among them, the half of which begin with much of the one
 * before; no two the same. */
static uint32_t make_keys(struct bert__trie_key *keys, char *text, uint32_t n, uint32_t longest,
                          unsigned letters)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++, text += longest) {
        uint32_t size = 1 + draw(longest), shared = 0;

        for (uint32_t b = 0; b < size; b++)
            text[b] = (char)draw(letters);
        if (i > 0 && draw(2) == 0) {
            shared = keys[i - 1].size < size ? keys[i - 1].size : size;
            memcpy(text, keys[i - 1].data, shared);
        }
        keys[i] = (struct bert__trie_key){text, size, (int32_t)i, {0}};
    }
    qsort(keys, n, sizeof *keys, compare);
    for (uint32_t i = 0; i < n; i++) {
        if (kept == 0 || compare(&keys[kept - 1], &keys[i]) != 0)
            keys[kept++] = keys[i];
    }
    return kept;
}

static uint32_t common(const struct bert__trie_key *a, const struct bert__trie_key *b)
{
    uint32_t i = 0;

    while (i < a->size && i < b->size && a->data[i] == b->data[i])
        i++;
    return i;
}

static int32_t find(const struct bert__trie *t, const struct bert__trie_key *k)
{
    uint32_t v = t->root[(unsigned char)k->data[0]];

    for (uint32_t i = 1; v != BERT__TRIE_NONE && i < k->size; i++)
        v = bert__trie_child(t, v, (uint8_t)k->data[i]);
    return v == BERT__TRIE_NONE ? -1 : t->nodes[v].id;
}

/* What a lane says of the keys that begin at s, against one look at a time. */
static void check_lane(const struct bert__trie *t, const struct bert__unigram_trie *u,
                       const struct bert__unigram_lane *l, const char *s, uint32_t n)
{
    uint32_t v = t->root[(unsigned char)s[0]], size = 1;

    for (; v != BERT__TRIE_NONE && size <= BERT__UNIGRAM_DEPTH; size++) {
        const struct bert__unigram_node *node = &u->nodes[l->way[size]];

        assert_int_equal(node->id, t->nodes[v].id);
        assert_int_equal(l->sizes >> size & 1, node->id >= 0);
        if (node->id >= 0)
            assert_true(node->score == -(double)node->id);
        v = size < n ? bert__trie_child(t, v, (uint8_t)s[size]) : BERT__TRIE_NONE;
    }
    assert_int_equal(l->v, v); /* which are the same nodes in both */
    assert_int_equal((uint64_t)l->sizes >> size, 0);
}

/* Texts of all sizes, so that some end near what is walked. */
static void check_walks(const struct bert__trie *t, const struct bert__unigram_trie *u,
                        unsigned letters)
{
    struct bert__unigram_lane lanes[BERT__UNIGRAM_LANES];
    char text[150];

    for (uint32_t n = 1; n <= sizeof text; n++) {
        uint32_t count, at = 0;

        for (uint32_t i = 0; i < n; i++)
            text[i] = (char)draw(letters < 128 ? letters : 128); /* characters of one byte */
        count = bert__unigram_walk(u, text, n, lanes);
        assert_int_equal(count, n < BERT__UNIGRAM_LANES ? n : BERT__UNIGRAM_LANES);
        for (uint32_t i = 0; i < count; at += lanes[i++].one) {
            assert_int_equal(lanes[i].at, at);
            assert_int_equal(lanes[i].one, 1);
            check_lane(t, u, &lanes[i], text + at, n - at);
        }
    }
}

static void check(struct bert__alloc *alloc, uint32_t n, uint32_t longest, unsigned letters)
{
    static struct bert__trie_key keys[KEYS], sorted[KEYS];
    char *text = malloc((size_t)n * longest + 1);
    static double scores[KEYS];
    struct bert__unigram_trie unigram;
    struct bert__trie trie;
    struct bert__trie_key none;

    assert_non_null(text);
    n = make_keys(sorted, text, n, longest, letters);
    for (uint32_t i = 0; i < n; i++) { /* in an order of chance */
        uint32_t at = draw(i + 1);

        keys[i] = keys[at];
        keys[at] = sorted[i];
    }
    assert_true(bert__trie_build(&trie, alloc, keys, n));
    for (uint32_t i = 0; i < n; i++) {
        assert_ptr_equal(keys[i].data, sorted[i].data);
        assert_int_equal(keys[i].shared, i > 0 ? common(&keys[i - 1], &keys[i]) : 0);
        assert_int_equal(find(&trie, &sorted[i]), sorted[i].id);
    }
    none = (struct bert__trie_key){"\xFF", 1, 0, {0}};
    assert_int_equal(find(&trie, &none), -1);
    for (uint32_t i = 0; i < KEYS; i++)
        scores[i] = -(double)i;
    assert_true(bert__unigram_trie_build(&unigram, alloc, keys, n, scores));
    check_walks(&trie, &unigram, letters);
    bert__unigram_trie_free(&unigram);
    bert__trie_free(&trie);
    free(text);
}

static void test_keys(void **unused)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);

    (void)unused;
    assert_non_null(alloc);
    for (state = 1; state < 30; state++) {
        uint32_t seed = state;

        check(alloc, 0, 1, 1);
        check(alloc, 1 + draw(KEYS), 1 + draw(6), 2);
        check(alloc, 1 + draw(KEYS), 1 + draw(30), 1 + draw(4));
        check(alloc, 1 + draw(300), LONGEST, 1 + draw(200));
        state = seed;
    }
    assert_int_equal(bert__alloc_used(alloc), 0);
    bert__alloc_destroy(alloc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
