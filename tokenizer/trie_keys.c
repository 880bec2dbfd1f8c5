/* SPDX-License-Identifier: MIT */
/* trie_keys.c - sorting strings some bytes at a time. */
#include "tokenizer/trie_keys.h"

#include <string.h>

#include "lib/base/size.h"

enum {
    SMALL = 16,      /* up to here an insertion sort is quicker */
    STEP = 4,        /* bytes that the others are sorted by at a time */
    MANY = 4096,     /* from here on in three parts of 11 bits, else in four of 8 */
    SLOTS = 3 << 11, /* of all parts */
    AHEAD = 8        /* keys whose bytes are fetched meanwhile */
};

/* Keys [lo, hi) have their first `depth` bytes in common, and all are longer. */
struct range {
    uint32_t lo, hi, depth;
    uint32_t shared; /* bytes that each has in common with the key before them */
};

struct sorter {
    struct bert__trie_key *keys, *spare;
    struct range *ranges; /* that are still to be sorted; no two overlap, all are over SMALL */
    size_t n_ranges;
    uint32_t counts[SLOTS];
};

/* Up to 8 bytes as a number that compares as they do; past the end zeros. */
static uint64_t head_of(const struct bert__trie_key *k, uint32_t depth)
{
    const char *s = k->data + depth;
    uint32_t n = k->size - depth;

    return n >= 8 ? bert__load_high(s) : bert__load_short(s, n);
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

static uint32_t step_of(const struct bert__trie_key *k)
{
    return (uint32_t)(k->head >> (64 - 8 * STEP));
}

/* Counts of a part's values to where their keys begin; false: all have the same. */
static bool add_up(uint32_t *counts, uint32_t slots, uint32_t n)
{
    uint32_t sum = 0;

    for (uint32_t c = 0; c < slots; c++) {
        uint32_t count = counts[c];

        if (count == n)
            return false;
        counts[c] = sum;
        sum += count;
    }
    return true;
}

static void count(struct sorter *s, const struct bert__trie_key *k, uint32_t n, unsigned bits,
                  unsigned parts)
{
    uint32_t slots = 1u << bits;

    memset(s->counts, 0, parts * slots * sizeof *s->counts);
    for (uint32_t i = 0; i < n; i++) {
        for (unsigned p = 0; p < parts; p++)
            s->counts[p * slots + (k[i].head >> (64 - bits * (parts - p)) & (slots - 1))]++;
    }
}

/* By the step, or a bit more, from its last part to its first. */
static void sort_step(struct sorter *s, struct bert__trie_key *k, uint32_t n)
{
    struct bert__trie_key *from = k, *to = s->spare;
    unsigned bits = n < MANY ? 8 : 11, parts = n < MANY ? 4 : 3;
    uint32_t slots = 1u << bits;

    count(s, k, n, bits, parts);
    for (unsigned p = 0; p < parts; p++) {
        uint32_t *at = s->counts + p * slots;
        unsigned shift = 64 - bits * (parts - p);

        if (!add_up(at, slots, n))
            continue;
        for (uint32_t i = 0; i < n; i++)
            to[at[from[i].head >> shift & (slots - 1)]++] = from[i];
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

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Bytes that two keys have in common; the first `depth` are. */
static uint32_t common(const struct bert__trie_key *a, const struct bert__trie_key *b,
                       uint32_t depth)
{
    uint32_t n = least(a->size, b->size), i = depth;

    while (i < n && a->data[i] == b->data[i])
        i++;
    return i;
}

/* What each of k[1], k[2] and so on, sorted, shares with the one before, in place of its head.
 * Heads that differ tell. */
static void share(struct bert__trie_key *k, uint32_t n, uint32_t depth)
{
    for (uint32_t i = n; i-- > 1;) {
        uint64_t differ = k[i].head ^ k[i - 1].head;
        uint32_t size = least(k[i].size, k[i - 1].size);

        if (differ == 0)
            k[i].shared = common(&k[i - 1], &k[i], size - depth > 8 ? depth + 8 : size);
        else
            k[i].shared = least(depth + (uint32_t)__builtin_clzll(differ) / 8, size);
    }
}

/* Keys of an equal step; the first of them shares r.shared bytes with the one before, or as many
 * as it has. */
static void sort_equal(struct sorter *s, struct range r)
{
    struct bert__trie_key *k = s->keys + r.lo;
    uint32_t n = r.hi - r.lo, ended = n > SMALL ? take_ended(k, n, r.depth + STEP) : 0;

    for (; ended > 0; ended--, k++, r.lo++) {
        k->shared = least(r.shared, k->size);
        r.shared = k->size;
    }
    n = r.hi - r.lo;
    if (n > SMALL) {
        r.depth += STEP;
        s->ranges[s->n_ranges++] = r;
    } else if (n > 0) {
        sort_small(k, n, r.depth);
        share(k, n, r.depth);
        k->shared = least(r.shared, k->size);
    }
}

static void sort_range(struct sorter *s, struct range r)
{
    struct bert__trie_key *k = s->keys;
    uint32_t hi;

    for (uint32_t i = r.lo; i < r.hi; i++) {
        if (r.hi - i > AHEAD)
            __builtin_prefetch(k[i + AHEAD].data + r.depth);
        k[i].head = head_of(&k[i], r.depth);
    }
    sort_step(s, k + r.lo, r.hi - r.lo);
    for (uint32_t lo = r.lo, shared = r.shared; lo < r.hi; lo = hi) {
        uint32_t step = step_of(&k[lo]);

        for (hi = lo + 1; hi < r.hi && step_of(&k[hi]) == step; hi++)
            ;
        sort_equal(s, (struct range){lo, hi, r.depth, shared});
        if (hi < r.hi)
            shared = least(r.depth + (uint32_t)__builtin_clz(step ^ step_of(&k[hi])) / 8,
                           k[hi - 1].size);
    }
}

bool bert__trie_keys_sort(struct bert__alloc *alloc, struct bert__trie_key *keys, uint32_t n)
{
    struct sorter *s = bert__alloc(alloc, sizeof *s);
    uint32_t sorted = 0;
    bool ok = false;

    if (s == NULL)
        return false;
    s->keys = keys;
    s->spare = bert__alloc_items(alloc, n, sizeof *s->spare);
    s->ranges = bert__alloc_items(alloc, n / SMALL + 1, sizeof *s->ranges);
    s->n_ranges = 0;
    ok = s->spare != NULL && s->ranges != NULL;
    if (ok && n > 0)
        s->ranges[s->n_ranges++] = (struct range){0, n, 0, 0};
    while (ok && s->n_ranges > 0) {
        sort_range(s, s->ranges[--s->n_ranges]);
        ok = bert__alloc_goes_on_at(alloc, sorted++);
    }
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
    uint32_t width = roots, top = longest(keys, n), *next;
    size_t depths = (size_t)top + 3; /* the roots, and two that are empty */
    uint64_t sum = 0;

    *levels = (struct bert__trie_levels){.alloc = alloc, .longest = top};
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
