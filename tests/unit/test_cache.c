/* SPDX-License-Identifier: MIT */
/* test_cache.c - the cache of the engine: each promise of its header, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support_alloc.h"
#include "tests/unit/support_cache.h"

enum { MB = 1 << 20 };

static struct bert__alloc *alloc; /* of the cache that make() made last */
static const bert_error left = {BERT_ECANCELED, "canceled"};

static struct bert__cache *make_hashed(uint64_t max_bytes, uint32_t shards,
                                       uint64_t (*hash)(const struct bert__cache_key *))
{
    struct bert__cache_options options = test_cache_options(max_bytes, shards, hash);
    struct bert__cache *cache;
    bert_error err;

    alloc = bert__alloc_create(NULL, 0);
    assert_int_equal(bert__cache_create(&cache, alloc, &options, &err), BERT_OK);
    return cache;
}

static struct bert__cache *make(uint64_t max_bytes, uint32_t shards)
{
    return make_hashed(max_bytes, shards, NULL);
}

static void unmake(struct bert__cache *cache)
{
    struct bert__cache_counts n;

    bert__cache_flush(cache);
    bert__cache_count(cache, &n);
    assert_int_equal(n.entries, 0);
    assert_int_equal(n.in_flight, 0);
    assert_int_equal(n.bytes, 0);
    bert__cache_destroy(cache);
    assert_int_equal(bert__alloc_used(alloc), 0);
    assert_int_equal(test_values(), 0);
    bert__alloc_destroy(alloc);
}

static struct bert__cache_counts counts(const struct bert__cache *cache)
{
    struct bert__cache_counts n;

    bert__cache_count(cache, &n);
    return n;
}

/* Looks up; a value that is found must be this key's. */
static enum bert__cache_found look(struct bert__cache *cache, uint64_t number,
                                   struct test_waiter *w, struct bert__cache_entry **ticket)
{
    struct test_key key;
    void *value;
    enum bert__cache_found found = bert__cache_lookup(
        cache, test_key(&key, number), w != NULL ? &w->waiter : NULL, &value, ticket);

    assert_int_equal(found == BERT__CACHE_HIT, value != NULL);
    if (found != BERT__CACHE_OWNER)
        assert_null(*ticket);
    if (value != NULL) {
        assert_int_equal(((struct test_value *)value)->key, number);
        test_value_unref(value);
    }
    return found;
}

static struct bert__cache_entry *own(struct bert__cache *cache, uint64_t number)
{
    struct bert__cache_entry *ticket;

    assert_int_equal(look(cache, number, NULL, &ticket), BERT__CACHE_OWNER);
    assert_non_null(ticket);
    return ticket;
}

static void join(struct bert__cache *cache, uint64_t number, struct test_waiter *w)
{
    struct bert__cache_entry *ticket;

    assert_int_equal(look(cache, number, w, &ticket), BERT__CACHE_JOINED);
    assert_int_equal(w->calls, 0);
}

static void join_all(struct bert__cache *cache, uint64_t number, struct test_waiter *w, int n)
{
    for (int i = 0; i < n; i++) {
        test_waiter_init(&w[i]);
        join(cache, number, &w[i]);
    }
}

/* The number of the value that is found; -1: none is. */
static int found_by(struct bert__cache *cache, const struct bert__cache_key *key)
{
    struct bert__cache_entry *ticket;
    void *value;
    int which = -1;

    if (bert__cache_lookup(cache, key, NULL, &value, &ticket) == BERT__CACHE_HIT) {
        which = (int)((struct test_value *)value)->key;
        test_value_unref(value);
    }
    bert__cache_abandon(cache, ticket, &left);
    return which;
}

static bool has(struct bert__cache *cache, uint64_t number)
{
    struct test_key key;
    int found = found_by(cache, test_key(&key, number));

    assert_true(found == -1 || found == (int)number);
    return found != -1;
}

static void answer(struct bert__cache *cache, struct bert__cache_entry *ticket, uint64_t number,
                   size_t bytes)
{
    struct test_value *v = test_value_make(number, 0);

    bert__cache_fulfil(cache, ticket, v, bytes);
    test_value_unref(v);
}

