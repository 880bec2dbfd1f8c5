/* SPDX-License-Identifier: MIT */
/*
 * trie_keys.h - the strings of a trie, in order, and where its nodes will stand.
 *
 * Nodes stand level by level, in each by their strings, so that the children of a node lie side
 * by side and those of the next node follow on them.  Of keys in order each needs nodes only for
 * what it doesn't share with the one before, and these are the next ones of their levels.
 */
#ifndef BERT_TOKENIZER_TRIE_KEYS_H
#define BERT_TOKENIZER_TRIE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/alloc.h"

struct bert__trie_key {
    const char *data;
    uint32_t size; /* over 0 */
    int32_t id;
    union {
        uint64_t head;   /* while sorting: the next 8 bytes */
        uint64_t shared; /* then: bytes that it has in common with the key before */
    };
};

/* Sort n keys, no two the same, by their bytes; linear in these.  False: no memory. */
bool bert__trie_keys_sort(struct bert__alloc *alloc, struct bert__trie_key *keys, uint32_t n);

struct bert__trie_levels {
    struct bert__alloc *alloc;
    uint32_t *next;   /* of each depth the node that is made next; in the end, where it ends */
    uint32_t n_nodes; /* all of them */
};

/* Levels for n sorted keys below `roots` roots, the nodes 0, 1 and so on; keys of another root
 * share nothing with those before.  False: no memory, or 2^32 nodes. */
bool bert__trie_levels_init(struct bert__trie_levels *levels, struct bert__alloc *alloc,
                            const struct bert__trie_key *keys, size_t n, uint32_t roots);
void bert__trie_levels_free(struct bert__trie_levels *levels);

#endif
