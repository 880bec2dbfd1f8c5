/* SPDX-License-Identifier: MIT */
/*
 * cache.h - answers by what was asked, and one computation for all who ask the same at once.
 *
 * A request looks its key up and is told one of three things: here is the value; you are the owner,
 * compute it and say so; or somebody is computing it, your waiter is called.  An owner holds a
 * ticket, which it gives back exactly once:
 *
 *   bert__cache_fulfil()   here is the value: it is kept, and all who wait get it
 *   bert__cache_fail()     there can't be one (the text is wrong): all who wait get the error
 *   bert__cache_abandon()  it isn't me who makes it (canceled, late): the first who waits is the
 *                          owner now, so that nobody fails for what another has done
 *
 * Nothing here fails for want of memory or room: what can't be kept isn't.  Thread-safe but for
 * create and destroy.  No callback runs under a lock, but for `ref`.  It is not for a child of
 * fork(): a lock may be held there for ever.
 */
#ifndef BERT_LIB_SERVE_CACHE_H
#define BERT_LIB_SERVE_CACHE_H

#include <stdbool.h>

#include "lib/base/alloc.h"

struct bert__cache;
/* A ticket: the entry to come. */
struct bert__cache_entry;

/*
 * What was asked.  Keys are equal if group, number of parts, and each part are: {"ab", "c"} isn't
 * {"a", "bc"}.  `group` is what can be flushed alone: a number that the caller has for each model
 * that it loads.  Read during the lookup only.
 */
struct bert__cache_key {
    uint64_t group;
    const bert_text *parts;
    size_t n_parts;
};

struct bert__cache_options {
    /* Of keys, values and all that the cache allocates; never passed.  What is out of it doesn't
     * count: values in somebody's hands, entries that a call evicted or flushed and is freeing. */
    uint64_t max_bytes;
    /* A power of two up to 1024; 0: up to 64, each with 1 MiB at least.  A shard has its part of
     * max_bytes, and keeps nothing that is larger than an eighth of it. */
    uint32_t shards;
    /* `ref` runs under a lock: it counts, and does nothing else. */
    void (*ref)(void *value);
    void (*unref)(void *value);
    /* Tests: in place of SipHash. */
    uint64_t (*hash)(const struct bert__cache_key *key);
};

/* Its memory comes from `alloc`, which more than one thread will use. */
bert_status bert__cache_create(struct bert__cache **out, struct bert__alloc *alloc,
                               const struct bert__cache_options *options, bert_error *err);
/* No call is running and no ticket is out: a ticket given back later, and a waiter
 * that still waits (it is never called), are defects of the caller.  NULL is fine. */
void bert__cache_destroy(struct bert__cache *cache);

/*
 * A place in the queue behind an owner, in the caller's memory: zeroed, but for the callbacks,
 * before its first lookup.  After BERT__CACHE_JOINED exactly one of these happens, on any thread,
 * perhaps before the lookup has returned: `done` is called; `own` is called; it is withdrawn.  From
 * then on the cache doesn't touch it.  Both callbacks may call the cache, and free the waiter.
 */
struct bert__cache_waiter {
    /* A value with a reference that is the waiter's, or NULL and the error. */
    void (*done)(struct bert__cache_waiter *waiter, void *value, const bert_error *err);
    /* The owner has left, this is its ticket.  False: the waiter doesn't want it either and is out,
     * without another call; the next is asked.  NULL: it never becomes an owner. */
    bool (*own)(struct bert__cache_waiter *waiter, struct bert__cache_entry *ticket);

    /* The cache's. */
    struct bert__cache_waiter *prev, *next;
    struct bert__cache_entry *flight; /* it waits for this; NULL: for nothing */
    uint32_t shard;
};

enum bert__cache_found {
    BERT__CACHE_HIT,    /* *value, with a reference for the caller */
    BERT__CACHE_OWNER,  /* *ticket, which may be NULL: then it is for the caller alone */
    BERT__CACHE_JOINED, /* the waiter will be called */
};

/* `waiter` NULL: the caller can't wait, and is an owner without a ticket where it would have to. */
enum bert__cache_found bert__cache_lookup(struct bert__cache *cache,
                                          const struct bert__cache_key *key,
                                          struct bert__cache_waiter *waiter, void **value,
                                          struct bert__cache_entry **ticket);

/* `value` is not NULL, and the caller keeps its own reference.  `bytes`: what it takes, all in all.
 * A NULL ticket is fine in all three. */
void bert__cache_fulfil(struct bert__cache *cache, struct bert__cache_entry *ticket, void *value,
                        size_t bytes);
void bert__cache_fail(struct bert__cache *cache, struct bert__cache_entry *ticket,
                      const bert_error *err);
/* `err` is for those who wait if none of them can be an owner. */
void bert__cache_abandon(struct bert__cache *cache, struct bert__cache_entry *ticket,
                         const bert_error *err);

/* True: it waited and will never be called.  False: a callback has come, is running, or is about
 * to, so that the waiter must live until it has. */
bool bert__cache_withdraw(struct bert__cache *cache, struct bert__cache_waiter *waiter);

/*
 * Drop all entries, or those of a group.  What was begun before is not kept when it comes, and
 * nobody joins it any more; those who wait for it get it.  What other threads insert meanwhile may
 * be dropped too.  Locks are held for short whiles, the values freed outside of them.
 */
void bert__cache_flush(struct bert__cache *cache);
void bert__cache_flush_group(struct bert__cache *cache, uint64_t group);

/* Sums over the shards, each number for itself.  Lookups are hits + misses + joined. */
struct bert__cache_counts {
    uint64_t hits, misses, joined;
    uint64_t inserts;   /* values that were kept */
    uint64_t refused;   /* misses and values that were not: too large, no room, no memory */
    uint64_t evictions; /* to make room */
    uint64_t flushed;   /* entries that a flush dropped */
    uint64_t entries;   /* there now */
    uint64_t in_flight; /* tickets that are out now */
    uint64_t bytes;     /* there now, tickets included */
};
void bert__cache_count(const struct bert__cache *cache, struct bert__cache_counts *out);

#endif
