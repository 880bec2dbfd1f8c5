/* SPDX-License-Identifier: MIT */
/* cache.c - lookups, owners and those who wait (cache.h). */
#include "lib/serve/cache.h"

#include "lib/base/error.h"
#include "lib/base/secret.h"
#include "lib/base/size.h"
#include "lib/serve/cache_parts.h"

enum {
    LARGEST_PART = 8, /* of a shard, that one entry may be */
    MOST_SHARDS = 1024,
    USUAL_SHARDS = 64,
    USUAL_SHARD_BYTES = 1 << 20,
    MAX_HITS = 3,    /* that an entry remembers */
    MAX_HOLDS = 4096 /* of the lock, to make room for one value */
};

/* ---- Making and ending ----------------------------------------------------- */

/* 0: what the options say can't be. */
static uint32_t count_shards(const struct bert__cache_options *options)
{
    uint32_t n = options->shards;

    if (n > MOST_SHARDS || (n & (n - 1)) != 0)
        return 0;
    if (n > 0)
        return n;
    for (n = USUAL_SHARDS; n > 1 && options->max_bytes / n < USUAL_SHARD_BYTES;)
        n /= 2;
    return n;
}

static size_t shard_budget(uint64_t max_bytes, uint32_t n_shards)
{
    uint64_t part = max_bytes / n_shards;

    return part > PTRDIFF_MAX ? PTRDIFF_MAX : (size_t)part;
}

bert_status bert__cache_create(struct bert__cache **out, struct bert__alloc *alloc,
                               const struct bert__cache_options *options, bert_error *err)
{
    struct bert__cache *cache;
    uint32_t n_shards = count_shards(options);

    *out = NULL;
    if (n_shards == 0)
        return bert__fail(err, BERT_EINVAL, "cache: shards is %u, not a power of two up to %d",
                          (unsigned)options->shards, MOST_SHARDS);
    cache = bert__alloc_array(alloc, 1, sizeof *cache);
    if (cache == NULL)
        return bert__alloc_fail(alloc, "the cache", err);
    cache->shards = bert__alloc_array(alloc, n_shards, sizeof *cache->shards);
    if (cache->shards == NULL) {
        bert__alloc_free(alloc, cache);
        return bert__alloc_fail(alloc, "the cache", err);
    }
    cache->alloc = alloc;
    cache->options = *options;
    cache->n_shards = n_shards;
    cache->shard_shift = 63 - (unsigned)__builtin_ctz(n_shards);
    bert__secret(cache->secret, cache);
    for (uint32_t i = 0; i < n_shards; i++) {
        pthread_mutex_init(&cache->shards[i].mutex, NULL);
        cache->shards[i].budget = shard_budget(options->max_bytes, n_shards);
    }
    *out = cache;
    return BERT_OK;
}

void bert__cache_destroy(struct bert__cache *cache)
{
    if (cache == NULL)
        return;
    bert__cache_flush(cache);
    for (uint32_t i = 0; i < cache->n_shards; i++)
        pthread_mutex_destroy(&cache->shards[i].mutex);
    bert__alloc_free(cache->alloc, cache->shards);
    bert__alloc_free(cache->alloc, cache);
}

void bert__cache_count(const struct bert__cache *cache, struct bert__cache_counts *out)
{
    uint64_t sums[BERT__CACHE_NUMBERS] = {0};

    for (uint32_t i = 0; i < cache->n_shards; i++) {
        for (int k = 0; k < BERT__CACHE_NUMBERS; k++)
            sums[k] += bert__cache_number(&cache->shards[i], (enum bert__cache_number)k);
    }
    out->hits = sums[BERT__CACHE_HITS];
    out->misses = sums[BERT__CACHE_MISSES];
    out->joined = sums[BERT__CACHE_JOINS];
    out->inserts = sums[BERT__CACHE_INSERTS];
    out->refused = sums[BERT__CACHE_REFUSED];
    out->evictions = sums[BERT__CACHE_EVICTIONS];
    out->flushed = sums[BERT__CACHE_FLUSHED];
    out->entries = sums[BERT__CACHE_ENTRIES];
    out->in_flight = sums[BERT__CACHE_IN_FLIGHT];
    out->bytes = sums[BERT__CACHE_BYTES];
}

/* ---- Those who wait: a ring, the first to come is its head ------------------ */

static void join(struct bert__cache_entry *flight, struct bert__cache_waiter *waiter)
{
    struct bert__cache_waiter *first = flight->u.waiters;

    waiter->flight = flight;
    waiter->prev = waiter->next = waiter;
    if (first == NULL) {
        flight->u.waiters = waiter;
        return;
    }
    waiter->prev = first->prev;
    waiter->next = first;
    first->prev->next = waiter;
    first->prev = waiter;
}

