/* SPDX-License-Identifier: MIT */
#include "tests/unit/support_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_long live;

struct test_value *test_value_make(uint64_t key, uint64_t stamp)
{
    struct test_value *v = malloc(sizeof *v);

    if (v == NULL)
        abort();
    atomic_init(&v->refs, 1);
    v->key = key;
    v->stamp = stamp;
    atomic_fetch_add(&live, 1);
    return v;
}

void test_value_ref(void *value)
{
    struct test_value *v = value;

    if (atomic_fetch_add(&v->refs, 1) < 1)
        abort();
}

void test_value_unref(void *value)
{
    struct test_value *v = value;

    if (atomic_fetch_sub(&v->refs, 1) == 1) {
        atomic_fetch_sub(&live, 1);
        free(v);
    }
}

long test_values(void)
{
    return atomic_load(&live);
}

const struct bert__cache_key *test_key(struct test_key *key, uint64_t number)
{
    int n = snprintf(key->text, sizeof key->text, "text number %llu, as long as a sentence is",
                     (unsigned long long)number);

    key->parts[0] = (bert_text){"embed", 5};
    key->parts[1] = (bert_text){NULL, 0};
    key->parts[2] = (bert_text){key->text, (size_t)n};
    key->key = (struct bert__cache_key){number % 3, key->parts, 3};
    return &key->key;
}

static void done(struct bert__cache_waiter *waiter, void *value, const bert_error *err)
{
    struct test_waiter *w = (struct test_waiter *)waiter;

    w->calls++;
    w->value = value;
    w->status = err != NULL ? err->code : BERT_OK;
}

static bool own(struct bert__cache_waiter *waiter, struct bert__cache_entry *ticket)
{
    struct test_waiter *w = (struct test_waiter *)waiter;

    w->calls++;
    if (!w->declines)
        w->ticket = ticket;
    return !w->declines;
}

void test_waiter_init(struct test_waiter *w)
{
    memset(w, 0, sizeof *w);
    w->waiter.done = done;
    w->waiter.own = own;
}

struct bert__cache_options test_cache_options(uint64_t max_bytes, uint32_t shards,
                                              uint64_t (*hash)(const struct bert__cache_key *))
{
    struct bert__cache_options o = {max_bytes, shards, test_value_ref, test_value_unref, hash};

    return o;
}

uint64_t test_cache_same(const struct bert__cache_key *key)
{
    (void)key;
    return UINT64_C(0x123456789ABCDEF0);
}
