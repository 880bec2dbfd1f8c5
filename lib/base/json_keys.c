/* SPDX-License-Identifier: MIT */
/*
 * json_keys.c - are an object's keys all different?
 *
 * By sorting on (hash, length, bytes): a vocabulary of 250,000 keys takes some
 * milliseconds, and keys chosen to collide only make comparisons longer, never
 * more.  A hash table would need a secret seed for the same promise.
 */
#include <string.h>

#include "lib/base/json_parts.h"
#include "lib/base/size.h"

enum { FEW = 8 /* compared pair by pair */ };

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
    uint64_t h = key->size * UINT64_C(0x9e3779b97f4a7c15);
    const char *p = key->data;
    size_t left = key->size;

    while (left > 0) {
        uint64_t part = 0;
        size_t n = left < 8 ? left : 8;

        memcpy(&part, p, n);
        h = (h ^ part) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
        p += n;
        left -= n;
    }
    return h;
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

bool bert__json_duplicate(struct bert__alloc *alloc, const struct bert__json_member *members,
                          size_t count, const bert_text **duplicate)
{
    struct entry *entries;
    const struct entry *sorted;

    *duplicate = NULL;
    if (count <= FEW) {
        *duplicate = find_pairwise(members, count);
        return true;
    }
    entries = bert__alloc_array(alloc, count, 2 * sizeof(*entries));
    if (!entries)
        return false;
    for (size_t i = 0; i < count; i++) {
        entries[i].key = &members[i].key;
        entries[i].hash = hash(&members[i].key);
    }
    sorted = sort(entries, entries + count, count);
    for (size_t i = 1; i < count && !*duplicate; i++)
        if (sorted[i].hash == sorted[i - 1].hash && equal(sorted[i].key, sorted[i - 1].key))
            *duplicate = sorted[i].key;
    bert__alloc_free(alloc, entries);
    return true;
}
