/* SPDX-License-Identifier: MIT */
/* trie_keys.c - sorting strings some bytes at a time. */
#include "tokenizer/trie_keys.h"

#include <string.h>

#include "lib/base/size.h"

enum {
    SMALL = 24, /* up to here an insertion sort is quicker */
    STEP = 4    /* bytes that the others are sorted by at a time */
};

/* Keys [lo, hi) have their first `depth` bytes in common, and all are longer. */
struct range {
    uint32_t lo, hi, depth;
};

struct sorter {
    struct bert__trie_key *keys, *spare;
    struct range *ranges; /* that are still to be sorted; no two overlap, all are over SMALL */
    size_t n_ranges;
    uint32_t counts[STEP][256];
};

/* Up to 8 bytes as a number that compares as they do; past the end zeros. */
static uint64_t head_of(const struct bert__trie_key *k, uint32_t depth)
{
    const unsigned char *s = (const unsigned char *)k->data + depth;
    uint32_t n = k->size - depth;
    uint64_t head = 0;

    if (n >= 8)
        return (uint64_t)s[0] << 56 | (uint64_t)s[1] << 48 | (uint64_t)s[2] << 40
               | (uint64_t)s[3] << 32 | (uint64_t)s[4] << 24 | (uint64_t)s[5] << 16
               | (uint64_t)s[6] << 8 | s[7];
    for (uint32_t i = 0; i < n; i++)
        head |= (uint64_t)s[i] << (56 - 8 * i);
    return head;
}

static bool before(const struct bert__trie_key *a, const struct bert__trie_key *b, uint32_t depth)
{
    uint32_t n = a->size < b->size ? a->size : b->size;
    int c;

    if (a->head != b->head)
        return a->head < b->head;
    c = memcmp(a->data + depth, b->data + depth, n - depth);
    return c < 0 || (c == 0 && a->size < b->size);
}

static void sort_small(struct bert__trie_key *k, uint32_t n, uint32_t depth)
{
    for (uint32_t i = 1; i < n; i++) {
        struct bert__trie_key key = k[i];
        uint32_t j = i;

        for (; j > 0 && before(&key, &k[j - 1], depth); j--)
            k[j] = k[j - 1];
        k[j] = key;
    }
}

/* Byte `b` of the STEP that the keys are sorted by, from the last. */
static unsigned step_byte(const struct bert__trie_key *k, unsigned b)
{
    return k->head >> (64 - 8 * STEP + 8 * b) & 255;
}

static uint32_t step_of(const struct bert__trie_key *k)
{
    return (uint32_t)(k->head >> (64 - 8 * STEP));
}

/* By the step, from its last byte to its first. */
static void sort_step(struct sorter *s, struct bert__trie_key *k, uint32_t n)
{
    struct bert__trie_key *from = k, *to = s->spare;

    memset(s->counts, 0, sizeof s->counts);
    for (uint32_t i = 0; i < n; i++) {
        for (unsigned b = 0; b < STEP; b++)
            s->counts[b][step_byte(&k[i], b)]++;
    }
    for (unsigned b = 0; b < STEP; b++) {
        uint32_t *at = s->counts[b], sum = 0;

        if (at[step_byte(k, b)] == n)
            continue; /* the same byte in all */
        for (unsigned c = 0; c < 256; c++) {
            uint32_t count = at[c];

            at[c] = sum;
            sum += count;
        }
        for (uint32_t i = 0; i < n; i++)
            to[at[step_byte(&from[i], b)]++] = from[i];
        to = from;
        from = from == k ? s->spare : k;
    }
    if (from != k)
        memcpy(k, from, n * sizeof *k);
}

/* Of keys with an equal step those that end in it come first, the shorter before; they may be
 * several where bytes are 0.  Returns their number. */
static uint32_t take_ended(struct bert__trie_key *k, uint32_t n, uint32_t end)
{
    uint32_t ended = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct bert__trie_key key = k[i];
        uint32_t j = ended;

        if (key.size > end)
            continue;
        k[i] = k[ended++];
        for (; j > 0 && k[j - 1].size > key.size; j--)
            k[j] = k[j - 1];
        k[j] = key;
    }
    return ended;
}

