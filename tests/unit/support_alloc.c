/* SPDX-License-Identifier: MIT */
#include "tests/unit/support_alloc.h"

#include <stdlib.h>
#include <string.h>

static void *get(void *context, size_t bytes, size_t alignment)
{
    struct test_alloc *t = context;
    void *memory;

    if (++t->calls == t->fail_at || posix_memalign(&memory, alignment, bytes) != 0)
        return NULL;
    memset(memory, 0xA5, bytes);
    t->live++;
    return memory;
}

static void put(void *context, void *memory)
{
    struct test_alloc *t = context;

    t->live--;
    free(memory);
}

void test_alloc_init(struct test_alloc *t, long fail_at)
{
    memset(t, 0, sizeof(*t));
    t->host.alloc = get;
    t->host.free = put;
    t->host.context = t;
    t->fail_at = fail_at;
}
