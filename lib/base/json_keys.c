/* SPDX-License-Identifier: MIT */
/*
 * json_keys.c - are an object's keys all different?
 *
 * Mostly a table of their hashes' halves says so, with no look at a second key.  Where two are
 * equal, or many meet in it, the keys are dealt out by a part of their hash, and sorted what meets
 * on (hash, length, bytes): keys chosen to collide only make it a sort of all, and no seed has to
 * be secret.
 */
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/json_parts.h"
#include "lib/base/size.h"

enum {
    FEW = 8,  /* compared pair by pair */
    STEPS = 4 /* a key, on average, past slots that are taken */
};

struct entry {
    uint64_t hash;
    const bert_text *key;
};

static bool equal(const bert_text *a, const bert_text *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static uint64_t hash(const bert_text *key)
{
    return bert__hash(key->data, key->size, 0);
}

static bool precedes(const struct entry *a, const struct entry *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash;
    if (a->key->size != b->key->size)
        return a->key->size < b->key->size;
    return a->key->size && memcmp(a->key->data, b->key->data, a->key->size) < 0;
}

static void merge(struct entry *out, const struct entry *a, size_t n_a, const struct entry *b,
                  size_t n_b)
{
    while (n_a && n_b) {
        if (precedes(b, a)) {
            *out++ = *b++;
            n_b--;
        } else {
            *out++ = *a++;
            n_a--;
        }
    }
    if (n_a)
        memcpy(out, a, n_a * sizeof(*a));
    if (n_b)
        memcpy(out, b, n_b * sizeof(*b));
}

/* Bottom-up, without recursion; returns whichever of the two holds the result. */
static const struct entry *sort(struct entry *from, struct entry *to, size_t n)
{
    for (size_t run = 1; run < n; run *= 2) {
        struct entry *swap = from;

        for (size_t i = 0; i < n; i += 2 * run) {
            size_t n_a = n - i < run ? n - i : run;
            size_t n_b = n - i - n_a < run ? n - i - n_a : run;

            merge(to + i, from + i, n_a, from + i + n_a, n_b);
        }
        from = to;
        to = swap;
    }
    return from;
}

static const bert_text *find_pairwise(const struct bert__json_member *members, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (equal(&members[i].key, &members[j].key))
                return &members[i].key;
    return NULL;
}

/* Among n entries; `spare` has room for as many. */
static const bert_text *find_sorted(struct entry *entries, struct entry *spare, size_t n)
{
    const struct entry *sorted = sort(entries, spare, n);

    for (size_t i = 1; i < n; i++)
        if (sorted[i].hash == sorted[i - 1].hash && equal(sorted[i].key, sorted[i - 1].key))
            return sorted[i].key;
    return NULL;
}

/* Deal the entries out to `out`: hands of about two, each up to ends[k] and from where the one
 * before ends. */
static void deal(const struct entry *entries, size_t n, struct entry *out, size_t *ends,
                 size_t hands)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        ends[(entries[i].hash >> 24) & (hands - 1)]++;
    for (size_t k = 0; k < hands; k++) {
        size_t count = ends[k];

        ends[k] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        out[ends[(entries[i].hash >> 24) & (hands - 1)]++] = entries[i];
}

static bool find_dealt(struct bert__alloc *alloc, const struct bert__json_member *members,
                       size_t count, const bert_text **duplicate)
{
    struct entry *entries, *dealt;
    size_t *ends, hands = 4, from = 0;
    bool done;

    while (hands < count / 2)
        hands *= 2;
    entries = bert__alloc_items(alloc, count, 2 * sizeof(*entries));
    ends = bert__alloc_array(alloc, hands, sizeof(*ends));
    done = entries && ends;
    if (done) {
        dealt = entries + count;
        for (size_t i = 0; i < count; i++) {
            entries[i].key = &members[i].key;
            entries[i].hash = hash(&members[i].key);
        }
        deal(entries, count, dealt, ends, hands);
        for (size_t k = 0; k < hands && !*duplicate; from = ends[k++])
            *duplicate = find_sorted(dealt + from, entries + from, ends[k] - from);
    }
    bert__alloc_free(alloc, entries);
    bert__alloc_free(alloc, ends);
    return done;
}

/* Are they surely all different?  `table` has mask + 1 slots, which are 0. */
static bool all_differ(uint32_t *table, size_t mask, const struct bert__json_member *members,
                       size_t count)
{
    size_t steps = count * STEPS;

    for (size_t i = 0; i < count; i++) {
        uint64_t h = hash(&members[i].key);
        uint32_t mark = (uint32_t)(h >> 32) | 1;
        size_t at = h & mask;

        for (; table[at] != 0; at = (at + 1) & mask) {
            if (table[at] == mark || steps-- == 0)
                return false;
        }
        table[at] = mark;
    }
    return true;
}

bool bert__json_duplicate(struct bert__alloc *alloc, const struct bert__json_member *members,
                          size_t count, const bert_text **duplicate)
{
    size_t slots = 16;
    uint32_t *table;
    bool differ;

    *duplicate = NULL;
    if (count <= FEW) {
        *duplicate = find_pairwise(members, count);
        return true;
    }
    while (slots / 2 < count)
        slots *= 2;
    table = bert__alloc_array(alloc, slots, sizeof(*table));
    if (!table)
        return false;
    differ = all_differ(table, slots - 1, members, count);
    bert__alloc_free(alloc, table);
    return differ || find_dealt(alloc, members, count, duplicate);
}