static void leave(struct bert__cache_waiter *waiter)
{
    struct bert__cache_entry *flight = waiter->flight;

    waiter->prev->next = waiter->next;
    waiter->next->prev = waiter->prev;
    if (flight->u.waiters == waiter)
        flight->u.waiters = waiter->next == waiter ? NULL : waiter->next;
    waiter->flight = NULL;
}

/* All of them, as a list that ends in NULL. */
static struct bert__cache_waiter *take_all(struct bert__cache_entry *flight)
{
    struct bert__cache_waiter *first = flight->u.waiters;

    flight->u.waiters = NULL;
    if (first == NULL)
        return NULL;
    first->prev->next = NULL;
    for (struct bert__cache_waiter *w = first; w != NULL; w = w->next)
        w->flight = NULL;
    return first;
}

/* The first that may become the owner, or NULL. */
static struct bert__cache_waiter *take_heir(struct bert__cache_entry *flight)
{
    struct bert__cache_waiter *first = flight->u.waiters, *w = first;

    if (w == NULL)
        return NULL;
    while (w->own == NULL) {
        w = w->next;
        if (w == first)
            return NULL;
    }
    leave(w);
    return w;
}

/* A waiter may be gone as soon as it was called. */
static void answer(const struct bert__cache *cache, struct bert__cache_waiter *waiters, void *value,
                   const bert_error *err)
{
    while (waiters != NULL) {
        struct bert__cache_waiter *next = waiters->next;

        if (value != NULL)
            cache->options.ref(value);
        waiters->done(waiters, value, err);
        waiters = next;
    }
}

bool bert__cache_withdraw(struct bert__cache *cache, struct bert__cache_waiter *waiter)
{
    struct bert__cache_shard *shard = &cache->shards[waiter->shard];
    bool waits;

    pthread_mutex_lock(&shard->mutex);
    waits = waiter->flight != NULL;
    if (waits)
        leave(waiter);
    pthread_mutex_unlock(&shard->mutex);
    return waits;
}

/* ---- Lookup ----------------------------------------------------------------- */

static enum bert__cache_found own_alone(struct bert__cache_shard *shard)
{
    bert__cache_add(shard, BERT__CACHE_MISSES, 1);
    bert__cache_add(shard, BERT__CACHE_REFUSED, 1);
    return BERT__CACHE_OWNER;
}

/* The key is there. */
static enum bert__cache_found meet(struct bert__cache *cache, struct bert__cache_shard *shard,
                                   struct bert__cache_entry *entry,
                                   struct bert__cache_waiter *waiter, void **value)
{
    if (entry->state != BERT__CACHE_FLIGHT) {
        *value = entry->u.value;
        cache->options.ref(*value);
        if (entry->hits < MAX_HITS)
            entry->hits++;
        bert__cache_add(shard, BERT__CACHE_HITS, 1);
        return BERT__CACHE_HIT;
    }
    if (waiter == NULL)
        return own_alone(shard);
    waiter->shard = (uint32_t)(shard - cache->shards);
    join(entry, waiter);
    bert__cache_add(shard, BERT__CACHE_JOINS, 1);
    return BERT__CACHE_JOINED;
}

/* An entry to come is in the table from now on; false if there is no room for it. */
static bool enter(struct bert__cache *cache, struct bert__cache_shard *shard,
                  struct bert__cache_entry *entry, struct bert__cache_entry **victims)
{
    struct bert__cache_table *table = &shard->table;
    size_t before = table->bytes;
    bool room =
        bert__cache_make_room(shard, entry->charge + bert__cache_table_growth(table), victims);

    room = room && bert__cache_table_grow(table, cache->alloc);
    bert__cache_add(shard, BERT__CACHE_BYTES, table->bytes - before);
    if (!room)
        return false;
    bert__cache_table_add(table, entry);
    bert__cache_push(&shard->flights, entry);
    bert__cache_add(shard, BERT__CACHE_BYTES, entry->charge);
    bert__cache_add(shard, BERT__CACHE_IN_FLIGHT, 1);
    return true;
}

/* The key was not there; `fresh`, which may be NULL, was made outside of the lock, so it may be
 * now. */
static enum bert__cache_found begin(struct bert__cache *cache, const struct bert__cache_key *key,
                                    uint64_t hash, struct bert__cache_waiter *waiter, void **value,
                                    struct bert__cache_entry **ticket)
{
    struct bert__cache_shard *shard = bert__cache_shard_of(cache, hash);
    struct bert__cache_entry *victims = NULL, *entry, *fresh;
    enum bert__cache_found found = BERT__CACHE_OWNER;

    fresh = bert__cache_entry_make(cache->alloc, key, hash, shard->budget / LARGEST_PART);
    pthread_mutex_lock(&shard->mutex);
    entry = bert__cache_find(&shard->table, hash, key);
    if (entry != NULL) {
        found = meet(cache, shard, entry, waiter, value);
    } else if (fresh != NULL && enter(cache, shard, fresh, &victims)) {
        bert__cache_add(shard, BERT__CACHE_MISSES, 1);
        *ticket = fresh;
        fresh = NULL;
    } else {
        own_alone(shard);
    }
    pthread_mutex_unlock(&shard->mutex);
    bert__cache_discard(cache, victims);
    bert__alloc_free(cache->alloc, fresh);
    return found;
}

