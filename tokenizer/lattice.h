/* SPDX-License-Identifier: MIT */
/*
 * lattice.h - the best ways to the positions of a word, from left to right.
 *
 * Position i stands at scratch->lattice[i - base]: a long word needs no more memory than a window,
 * since all ways that are still open meet at some position not far back, and what lies before it
 * is settled.
 */
#ifndef BERT_TOKENIZER_LATTICE_H
#define BERT_TOKENIZER_LATTICE_H

#include "tokenizer/work.h"

struct bert__lattice {
    struct bert__model_scratch *x;
    uint32_t base;
    uint32_t cleared; /* positions up to here are there */
    uint32_t window;  /* positions that are kept open before looking for what is settled */
};

/* At position 0, which has no way behind it.  False: no memory. */
bool bert__lattice_init(struct bert__lattice *lattice, struct bert__model_scratch *x,
                        uint32_t window);
/* Room for positions up to `end`, without a way.  False: no memory. */
bool bert__lattice_reach(struct bert__lattice *lattice, uint32_t end);
/* The last position that all ways to positions from `at` on go through, the furthest of which is
 * `reach`. */
uint32_t bert__lattice_settled(struct bert__lattice *lattice, uint32_t at, uint32_t reach);
/* Turn the way from `first` to `last` round: returns where its first piece ends, and `next` of each
 * end is that of the piece behind it. */
uint32_t bert__lattice_turn(struct bert__lattice *lattice, uint32_t first, uint32_t last);
/* Forget what lies before p. */
void bert__lattice_move(struct bert__lattice *lattice, uint32_t p);

static inline struct bert__lattice_node *bert__lattice_at(const struct bert__lattice *l,
                                                          uint32_t at)
{
    return &l->x->lattice[at - l->base];
}

static inline uint64_t bert__lattice_link(uint32_t from, int32_t id)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (uint64_t)from << 32 | (uint32_t)id;
#else
    return (uint64_t)(uint32_t)id << 32 | from;
#endif
}

static inline bool bert__lattice_is_full(const struct bert__lattice *l, uint32_t at)
{
    return at - l->base >= l->window;
}

#endif
