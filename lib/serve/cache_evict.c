/* SPDX-License-Identifier: MIT */
/*
 * cache_evict.c - what goes when room is needed.  Two queues, after S3-FIFO (Yang and others,
 * 2023): a new entry is young; one that is asked for again before it reaches the end of the young
 * is kept, and stays as long as it is asked for at least once while the kept ones go round.  The
 * young have a tenth of the shard, so that a scan, whose texts come once, goes through that and
 * leaves the rest alone.  A hit only counts; entries are moved when room is needed.
 *
 * A ghost is the mark of an entry that left the young ones unasked, in its bucket until the next
 * such comes there: what comes back that soon is kept at once.  So a set of texts that is larger
 * than the young ones' part, and comes round and round, gets in.
 */
#include "lib/serve/cache_parts.h"

enum {
    YOUNG_PART = 10, /* of the shard: one in so many */
    /* under one hold of the lock */
    MAX_EVICTIONS = 32,
    MAX_LOOKS = 512 /* at entries that have hits; after that hits are overlooked */
};

void bert__cache_push(struct bert__cache_list *list, struct bert__cache_entry *entry)
{
    entry->prev = NULL;
    entry->next = list->first;
    *(list->first != NULL ? &list->first->prev : &list->last) = entry;
    list->first = entry;
    list->bytes += entry->charge;
    list->count++;
}

void bert__cache_pull(struct bert__cache_list *list, struct bert__cache_entry *entry)
{
    *(entry->prev != NULL ? &entry->prev->next : &list->first) = entry->next;
    *(entry->next != NULL ? &entry->next->prev : &list->last) = entry->prev;
    list->bytes -= entry->charge;
    list->count--;
}

struct bert__cache_list *bert__cache_list_of(struct bert__cache_shard *shard,
                                             const struct bert__cache_entry *entry)
{
    switch (entry->state) {
    case BERT__CACHE_FLIGHT:
        return &shard->flights;
    case BERT__CACHE_YOUNG:
        return &shard->young;
    default:
        return &shard->kept;
    }
}

static void move(struct bert__cache_shard *shard, struct bert__cache_entry *entry,
                 enum bert__cache_state state)
{
    bert__cache_pull(bert__cache_list_of(shard, entry), entry);
    entry->state = (uint8_t)state;
    bert__cache_push(bert__cache_list_of(shard, entry), entry);
}

/* Bits that the bucket's number does not have; never 0, which is no ghost. */
static uint32_t ghost_of(uint64_t hash)
{
    return (uint32_t)(hash >> 24) | 1;
}

void bert__cache_settle(struct bert__cache_shard *shard, struct bert__cache_entry *entry,
                        void *value, size_t bytes)
{
    bool back = bert__cache_bucket_of(&shard->table, entry->hash)->ghost == ghost_of(entry->hash);

    entry->u.value = value;
    bert__cache_pull(&shard->flights, entry);
    entry->charge += bytes;
    entry->state = back ? BERT__CACHE_KEPT : BERT__CACHE_YOUNG;
    bert__cache_push(bert__cache_list_of(shard, entry), entry);
    bert__cache_add(shard, BERT__CACHE_BYTES, bytes);
    bert__cache_add(shard, BERT__CACHE_INSERTS, 1);
    bert__cache_add(shard, BERT__CACHE_ENTRIES, 1);
    bert__cache_take(shard, BERT__CACHE_IN_FLIGHT, 1);
}

void bert__cache_drop(struct bert__cache_shard *shard, struct bert__cache_entry *entry)
{
    bool coming = entry->state == BERT__CACHE_FLIGHT || entry->state == BERT__CACHE_ORPHAN;

    if (entry->state != BERT__CACHE_ORPHAN) {
        bert__cache_table_remove(&shard->table, entry);
        bert__cache_pull(bert__cache_list_of(shard, entry), entry);
    }
    bert__cache_take(shard, BERT__CACHE_BYTES, entry->charge);
    bert__cache_take(shard, coming ? BERT__CACHE_IN_FLIGHT : BERT__CACHE_ENTRIES, 1);
}

static struct bert__cache_list *next_to_go(struct bert__cache_shard *shard)
{
    if (shard->kept.last == NULL || shard->young.bytes > shard->budget / YOUNG_PART)
        return &shard->young;
    return &shard->kept;
}

/* Dropped; NULL if there is nothing. */
static struct bert__cache_entry *evict(struct bert__cache_shard *shard, int *looks)
{
    struct bert__cache_entry *entry = next_to_go(shard)->last;

    for (; entry != NULL && entry->hits > 0 && *looks < MAX_LOOKS; ++*looks) {
        entry->hits = entry->state == BERT__CACHE_YOUNG ? 0 : (uint8_t)(entry->hits - 1);
        move(shard, entry, BERT__CACHE_KEPT);
        entry = next_to_go(shard)->last;
    }
    if (entry == NULL)
        return NULL;
    if (entry->state == BERT__CACHE_YOUNG)
        bert__cache_bucket_of(&shard->table, entry->hash)->ghost = ghost_of(entry->hash);
    bert__cache_drop(shard, entry);
    bert__cache_add(shard, BERT__CACHE_EVICTIONS, 1);
    return entry;
}

static bool has_room(const struct bert__cache_shard *shard, size_t bytes)
{
    uint64_t used = bert__cache_number(shard, BERT__CACHE_BYTES);

    return bytes <= shard->budget && used <= shard->budget - bytes;
}

bool bert__cache_make_room(struct bert__cache_shard *shard, size_t bytes,
                           struct bert__cache_entry **out)
{
    int looks = 0;

    for (int i = 0; i < MAX_EVICTIONS && !has_room(shard, bytes); i++) {
        struct bert__cache_entry *entry = evict(shard, &looks);

        if (entry == NULL)
            break;
        entry->chain = *out;
        *out = entry;
    }
    return has_room(shard, bytes);
}

void bert__cache_discard(struct bert__cache *cache, struct bert__cache_entry *chain)
{
    while (chain != NULL) {
        struct bert__cache_entry *next = chain->chain;

        cache->options.unref(chain->u.value);
        bert__alloc_free(cache->alloc, chain);
        chain = next;
    }
}
