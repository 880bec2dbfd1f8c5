/* SPDX-License-Identifier: MIT */
/* cache_flush.c - what is not to be answered any more. */
#include <string.h>

#include "lib/serve/cache_parts.h"

enum { BUCKETS_AT_ONCE = 64 /* under one hold of the lock */ };

/* Nobody finds it any more; its owner still has it. */
static void orphan(struct bert__cache_shard *shard, struct bert__cache_entry *flight)
{
    bert__cache_table_remove(&shard->table, flight);
    bert__cache_pull(&shard->flights, flight);
    flight->state = BERT__CACHE_ORPHAN;
}

static void orphan_all(struct bert__cache_shard *shard, const uint64_t *group)
{
    struct bert__cache_entry *flight = shard->flights.first;

    while (flight != NULL) {
        struct bert__cache_entry *next = flight->next;

        if (group == NULL || flight->group == *group)
            orphan(shard, flight);
        flight = next;
    }
}

static void discard_list(struct bert__cache *cache, struct bert__cache_list *list)
{
    for (struct bert__cache_entry *entry = list->first; entry != NULL; entry = entry->next)
        entry->chain = entry->next;
    bert__cache_discard(cache, list->first);
}

/* The whole table is taken away, and an empty one is there. */
static void flush_shard(struct bert__cache *cache, struct bert__cache_shard *shard)
{
    struct bert__cache_table table;
    struct bert__cache_list young, kept;

    pthread_mutex_lock(&shard->mutex);
    orphan_all(shard, NULL);
    table = shard->table;
    young = shard->young;
    kept = shard->kept;
    memset(&shard->table, 0, sizeof shard->table);
    memset(&shard->young, 0, sizeof shard->young);
    memset(&shard->kept, 0, sizeof shard->kept);
    bert__cache_take(shard, BERT__CACHE_BYTES, young.bytes + kept.bytes + table.bytes);
    bert__cache_take(shard, BERT__CACHE_ENTRIES, young.count + kept.count);
    bert__cache_add(shard, BERT__CACHE_FLUSHED, young.count + kept.count);
    pthread_mutex_unlock(&shard->mutex);
    discard_list(cache, &young);
    discard_list(cache, &kept);
    bert__cache_table_free(&table, cache->alloc);
}

void bert__cache_flush(struct bert__cache *cache)
{
    for (uint32_t i = 0; i < cache->n_shards; i++)
        flush_shard(cache, &cache->shards[i]);
}

/* The group's entries out of a bucket, onto the chain `out`. */
static void sift(struct bert__cache_shard *shard, struct bert__cache_bucket *bucket, uint64_t group,
                 struct bert__cache_entry **out)
{
    struct bert__cache_entry *entry = bucket->first, *next;

    for (; entry != NULL; entry = next) {
        next = entry->chain;
        if (entry->group != group || entry->state == BERT__CACHE_FLIGHT)
            continue;
        bert__cache_drop(shard, entry);
        bert__cache_add(shard, BERT__CACHE_FLUSHED, 1);
        entry->chain = *out;
        *out = entry;
    }
}

/* Some buckets from `at` on; false after the last.  Splits put entries farther behind, so that none
 * is passed by. */
static bool sift_some(struct bert__cache *cache, struct bert__cache_shard *shard, size_t at,
                      uint64_t group)
{
    struct bert__cache_entry *victims = NULL;
    bool more;

    pthread_mutex_lock(&shard->mutex);
    for (size_t i = at; i < at + BUCKETS_AT_ONCE && i < shard->table.n_buckets; i++)
        sift(shard, bert__cache_bucket_at(&shard->table, i), group, &victims);
    more = at + BUCKETS_AT_ONCE < shard->table.n_buckets;
    pthread_mutex_unlock(&shard->mutex);
    bert__cache_discard(cache, victims);
    return more;
}

void bert__cache_flush_group(struct bert__cache *cache, uint64_t group)
{
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct bert__cache_shard *shard = &cache->shards[i];
        size_t at = 0;

        pthread_mutex_lock(&shard->mutex);
        orphan_all(shard, &group);
        pthread_mutex_unlock(&shard->mutex);
        while (sift_some(cache, shard, at, group))
            at += BUCKETS_AT_ONCE;
    }
}