static void put(struct bert__cache *cache, uint64_t number)
{
    struct bert__cache_entry *ticket;

    if (look(cache, number, NULL, &ticket) == BERT__CACHE_OWNER)
        answer(cache, ticket, number, 1500);
}

/* Keys from `first` to before `end`. */
static void put_all(struct bert__cache *cache, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        put(cache, i);
}

static int count_of(struct bert__cache *cache, uint64_t first, uint64_t end)
{
    int there = 0;

    for (uint64_t i = first; i < end; i++)
        there += has(cache, i);
    return there;
}

static void expect_told(const struct test_waiter *w, uint64_t number)
{
    assert_int_equal(w->calls, 1);
    assert_non_null(w->value);
    assert_int_equal(w->value->key, number);
    assert_int_equal(w->status, BERT_OK);
    test_value_unref(w->value);
}

static void test_hit(void **state)
{
    struct bert__cache *cache = make(4 * MB, 0);
    struct bert__cache_counts n;

    (void)state;
    put(cache, 1);
    assert_true(has(cache, 1));
    assert_false(has(cache, 2));
    n = counts(cache);
    assert_int_equal(n.hits, 1);
    assert_int_equal(n.misses, 2);
    assert_int_equal(n.joined, 0);
    assert_int_equal(n.inserts, 1);
    assert_int_equal(n.entries, 1);
    assert_int_equal(n.refused, 0);
    assert_true(n.bytes > 1500);
    unmake(cache);
}

static void check_keys(uint64_t (*hash)(const struct bert__cache_key *))
{
    static const bert_text ab_c[] = {{"ab", 2}, {"c", 1}}, a_bc[] = {{"a", 1}, {"bc", 2}};
    static const bert_text abc[] = {{"abc", 3}}, zero[] = {{"abc\0", 4}},
                           zeros[] = {{"abc\0\0", 5}};
    static const bert_text empty[] = {{NULL, 0}, {NULL, 0}};
    const struct bert__cache_key keys[] = {
        {1, ab_c, 2},  {1, a_bc, 2},  {1, abc, 1},   {2, abc, 1},   {1, zero, 1},
        {1, zeros, 1}, {1, empty, 0}, {1, empty, 1}, {1, empty, 2}, {0, empty, 0},
    };
    enum { N = sizeof keys / sizeof keys[0] };
    struct bert__cache *cache = make_hashed(MB, 1, hash);

    for (int i = 0; i < N; i++) {
        struct bert__cache_entry *ticket;
        void *value;

        assert_int_equal(bert__cache_lookup(cache, &keys[i], NULL, &value, &ticket),
                         BERT__CACHE_OWNER);
        answer(cache, ticket, (uint64_t)i, 10);
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(found_by(cache, &keys[i]), i);
    unmake(cache);
}

static void test_keys(void **state)
{
    (void)state;
    check_keys(NULL);
    check_keys(test_cache_same);
}

static void test_join(void **state)
{
    struct bert__cache *cache = make(4 * MB, 0);
    struct bert__cache_entry *ticket = own(cache, 5), *none;
    struct test_waiter w[3];

    (void)state;
    join_all(cache, 5, w, 3);
    assert_int_equal(look(cache, 5, NULL, &none), BERT__CACHE_OWNER);
    assert_null(none);
    answer(cache, none, 5, 1); /* nothing */
    assert_int_equal(w[0].calls, 0);
    assert_int_equal(counts(cache).in_flight, 1);
    answer(cache, ticket, 5, 1500);
    for (int i = 0; i < 3; i++) {
        expect_told(&w[i], 5);
        assert_false(bert__cache_withdraw(cache, &w[i].waiter));
    }
    assert_true(has(cache, 5));
    assert_int_equal(counts(cache).joined, 3);
    assert_int_equal(counts(cache).in_flight, 0);
    unmake(cache);
}

static void test_fail(void **state)
{
    static const bert_error wrong = {BERT_ERANGE, "the text is too long"};
    struct bert__cache *cache = make(4 * MB, 0);
    struct bert__cache_entry *ticket = own(cache, 5);
    struct test_waiter w[2];

    (void)state;
    join_all(cache, 5, w, 2);
    bert__cache_fail(cache, ticket, &wrong);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(w[i].calls, 1);
        assert_null(w[i].value);
        assert_int_equal(w[i].status, BERT_ERANGE);
    }
    assert_false(has(cache, 5));
    bert__cache_fail(cache, NULL, &wrong);
    bert__cache_abandon(cache, NULL, &wrong);
    unmake(cache);
}

