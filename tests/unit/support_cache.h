/* SPDX-License-Identifier: MIT */
/* support_cache.h - values with an id, keys by number, waiters that keep what they were told. */
#ifndef BERT_TESTS_UNIT_SUPPORT_CACHE_H
#define BERT_TESTS_UNIT_SUPPORT_CACHE_H

#include <stdatomic.h>

#include "lib/serve/cache.h"

struct test_value {
    atomic_long refs;
    uint64_t key;   /* what it is the answer to */
    uint64_t stamp; /* of the test's own */
};

/* With one reference. */
struct test_value *test_value_make(uint64_t key, uint64_t stamp);
void test_value_ref(void *value);
void test_value_unref(void *value);
/* Values that are not freed yet. */
long test_values(void);

/* Key number `number`: a name, options that are equal for all, a text; in group number % 3. */
struct test_key {
    char text[64];
    bert_text parts[3];
    struct bert__cache_key key;
};
const struct bert__cache_key *test_key(struct test_key *key, uint64_t number);

struct test_waiter {
    struct bert__cache_waiter waiter; /* first */
    int calls;                        /* of either callback */
    struct test_value *value;
    bert_status status;
    struct bert__cache_entry *ticket;
    bool declines;
};

/* Zeroed, with both callbacks, which don't lock. */
void test_waiter_init(struct test_waiter *w);

/* For test_value; `hash` may be NULL. */
struct bert__cache_options test_cache_options(uint64_t max_bytes, uint32_t shards,
                                              uint64_t (*hash)(const struct bert__cache_key *));
/* A hash that is the same for all. */
uint64_t test_cache_same(const struct bert__cache_key *key);

#endif
