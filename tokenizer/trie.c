/* SPDX-License-Identifier: MIT */
/* trie.c - building a trie level by level; linear in the bytes of the keys. */
#include "tokenizer/trie.h"

#include <string.h>

#include "tokenizer/work.h"

enum { SMALL = 24 }; /* up to here an insertion sort is quicker */

struct builder {
    struct bert__trie *t;
    struct bert__trie_key *keys, *spare;
    size_t nodes_cap, labels_cap;
};

/* Until its children are there, a node holds the range of keys below it. */
static bool add_node(struct builder *b, uint8_t label, uint32_t lo, uint32_t hi)
{
    struct bert__trie *t = b->t;
    size_t need = (size_t)t->n_nodes + 1;

    if (need + 1 >= BERT__TRIE_NONE
        || !bert__reserve(t->alloc, &t->nodes, &b->nodes_cap, need + 1, sizeof *t->nodes)
        || !bert__reserve(t->alloc, &t->labels, &b->labels_cap, need, 1))
        return false;
    t->labels[t->n_nodes] = label;
    t->nodes[t->n_nodes++] = (struct bert__trie_node){lo, (int32_t)hi};
    return true;
}

static void sort_small(struct bert__trie_key *k, uint32_t n, uint32_t depth)
{
    for (uint32_t i = 1; i < n; i++) {
        struct bert__trie_key key = k[i];
        uint32_t j = i;

        for (; j > 0 && (uint8_t)k[j - 1].data[depth] > (uint8_t)key.data[depth]; j--)
            k[j] = k[j - 1];
        k[j] = key;
    }
}

static void sort_large(struct bert__trie_key *k, struct bert__trie_key *spare, uint32_t n,
                       uint32_t depth)
{
    uint32_t at[257] = {0};

    for (uint32_t i = 0; i < n; i++)
        at[(uint8_t)k[i].data[depth] + 1]++;
    for (unsigned c = 1; c < 257; c++)
        at[c] += at[c - 1];
    for (uint32_t i = 0; i < n; i++)
        spare[at[(uint8_t)k[i].data[depth]]++] = k[i];
    memcpy(k, spare, n * sizeof *k);
}

/* The key that ends at this depth, if any, names the node and leaves the range. */
static uint32_t take_end(struct builder *b, uint32_t v, uint32_t lo, uint32_t hi, uint32_t depth)
{
    for (uint32_t i = lo; i < hi; i++) {
        struct bert__trie_key k = b->keys[i];

        if (k.size == depth) {
            b->t->nodes[v].id = k.id;
            b->keys[i] = b->keys[lo];
            b->keys[lo] = k;
            return lo + 1;
        }
    }
    return lo;
}

static bool add_children(struct builder *b, uint32_t v, uint32_t depth)
{
    uint32_t lo = b->t->nodes[v].first, hi = (uint32_t)b->t->nodes[v].id, from;

    b->t->nodes[v] = (struct bert__trie_node){b->t->n_nodes, -1};
    lo = take_end(b, v, lo, hi, depth);
    if (hi - lo <= SMALL)
        sort_small(b->keys + lo, hi - lo, depth);
    else
        sort_large(b->keys + lo, b->spare, hi - lo, depth);
    for (; lo < hi; lo = from) {
        uint8_t c = (uint8_t)b->keys[lo].data[depth];

        for (from = lo + 1; from < hi && (uint8_t)b->keys[from].data[depth] == c; from++)
            ;
        if (!add_node(b, c, lo, from))
            return false;
    }
    return true;
}

static bool add_levels(struct builder *b, uint32_t n)
{
    uint32_t v = 0;

    if (!add_node(b, 0, 0, n))
        return false;
    for (uint32_t depth = 0; v < b->t->n_nodes; depth++) {
        for (uint32_t end = b->t->n_nodes; v < end; v++) {
            if (!add_children(b, v, depth))
                return false;
        }
    }
    b->t->nodes[b->t->n_nodes] = (struct bert__trie_node){b->t->n_nodes, -1};
    return true;
}

/* Give back what the arrays took in advance. */
static void shrink(struct bert__trie *t)
{
    void *nodes = bert__alloc_grow(t->alloc, t->nodes, ((size_t)t->n_nodes + 1) * sizeof *t->nodes);
    void *labels = bert__alloc_grow(t->alloc, t->labels, t->n_nodes);

    t->nodes = nodes != NULL ? nodes : t->nodes;
    t->labels = labels != NULL ? labels : t->labels;
}

bool bert__trie_build(struct bert__trie *t, struct bert__alloc *alloc, struct bert__trie_key *keys,
                      struct bert__trie_key *spare, uint32_t n)
{
    struct builder b = {.t = t, .keys = keys, .spare = spare};
    bool done;

    *t = (struct bert__trie){.alloc = alloc};
    done = add_levels(&b, n);
    if (!done)
        return false;
    shrink(t);
    for (unsigned c = 0; c < 256; c++)
        t->root[c] = bert__trie_child(t, 0, (uint8_t)c);
    return true;
}

void bert__trie_free(struct bert__trie *t)
{
    if (t->alloc == NULL)
        return;
    bert__alloc_free(t->alloc, t->nodes);
    bert__alloc_free(t->alloc, t->labels);
    *t = (struct bert__trie){0};
}
