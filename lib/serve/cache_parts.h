/* SPDX-License-Identifier: MIT */
/* cache_parts.h - what the files of the cache share. */
#ifndef BERT_LIB_SERVE_CACHE_PARTS_H
#define BERT_LIB_SERVE_CACHE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/serve/cache.h"

enum bert__cache_state {
    BERT__CACHE_FLIGHT, /* to come; in the table and in `flights` */
    BERT__CACHE_ORPHAN, /* to come, flushed: its owner and those who wait alone know it */
    BERT__CACHE_YOUNG,
    BERT__CACHE_KEPT
};

/* A hit reads the first line, then the key. */
struct bert__cache_entry {
    struct bert__cache_entry *chain; /* next of its bucket */
    uint64_t hash;
    uint64_t group;
    union {
        void *value;
        struct bert__cache_waiter *waiters; /* to come: the first of a ring, or NULL */
    } u;
    uint32_t n_parts;
    uint8_t state, hits;
    struct bert__cache_entry *prev, *next; /* in its list */
    size_t charge;                         /* bytes that it counts for, value included */
    size_t sizes[];                        /* of the parts, whose bytes follow */
};

struct bert__cache_list {
    struct bert__cache_entry *first, *last;
    size_t bytes, count;
};

/* `ghost` tells of an entry that lately left the young ones, see cache_evict.c. */
struct bert__cache_bucket {
    struct bert__cache_entry *first;
    uint32_t ghost;
};

/* Linear hashing: grows by one bucket at a time, in segments. */
struct bert__cache_table {
    struct bert__cache_bucket **segments;
    size_t room;      /* segments that `segments` has room for */
    size_t n_buckets; /* 0 at first */
    size_t low;       /* mask: the largest power of two up to n_buckets, less 1 */
    size_t count;     /* entries */
    size_t bytes;
};

/* In the order of struct bert__cache_counts. */
enum bert__cache_number {
    BERT__CACHE_HITS,
    BERT__CACHE_MISSES,
    BERT__CACHE_JOINS,
    BERT__CACHE_INSERTS,
    BERT__CACHE_REFUSED,
    BERT__CACHE_EVICTIONS,
    BERT__CACHE_FLUSHED,
    BERT__CACHE_ENTRIES,
    BERT__CACHE_IN_FLIGHT,
    BERT__CACHE_BYTES,
    BERT__CACHE_NUMBERS
};

struct bert__cache_shard {
    _Alignas(BERT__CACHE_LINE) pthread_mutex_t mutex;
    struct bert__cache_table table;
    struct bert__cache_list flights, young, kept;
    size_t budget;
    _Atomic uint64_t numbers[BERT__CACHE_NUMBERS]; /* written under the mutex */
};

struct bert__cache {
    struct bert__alloc *alloc;
    struct bert__cache_options options;
    uint64_t secret[2];
    uint32_t n_shards;
    unsigned shard_shift; /* the hash's highest bits are the shard */
    struct bert__cache_shard *shards;
};

/* What an allocation takes, with its header and what malloc adds to a block on a line. */
static inline size_t bert__cache_block(size_t bytes)
{
    return (bytes + 2 * BERT__CACHE_LINE + 16 - 1) & ~(size_t)(BERT__CACHE_LINE - 1);
}

static inline uint64_t bert__cache_number(const struct bert__cache_shard *shard,
                                          enum bert__cache_number which)
{
    return atomic_load_explicit(&shard->numbers[which], memory_order_relaxed);
}

static inline void bert__cache_add(struct bert__cache_shard *shard, enum bert__cache_number which,
                                   uint64_t n)
{
    atomic_store_explicit(&shard->numbers[which], bert__cache_number(shard, which) + n,
                          memory_order_relaxed);
}

static inline void bert__cache_take(struct bert__cache_shard *shard, enum bert__cache_number which,
                                    uint64_t n)
{
    bert__cache_add(shard, which, -n);
}

static inline struct bert__cache_shard *bert__cache_shard_of(const struct bert__cache *cache,
                                                             uint64_t hash)
{
    /* in two steps: one shard is a shift by 64 */
    return &cache->shards[hash >> 1 >> cache->shard_shift];
}

/* cache_key.c */
uint64_t bert__cache_hash(const struct bert__cache *cache, const struct bert__cache_key *key);
bool bert__cache_equal(const struct bert__cache_entry *entry, uint64_t hash,
                       const struct bert__cache_key *key);
/* To come, with a copy of the key; NULL if it would be larger than `most` or memory is out. */
struct bert__cache_entry *bert__cache_entry_make(struct bert__alloc *alloc,
                                                 const struct bert__cache_key *key, uint64_t hash,
                                                 size_t most);

/* cache_table.c */
struct bert__cache_bucket *bert__cache_bucket_at(const struct bert__cache_table *table, size_t i);
struct bert__cache_bucket *bert__cache_bucket_of(const struct bert__cache_table *table,
                                                 uint64_t hash);
struct bert__cache_entry *bert__cache_find(const struct bert__cache_table *table, uint64_t hash,
                                           const struct bert__cache_key *key);
void bert__cache_table_add(struct bert__cache_table *table, struct bert__cache_entry *entry);
void bert__cache_table_remove(struct bert__cache_table *table, struct bert__cache_entry *entry);
/* Bytes that one more entry makes the table grow by. */
size_t bert__cache_table_growth(const struct bert__cache_table *table);
/* Room for one more entry; false if there is none at all. */
bool bert__cache_table_grow(struct bert__cache_table *table, struct bert__alloc *alloc);
void bert__cache_table_free(struct bert__cache_table *table, struct bert__alloc *alloc);

/* cache_evict.c; all under the shard's lock but for the last */
void bert__cache_push(struct bert__cache_list *list, struct bert__cache_entry *entry);
void bert__cache_pull(struct bert__cache_list *list, struct bert__cache_entry *entry);
struct bert__cache_list *bert__cache_list_of(struct bert__cache_shard *shard,
                                             const struct bert__cache_entry *entry);
/* An entry that is to come has its value, whose bytes are counted from now on. */
void bert__cache_settle(struct bert__cache_shard *shard, struct bert__cache_entry *entry,
                        void *value, size_t bytes);
/* Out of the table, of its list and of the numbers. */
void bert__cache_drop(struct bert__cache_shard *shard, struct bert__cache_entry *entry);
/* Is there room for so many bytes?  A few entries are evicted for it, into the chain `out`. */
bool bert__cache_make_room(struct bert__cache_shard *shard, size_t bytes,
                           struct bert__cache_entry **out);
/* A chain of dropped entries. */
void bert__cache_discard(struct bert__cache *cache, struct bert__cache_entry *chain);

#endif
