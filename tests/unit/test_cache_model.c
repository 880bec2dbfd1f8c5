/* SPDX-License-Identifier: MIT */
/*
 * test_cache_model.c - random calls to the cache and to a plain model of it, which must agree after
 * each. The model knows what is in flight, who waits for what in which order, and which value a key
 * has. It does not know what is evicted: where the cache is small, a value may be gone, never
 * another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support_cache.h"

enum { KEYS = 96, FLIGHTS = 64, WAITERS = 200, IDLE = -1 };

struct model_flight {
    struct bert__cache_entry *ticket; /* NULL: this place is free */
    uint64_t key;
    bool flushed;
};

struct model_waiter {
    struct test_waiter w;
    int flight;     /* that it waits for, or IDLE */
    uint64_t since; /* order of coming */
};

struct model {
    struct bert__cache *cache;
    struct model_flight flights[FLIGHTS];
    struct model_waiter waiters[WAITERS];
    uint64_t stamp_of[KEYS]; /* of the value that is kept; 0: none */
    uint64_t stamps, arrivals;
    uint64_t seed;
    bool small; /* values may be gone */
    struct bert__cache_counts n;
};

static const bert_error wrong = {BERT_EFORMAT, "wrong"}, left = {BERT_ECANCELED, "canceled"};

static uint32_t pick(struct model *m, uint32_t below)
{
    m->seed = m->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(m->seed >> 33) % below;
}

static int free_flight(const struct model *m)
{
    for (int i = 0; i < FLIGHTS; i++) {
        if (m->flights[i].ticket == NULL)
            return i;
    }
    return IDLE;
}

/* In flight and still to be joined. */
static int flight_of(const struct model *m, uint64_t key)
{
    for (int i = 0; i < FLIGHTS; i++) {
        if (m->flights[i].ticket != NULL && m->flights[i].key == key && !m->flights[i].flushed)
            return i;
    }
    return IDLE;
}

static struct model_waiter *idle_waiter(struct model *m)
{
    for (int i = 0; i < WAITERS; i++) {
        if (m->waiters[i].flight == IDLE)
            return &m->waiters[i];
    }
    return NULL;
}

static void settle(struct model_waiter *w)
{
    w->flight = IDLE;
    test_waiter_init(&w->w);
}

static void look_hit(struct model *m, uint64_t key, void *value)
{
    struct test_value *v = value;

    assert_non_null(v);
    assert_int_equal(v->key, key);
    assert_int_not_equal(m->stamp_of[key], 0);
    assert_int_equal(v->stamp, m->stamp_of[key]);
    test_value_unref(v);
    m->n.hits++;
}

static void look_own(struct model *m, uint64_t key, struct bert__cache_entry *ticket, int place)
{
    assert_true(m->small || m->stamp_of[key] == 0);
    m->stamp_of[key] = 0;
    m->n.misses++;
    if (ticket == NULL) {
        assert_true(m->small);
        return;
    }
    m->flights[place] = (struct model_flight){ticket, key, false};
}

static void look(struct model *m)
{
    uint64_t key = pick(m, KEYS);
    int place = free_flight(m), flight = flight_of(m, key);
    struct model_waiter *w = idle_waiter(m);
    struct bert__cache_entry *ticket;
    struct test_key k;
    void *value;

    if (place == IDLE || w == NULL)
        return;
    w->w.declines = pick(m, 4) == 0;
    if (pick(m, 8) == 0)
        w->w.waiter.own = NULL;
    switch (bert__cache_lookup(m->cache, test_key(&k, key), &w->w.waiter, &value, &ticket)) {
    case BERT__CACHE_HIT:
        assert_int_equal(flight, IDLE);
        look_hit(m, key, value);
        settle(w);
        return;
    case BERT__CACHE_OWNER:
        assert_int_equal(flight, IDLE);
        look_own(m, key, ticket, place);
        settle(w);
        return;
    default:
        assert_int_not_equal(flight, IDLE);
        w->flight = flight;
        w->since = ++m->arrivals;
        m->n.joined++;
    }
}

static int some_flight(struct model *m)
{
    int at = (int)pick(m, FLIGHTS);

    for (int i = 0; i < FLIGHTS; i++, at = (at + 1) % FLIGHTS) {
        if (m->flights[at].ticket != NULL)
            return at;
    }
    return IDLE;
}

/* All who wait for it have been told so, once, and nobody else has been told a thing. */
static void expect_told(struct model *m, int flight, uint64_t stamp, bert_status status)
{
    for (int i = 0; i < WAITERS; i++) {
        struct model_waiter *w = &m->waiters[i];

        if (w->flight != flight) {
            assert_int_equal(w->w.calls, 0);
            continue;
        }
        assert_int_equal(w->w.calls, 1);
        assert_int_equal(w->w.status, status);
        assert_null(w->w.ticket);
        assert_int_equal(w->w.value != NULL, stamp != 0);
        if (stamp != 0) {
            assert_int_equal(w->w.value->key, m->flights[flight].key);
            assert_int_equal(w->w.value->stamp, stamp);
            test_value_unref(w->w.value);
        }
        settle(w);
    }
    m->flights[flight].ticket = NULL;
}

