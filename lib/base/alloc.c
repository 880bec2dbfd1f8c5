/* SPDX-License-Identifier: MIT */
/* alloc.c - an object's allocator, with a count and a limit. */
#include "lib/base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/sys.h"

enum {
    HUGE_PAGE = 2 << 20,     /* of x86 and most others; elsewhere it does no harm */
    LARGEST_PAGE = 1 << 16,  /* of a system's usual ones */
    ROOM = BERT__CACHE_LINE, /* of a block, for its header and alignment */
    CHUNK = 256 << 10,       /* what is not touched of it takes no memory */
    ASK_LEAST = 16 << 10     /* of a block that takes time to fill */
};

/*
 * A block of so many bytes has a mapping of its own without a host's allocator.  glibc would do so
 * too, but only until the first of them is freed: from then on blocks of up to that size lie
 * in its heaps, where models and sessions that come and go leave holes.  Memory checkers
 * see only what malloc() gives.
 */
#if defined(__SANITIZE_ADDRESS__)
#define MAP_LEAST SIZE_MAX
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MAP_LEAST SIZE_MAX
#endif
#endif
#ifndef MAP_LEAST
#define MAP_LEAST ((size_t)128 << 10)
#endif

/* Where blocks lie together. */
struct chunk {
    struct chunk *next;
    char *free_room, *end;
    char pad[BERT__CACHE_LINE - 3 * sizeof(char *)];
    char data[];
};

struct bert__alloc {
    bert_allocator host; /* its `alloc` NULL: none */
    uint64_t max_bytes;  /* 0: no limit */
    _Atomic uint64_t used;
    _Atomic uint64_t peak;
    struct chunk *chunks; /* the newest first */
    struct bert__watch *watch;
    bool together;
    atomic_bool over_limit;
};
_Static_assert(sizeof(struct bert__alloc) <= 2 * BERT__CACHE_LINE, "it is not counted itself");

/* Before each block. */
struct header {
    size_t bytes; /* with ROOM */
    char *start;  /* of the memory; NULL: it is a mapping, ROOM before the block; the allocator:
                     it lies with others */
};
_Static_assert(_Alignof(max_align_t) >= sizeof(struct header) && ROOM >= sizeof(struct header),
               "a header fits between malloc()'s alignment and the block's");

/* ---- Memory -------------------------------------------------------------------- */

/*
 * Half of the time that loading a large model takes are page faults, one for each 4 KiB.  The end
 * of a block stays on small pages, so that it takes no more memory than it has bytes.
 */
static char *map_huge(size_t bytes)
{
    const struct bert__sys *sys = bert__sys();
    size_t kept = (bytes + LARGEST_PAGE - 1) / LARGEST_PAGE * LARGEST_PAGE, before;
    char *all = sys->pages(kept + HUGE_PAGE);

    if (all == NULL)
        return NULL;
    before = (0 - (uintptr_t)all) % HUGE_PAGE;
    if (before > 0)
        sys->unmap(all, before);
    sys->unmap(all + before + kept, HUGE_PAGE - before);
    sys->huge(all + before, bytes / HUGE_PAGE * HUGE_PAGE);
    return all + before;
}

static void unmap(char *start, size_t bytes)
{
    if (bytes >= HUGE_PAGE)
        bytes = (bytes + LARGEST_PAGE - 1) / LARGEST_PAGE * LARGEST_PAGE;
    bert__sys()->unmap(start, bytes);
}

/* posix_memalign() would cut a larger block of malloc()'s for each of ours, and leave the rest. */
static char *align(char *start)
{
    size_t at = (size_t)((uintptr_t)start % BERT__CACHE_LINE);

    return start + BERT__CACHE_LINE - at;
}

/* `bytes` with ROOM; NULL if out of memory. */
static void *take(const bert_allocator *host, size_t bytes)
{
    struct header h = {bytes, NULL};
    char *block = NULL;

    if (host->alloc == NULL && bytes >= MAP_LEAST && bytes <= PTRDIFF_MAX - 2 * HUGE_PAGE)
        block = bytes >= HUGE_PAGE ? map_huge(bytes) : bert__sys()->pages(bytes);
    if (block != NULL) {
        block += ROOM;
    } else {
        h.start = host->alloc != NULL ? host->alloc(host->context, bytes, BERT__CACHE_LINE)
                                      : malloc(bytes);
        if (h.start == NULL)
            return NULL;
        block = align(h.start);
    }
    memcpy(block - sizeof h, &h, sizeof h);
    return block;
}

