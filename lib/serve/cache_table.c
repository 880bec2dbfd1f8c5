/* SPDX-License-Identifier: MIT */
/*
 * cache_table.c - entries by hash.  Linear hashing (Litwin; Larson, "Dynamic hash tables"): with
 * each entry above one per bucket, one bucket is split in two, so that no insertion ever pays for a
 * whole table.  Buckets lie in segments of 4 KiB.
 */
#include <string.h>

#include "lib/serve/cache_parts.h"

enum { SEGMENT = 256, FIRST_ROOM = 8 };

struct bert__cache_bucket *bert__cache_bucket_at(const struct bert__cache_table *table, size_t i)
{
    return &table->segments[i / SEGMENT][i % SEGMENT];
}

/* Buckets from low + 1 on are those that are split off already. */
struct bert__cache_bucket *bert__cache_bucket_of(const struct bert__cache_table *table,
                                                 uint64_t hash)
{
    size_t i = (size_t)hash & (2 * table->low + 1);

    return bert__cache_bucket_at(table, i < table->n_buckets ? i : i & table->low);
}

/* The lines behind the first come together with it, not one after the other. */
static void fetch_key(const struct bert__cache_entry *entry)
{
    const char *at = (const char *)entry;

    __builtin_prefetch(at + BERT__CACHE_LINE);
    __builtin_prefetch(at + 2 * BERT__CACHE_LINE);
    __builtin_prefetch(at + 3 * BERT__CACHE_LINE);
}

struct bert__cache_entry *bert__cache_find(const struct bert__cache_table *table, uint64_t hash,
                                           const struct bert__cache_key *key)
{
    struct bert__cache_entry *entry;

    if (table->n_buckets == 0)
        return NULL;
    for (entry = bert__cache_bucket_of(table, hash)->first; entry != NULL; entry = entry->chain) {
        fetch_key(entry);
        if (entry->hash != hash)
            continue;
        __builtin_prefetch(entry->u.value, 1);
        if (bert__cache_equal(entry, hash, key))
            break;
    }
    return entry;
}

void bert__cache_table_add(struct bert__cache_table *table, struct bert__cache_entry *entry)
{
    struct bert__cache_bucket *bucket = bert__cache_bucket_of(table, entry->hash);

    entry->chain = bucket->first;
    bucket->first = entry;
    table->count++;
}

void bert__cache_table_remove(struct bert__cache_table *table, struct bert__cache_entry *entry)
{
    struct bert__cache_entry **at = &bert__cache_bucket_of(table, entry->hash)->first;

    while (*at != entry)
        at = &(*at)->chain;
    *at = entry->chain;
    table->count--;
}

static size_t next_room(const struct bert__cache_table *table)
{
    return table->room == 0 ? FIRST_ROOM : 2 * table->room;
}

static size_t room_bytes(size_t room)
{
    return room == 0 ? 0 : bert__cache_block(room * sizeof(struct bert__cache_bucket *));
}

static bool needs_segment(const struct bert__cache_table *table)
{
    return table->n_buckets % SEGMENT == 0;
}

static bool needs_room(const struct bert__cache_table *table)
{
    return table->n_buckets / SEGMENT == table->room;
}

static bool is_full(const struct bert__cache_table *table)
{
    return table->count >= table->n_buckets / 2;
}

size_t bert__cache_table_growth(const struct bert__cache_table *table)
{
    size_t bytes = 0;

    if (!is_full(table) || !needs_segment(table))
        return 0;
    if (needs_room(table))
        bytes = room_bytes(next_room(table)) - room_bytes(table->room);
    return bytes + bert__cache_block(SEGMENT * sizeof(struct bert__cache_bucket));
}

static bool add_room(struct bert__cache_table *table, struct bert__alloc *alloc)
{
    size_t room = next_room(table);
    void *more = bert__alloc_grow(alloc, table->segments, room * sizeof *table->segments);

    if (more == NULL)
        return false;
    table->segments = more;
    table->bytes += room_bytes(room) - room_bytes(table->room);
    table->room = room;
    return true;
}

static bool add_segment(struct bert__cache_table *table, struct bert__alloc *alloc)
{
    struct bert__cache_bucket *segment;

    if (needs_room(table) && !add_room(table, alloc))
        return false;
    segment = bert__alloc_array(alloc, SEGMENT, sizeof *segment);
    if (segment == NULL)
        return false;
    table->segments[table->n_buckets / SEGMENT] = segment;
    table->bytes += bert__cache_block(SEGMENT * sizeof *segment);
    return true;
}

/* The next bucket takes its part of the one that it is split off. */
static void split(struct bert__cache_table *table)
{
    size_t at = table->n_buckets++;
    struct bert__cache_bucket *to = bert__cache_bucket_at(table, at), *from;
    struct bert__cache_entry **keep, *entry;

    if (at > 2 * table->low + 1)
        table->low = 2 * table->low + 1;
    from = bert__cache_bucket_at(table, at & table->low);
    to->ghost = from->ghost; /* it may be of either */
    for (keep = &from->first; (entry = *keep) != NULL;) {
        if ((entry->hash & (2 * table->low + 1)) != at) {
            keep = &entry->chain;
            continue;
        }
        *keep = entry->chain;
        entry->chain = to->first;
        to->first = entry;
    }
}

/* An even number of buckets is split at a time, so that segments begin between two entries. */
bool bert__cache_table_grow(struct bert__cache_table *table, struct bert__alloc *alloc)
{
    if (!is_full(table))
        return true;
    if (needs_segment(table) && !add_segment(table, alloc))
        return table->n_buckets > 0; /* then chains become longer */
    if (table->n_buckets == 0) {
        table->n_buckets = SEGMENT;
        table->low = SEGMENT - 1;
    } else {
        split(table);
        split(table);
    }
    return true;
}

void bert__cache_table_free(struct bert__cache_table *table, struct bert__alloc *alloc)
{
    for (size_t i = 0; i < table->n_buckets; i += SEGMENT)
        bert__alloc_free(alloc, table->segments[i / SEGMENT]);
    bert__alloc_free(alloc, table->segments);
    memset(table, 0, sizeof *table);
}
