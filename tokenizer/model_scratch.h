/* SPDX-License-Identifier: MIT */
/* model_scratch.h - what the models need of a caller's memory: a cache of words, and buffers
 * for a window of one long word. */
#ifndef BERT_TOKENIZER_MODEL_SCRATCH_H
#define BERT_TOKENIZER_MODEL_SCRATCH_H

#include <stdbool.h>

#include "lib/base/alloc.h"
#include "lib/base/hash.h"

enum {
    BERT__CACHE_WORDS = 1 << 12, /* a power of two; 256 KiB */
    BERT__CACHE_BYTES = 24,      /* of a word that is kept */
    BERT__CACHE_TOKENS = 7
};

/* A word and its tokens: one cache line. */
struct bert__cached_word {
    uint64_t key[3];                      /* the word's bytes, see bert__cache_key() */
    uint8_t size;                         /* 0: free */
    uint8_t n;                            /* tokens */
    uint8_t ends[BERT__CACHE_TOKENS - 1]; /* of all but the last, which ends the word */
    int32_t ids[BERT__CACHE_TOKENS];
};

/* What a word is made of before merging: a character, a byte of one, unknown characters. */
struct bert__bpe_symbol {
    int32_t id;
    uint32_t size; /* bytes of text */
};

/* A symbol while it merges with others. */
struct bert__bpe_node {
    int32_t id;
    uint32_t previous;
    uint32_t next; /* the number of symbols: none */
};

/* A position in a word, and the best way there. */
struct bert__lattice_node {
    double score; /* not a number: no way yet */
    union {
        struct {
            uint32_t from; /* UINT32_MAX: no way yet */
            int32_t id;    /* of the piece from there to here */
        };
        uint64_t link; /* both */
    };
    uint32_t next; /* while the way is handed out */
};

struct bert__model_scratch {
    struct bert__alloc *alloc;
    const void *owner; /* the model whose words the cache holds */
    struct bert__cached_word *cache;

    struct bert__bpe_symbol *symbols;
    size_t n_symbols, symbols_cap;
    struct bert__bpe_node *nodes;
    size_t nodes_cap;
    int32_t *ranks; /* of the pairs, and the least of them by sixteens */
    size_t ranks_cap;
    uint64_t *dead; /* a bit for each position of a word, see bpe_path.c */
    size_t dead_cap;

    struct bert__lattice_node *lattice;
    size_t lattice_cap;
};

void bert__model_scratch_free(struct bert__model_scratch *scratch);
size_t bert__model_scratch_bytes(const struct bert__model_scratch *scratch);

/* Make the cache, empty, the model's, unless it is already.  False: no memory. */
bool bert__cache_own(struct bert__model_scratch *scratch, const void *model);

/* The bytes of a word of 1 to BERT__CACHE_BYTES as three numbers: with the size they say all. */
static inline void bert__cache_key(const char *s, size_t n, uint64_t key[3])
{
    key[1] = key[2] = 0;
    if (n <= 8) {
        key[0] = bert__load_tail(s, n);
        return;
    }
    key[0] = bert__load64(s);
    if (n > 16) {
        key[1] = bert__load64(s + 8);
        key[2] = bert__load64(s + n - 8);
    } else {
        key[1] = bert__load64(s + n - 8);
    }
}

/* Where the word is kept, if it is. */
static inline struct bert__cached_word *bert__cache_at(struct bert__model_scratch *x,
                                                       const uint64_t key[3], size_t n)
{
    uint64_t h = bert__mix(key[0] ^ UINT64_C(0xA0761D6478BD642F) ^ key[2],
                           key[1] ^ UINT64_C(0xE7037ED1A0B428DB) ^ n << 56);

    return &x->cache[(h >> 20) & (BERT__CACHE_WORDS - 1)];
}

static inline bool bert__cache_is(const struct bert__cached_word *c, const uint64_t key[3],
                                  size_t n)
{
    return c->size == n && c->key[0] == key[0] && c->key[1] == key[1] && c->key[2] == key[2];
}

#endif
