/* SPDX-License-Identifier: MIT */
/* wordpiece_trie.h - the two tries of WordPiece, with failure links. */
#ifndef BERT_TOKENIZER_WORDPIECE_TRIE_H
#define BERT_TOKENIZER_WORDPIECE_TRIE_H

#include "tokenizer/trie_keys.h"
#include "tokenizer/wordpiece.h"

enum {
    BERT__WP_NEXT = 0, /* root: a token ends here */
    BERT__WP_FIRST = 1 /* root: nothing read of the word */
};
#define BERT__WP_NONE BERT__TRIE_NONE

/* Children of a node lie side by side, in the order of their labels. */
struct bert__wp_node {
    uint32_t first; /* child; those of the next node follow on its own */
    uint32_t fail;  /* BERT__WP_NONE: the word is unknown */
    uint32_t pops;  /* last cell of the tokens to emit on failure */
    uint32_t n_pops;
};

/* One token of a list; lists share their beginnings. */
struct bert__wp_pop {
    int32_t id;
    uint32_t size; /* bytes of text */
    uint32_t previous;
};

/* Child of v by byte c, or BERT__WP_NONE. */
static inline uint32_t bert__wp_child(const struct bert__wordpiece *m, uint32_t v, uint8_t c)
{
    uint32_t lo = m->nodes[v].first;

    if (v <= BERT__WP_FIRST)
        return m->roots[v * 256 + c];
    return bert__trie_label(m->labels, lo, m->nodes[v + 1].first - lo, c);
}

#endif
