/* SPDX-License-Identifier: MIT */
/*
 * alloc.h - the allocator that an object was made with, and a budget on it.
 *
 * Every owning object holds one `struct bert__alloc *`, made by
 * bert__alloc_create() and freed last; all its memory comes from there, so that
 * the bytes in use and the host's limit are known at any time.
 * Thread-safe as far as the host's allocator is; the count is atomic.
 */
#ifndef BERT_LIB_BASE_ALLOC_H
#define BERT_LIB_BASE_ALLOC_H

#include <bert/base.h>
#include <stdbool.h>

#include "lib/base/watch.h"

struct bert__alloc;

enum { BERT__CACHE_LINE = 64 };

/* `host` NULL: malloc, and mappings for what is large.  `max_bytes` 0: no limit.  NULL if out of
 * memory. */
struct bert__alloc *bert__alloc_create(const bert_allocator *host, uint64_t max_bytes);
/* All memory taken from it must have been freed.  NULL is fine. */
void bert__alloc_destroy(struct bert__alloc *alloc);

/* The host's allocator behind it, for an object that outlives this one; NULL: none. */
const bert_allocator *bert__alloc_host(const struct bert__alloc *alloc);

/*
 * Until it is called with false, blocks that are not large lie together in mappings that go with
 * `alloc`, not with the blocks: for what is made at once, by one thread, and lives as long, so that
 * it leaves no holes in malloc()'s heaps.  With a host's allocator nothing changes.
 */
void bert__alloc_together(struct bert__alloc *alloc, bool together);

/*
 * The call that makes the object, which may be ended early: from then on large blocks are refused,
 * and bert__alloc_fail() tells why.  What is made of foreign files has these blocks between its
 * stages; long stages ask themselves.  NULL, as at first: it is made.
 */
void bert__alloc_watch(struct bert__alloc *alloc, struct bert__watch *watch);
struct bert__watch *bert__alloc_watched(const struct bert__alloc *alloc);
/* As bert__watch_goes_on() and bert__watch_goes_on_at(). */
static inline bool bert__alloc_goes_on(const struct bert__alloc *alloc)
{
    return bert__watch_goes_on(bert__alloc_watched(alloc));
}
static inline bool bert__alloc_goes_on_at(const struct bert__alloc *alloc, uint64_t i)
{
    return bert__watch_goes_on_at(bert__alloc_watched(alloc), i);
}

/* Uninitialised, aligned to 64 bytes.  NULL if out of memory or over the limit;
 * a size of 0 gives a valid pointer. */
void *bert__alloc(struct bert__alloc *alloc, size_t bytes);
/* count items, uninitialised; NULL also when count * size does not fit. */
void *bert__alloc_items(struct bert__alloc *alloc, size_t count, size_t size);
/* The same, zeroed. */
void *bert__alloc_array(struct bert__alloc *alloc, size_t count, size_t size);
/* Grow to `bytes`, keeping min(old, new) bytes; on NULL the old block lives on. */
void *bert__alloc_grow(struct bert__alloc *alloc, void *memory, size_t bytes);
/* NULL is fine. */
void bert__alloc_free(struct bert__alloc *alloc, void *memory);
/* `head` zeroed bytes, then a copy of the string: a struct that ends with its name. */
void *bert__alloc_named(struct bert__alloc *alloc, size_t head, const char *name);
char *bert__alloc_string(struct bert__alloc *alloc, const char *data, size_t size);

/* Bytes in use now, and the most there have been. */
uint64_t bert__alloc_used(const struct bert__alloc *alloc);
uint64_t bert__alloc_peak(const struct bert__alloc *alloc);
/* Did the last failure come from max_bytes (BERT_ELIMIT), not from the host? */
int bert__alloc_over_limit(const struct bert__alloc *alloc);
/* BERT_ENOMEM or BERT_ELIMIT with its message, after a NULL; or what ended the call. */
bert_status bert__alloc_fail(const struct bert__alloc *alloc, const char *what, bert_error *err);

#endif