static void sort_range(struct sorter *s, struct range r)
{
    uint32_t end = r.depth + STEP;

    for (uint32_t i = r.lo; i < r.hi; i++)
        s->keys[i].head = head_of(&s->keys[i], r.depth);
    sort_step(s, s->keys + r.lo, r.hi - r.lo);
    for (uint32_t lo = r.lo, hi; lo < r.hi; lo = hi) {
        for (hi = lo + 1; hi < r.hi && step_of(&s->keys[hi]) == step_of(&s->keys[lo]); hi++)
            ;
        if (hi - lo > SMALL)
            lo += take_ended(s->keys + lo, hi - lo, end);
        if (hi - lo > SMALL)
            s->ranges[s->n_ranges++] = (struct range){lo, hi, end};
        else
            sort_small(s->keys + lo, hi - lo, r.depth);
    }
}

static uint32_t common(const struct bert__trie_key *a, const struct bert__trie_key *b)
{
    uint32_t n = a->size < b->size ? a->size : b->size, i = 0;

    while (i < n && a->data[i] == b->data[i])
        i++;
    return i;
}

bool bert__trie_keys_sort(struct bert__alloc *alloc, struct bert__trie_key *keys, uint32_t n)
{
    struct sorter *s = bert__alloc(alloc, sizeof *s);
    bool ok = false;

    if (s == NULL)
        return false;
    s->keys = keys;
    s->spare = bert__alloc_items(alloc, n, sizeof *s->spare);
    s->ranges = bert__alloc_items(alloc, n / SMALL + 1, sizeof *s->ranges);
    s->n_ranges = 0;
    ok = s->spare != NULL && s->ranges != NULL;
    if (ok && n > 0)
        s->ranges[s->n_ranges++] = (struct range){0, n, 0};
    while (ok && s->n_ranges > 0)
        sort_range(s, s->ranges[--s->n_ranges]);
    for (uint32_t i = 0; ok && i < n; i++)
        keys[i].shared = i > 0 ? common(&keys[i - 1], &keys[i]) : 0;
    bert__alloc_free(alloc, s->spare);
    bert__alloc_free(alloc, s->ranges);
    bert__alloc_free(alloc, s);
    return ok;
}

/* ---- Levels ------------------------------------------------------------------ */

static uint32_t longest(const struct bert__trie_key *keys, size_t n)
{
    uint32_t size = 0;

    for (size_t i = 0; i < n; i++)
        size = keys[i].size > size ? keys[i].size : size;
    return size;
}

bool bert__trie_levels_init(struct bert__trie_levels *levels, struct bert__alloc *alloc,
                            const struct bert__trie_key *keys, size_t n, uint32_t roots)
{
    size_t depths = (size_t)longest(keys, n) + 3; /* the roots, and two that are empty */
    uint32_t width = roots, *next;
    uint64_t sum = 0;

    *levels = (struct bert__trie_levels){.alloc = alloc};
    next = levels->next = bert__alloc_array(alloc, depths, sizeof *next);
    if (next == NULL)
        return false;
    /* The nodes of a depth: those of the one above, more by the keys whose own begin there, less
     * by those that end above. */
    for (size_t i = 0; i < n; i++) {
        next[keys[i].shared + 1]++;
        next[keys[i].size + 1]--;
    }
    for (size_t d = 0; d < depths; d++) {
        width = d == 0 ? roots : (d == 1 ? 0 : width) + next[d];
        next[d] = (uint32_t)sum;
        sum += width;
    }
    next[0] = roots; /* they are there */
    levels->n_nodes = (uint32_t)sum;
    return sum < UINT32_MAX;
}

void bert__trie_levels_free(struct bert__trie_levels *levels)
{
    if (levels->alloc == NULL)
        return;
    bert__alloc_free(levels->alloc, levels->next);
    *levels = (struct bert__trie_levels){0};
}
