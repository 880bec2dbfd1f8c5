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
#include "lib/base/bytes.h"

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
    uint32_t longest; /* key, in bytes */
};

/* Levels for n sorted keys below `roots` roots, the nodes 0, 1 and so on; keys of another root
 * share nothing with those before.  False: no memory, or 2^32 nodes. */
bool bert__trie_levels_init(struct bert__trie_levels *levels, struct bert__alloc *alloc,
                            const struct bert__trie_key *keys, size_t n, uint32_t roots);
void bert__trie_levels_free(struct bert__trie_levels *levels);

/* Bytes behind a trie's labels that may be read. */
enum { BERT__TRIE_AHEAD = 8 };

#define BERT__TRIE_NONE UINT32_MAX

/* The one of labels [lo, lo + n), which ascend, that is c, or BERT__TRIE_NONE.  What is left of a
 * binary search is compared at once: which way it goes is no branch's guess. */
static inline uint32_t bert__trie_label(const uint8_t *labels, uint32_t lo, uint32_t n, uint8_t c)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t eight;
    uint32_t at;

    while (n > BERT__TRIE_AHEAD) {
        uint32_t half = n / 2;

        lo += labels[lo + half] <= c ? half : 0;
        n -= half;
    }
    eight = bert__load_low(labels + lo) ^ (ones * c);
    eight = (eight - ones) & ~eight & ones << 7; /* lowest in the first byte that is c */
    if (eight == 0)
        return BERT__TRIE_NONE;
    at = (uint32_t)__builtin_ctzll(eight) / 8;
    return at < n ? lo + at : BERT__TRIE_NONE;
}

#endif