static void fulfil(struct model *m)
{
    int at = some_flight(m);
    struct test_value *v;

    if (at == IDLE)
        return;
    v = test_value_make(m->flights[at].key, ++m->stamps);
    bert__cache_fulfil(m->cache, m->flights[at].ticket, v, pick(m, 4000));
    test_value_unref(v);
    if (!m->flights[at].flushed)
        m->stamp_of[m->flights[at].key] = m->stamps;
    expect_told(m, at, m->stamps, BERT_OK);
}

static void fail_one(struct model *m)
{
    int at = some_flight(m);

    if (at == IDLE)
        return;
    bert__cache_fail(m->cache, m->flights[at].ticket, &wrong);
    expect_told(m, at, 0, BERT_EFORMAT);
}

/* The first of those who wait and can be asked. */
static struct model_waiter *first_asked(struct model *m, int flight)
{
    struct model_waiter *first = NULL;

    for (int i = 0; i < WAITERS; i++) {
        struct model_waiter *w = &m->waiters[i];

        if (w->flight == flight && w->w.waiter.own != NULL
            && (first == NULL || w->since < first->since))
            first = w;
    }
    return first;
}

static void abandon(struct model *m)
{
    int at = some_flight(m);
    struct model_waiter *w;

    if (at == IDLE)
        return;
    bert__cache_abandon(m->cache, m->flights[at].ticket, &left);
    while ((w = first_asked(m, at)) != NULL) {
        bool takes = !w->w.declines;

        assert_int_equal(w->w.calls, 1);
        assert_null(w->w.value);
        assert_ptr_equal(w->w.ticket, takes ? m->flights[at].ticket : NULL);
        settle(w);
        if (takes)
            return;
    }
    expect_told(m, at, 0, BERT_ECANCELED);
}

static void withdraw(struct model *m)
{
    struct model_waiter *w = &m->waiters[pick(m, WAITERS)];

    assert_int_equal(bert__cache_withdraw(m->cache, &w->w.waiter), w->flight != IDLE);
    settle(w);
}

static void flush(struct model *m, uint64_t group, bool all)
{
    if (all)
        bert__cache_flush(m->cache);
    else
        bert__cache_flush_group(m->cache, group);
    for (uint64_t key = 0; key < KEYS; key++) {
        if (all || key % 3 == group)
            m->stamp_of[key] = 0;
    }
    for (int i = 0; i < FLIGHTS; i++) {
        if (all || m->flights[i].key % 3 == group)
            m->flights[i].flushed = true;
    }
}

static void check(struct model *m, uint64_t max_bytes)
{
    struct bert__cache_counts n;
    uint64_t in_flight = 0, entries = 0;

    bert__cache_count(m->cache, &n);
    for (int i = 0; i < FLIGHTS; i++)
        in_flight += m->flights[i].ticket != NULL;
    for (int i = 0; i < KEYS; i++)
        entries += m->stamp_of[i] != 0;
    assert_int_equal(n.hits, m->n.hits);
    assert_int_equal(n.misses, m->n.misses);
    assert_int_equal(n.joined, m->n.joined);
    assert_int_equal(n.in_flight, in_flight);
    assert_int_equal(n.inserts, n.entries + n.evictions + n.flushed);
    assert_true(n.bytes <= max_bytes);
    if (m->small)
        assert_true(n.entries <= entries);
    else
        assert_int_equal(n.entries, entries);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(m->waiters[i].w.calls, 0);
}

static void step(struct model *m)
{
    uint32_t what = pick(m, 100);

    if (what < 60)
        look(m);
    else if (what < 78)
        fulfil(m);
    else if (what < 84)
        fail_one(m);
    else if (what < 92)
        abandon(m);
    else if (what < 98)
        withdraw(m);
    else
        flush(m, pick(m, 3), pick(m, 4) == 0);
}

static void run(uint64_t max_bytes, uint32_t shards, bool small,
                uint64_t (*hash)(const struct bert__cache_key *), uint64_t seed)
{
    struct bert__cache_options options = test_cache_options(max_bytes, shards, hash);
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct model *m = calloc(1, sizeof *m);

    assert_int_equal(bert__cache_create(&m->cache, alloc, &options, NULL), BERT_OK);
    m->seed = seed;
    m->small = small;
    for (int i = 0; i < WAITERS; i++)
        settle(&m->waiters[i]);
    for (int i = 0; i < 20000; i++) {
        step(m);
        check(m, max_bytes);
    }
    while (some_flight(m) != IDLE)
        fail_one(m);
    bert__cache_destroy(m->cache);
    assert_int_equal(bert__alloc_used(alloc), 0);
    assert_int_equal(test_values(), 0);
    bert__alloc_destroy(alloc);
    free(m);
}

static void test_large(void **state)
{
    (void)state;
    run(16 << 20, 1, false, NULL, 1);
    run(16 << 20, 8, false, NULL, 2);
}

static void test_small(void **state)
{
    (void)state;
    run(100000, 1, true, NULL, 3);
    run(100000, 4, true, NULL, 4);
    run(24000, 1, true, NULL, 5);
    run(0, 1, true, NULL, 6);
}

static void test_collisions(void **state)
{
    (void)state;
    run(16 << 20, 1, false, test_cache_same, 7);
    run(16 << 20, 8, false, test_cache_same, 8);
    run(100000, 1, true, test_cache_same, 9);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_collisions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