static struct header *header_of(void *block)
{
    return (struct header *)block - 1;
}

static void give(const bert_allocator *host, void *block)
{
    struct header h = *header_of(block);

    if (h.start == NULL)
        unmap((char *)block - ROOM, h.bytes);
    else if (host->alloc != NULL)
        host->free(host->context, h.start);
    else
        free(h.start);
}

/* ---- Blocks that lie together ----------------------------------------------------- */

static bool add_chunk(struct bert__alloc *alloc)
{
    struct chunk *chunk = take(&alloc->host, CHUNK);

    if (chunk == NULL)
        return false;
    chunk->next = alloc->chunks;
    chunk->free_room = chunk->data;
    chunk->end = (char *)chunk + CHUNK - ROOM;
    alloc->chunks = chunk;
    return true;
}

static void *take_together(struct bert__alloc *alloc, size_t bytes)
{
    struct header h = {bytes, (char *)alloc};
    size_t all = (bytes + BERT__CACHE_LINE - 1) / BERT__CACHE_LINE * BERT__CACHE_LINE;
    struct chunk *chunk = alloc->chunks;
    char *block;

    if ((chunk == NULL || (size_t)(chunk->end - chunk->free_room) < all) && !add_chunk(alloc))
        return NULL;
    chunk = alloc->chunks;
    block = chunk->free_room + ROOM;
    chunk->free_room += all;
    memcpy(block - sizeof h, &h, sizeof h);
    return block;
}

void bert__alloc_together(struct bert__alloc *alloc, bool together)
{
    alloc->together = together && alloc->host.alloc == NULL && MAP_LEAST < SIZE_MAX;
}

/* ---- Blocks of an object --------------------------------------------------------- */

struct bert__alloc *bert__alloc_create(const bert_allocator *host, uint64_t max_bytes)
{
    static const bert_allocator none = {NULL, NULL, NULL};
    struct bert__alloc *alloc;

    if (host == NULL)
        host = &none;
    alloc = host->alloc != NULL ? host->alloc(host->context, sizeof *alloc, BERT__CACHE_LINE)
                                : take(host, sizeof *alloc + ROOM);
    if (alloc == NULL)
        return NULL;
    alloc->host = *host;
    alloc->max_bytes = max_bytes;
    alloc->together = false;
    alloc->chunks = NULL;
    alloc->watch = NULL;
    atomic_init(&alloc->used, 0);
    atomic_init(&alloc->peak, 0);
    atomic_init(&alloc->over_limit, false);
    return alloc;
}

void bert__alloc_destroy(struct bert__alloc *alloc)
{
    bert_allocator host;
    struct chunk *chunk, *next;

    if (alloc == NULL)
        return;
    host = alloc->host;
    chunk = alloc->chunks;
    if (host.alloc != NULL)
        host.free(host.context, alloc);
    else
        give(&host, alloc);
    for (; chunk != NULL; chunk = next) {
        next = chunk->next;
        give(&host, chunk);
    }
}

const bert_allocator *bert__alloc_host(const struct bert__alloc *alloc)
{
    return alloc->host.alloc != NULL ? &alloc->host : NULL;
}

static void raise_peak(struct bert__alloc *alloc, uint64_t used)
{
    uint64_t peak = atomic_load_explicit(&alloc->peak, memory_order_relaxed);

    while (peak < used
           && !atomic_compare_exchange_weak_explicit(&alloc->peak, &peak, used,
                                                     memory_order_relaxed, memory_order_relaxed))
        ;
}

/* Book bytes; false, with nothing booked, when the limit would be passed. */
static bool book(struct bert__alloc *alloc, size_t bytes)
{
    uint64_t before = atomic_fetch_add_explicit(&alloc->used, bytes, memory_order_relaxed);

    if (alloc->max_bytes != 0 && before + bytes > alloc->max_bytes) {
        atomic_fetch_sub_explicit(&alloc->used, bytes, memory_order_relaxed);
        atomic_store_explicit(&alloc->over_limit, true, memory_order_relaxed);
        return false;
    }
    raise_peak(alloc, before + bytes);
    return true;
}