/* Its owner leaves while n wait, of whom the first can't own it and the second won't. */
static struct bert__cache_entry *abandoned(struct bert__cache *cache, struct test_waiter *w, int n)
{
    struct bert__cache_entry *ticket = own(cache, 5);

    join_all(cache, 5, w, n);
    w[0].waiter.own = NULL;
    w[1].declines = true;
    bert__cache_abandon(cache, ticket, &left);
    assert_int_equal(w[1].calls, 1);
    assert_null(w[1].ticket);
    return ticket;
}

/* The third does, the fourth goes on waiting. */
static void test_abandon(void **state)
{
    struct bert__cache *cache = make(4 * MB, 0);
    struct bert__cache_entry *ticket;
    struct test_waiter w[4];

    (void)state;
    ticket = abandoned(cache, w, 4);
    assert_ptr_equal(w[2].ticket, ticket);
    assert_int_equal(w[0].calls, 0);
    assert_int_equal(w[3].calls, 0);
    assert_false(bert__cache_withdraw(cache, &w[1].waiter));
    assert_false(bert__cache_withdraw(cache, &w[2].waiter));
    answer(cache, w[2].ticket, 5, 100);
    expect_told(&w[0], 5);
    expect_told(&w[3], 5);
    assert_int_equal(w[1].calls, 1);
    assert_int_equal(w[2].calls, 1);
    assert_true(has(cache, 5));
    unmake(cache);
}

static void test_abandon_to_nobody(void **state)
{
    struct bert__cache *cache = make(4 * MB, 0);
    struct test_waiter w[2];

    (void)state;
    abandoned(cache, w, 2);
    assert_int_equal(w[0].calls, 1);
    assert_int_equal(w[0].status, BERT_ECANCELED);
    assert_int_equal(counts(cache).in_flight, 0);
    bert__cache_abandon(cache, own(cache, 5), &left);
    unmake(cache);
}

static void test_withdraw(void **state)
{
    struct bert__cache *cache = make(4 * MB, 0);
    struct bert__cache_entry *ticket = own(cache, 5);
    struct test_waiter w[4];
    static const int order[] = {1, 0, 3, 2};

    (void)state;
    for (int i = 0; i < 4; i++) {
        test_waiter_init(&w[i]);
        assert_false(bert__cache_withdraw(cache, &w[i].waiter));
        join(cache, 5, &w[i]);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(bert__cache_withdraw(cache, &w[order[i]].waiter));
        assert_false(bert__cache_withdraw(cache, &w[order[i]].waiter));
    }
    join(cache, 5, &w[0]);
    answer(cache, ticket, 5, 100);
    assert_int_equal(w[1].calls + w[3].calls, 0);
    expect_told(&w[0], 5);
    expect_told(&w[2], 5);
    unmake(cache);
}

static void test_flush(void **state)
{
    struct bert__cache *cache = make(4 * MB, 2);
    struct bert__cache_entry *old = own(cache, 5), *new;
    struct test_waiter w[2];

    (void)state;
    put_all(cache, 10, 700);
    test_waiter_init(&w[0]);
    test_waiter_init(&w[1]);
    join(cache, 5, &w[0]);
    bert__cache_flush(cache);
    assert_int_equal(counts(cache).flushed, 690);
    assert_int_equal(count_of(cache, 10, 700), 0);
    new = own(cache, 5);
    join(cache, 5, &w[1]);
    answer(cache, old, 5, 100);
    expect_told(&w[0], 5);
    assert_int_equal(w[1].calls, 0);
    assert_int_equal(counts(cache).entries, 0);
    answer(cache, new, 5, 100);
    expect_told(&w[1], 5);
    assert_true(has(cache, 5));
    unmake(cache);
}

