/* SPDX-License-Identifier: MIT */
/*
 * test_cache_threads.c - 16 threads at once, each with several requests under way, and one that
 * flushes: never a value of another key, none that a flush should have ended, each waiter told
 * once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support_cache.h"

enum { THREADS = 16, SLOTS = 8, KEYS = 150, STEPS = 20000 };

enum slot_state { IDLE, OWNS, WAITS, CALLED };

/* A request.  The callbacks run on any thread; `state` hands the rest over. */
struct slot {
    struct bert__cache_waiter waiter; /* first */
    struct shared *shared;
    _Atomic int state;
    uint64_t key;
    uint64_t stamp; /* flushes that had begun when it became the owner */
    struct bert__cache_entry *ticket;
    struct test_value *value;
    bool declines;
};

struct shared {
    struct bert__cache *cache;
    atomic_ulong flushes_begun, flushes_ended;
    atomic_ulong wrong; /* anything that must not be */
    atomic_ulong told, withdrawn, inherited, joined;
    atomic_bool stop;
};

struct worker {
    pthread_t thread;
    struct shared *shared;
    uint64_t seed;
    struct slot slots[SLOTS];
};

static const bert_error wrong = {BERT_EFORMAT, "wrong"}, left = {BERT_ECANCELED, "canceled"};

static void expect(struct shared *s, bool ok)
{
    if (!ok)
        atomic_fetch_add(&s->wrong, 1);
}

static uint32_t pick(struct worker *w, uint32_t below)
{
    w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(w->seed >> 33) % below;
}

/* It may come before the lookup has returned: the state is WAITS from before the lookup on. */
static void tell(struct slot *slot, enum slot_state to)
{
    int was = WAITS;

    atomic_fetch_add(&slot->shared->told, 1);
    expect(slot->shared, atomic_compare_exchange_strong(&slot->state, &was, (int)to));
}

static void done(struct bert__cache_waiter *waiter, void *value, const bert_error *err)
{
    struct slot *slot = (struct slot *)waiter;

    expect(slot->shared, (value == NULL) == (err != NULL));
    slot->value = value;
    tell(slot, CALLED);
}

static bool own(struct bert__cache_waiter *waiter, struct bert__cache_entry *ticket)
{
    struct slot *slot = (struct slot *)waiter;
    bool takes = !slot->declines;

    if (takes) {
        slot->ticket = ticket;
        slot->stamp = atomic_load(&slot->shared->flushes_begun);
        atomic_fetch_add(&slot->shared->inherited, 1);
    }
    tell(slot, takes ? OWNS : CALLED);
    return takes;
}

static void use(struct slot *slot, struct test_value *value, uint64_t flushed)
{
    if (value == NULL)
        return;
    expect(slot->shared, value->key == slot->key && value->stamp >= flushed);
    test_value_unref(value);
}

static void look(struct worker *w, struct slot *slot)
{
    struct shared *s = w->shared;
    uint64_t flushed = atomic_load(&s->flushes_ended);
    struct bert__cache_entry *ticket;
    struct test_key k;
    void *value;

    slot->key = pick(w, KEYS) * pick(w, KEYS) / KEYS; /* some more often than others */
    slot->declines = pick(w, 8) == 0;
    slot->value = NULL;
    atomic_store(&slot->state, WAITS);
    switch (bert__cache_lookup(s->cache, test_key(&k, slot->key), &slot->waiter, &value, &ticket)) {
    case BERT__CACHE_HIT:
        use(slot, value, flushed);
        atomic_store(&slot->state, IDLE);
        break;
    case BERT__CACHE_OWNER:
        slot->ticket = ticket;
        slot->stamp = atomic_load(&s->flushes_begun);
        atomic_store(&slot->state, OWNS);
        break;
    default:
        atomic_fetch_add(&s->joined, 1);
    }
}

static void end(struct worker *w, struct slot *slot)
{
    struct bert__cache *cache = w->shared->cache;
    uint32_t how = pick(w, 10);
    struct test_value *v;

    if (how == 0) {
        bert__cache_fail(cache, slot->ticket, &wrong);
    } else if (how < 4) {
        bert__cache_abandon(cache, slot->ticket, &left);
    } else {
        v = test_value_make(slot->key, slot->stamp);
        /* a large one pushes out more than goes in one hold of the lock */
        bert__cache_fulfil(cache, slot->ticket, v, pick(w, 50) == 0 ? 70000 : 500 + pick(w, 3000));
        test_value_unref(v);
    }
    atomic_store(&slot->state, IDLE);
}

