/* SPDX-License-Identifier: MIT */
/* bpe.h - the BPE model: symbols merged pair by pair, by the rank of the pairs. */
#ifndef BERT_TOKENIZER_BPE_H
#define BERT_TOKENIZER_BPE_H

#include "tokenizer/trie.h"
#include "tokenizer/vocab.h"
#include "tokenizer/work.h"

enum { BERT__BPE_AFFIX = 64 }; /* bytes of prefix or suffix at most */

/* The rank of what doesn't merge. */
#define BERT__BPE_NEVER INT32_MAX

/* A merge, by its rank. */
struct bert__bpe_pair {
    int32_t left, right;
    int32_t into;
};

/* Half a hash, so that a look at a pair that doesn't merge is a look at 8 bytes. */
struct bert__bpe_slot {
    uint32_t tag;
    int32_t rank; /* BERT__BPE_NEVER: free */
};

struct bert__bpe_made; /* bpe_path.h */
struct bert__bpe_branch;

struct bert__bpe_options {
    bool byte_level; /* words are raw bytes, the vocabulary spells them in the byte alphabet */
    bool fuse_unk;
    bool byte_fallback;
    bool ignore_merges;
    int32_t unk_id;   /* -1: unknown characters are dropped */
    bert_text prefix; /* of every symbol but a word's first; at most BERT__BPE_AFFIX bytes */
    bert_text suffix; /* of a word's last symbol */
};

/* Which variant of a character stands at a place of a word. */
enum { BERT__BPE_NEXT = 1, BERT__BPE_LAST = 2 };

struct bert__bpe {
    struct bert__alloc *alloc;
    const struct bert__vocab *vocab; /* borrowed */
    struct bert__bpe_options options;
    struct bert__vocab raw;          /* at byte level: the tokens as the bytes they stand for */
    const struct bert__vocab *words; /* `raw` or `vocab`: what a word is looked up in */
    uint8_t *whole;                  /* by entry of `words`: a word of that text is that token */
    bool affix;                      /* there is a prefix or a suffix */
    bool odd;                        /* at byte level some byte has no symbol */

    struct bert__bpe_pair *pairs; /* by rank */
    struct bert__bpe_slot *slots;
    uint64_t mask;
    uint64_t seed;
    /* A bit for what some pair's hash says: almost all pairs that don't merge are told from those
     * that do by one look, and one branch that goes the same way each time. */
    uint64_t *filter;
    uint64_t filter_mask; /* of its words */

    struct bert__bpe_made *made;       /* for the search; NULL: words are merged */
    struct bert__bpe_branch *branches; /* of the trie of the tokens that their own texts merge to */
    uint8_t *labels;                   /* the byte that leads to each, see trie.h */
    uint32_t root[256];                /* branch of each byte that a token begins with */
    uint32_t *two;                     /* and of each two, the first times 256 */

    int32_t single[4][256]; /* symbol of a byte (below 128, or at byte level) by its place; -1 */
    int32_t fallback[256];  /* token of a byte, <0x00> and so on; -1 */
};

/* One merge of the list: both texts as the vocabulary spells them. */
struct bert__bpe_merge {
    bert_text left, right;
};

/* `next` gives the i-th of n merges.  BERT_EFORMAT names `what`, the merge and the token. */
bert_status bert__bpe_init(struct bert__bpe *model, struct bert__alloc *alloc,
                           const struct bert__vocab *vocab, const struct bert__bpe_options *options,
                           struct bert__bpe_merge (*next)(const void *list, size_t i),
                           const void *list, size_t n, const char *what, bert_error *err);
void bert__bpe_free(struct bert__bpe *model);

/* Tokens of every word of `work`, appended to work->tokens.  False: no memory. */
bool bert__bpe_run(const struct bert__bpe *model, struct bert__work *work);
/* Buffers for ordinary text, and their size. */
bool bert__bpe_reserve(const struct bert__bpe *model, struct bert__model_scratch *scratch);
size_t bert__bpe_least(void);

static inline uint64_t bert__bpe_hash(const struct bert__bpe *m, int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;

    return bert__mix(key ^ m->seed, UINT64_C(0x9E3779B97F4A7C15));
}

static inline bool bert__bpe_may_merge(const struct bert__bpe *m, uint64_t h)
{
    return m->filter[h >> 38 & m->filter_mask] >> (h >> 32 & 63) & 1;
}

/* The rank of a pair, or BERT__BPE_NEVER. */
static inline int32_t bert__bpe_rank(const struct bert__bpe *m, int32_t left, int32_t right)
{
    uint64_t h = bert__bpe_hash(m, left, right);

    if (!bert__bpe_may_merge(m, h))
        return BERT__BPE_NEVER;
    for (uint64_t i = h & m->mask; m->slots[i].rank != BERT__BPE_NEVER; i = (i + 1) & m->mask) {
        const struct bert__bpe_pair *p = &m->pairs[m->slots[i].rank];

        if (m->slots[i].tag == (uint32_t)(h >> 32) && p->left == left && p->right == right)
            return m->slots[i].rank;
    }
    return BERT__BPE_NEVER;
}

#endif