/* Who waits for a flight that was flushed inherits it, and it still isn't kept. */
static void test_flush_group(void **state)
{
    struct bert__cache *cache = make(16 * MB, 2);
    struct bert__cache_entry *old = own(cache, 1), *other = own(cache, 2);
    struct test_waiter w;

    (void)state;
    put_all(cache, 10, 3010);
    test_waiter_init(&w);
    join(cache, 1, &w);
    bert__cache_flush_group(cache, 1);
    assert_int_equal(counts(cache).flushed, 1000);
    for (uint64_t i = 10; i < 3010; i++)
        assert_int_equal(has(cache, i), i % 3 != 1);
    bert__cache_abandon(cache, old, &left);
    assert_ptr_equal(w.ticket, old);
    answer(cache, w.ticket, 1, 100);
    assert_false(has(cache, 1));
    answer(cache, other, 2, 100);
    assert_true(has(cache, 2));
    unmake(cache);
}

static void test_too_large(void **state)
{
    struct bert__cache *cache = make(MB, 1);
    struct bert__cache_entry *ticket = own(cache, 1);
    char *text = calloc(1, MB);
    bert_text part = {text, MB / 8};
    struct bert__cache_key key = {0, &part, 1};
    struct test_waiter w;
    void *value;

    (void)state;
    test_waiter_init(&w);
    join(cache, 1, &w);
    answer(cache, ticket, 1, MB / 8);
    expect_told(&w, 1);
    assert_false(has(cache, 1));
    answer(cache, own(cache, 1), 1, SIZE_MAX);
    assert_false(has(cache, 1));
    assert_int_equal(counts(cache).refused, 2);
    answer(cache, own(cache, 1), 1, MB / 8 - 1000);
    assert_true(has(cache, 1));
    assert_int_equal(bert__cache_lookup(cache, &key, &w.waiter, &value, &ticket),
                     BERT__CACHE_OWNER);
    assert_null(ticket);
    assert_int_equal(counts(cache).refused, 3);
    free(text);
    unmake(cache);
}

/* What it says that it has is what it has, and never more than it may. */
static void test_bound(void **state)
{
    static const uint64_t limits[] = {0, 1000, 20000, 300000, 4 * MB};

    (void)state;
    for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
        struct bert__cache *cache = make(limits[k], 2);
        uint64_t empty = bert__alloc_used(alloc);
        struct bert__cache_entry *tickets[50];

        for (uint64_t i = 0; i < 6000; i++) {
            struct bert__cache_counts n;
            struct bert__cache_entry **ticket = &tickets[i % 50];

            if (i >= 50)
                answer(cache, *ticket, i - 50, (size_t)(i * 37 % 4000));
            assert_int_equal(look(cache, i, NULL, ticket), BERT__CACHE_OWNER);
            n = counts(cache);
            assert_true(n.bytes <= limits[k]);
            assert_true(bert__alloc_used(alloc) - empty <= n.bytes);
        }
        for (uint64_t i = 6000; i < 6050; i++)
            answer(cache, tickets[i % 50], i - 50, 100);
        assert_int_equal(counts(cache).entries > 100, limits[k] >= 300000);
        assert_int_equal(counts(cache).inserts, counts(cache).entries + counts(cache).evictions);
        unmake(cache);
    }
}

/* A large value may push out more than goes in one hold of the lock. */
static void test_make_room(void **state)
{
    struct bert__cache *cache = make(16 * MB, 1);
    uint64_t before;

    (void)state;
    for (uint64_t i = 0; i < 20000; i++)
        answer(cache, own(cache, i), i, 1000);
    before = counts(cache).entries;
    assert_true(before > 10000);
    answer(cache, own(cache, 20001), 20001, 2 * MB - 1000);
    assert_true(has(cache, 20001));
    assert_true(counts(cache).entries < before - 1500);
    unmake(cache);
}

/* Texts that come once don't push out those that are asked for again and again. */
static void test_scan(void **state)
{
    struct bert__cache *cache = make(4 * MB, 1);

    (void)state;
    for (int round = 0; round < 3; round++)
        put_all(cache, 0, 1000);
    put_all(cache, 100000, 120000);
    assert_true(count_of(cache, 0, 1000) >= 990);
    unmake(cache);
}

/* A new set that is larger than the young ones' part gets in, though the old one filled the cache.
 */
