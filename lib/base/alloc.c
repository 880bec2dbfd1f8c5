/* SPDX-License-Identifier: MIT */
/* alloc.c - an object's allocator, with a count and a limit. */
#include "lib/base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/sys.h"

enum { HUGE_PAGE = 2 << 20 /* of x86 and most others; elsewhere it does no harm */ };

struct bert__alloc {
    bert_allocator host;
    uint64_t max_bytes; /* 0: no limit */
    _Atomic uint64_t used;
    _Atomic uint64_t peak;
    atomic_bool over_limit;
};

/* Before each block: its size; a whole line, so that the block stays aligned. */
struct header {
    size_t bytes;
    char pad[BERT__CACHE_LINE - sizeof(size_t)];
};

/*
 * Half of the time that loading a large model takes are page faults, one for each 4 KiB.  The end
 * of a block stays on small pages, so that it takes no more memory than it has bytes.
 */
static void *default_alloc(void *context, size_t bytes, size_t alignment)
{
    void *memory = NULL;
    bool huge = bytes >= HUGE_PAGE;

    (void)context;
    if (posix_memalign(&memory, huge ? HUGE_PAGE : alignment, bytes) != 0)
        return NULL;
    if (huge)
        bert__sys()->huge(memory, bytes / HUGE_PAGE * HUGE_PAGE);
    return memory;
}

static void default_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

struct bert__alloc *bert__alloc_create(const bert_allocator *host, uint64_t max_bytes)
{
    static const bert_allocator standard = {default_alloc, default_free, NULL};
    struct bert__alloc *alloc;

    if (host == NULL)
        host = &standard;
    alloc = host->alloc(host->context, sizeof *alloc, BERT__CACHE_LINE);
    if (alloc == NULL)
        return NULL;
    alloc->host = *host;
    alloc->max_bytes = max_bytes;
    atomic_init(&alloc->used, 0);
    atomic_init(&alloc->peak, 0);
    atomic_init(&alloc->over_limit, false);
    return alloc;
}

void bert__alloc_destroy(struct bert__alloc *alloc)
{
    if (alloc != NULL) {
        bert_allocator host = alloc->host;

        host.free(host.context, alloc);
    }
}

const bert_allocator *bert__alloc_host(const struct bert__alloc *alloc)
{
    return &alloc->host;
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

void *bert__alloc(struct bert__alloc *alloc, size_t bytes)
{
    struct header *h;
    size_t total;

    if (!bert__size_add(bytes, sizeof *h, &total) || total > PTRDIFF_MAX)
        return NULL;
    if (!book(alloc, total))
        return NULL;
    h = alloc->host.alloc(alloc->host.context, total, BERT__CACHE_LINE);
    if (h == NULL) {
        atomic_fetch_sub_explicit(&alloc->used, total, memory_order_relaxed);
        atomic_store_explicit(&alloc->over_limit, false, memory_order_relaxed);
        return NULL;
    }
    h->bytes = total;
    return h + 1;
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
        size_t old = ((struct header *)memory - 1)->bytes - sizeof(struct header);

        memcpy(bigger, memory, old < bytes ? old : bytes);
        bert__alloc_free(alloc, memory);
    }
    return bigger;
}

void bert__alloc_free(struct bert__alloc *alloc, void *memory)
{
    if (memory != NULL) {
        struct header *h = (struct header *)memory - 1;

        atomic_fetch_sub_explicit(&alloc->used, h->bytes, memory_order_relaxed);
        alloc->host.free(alloc->host.context, h);
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
    if (bert__alloc_over_limit(alloc))
        return bert__fail(err, BERT_ELIMIT,
                          "%s needs more memory than the limit of %llu bytes (max_bytes)", what,
                          (unsigned long long)alloc->max_bytes);
    return bert__fail_nomem(err, what);
}
