/* SPDX-License-Identifier: MIT */
/* support_heap.c - an allocator that counts, fails on demand, and hands out garbage. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

struct block { /* just below the caller's memory */
    void *raw;
    size_t bytes;
};

static void raise_peak(struct test_heap *heap, uint64_t now)
{
    uint64_t peak = __atomic_load_n(&heap->peak, __ATOMIC_SEQ_CST);

    while (now > peak
           && !__atomic_compare_exchange_n(&heap->peak, &peak, now, 0, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST))
        continue;
}

static void *heap_alloc(void *context, size_t bytes, size_t alignment)
{
    struct test_heap *heap = context;
    long call = __atomic_add_fetch(&heap->calls, 1, __ATOMIC_SEQ_CST);
    struct block block = {NULL, bytes};
    char *at;

    assert_true(bytes > 0 && alignment > 0 && (alignment & (alignment - 1)) == 0);
    if (heap->fail_at > 0 && (call == heap->fail_at || (heap->fail_on && call > heap->fail_at))) {
        __atomic_add_fetch(&heap->failed, 1, __ATOMIC_SEQ_CST);
        return NULL;
    }
    if (bytes > SIZE_MAX / 2 || (block.raw = malloc(bytes + alignment + sizeof block)) == NULL)
        return NULL;
    at = (char *)block.raw + sizeof block;
    at += (alignment - (uintptr_t)at % alignment) % alignment;
    memcpy(at - sizeof block, &block, sizeof block);
    memset(at, 0xff, bytes); /* as floats: NaN, so that a use before a write shows */
    __atomic_add_fetch(&heap->live, 1, __ATOMIC_SEQ_CST);
    raise_peak(heap, __atomic_add_fetch(&heap->bytes, bytes, __ATOMIC_SEQ_CST));
    return at;
}

static void heap_free(void *context, void *memory)
{
    struct test_heap *heap = context;
    struct block block;

    assert_non_null(memory);
    memcpy(&block, (char *)memory - sizeof block, sizeof block);
    memset(memory, 0xfe, block.bytes);
    __atomic_sub_fetch(&heap->live, 1, __ATOMIC_SEQ_CST);
    __atomic_sub_fetch(&heap->bytes, block.bytes, __ATOMIC_SEQ_CST);
    free(block.raw);
}

bert_allocator test_heap_allocator(struct test_heap *heap)
{
    return (bert_allocator){heap_alloc, heap_free, heap};
}
