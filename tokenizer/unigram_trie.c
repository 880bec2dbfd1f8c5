/* SPDX-License-Identifier: MIT */
/* unigram_trie.c - building the trie of the pieces, and walking it from several positions. */
#include "tokenizer/unigram_trie.h"

/* ---- Building ---------------------------------------------------------------- */

/* The nodes of what the key doesn't share with the one before. */
static void add_key(struct bert__unigram_trie *t, uint32_t *next, const struct bert__trie_key *k,
                    const double *scores)
{
    uint32_t v = 0;

    for (size_t depth = k->shared; depth < k->size; depth++) {
        v = next[depth + 1]++;
        t->labels[v] = (uint8_t)k->data[depth];
        t->nodes[v] = (struct bert__unigram_node){0, next[depth + 2], -1};
    }
    t->nodes[v].id = k->id;
    t->nodes[v].score = scores[k->id];
}

static bool add_keys(struct bert__unigram_trie *t, const struct bert__trie_levels *levels,
                     const struct bert__trie_key *keys, uint32_t n, const double *scores)
{
    t->n_nodes = levels->n_nodes;
    t->nodes = bert__alloc_items(t->alloc, (size_t)t->n_nodes + 1, sizeof *t->nodes);
    t->labels = bert__alloc_items(t->alloc, (size_t)t->n_nodes + BERT__TRIE_AHEAD, 1);
    if (t->nodes == NULL || t->labels == NULL)
        return false;
    t->labels[0] = 0;
    memset(t->labels + t->n_nodes, 0, BERT__TRIE_AHEAD);
    t->nodes[0] = (struct bert__unigram_node){0, 1, -1};
    t->nodes[t->n_nodes] = (struct bert__unigram_node){0, t->n_nodes, -1};
    for (uint32_t i = 0; i < n; i++) {
        if (!bert__alloc_goes_on_at(t->alloc, i))
            return false;
        add_key(t, levels->next, &keys[i], scores);
    }
    return true;
}

bool bert__unigram_trie_build(struct bert__unigram_trie *t, struct bert__alloc *alloc,
                              struct bert__trie_key *keys, uint32_t n, const double *scores)
{
    struct bert__trie_levels levels = {0};
    bool done;

    *t = (struct bert__unigram_trie){.alloc = alloc};
    done = bert__trie_keys_sort(alloc, keys, n)
           && bert__trie_levels_init(&levels, alloc, keys, n, 1)
           && add_keys(t, &levels, keys, n, scores);
    bert__trie_levels_free(&levels);
    for (unsigned c = 0; done && c < 256; c++) {
        if (!bert__unigram_child(t, 0, (uint8_t)c, &t->root[c]))
            t->root[c] = BERT__TRIE_NONE;
    }
    return done;
}

void bert__unigram_trie_free(struct bert__unigram_trie *t)
{
    if (t->alloc == NULL)
        return;
    bert__alloc_free(t->alloc, t->nodes);
    bert__alloc_free(t->alloc, t->labels);
    *t = (struct bert__unigram_trie){0};
}

/* ---- Walking ----------------------------------------------------------------- */

static inline uint32_t char_size(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* A lane for each position; returns how many there are. */
static uint32_t make_lanes(const struct bert__unigram_trie *t, const char *s, uint32_t n,
                           struct bert__unigram_lane *lanes)
{
    uint32_t count = 0;

    for (uint32_t at = 0; at < n && count < BERT__UNIGRAM_LANES; count++) {
        struct bert__unigram_lane *l = &lanes[count];
        unsigned char c = (unsigned char)s[at];

        l->at = at;
        l->one = char_size(c);
        l->sizes = 0;
        l->v = t->root[c];
        at += l->one;
    }
    return count;
}

/* Note the pieces of `depth` bytes, and go on by the next byte; returns how many lanes do.  Which
 * of them end is no branch's guess. */
static inline __attribute__((always_inline)) uint32_t
step(const struct bert__unigram_trie *t, const char *s, uint32_t n, uint32_t depth,
     struct bert__unigram_lane **open, uint32_t n_open, bool near_end)
{
    uint32_t still = 0;

    for (uint32_t i = 0; i < n_open; i++) {
        struct bert__unigram_lane *l = open[i];
        bool ends = near_end && l->at + depth >= n;
        uint8_t c = (uint8_t)s[ends ? 0 : l->at + depth];
        uint32_t v = l->v, child;
        bool found = bert__unigram_child(t, v, c, &child) & !ends;

        l->way[depth] = v;
        l->sizes |= (uint32_t)(t->nodes[v].id >= 0) << depth;
        l->v = found ? child : BERT__TRIE_NONE;
        __builtin_prefetch(&t->nodes[found ? child : 0]);
        open[still] = l;
        still += found;
    }
    return still;
}

uint32_t bert__unigram_walk(const struct bert__unigram_trie *t, const char *s, uint32_t n,
                            struct bert__unigram_lane lanes[BERT__UNIGRAM_LANES])
{
    struct bert__unigram_lane *open[BERT__UNIGRAM_LANES];
    uint32_t count = make_lanes(t, s, n, lanes), n_open = 0;
    bool near_end = n < BERT__UNIGRAM_LANES * 4 + BERT__UNIGRAM_DEPTH;

    for (uint32_t i = 0; i < count; i++) {
        open[n_open] = &lanes[i];
        n_open += lanes[i].v != BERT__TRIE_NONE;
    }
    /* Each step of all lanes at once, so that their misses overlap. */
    for (uint32_t depth = 1; depth <= BERT__UNIGRAM_DEPTH && n_open > 0; depth++)
        n_open = near_end ? step(t, s, n, depth, open, n_open, true)
                          : step(t, s, n, depth, open, n_open, false);
    return count;
}
