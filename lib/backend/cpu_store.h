/* SPDX-License-Identifier: MIT */
/*
 * cpu_store.h - room for panels, in blocks that many matrices share: a matrix of a few hundred
 * kilobytes by itself would get no large pages, and one of some megabytes none for its end.
 */
#ifndef BERT_LIB_BACKEND_CPU_STORE_H
#define BERT_LIB_BACKEND_CPU_STORE_H

#include "lib/base/alloc.h"

struct bert__store_block;

/* All zero: empty. */
struct bert__store {
    struct bert__store_block *current; /* of which there may be room */
    size_t total;                      /* bytes of all blocks */
    size_t taken;                      /* of them */
    size_t expected;                   /* what is likely to be taken yet */
};

/* What was taken until now is likely to be taken so many times more. */
void bert__store_expect(struct bert__store *store, uint32_t times);

/* Bytes that begin at a whole line; *block is to be given back.  NULL: there is no memory. */
char *bert__store_take(struct bert__store *store, struct bert__alloc *alloc, size_t bytes,
                       struct bert__store_block **block);
/* The block's memory goes with the last that was taken of it.  NULL is allowed. */
void bert__store_give(struct bert__store *store, struct bert__alloc *alloc,
                      struct bert__store_block *block);

#endif
