/* SPDX-License-Identifier: MIT */
/* trie.c - building a trie from its keys in order. */
#include "tokenizer/trie.h"

/* The nodes of what the key doesn't share with the one before. */
static void add_key(struct bert__trie *t, uint32_t *next, const struct bert__trie_key *k)
{
    uint32_t v = 0;

    for (size_t depth = k->shared; depth < k->size; depth++) {
        v = next[depth + 1]++;
        t->labels[v] = (uint8_t)k->data[depth];
        t->nodes[v] = (struct bert__trie_node){next[depth + 2], -1};
    }
    t->nodes[v].id = k->id;
}

static bool add_keys(struct bert__trie *t, const struct bert__trie_levels *levels,
                     const struct bert__trie_key *keys, uint32_t n)
{
    t->n_nodes = levels->n_nodes;
    t->nodes = bert__alloc_items(t->alloc, (size_t)t->n_nodes + 1, sizeof *t->nodes);
    t->labels = bert__alloc_items(t->alloc, (size_t)t->n_nodes + BERT__TRIE_AHEAD, 1);
    if (t->nodes == NULL || t->labels == NULL)
        return false;
    t->labels[0] = 0;
    memset(t->labels + t->n_nodes, 0, BERT__TRIE_AHEAD);
    t->nodes[0] = (struct bert__trie_node){1, -1};
    t->nodes[t->n_nodes] = (struct bert__trie_node){t->n_nodes, -1};
    for (uint32_t i = 0; i < n; i++) {
        if (!bert__alloc_goes_on_at(t->alloc, i))
            return false;
        add_key(t, levels->next, &keys[i]);
    }
    return true;
}

bool bert__trie_build(struct bert__trie *t, struct bert__alloc *alloc, struct bert__trie_key *keys,
                      uint32_t n)
{
    struct bert__trie_levels levels = {0};
    bool done;

    *t = (struct bert__trie){.alloc = alloc};
    done = bert__trie_keys_sort(alloc, keys, n)
           && bert__trie_levels_init(&levels, alloc, keys, n, 1) && add_keys(t, &levels, keys, n);
    bert__trie_levels_free(&levels);
    for (unsigned c = 0; done && c < 256; c++)
        t->root[c] = bert__trie_child(t, 0, (uint8_t)c);
    return done;
}

void bert__trie_free(struct bert__trie *t)
{
    if (t->alloc == NULL)
        return;
    bert__alloc_free(t->alloc, t->nodes);
    bert__alloc_free(t->alloc, t->labels);
    *t = (struct bert__trie){0};
}