enum bert__cache_found bert__cache_lookup(struct bert__cache *cache,
                                          const struct bert__cache_key *key,
                                          struct bert__cache_waiter *waiter, void **value,
                                          struct bert__cache_entry **ticket)
{
    uint64_t hash = bert__cache_hash(cache, key);
    struct bert__cache_shard *shard = bert__cache_shard_of(cache, hash);
    enum bert__cache_found found = BERT__CACHE_OWNER;
    struct bert__cache_entry *entry;

    *value = NULL;
    *ticket = NULL;
    pthread_mutex_lock(&shard->mutex);
    entry = bert__cache_find(&shard->table, hash, key);
    if (entry != NULL)
        found = meet(cache, shard, entry, waiter, value);
    pthread_mutex_unlock(&shard->mutex);
    if (entry == NULL)
        found = begin(cache, key, hash, waiter, value, ticket);
    return found;
}

/* ---- The owner's answer ------------------------------------------------------ */

/* Called with the lock, which it lets go now and then; true if the value can be kept. */
static bool find_room(struct bert__cache *cache, struct bert__cache_shard *shard,
                      const struct bert__cache_entry *entry, size_t bytes,
                      struct bert__cache_entry **victims)
{
    size_t total;

    if (!bert__size_add(entry->charge, bytes, &total) || total > shard->budget / LARGEST_PART)
        return false;
    for (int holds = 0; holds < MAX_HOLDS && entry->state == BERT__CACHE_FLIGHT; holds++) {
        bool room = bert__cache_make_room(shard, bytes, victims);

        if (room || *victims == NULL)
            return room;
        pthread_mutex_unlock(&shard->mutex);
        bert__cache_discard(cache, *victims);
        *victims = NULL;
        pthread_mutex_lock(&shard->mutex);
    }
    return false;
}

void bert__cache_fulfil(struct bert__cache *cache, struct bert__cache_entry *ticket, void *value,
                        size_t bytes)
{
    struct bert__cache_entry *victims = NULL;
    struct bert__cache_waiter *waiters;
    struct bert__cache_shard *shard;
    bool kept;

    if (ticket == NULL)
        return;
    shard = bert__cache_shard_of(cache, ticket->hash);
    pthread_mutex_lock(&shard->mutex);
    kept = find_room(cache, shard, ticket, bytes, &victims);
    waiters = take_all(ticket);
    if (kept) {
        cache->options.ref(value);
        bert__cache_settle(shard, ticket, value, bytes);
    } else {
        bert__cache_drop(shard, ticket);
        bert__cache_add(shard, BERT__CACHE_REFUSED, 1);
    }
    pthread_mutex_unlock(&shard->mutex);
    if (!kept)
        bert__alloc_free(cache->alloc, ticket);
    bert__cache_discard(cache, victims);
    answer(cache, waiters, value, NULL);
}

void bert__cache_fail(struct bert__cache *cache, struct bert__cache_entry *ticket,
                      const bert_error *err)
{
    struct bert__cache_waiter *waiters;
    struct bert__cache_shard *shard;

    if (ticket == NULL)
        return;
    shard = bert__cache_shard_of(cache, ticket->hash);
    pthread_mutex_lock(&shard->mutex);
    waiters = take_all(ticket);
    bert__cache_drop(shard, ticket);
    pthread_mutex_unlock(&shard->mutex);
    bert__alloc_free(cache->alloc, ticket);
    answer(cache, waiters, NULL, err);
}

/* The next who may be the owner; without one the ticket is at its end, and those who are left in
 * `rest` are to be told. */
static struct bert__cache_waiter *next_owner(struct bert__cache_shard *shard,
                                             struct bert__cache_entry *ticket,
                                             struct bert__cache_waiter **rest)
{
    struct bert__cache_waiter *heir;

    pthread_mutex_lock(&shard->mutex);
    heir = take_heir(ticket);
    if (heir == NULL) {
        *rest = take_all(ticket);
        bert__cache_drop(shard, ticket);
    }
    pthread_mutex_unlock(&shard->mutex);
    return heir;
}

void bert__cache_abandon(struct bert__cache *cache, struct bert__cache_entry *ticket,
                         const bert_error *err)
{
    struct bert__cache_waiter *heir, *rest = NULL;
    struct bert__cache_shard *shard;

    if (ticket == NULL)
        return;
    shard = bert__cache_shard_of(cache, ticket->hash);
    do {
        heir = next_owner(shard, ticket, &rest);
    } while (heir != NULL && !heir->own(heir, ticket));
    if (heir != NULL)
        return; /* the ticket is another's */
    bert__alloc_free(cache->alloc, ticket);
    answer(cache, rest, NULL, err);
}