static void test_return(void **state)
{
    struct bert__cache *cache = make(4 * MB, 1);

    (void)state;
    for (int round = 0; round < 4; round++)
        put_all(cache, 0, 1900);
    for (int round = 0; round < 12; round++)
        put_all(cache, 5000, 6000);
    assert_true(count_of(cache, 5000, 6000) >= 950);
    unmake(cache);
}

static void test_growth(void **state)
{
    struct bert__cache *cache = make(1024 * (uint64_t)MB, 1);

    (void)state;
    for (uint64_t i = 0; i < 100000; i++)
        answer(cache, own(cache, i), i, 0);
    assert_int_equal(count_of(cache, 0, 100000), 100000);
    assert_int_equal(counts(cache).entries, 100000);
    unmake(cache);
}

static void test_options(void **state)
{
    static const uint32_t wrong[] = {3, 6, 2048, UINT32_MAX};
    struct bert__cache *cache;
    bert_error err;

    (void)state;
    alloc = bert__alloc_create(NULL, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct bert__cache_options options = test_cache_options(MB, wrong[i], NULL);

        assert_int_equal(bert__cache_create(&cache, alloc, &options, &err), BERT_EINVAL);
        assert_null(cache);
        assert_non_null(strstr(err.message, "shards"));
    }
    bert__alloc_destroy(alloc);
    for (uint32_t shards = 1; shards <= 1024; shards *= 2) {
        cache = make(64 * MB, shards);
        put_all(cache, 0, 1000);
        assert_int_equal(count_of(cache, 0, 1000), 1000);
        unmake(cache);
    }
    bert__cache_destroy(NULL);
}

/* All there is to do, whatever memory there is; false if there is no cache. */
static bool everything(struct bert__alloc *from)
{
    struct bert__cache_options options = test_cache_options(MB, 1, NULL);
    struct bert__cache *cache;
    struct test_waiter w;

    if (bert__cache_create(&cache, from, &options, NULL) != BERT_OK)
        return false;
    for (uint64_t i = 0; i < 1000; i++) {
        struct bert__cache_entry *ticket, *none;

        if (look(cache, i % 700, NULL, &ticket) == BERT__CACHE_HIT)
            continue;
        test_waiter_init(&w);
        if (look(cache, i % 700, &w, &none) == BERT__CACHE_JOINED) {
            answer(cache, ticket, i % 700, 100);
            expect_told(&w, i % 700);
        } else {
            bert__cache_abandon(cache, none, &left);
            answer(cache, ticket, i % 700, 100);
        }
        if (i == 800)
            bert__cache_flush_group(cache, 1);
    }
    bert__cache_destroy(cache);
    return true;
}

static void test_no_memory(void **state)
{
    struct test_alloc t;
    long all = 0;

    (void)state;
    for (long fail_at = 0; fail_at <= all; fail_at++) {
        struct bert__alloc *from;

        test_alloc_init(&t, fail_at);
        from = bert__alloc_create(&t.host, 0);
        if (from == NULL)
            continue;
        assert_int_equal(everything(from), fail_at != 2 && fail_at != 3);
        assert_int_equal(bert__alloc_used(from), 0);
        bert__alloc_destroy(from);
        assert_int_equal(t.live, 0);
        assert_int_equal(test_values(), 0);
        if (fail_at == 0)
            all = t.calls;
    }
    assert_true(all > 700);
}

/* With a limit that is reached again and again. */
static void test_limit(void **state)
{
    (void)state;
    for (uint64_t limit = 4096; limit < MB; limit = limit * 3 / 2) {
        alloc = bert__alloc_create(NULL, limit);
        everything(alloc);
        assert_int_equal(bert__alloc_used(alloc), 0);
        assert_int_equal(test_values(), 0);
        bert__alloc_destroy(alloc);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hit),         cmocka_unit_test(test_keys),
        cmocka_unit_test(test_join),        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_abandon),     cmocka_unit_test(test_abandon_to_nobody),
        cmocka_unit_test(test_withdraw),    cmocka_unit_test(test_flush),
        cmocka_unit_test(test_flush_group), cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_bound),       cmocka_unit_test(test_make_room),
        cmocka_unit_test(test_scan),        cmocka_unit_test(test_return),
        cmocka_unit_test(test_growth),      cmocka_unit_test(test_options),
        cmocka_unit_test(test_no_memory),   cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
