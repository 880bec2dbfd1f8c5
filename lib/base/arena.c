/* SPDX-License-Identifier: MIT */
/* arena.c - memory that is freed all at once. */
#include "lib/base/arena.h"

#include <string.h>

#include "lib/base/size.h"

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20, ALIGN = 8 };

struct bert__arena_block {
    struct bert__arena_block *next;
    size_t bytes;
};

void bert__arena_init(struct bert__arena *arena, struct bert__alloc *alloc)
{
    memset(arena, 0, sizeof *arena);
    arena->alloc = alloc;
}

static struct bert__arena_block *new_block(struct bert__arena *arena, size_t bytes)
{
    struct bert__arena_block *block = bert__alloc(arena->alloc, bytes);

    if (block != NULL)
        block->bytes = bytes;
    return block;
}

static void join(struct bert__arena *arena, struct bert__arena_block *block)
{
    block->next = arena->blocks;
    arena->blocks = block;
}

/* A block with room for `bytes`; blocks double, so that small objects stay small. */
static bool add_block(struct bert__arena *arena, size_t bytes)
{
    struct bert__arena_block *block;
    size_t size = FIRST_BLOCK, need;

    if (arena->blocks != NULL)
        size = arena->blocks->bytes < LARGEST_BLOCK ? arena->blocks->bytes * 2 : LARGEST_BLOCK;
    if (!bert__size_add(bytes, sizeof *block, &need))
        return false;
    block = new_block(arena, size < need ? need : size);
    if (block == NULL)
        return false;
    join(arena, block);
    arena->next = (char *)(block + 1);
    arena->end = (char *)block + block->bytes;
    return true;
}

void *bert__arena_get(struct bert__arena *arena, size_t bytes)
{
    size_t need;
    void *memory;

    if (!bert__size_align(bytes > 0 ? bytes : 1, ALIGN, &need))
        return NULL;
    if (need > (size_t)(arena->end - arena->next) && !add_block(arena, need))
        return NULL;
    memory = arena->next;
    arena->next += need;
    return memory;
}

char *bert__arena_string(struct bert__arena *arena, const char *data, size_t size)
{
    size_t bytes;
    char *copy;

    if (!bert__size_add(size, 1, &bytes))
        return NULL;
    copy = bert__arena_get(arena, bytes);
    if (copy != NULL) {
        if (size > 0)
            memcpy(copy, data, size);
        copy[size] = '\0';
    }
    return copy;
}

void bert__arena_free(struct bert__arena *arena)
{
    struct bert__arena_block *block = arena->blocks;

    while (block != NULL) {
        struct bert__arena_block *next = block->next;

        bert__alloc_free(arena->alloc, block);
        block = next;
    }
    bert__arena_init(arena, arena->alloc);
}

/* ---- Blocks from outside ------------------------------------------------------- */

void *bert__arena_block(struct bert__arena *arena, size_t bytes)
{
    struct bert__arena_block *block;
    size_t need;

    if (!bert__size_add(bytes, sizeof *block, &need))
        return NULL;
    block = new_block(arena, need);
    return block != NULL ? block + 1 : NULL;
}

void bert__arena_block_free(struct bert__arena *arena, void *memory)
{
    if (memory != NULL)
        bert__alloc_free(arena->alloc, (struct bert__arena_block *)memory - 1);
}

void bert__arena_keep(struct bert__arena *arena, void *memory, size_t used)
{
    struct bert__arena_block *block = (struct bert__arena_block *)memory - 1;
    size_t taken = (sizeof *block + used + ALIGN - 1) / ALIGN * ALIGN;
    char *end = (char *)block + block->bytes;

    join(arena, block);
    if (taken < block->bytes && block->bytes - taken > (size_t)(arena->end - arena->next)) {
        arena->next = (char *)block + taken;
        arena->end = end;
    }
}
