/* SPDX-License-Identifier: MIT */
/* arena.h - memory that is freed all at once: parsed JSON, vocabularies. */
#ifndef BERT_LIB_BASE_ARENA_H
#define BERT_LIB_BASE_ARENA_H

#include "lib/base/alloc.h"

struct bert__arena_block;
struct bert__arena {
    struct bert__alloc *alloc;
    struct bert__arena_block *blocks;
    char *next;
    char *end;
};

void bert__arena_init(struct bert__arena *arena, struct bert__alloc *alloc);
/* Uninitialised, aligned to 8 bytes; NULL if out of memory. */
void *bert__arena_get(struct bert__arena *arena, size_t bytes);
/* A NUL-terminated copy of size bytes. */
char *bert__arena_string(struct bert__arena *arena, const char *data, size_t size);
void bert__arena_free(struct bert__arena *arena);

/* Memory that may become the arena's, uninitialised; NULL if out of memory. */
void *bert__arena_block(struct bert__arena *arena, size_t bytes);
void bert__arena_block_free(struct bert__arena *arena, void *memory); /* NULL is fine */
/* It is the arena's from now on; behind its first `used` bytes, which stay, others are given out.
 */
void bert__arena_keep(struct bert__arena *arena, void *memory, size_t used);

#endif
