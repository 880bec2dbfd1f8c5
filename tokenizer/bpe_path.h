/* SPDX-License-Identifier: MIT */
/* bpe_path.h - inside BPE: a word's tokens without merging. */
#ifndef BERT_TOKENIZER_BPE_PATH_H
#define BERT_TOKENIZER_BPE_PATH_H

#include "tokenizer/bpe.h"

/* How merging a token's own text comes to the token.  By id. */
struct bert__bpe_made {
    int32_t left, right; /* of its last merge */
    int32_t rank;    /* of that; BERT__BPE_SYMBOL: it is one; BERT__BPE_NEVER: it comes to others */
    int32_t shorter; /* the longest other token that it begins with; -1: none */
    uint32_t size;   /* in bytes */
};

/* A node of the trie: all that is asked of it lies side by side. */
struct bert__bpe_branch {
    uint32_t first;  /* of its children, which lie side by side in the order of their labels */
    uint32_t below;  /* a bit for each byte, modulo 32, that leads to one */
    uint16_t n;      /* of them */
    uint8_t left;    /* bytes of the token's left part, of a symbol all; where it is short */
    uint8_t shorter; /* bytes of the longest other token that it begins with; likewise */
    int32_t id;      /* of the token; -1: none */
    int32_t rank;    /* as in struct bert__bpe_made; BERT__BPE_NEVER: no token */
    int32_t first_rank, last_rank; /* of the merges that take its first and its last symbol;
                                    * BERT__BPE_NEVER: it is one */
};

enum {
    BERT__BPE_SYMBOL = -1,
    BERT__BPE_LONGEST = 1024 /* bytes of a token that is searched for */
};

/* Build what the search needs, where it can answer for the merges at all: model->made is NULL else.
 * False: no memory. */
bool bert__bpe_path_init(struct bert__bpe *model, size_t n_merges);
void bert__bpe_path_free(struct bert__bpe *model);

/* Append the tokens of bytes [begin, end) of the piece; *found: false, with nothing appended, if a
 * character has no symbol.  False: no memory. */
bool bert__bpe_path(const struct bert__bpe *model, struct bert__work *work, uint32_t begin,
                    uint32_t end, size_t word, bool *found);

/* The same, of a long word. */
bool bert__bpe_long(const struct bert__bpe *model, struct bert__work *work, uint32_t begin,
                    uint32_t end, size_t word, bool *found);

/* Child of a branch by byte c; 0, the root, which is nobody's child: none. */
static inline uint32_t bert__bpe_child(const struct bert__bpe *m, uint32_t v, uint8_t c)
{
    const struct bert__bpe_branch *b = &m->branches[v];
    uint32_t found;

    if ((b->below >> c % 32 & 1) == 0)
        return 0;
    found = bert__trie_label(m->labels, b->first, b->n, c);
    return found != BERT__TRIE_NONE ? found : 0;
}

/* Are tokens a and b, side by side, what their texts merge to? */
bool bert__bpe_fit(const struct bert__bpe *model, int32_t a, int32_t b);

/* Append the first tokens of bytes [begin, end) of the piece, until there are work->wanted; *found:
 * false, with nothing appended, if the word ends before these are certain, or a character has no
 * symbol.  Some 5 times as slow as bert__bpe_path(), a byte.  False: no memory. */
bool bert__bpe_first(const struct bert__bpe *model, struct bert__work *work, uint32_t begin,
                     uint32_t end, size_t word, bool *found);

#endif