void bert__alloc_watch(struct bert__alloc *alloc, struct bert__watch *watch)
{
    alloc->watch = watch;
}

struct bert__watch *bert__alloc_watched(const struct bert__alloc *alloc)
{
    return alloc->watch;
}

void *bert__alloc(struct bert__alloc *alloc, size_t bytes)
{
    void *block;
    size_t total;

    if (!bert__size_add(bytes, ROOM, &total) || total > PTRDIFF_MAX)
        return NULL;
    if (total >= ASK_LEAST && !bert__alloc_goes_on(alloc))
        return NULL;
    if (!book(alloc, total))
        return NULL;
    block = alloc->together && total < CHUNK / 2 ? take_together(alloc, total)
                                                 : take(&alloc->host, total);
    if (block == NULL) {
        atomic_fetch_sub_explicit(&alloc->used, total, memory_order_relaxed);
        atomic_store_explicit(&alloc->over_limit, false, memory_order_relaxed);
    }
    return block;
}

void *bert__alloc_items(struct bert__alloc *alloc, size_t count, size_t size)
{
    size_t bytes;

    return bert__size_mul(count, size, &bytes) ? bert__alloc(alloc, bytes) : NULL;
}

void *bert__alloc_array(struct bert__alloc *alloc, size_t count, size_t size)
{
    void *memory = bert__alloc_items(alloc, count, size);

    if (memory != NULL)
        memset(memory, 0, count * size);
    return memory;
}

void *bert__alloc_grow(struct bert__alloc *alloc, void *memory, size_t bytes)
{
    void *bigger = bert__alloc(alloc, bytes);

    if (bigger != NULL && memory != NULL) {
        size_t old = header_of(memory)->bytes - ROOM;

        memcpy(bigger, memory, old < bytes ? old : bytes);
        bert__alloc_free(alloc, memory);
    }
    return bigger;
}

void bert__alloc_free(struct bert__alloc *alloc, void *memory)
{
    if (memory != NULL) {
        atomic_fetch_sub_explicit(&alloc->used, header_of(memory)->bytes, memory_order_relaxed);
        if (header_of(memory)->start != (char *)alloc)
            give(&alloc->host, memory);
    }
}

void *bert__alloc_named(struct bert__alloc *alloc, size_t head, const char *name)
{
    size_t size = strlen(name) + 1;
    char *memory = bert__alloc(alloc, head + size);

    if (memory == NULL)
        return NULL;
    memset(memory, 0, head);
    memcpy(memory + head, name, size);
    return memory;
}

char *bert__alloc_string(struct bert__alloc *alloc, const char *data, size_t size)
{
    size_t bytes;
    char *copy;

    if (!bert__size_add(size, 1, &bytes))
        return NULL;
    copy = bert__alloc(alloc, bytes);
    if (copy != NULL) {
        if (size > 0)
            memcpy(copy, data, size);
        copy[size] = '\0';
    }
    return copy;
}

uint64_t bert__alloc_used(const struct bert__alloc *alloc)
{
    return atomic_load_explicit(&alloc->used, memory_order_relaxed);
}

uint64_t bert__alloc_peak(const struct bert__alloc *alloc)
{
    return atomic_load_explicit(&alloc->peak, memory_order_relaxed);
}

int bert__alloc_over_limit(const struct bert__alloc *alloc)
{
    return atomic_load_explicit(&alloc->over_limit, memory_order_relaxed);
}

bert_status bert__alloc_fail(const struct bert__alloc *alloc, const char *what, bert_error *err)
{
    bert_status ended = bert__watch_ended(alloc->watch, err);

    if (ended != BERT_OK)
        return ended;
    if (bert__alloc_over_limit(alloc))
        return bert__fail(err, BERT_ELIMIT,
                          "%s needs more memory than the limit of %llu bytes (max_bytes)", what,
                          (unsigned long long)alloc->max_bytes);
    return bert__fail_nomem(err, what);
}