static void maybe_withdraw(struct worker *w, struct slot *slot)
{
    if (pick(w, 4) != 0)
        return;
    if (bert__cache_withdraw(w->shared->cache, &slot->waiter)) {
        atomic_fetch_add(&w->shared->withdrawn, 1);
        expect(w->shared, atomic_load(&slot->state) == WAITS);
        atomic_store(&slot->state, IDLE);
    }
}

static void step(struct worker *w, struct slot *slot, bool ending)
{
    switch (atomic_load(&slot->state)) {
    case IDLE:
        if (!ending)
            look(w, slot);
        break;
    case OWNS:
        end(w, slot);
        break;
    case WAITS:
        maybe_withdraw(w, slot);
        break;
    default:
        use(slot, slot->value, 0);
        atomic_store(&slot->state, IDLE);
    }
}

static bool all_idle(struct worker *w)
{
    for (int i = 0; i < SLOTS; i++) {
        if (atomic_load(&w->slots[i].state) != IDLE)
            return false;
    }
    return true;
}

static void *work(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < STEPS; i++)
        step(w, &w->slots[pick(w, SLOTS)], false);
    while (!all_idle(w)) {
        step(w, &w->slots[pick(w, SLOTS)], true);
        if (pick(w, 100) == 0)
            sched_yield();
    }
    return NULL;
}

/* All of it, as the stamps don't know of groups; the groups are for the race. */
static void *keep_flushing(void *arg)
{
    struct shared *s = arg;
    struct bert__cache_counts n;

    for (unsigned i = 0; !atomic_load(&s->stop); i++) {
        if (i % 4 == 0) {
            unsigned long k = atomic_fetch_add(&s->flushes_begun, 1) + 1;

            bert__cache_flush(s->cache);
            atomic_store(&s->flushes_ended, k);
        } else {
            bert__cache_flush_group(s->cache, i % 3);
        }
        bert__cache_count(s->cache, &n);
        for (int k = 0; k < 50; k++)
            sched_yield();
    }
    return NULL;
}

static void start(struct worker *w, struct shared *s, uint64_t seed)
{
    w->shared = s;
    w->seed = seed;
    for (int i = 0; i < SLOTS; i++) {
        w->slots[i].shared = s;
        w->slots[i].waiter.done = done;
        w->slots[i].waiter.own = i % 4 == 0 ? NULL : own;
    }
    assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

static void check(const struct shared *s)
{
    struct bert__cache_counts n;

    bert__cache_count(s->cache, &n);
    assert_int_equal(atomic_load(&s->wrong), 0);
    assert_int_equal(atomic_load(&s->told) + atomic_load(&s->withdrawn), atomic_load(&s->joined));
    assert_int_equal(n.joined, atomic_load(&s->joined));
    assert_int_equal(n.in_flight, 0);
    assert_int_equal(n.inserts, n.entries + n.evictions + n.flushed);
    assert_true(n.hits > 0 && n.joined > 0 && n.flushed > 0);
    assert_true(atomic_load(&s->inherited) > 0 && atomic_load(&s->withdrawn) > 0);
}

static void run(uint64_t max_bytes, uint32_t shards,
                uint64_t (*hash)(const struct bert__cache_key *))
{
    struct bert__cache_options options = test_cache_options(max_bytes, shards, hash);
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct worker *workers = calloc(THREADS, sizeof *workers);
    struct shared s;
    pthread_t flusher;

    memset(&s, 0, sizeof s);
    assert_int_equal(bert__cache_create(&s.cache, alloc, &options, NULL), BERT_OK);
    for (uint64_t i = 0; i < THREADS; i++)
        start(&workers[i], &s, i);
    assert_int_equal(pthread_create(&flusher, NULL, keep_flushing, &s), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    atomic_store(&s.stop, true);
    pthread_join(flusher, NULL);
    check(&s);
    bert__cache_destroy(s.cache);
    assert_int_equal(bert__alloc_used(alloc), 0);
    assert_int_equal(test_values(), 0);
    bert__alloc_destroy(alloc);
    free(workers);
}

static void test_threads(void **state)
{
    (void)state;
    run(16 << 20, 4, NULL);
    run(100000, 2, NULL);
    run(600000, 1, NULL);
    run(1 << 20, 1, test_cache_same);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
