/* SPDX-License-Identifier: MIT */
/* trie.h - a compact trie of byte strings: children lie side by side, level by level. */
#ifndef BERT_TOKENIZER_TRIE_H
#define BERT_TOKENIZER_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/alloc.h"
#include "tokenizer/trie_keys.h"

struct bert__trie_node {
    uint32_t first; /* child; those of the next node follow on its own */
    int32_t id;     /* of the key that ends here; -1: none */
};

struct bert__trie {
    struct bert__alloc *alloc;
    struct bert__trie_node *nodes; /* one more than there are, for its `first` */
    uint8_t *labels;               /* byte that leads to the node */
    uint32_t n_nodes;
    uint32_t root[256]; /* children of node 0, the root */
};

/* Build from n keys, no two the same; they are sorted.  False: no memory (or 2^32 nodes). */
bool bert__trie_build(struct bert__trie *trie, struct bert__alloc *alloc,
                      struct bert__trie_key *keys, uint32_t n);
void bert__trie_free(struct bert__trie *trie);

/* Child of v by byte c, or BERT__TRIE_NONE. */
static inline uint32_t bert__trie_child(const struct bert__trie *t, uint32_t v, uint8_t c)
{
    uint32_t lo = t->nodes[v].first;

    return bert__trie_label(t->labels, lo, t->nodes[v + 1].first - lo, c);
}

#endif
