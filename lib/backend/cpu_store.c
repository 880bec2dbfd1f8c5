/* SPDX-License-Identifier: MIT */
/* cpu_store.c - room for panels, in blocks. */
#include "lib/backend/cpu_store.h"

#include "lib/base/size.h"

enum {
    LARGE_PAGE = 2 << 20,
    AGAIN_MOST = 4 << 20,            /* where nothing is expected */
    EXPECTED_MOST = 64 << 20,        /* what a file promises need not be there */
    OWN_LINES = 2 * BERT__CACHE_LINE /* the allocator's and the block's, so that pages are whole */
};

struct bert__store_block {
    size_t size, used;
    uint32_t taken;
    char pad[BERT__CACHE_LINE - 2 * sizeof(size_t) - sizeof(uint32_t)];
    char data[];
};

/* Whole pages where it is large.  0: too much. */
static size_t round_up(size_t wanted)
{
    size_t all;

    if (!bert__size_add(wanted, OWN_LINES + LARGE_PAGE, &all))
        return 0;
    return all < 2 * LARGE_PAGE ? wanted : all / LARGE_PAGE * LARGE_PAGE - OWN_LINES;
}

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* With room for what is expected, or else for as much again as there is. */
static struct bert__store_block *next_block(struct bert__store *store, struct bert__alloc *alloc,
                                            size_t bytes)
{
    size_t more = store->expected > 0 ? at_most(store->expected, EXPECTED_MOST)
                                      : at_most(store->total, AGAIN_MOST);
    size_t size = round_up(more > bytes ? more : bytes), all;
    struct bert__store_block *b = NULL;

    if (size >= bytes && bert__size_add(size, sizeof *b, &all))
        b = bert__alloc(alloc, all);
    if (b == NULL)
        return NULL;
    b->size = size;
    b->used = 0;
    b->taken = 0;
    store->total += size;
    store->current = b;
    return b;
}

void bert__store_expect(struct bert__store *store, uint32_t times)
{
    if (!bert__size_mul(store->taken, times, &store->expected))
        store->expected = 0;
}

char *bert__store_take(struct bert__store *store, struct bert__alloc *alloc, size_t bytes,
                       struct bert__store_block **block)
{
    struct bert__store_block *b = store->current;

    *block = NULL;
    if (bytes > SIZE_MAX - BERT__CACHE_LINE)
        return NULL;
    bytes = (bytes + BERT__CACHE_LINE - 1) / BERT__CACHE_LINE * BERT__CACHE_LINE;
    if (b == NULL || b->size - b->used < bytes)
        b = next_block(store, alloc, bytes);
    if (b == NULL)
        return NULL;
    b->used += bytes;
    b->taken++;
    store->taken += bytes;
    store->expected -= at_most(bytes, store->expected);
    *block = b;
    return b->data + b->used - bytes;
}

void bert__store_give(struct bert__store *store, struct bert__alloc *alloc,
                      struct bert__store_block *block)
{
    if (block == NULL || --block->taken > 0)
        return;
    if (store->current == block)
        store->current = NULL;
    store->total -= block->size;
    store->taken -= block->used;
    bert__alloc_free(alloc, block);
}
