/* SPDX-License-Identifier: MIT */
/*
 * cache.c - what a hit of the engine's cache costs: bench-cache [ENTRIES [HITS]].
 * Texts of 60 bytes under a key as the engine makes it, values of 384 floats; a hit is a lookup,
 * one look at the value, and the reference given back, each timed alone, for random entries.  Then
 * misses, whose values push others out.  The clock's own time is in all figures, and shown.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/serve/cache.h"

enum { TEXT = 60, DIGEST = 32, FLOATS = 384, MAX_THREADS = 2, ENTRY_BYTES = 2048 };

struct value {
    atomic_long refs;
    float numbers[FLOATS];
};

struct bench {
    struct bert__cache *cache;
    uint64_t entries;
    size_t calls;
    char digest[DIGEST];
};

struct runner {
    struct bench *bench;
    pthread_t thread;
    uint64_t seed, first; /* first: of the entries that are asked for */
    uint32_t *ns;
    float sum;
    size_t hits;
    void (*run)(struct runner *r);
};

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void ref(void *value)
{
    atomic_fetch_add_explicit(&((struct value *)value)->refs, 1, memory_order_relaxed);
}

static void unref(void *value)
{
    if (atomic_fetch_sub_explicit(&((struct value *)value)->refs, 1, memory_order_acq_rel) == 1)
        free(value);
}

static void write_text(char text[TEXT], uint64_t number)
{
    memset(text, 'a', TEXT);
    for (int i = 0; number > 0; number /= 10)
        text[i++] = (char)('0' + number % 10);
}

static enum bert__cache_found look(struct bench *b, uint64_t number, void **value,
                                   struct bert__cache_entry **ticket)
{
    char text[TEXT];
    const bert_text parts[] = {
        {b->digest, DIGEST}, {"embed", 5}, {"\1\0\0\0\2\0\0\0", 8}, {text, TEXT}};
    struct bert__cache_key key = {7, parts, 4};

    write_text(text, number);
    return bert__cache_lookup(b->cache, &key, NULL, value, ticket);
}

static void put(struct bench *b, uint64_t number)
{
    struct bert__cache_entry *ticket;
    void *found;
    struct value *v;

    if (look(b, number, &found, &ticket) == BERT__CACHE_HIT) {
        unref(found);
        return;
    }
    v = malloc(sizeof *v);
    if (v == NULL)
        exit(1);
    atomic_init(&v->refs, 1);
    for (int i = 0; i < FLOATS; i++)
        v->numbers[i] = (float)(number + (uint64_t)i);
    bert__cache_fulfil(b->cache, ticket, v, sizeof *v + 16);
    unref(v);
}

static uint64_t draw(struct runner *r)
{
    r->seed = r->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (r->seed >> 20) % r->bench->entries;
}

/* Text made beforehand: who asks has just read it. */
static void hit(struct runner *r)
{
    struct bench *b = r->bench;
    char text[TEXT];
    const bert_text parts[] = {
        {b->digest, DIGEST}, {"embed", 5}, {"\1\0\0\0\2\0\0\0", 8}, {text, TEXT}};
    struct bert__cache_key key = {7, parts, 4};

    for (size_t i = 0; i < b->calls; i++) {
        struct bert__cache_entry *ticket;
        uint64_t start, number = draw(r);
        void *value;

        write_text(text, number);
        start = now();
        if (bert__cache_lookup(b->cache, &key, NULL, &value, &ticket) == BERT__CACHE_HIT) {
            r->sum += ((struct value *)value)->numbers[0];
            unref(value);
            r->hits++;
        }
        r->ns[i] = (uint32_t)(now() - start);
    }
}

static void miss(struct runner *r)
{
    for (size_t i = 0; i < r->bench->calls; i++) {
        uint64_t start = now();

        put(r->bench, r->first + i);
        r->ns[i] = (uint32_t)(now() - start);
    }
}

static void nothing(struct runner *r)
{
    for (size_t i = 0; i < r->bench->calls; i++) {
        uint64_t start = now();

        r->ns[i] = (uint32_t)(now() - start);
    }
}

static void *start(void *arg)
{
    struct runner *r = arg;

    r->run(r);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void measure(struct bench *b, const char *what, void (*run)(struct runner *), int threads)
{
    static uint64_t fresh;
    struct runner r[MAX_THREADS];
    uint32_t *ns = malloc((size_t)threads * b->calls * sizeof *ns);
    size_t n = (size_t)threads * b->calls, hits = 0;

    if (ns == NULL)
        exit(1);
    fresh = fresh > 0 ? fresh : b->entries;
    for (int i = 0; i < threads; i++) {
        r[i] = (struct runner){.bench = b,
                               .seed = fresh + 99u * (unsigned)i,
                               .first = fresh,
                               .ns = ns + (size_t)i * b->calls,
                               .run = run};
        fresh += b->calls;
        if (pthread_create(&r[i].thread, NULL, start, &r[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(r[i].thread, NULL);
        hits += r[i].hits;
    }
    qsort(ns, n, sizeof *ns, compare);
    printf("%-6s %d thread%s  median %5u ns  p99 %5u  p99.99 %6u  longest %8u  (%zu hits of %zu)\n",
           what, threads, threads > 1 ? "s" : " ", ns[n / 2], ns[n / 100 * 99],
           ns[n / 10000 * 9999], ns[n - 1], hits, n);
    free(ns);
}

int main(int argc, char **argv)
{
    struct bench b = {.entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000,
                      .calls = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000};
    struct bert__cache_options options = {b.entries * ENTRY_BYTES, 0, ref, unref, NULL};
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__cache_counts n;

    if (b.entries == 0 || b.calls < 10000 || alloc == NULL
        || bert__cache_create(&b.cache, alloc, &options, NULL) != BERT_OK) {
        fputs("usage: bench-cache [ENTRIES [CALLS]], CALLS from 10000 on\n", stderr);
        return 2;
    }
    for (uint64_t i = 0; i < b.entries; i++)
        put(&b, i);
    bert__cache_count(b.cache, &n);
    printf("%llu entries of %llu, %.0f bytes each\n", (unsigned long long)n.entries,
           (unsigned long long)b.entries, (double)n.bytes / (double)n.entries);
    measure(&b, "clock", nothing, 1);
    for (int threads = 1; threads <= MAX_THREADS; threads++)
        measure(&b, "hit", hit, threads);
    for (int threads = 1; threads <= MAX_THREADS; threads++)
        measure(&b, "miss", miss, threads);
    bert__cache_destroy(b.cache);
    bert__alloc_destroy(alloc);
    return 0;
}
