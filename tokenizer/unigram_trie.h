/* SPDX-License-Identifier: MIT */
/*
 * unigram_trie.h - the pieces of a Unigram model with their scores, and which begin where.
 *
 * A score stands in its node: of a large vocabulary each look elsewhere is a miss of the caches.
 * For the same reason several positions of a word are walked from at a time.
 */
#ifndef BERT_TOKENIZER_UNIGRAM_TRIE_H
#define BERT_TOKENIZER_UNIGRAM_TRIE_H

#include "tokenizer/trie_keys.h"

struct bert__unigram_node {
    double score;   /* of the piece */
    uint32_t first; /* child; those of the next node follow on its own */
    int32_t id;     /* of the piece that ends here; -1: none */
};

struct bert__unigram_trie {
    struct bert__alloc *alloc;
    struct bert__unigram_node *nodes; /* one more than there are, for its `first` */
    uint8_t *labels;                  /* byte that leads to the node */
    uint32_t n_nodes;
    uint32_t root[256]; /* children of node 0, the root */
};

/* Build from n keys, no two the same; they are sorted.  Scores are by id.  False: no memory (or
 * 2^32 nodes). */
bool bert__unigram_trie_build(struct bert__unigram_trie *trie, struct bert__alloc *alloc,
                              struct bert__trie_key *keys, uint32_t n, const double *scores);
void bert__unigram_trie_free(struct bert__unigram_trie *trie);

/* Find the child of v by byte c. */
static inline bool bert__unigram_child(const struct bert__unigram_trie *t, uint32_t v, uint8_t c,
                                       uint32_t *child)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint32_t lo = t->nodes[v].first, n = t->nodes[v + 1].first - lo, at;
    uint64_t eight;

    if (n > BERT__TRIE_AHEAD) { /* many may well be all from the first to the last */
        uint32_t d = (uint32_t)c - t->labels[lo];

        if (d < n && t->labels[lo + d] == c) {
            *child = lo + d;
            return true;
        }
        do {
            uint32_t half = n / 2;

            lo += t->labels[lo + half] <= c ? half : 0;
            n -= half;
        } while (n > BERT__TRIE_AHEAD);
    }
    /* without children no label is looked at, which may be far away */
    eight = bert__load_low(t->labels + (n > 0 ? lo : 0)) ^ (ones * c);
    eight = (eight - ones) & ~eight & ones << 7; /* lowest in the first byte that is c */
    at = (uint32_t)__builtin_ctzll(eight | (uint64_t)1 << 63) / 8;
    *child = lo + at;
    return (eight != 0) & (at < n);
}

enum {
    BERT__UNIGRAM_LANES = 16, /* positions that are walked from at a time */
    BERT__UNIGRAM_DEPTH = 16  /* bytes that they are walked together */
};

/* A position of a word and the pieces that begin there. */
struct bert__unigram_lane {
    uint32_t at;    /* in what was walked */
    uint32_t one;   /* size of the first character */
    uint32_t sizes; /* of the pieces found: a bit each */
    uint32_t v; /* where the walk stands after BERT__UNIGRAM_DEPTH bytes; BERT__TRIE_NONE: ended */
    uint32_t way[BERT__UNIGRAM_DEPTH + 1]; /* nodes by depth */
};

/* Positions one after the other, from that at s, of the last n bytes of a word; returns how many
 * lanes there are. */
uint32_t bert__unigram_walk(const struct bert__unigram_trie *trie, const char *s, uint32_t n,
                            struct bert__unigram_lane lanes[BERT__UNIGRAM_LANES]);

#endif
