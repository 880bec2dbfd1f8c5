/* SPDX-License-Identifier: MIT */
/* test_alloc.c - where blocks lie without a host's allocator: large ones, those that lie together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/base/sys.h"

#if defined(__SANITIZE_ADDRESS__)
#define ONLY_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONLY_MALLOC 1
#endif
#endif

enum { KIB = 1024, HUGE_PAGE = 2 << 20 };

/* ---- The system, counted ----------------------------------------------------------- */

static struct {
    long maps, failing;
    size_t mapped; /* bytes now */
    char *huge;
    size_t huge_bytes;
} seen;

static const struct bert__sys *real;

static void *pages(size_t size)
{
    void *memory = seen.failing ? NULL : real->pages(size);

    seen.maps++;
    seen.mapped += memory != NULL ? size : 0;
    return memory;
}

static int unmap(void *memory, size_t size)
{
    seen.mapped -= size;
    return real->unmap(memory, size);
}

static void huge(void *memory, size_t size)
{
    seen.huge = memory;
    seen.huge_bytes = size;
}

static int setup(void **state)
{
    static struct bert__sys table;

    (void)state;
    memset(&seen, 0, sizeof seen);
    real = bert__sys();
    table = *real;
    table.pages = pages;
    table.unmap = unmap;
    table.huge = huge;
    bert__sys_replace(&table);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bert__sys_replace(NULL);
    return 0;
}

/* ---- Large blocks -------------------------------------------------------------------- */

static void test_sizes(void **state)
{
    static const size_t sizes[] = {0,
                                   1,
                                   100 * KIB,
                                   128 * KIB - 64,
                                   200 * KIB,
                                   HUGE_PAGE - 65,
                                   HUGE_PAGE - 64,
                                   5 * HUGE_PAGE + 12345};
    struct bert__alloc *a = bert__alloc_create(NULL, 0);

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        long before = seen.maps;
        char *block = bert__alloc(a, sizes[i]);

        assert_int_equal((uintptr_t)block % 64, 0);
        memset(block, 7, sizes[i]);
#ifndef ONLY_MALLOC
        assert_int_equal(seen.maps - before, sizes[i] + 64 >= 128 * KIB);
        if (sizes[i] + 64 >= HUGE_PAGE) {
            assert_ptr_equal(seen.huge, block - 64);
            assert_int_equal((uintptr_t)seen.huge % HUGE_PAGE, 0);
            assert_int_equal(seen.huge_bytes, (sizes[i] + 64) / HUGE_PAGE * HUGE_PAGE);
            assert_in_range(seen.mapped, sizes[i] + 64, sizes[i] + 64 + 64 * KIB);
        }
#endif
        assert_int_equal(bert__alloc_used(a), sizes[i] + 64);
        bert__alloc_free(a, block);
        assert_int_equal(bert__alloc_used(a), 0);
        assert_int_equal(seen.mapped, 0);
        (void)before;
    }
    bert__alloc_destroy(a);
}

/* As many maps as a process may have: malloc() may have memory still. */
static void test_no_maps(void **state)
{
    struct bert__alloc *a = bert__alloc_create(NULL, 0);
    char *block;

    (void)state;
    seen.failing = 1;
    for (size_t size = 300 * KIB; size < 5 * HUGE_PAGE; size *= 3) {
        block = bert__alloc(a, size);
        assert_int_equal((uintptr_t)block % 64, 0);
        memset(block, 1, size);
        bert__alloc_free(a, block);
    }
    assert_int_equal(seen.mapped, 0);
    assert_int_equal(bert__alloc_used(a), 0);
    bert__alloc_destroy(a);
}

static void test_grow(void **state)
{
    struct bert__alloc *a = bert__alloc_create(NULL, 0);
    char *block = bert__alloc(a, 10);

    (void)state;
    memcpy(block, "some text", 10);
    for (size_t size = 1000; size < 10 * HUGE_PAGE; size *= 7) {
        block = bert__alloc_grow(a, block, size);
        assert_string_equal(block, "some text");
    }
    block = bert__alloc_grow(a, block, 5);
    assert_memory_equal(block, "some ", 5);
    assert_int_equal(seen.mapped, 0);
    bert__alloc_free(a, block);
    bert__alloc_destroy(a);
}

/* ---- Blocks that lie together ---------------------------------------------------------- */

static void test_together(void **state)
{
    struct bert__alloc *a = bert__alloc_create(NULL, 0);
    unsigned char *blocks[200];
    size_t all = 0;

    (void)state;
    bert__alloc_together(a, true);
    for (size_t i = 0; i < 200; i++) {
        size_t size = i * 37 % 8000;

        blocks[i] = bert__alloc(a, size);
        assert_int_equal((uintptr_t)blocks[i] % 64, 0);
        memset(blocks[i], (int)i, size);
        all += size + 64;
    }
    assert_int_equal(bert__alloc_used(a), all);
#ifndef ONLY_MALLOC
    assert_in_range(seen.maps, all / (256 * KIB), all / (256 * KIB) + 2);
#endif
    bert__alloc_together(a, false);
    blocks[3] = bert__alloc_grow(a, blocks[3], 5000);
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < i * 37 % 8000; k++)
            assert_int_equal(blocks[i][k], i);
        bert__alloc_free(a, blocks[i]);
    }
    assert_int_equal(bert__alloc_used(a), 0);
    bert__alloc_destroy(a);
    assert_int_equal(seen.mapped, 0);
}

/* A budget counts blocks, not what they lie in; and neither do the large ones lie there. */
static void test_together_budget(void **state)
{
    struct bert__alloc *a = bert__alloc_create(NULL, 400 * KIB);
    void *small, *large;

    (void)state;
    bert__alloc_together(a, true);
    small = bert__alloc(a, 1000);
    large = bert__alloc(a, 300 * KIB);
    assert_non_null(small);
    assert_non_null(large);
    assert_null(bert__alloc(a, 120 * KIB));
    assert_true(bert__alloc_over_limit(a));
    bert__alloc_free(a, large);
#ifndef ONLY_MALLOC
    assert_int_equal(seen.mapped, 256 * KIB);
#endif
    bert__alloc_free(a, small);
    bert__alloc_destroy(a);
    assert_int_equal(seen.mapped, 0);
}

/* ---- A host's own ------------------------------------------------------------------------ */

static void *host_alloc(void *context, size_t bytes, size_t alignment)
{
    (void)alignment;
    ++*(long *)context;
    return test_malloc(bytes);
}

static void host_free(void *context, void *memory)
{
    --*(long *)context;
    test_free(memory);
}

static void test_host(void **state)
{
    long live = 0;
    const bert_allocator host = {host_alloc, host_free, &live};
    struct bert__alloc *a = bert__alloc_create(&host, 0);
    void *small, *large;

    (void)state;
    assert_ptr_equal(bert__alloc_host(a)->context, &live);
    bert__alloc_together(a, true);
    small = bert__alloc(a, 10);
    large = bert__alloc(a, HUGE_PAGE);
    assert_int_equal(live, 3);
    assert_int_equal(seen.maps, 0);
    bert__alloc_free(a, small);
    bert__alloc_free(a, large);
    bert__alloc_destroy(a);
    assert_int_equal(live, 0);
    a = bert__alloc_create(NULL, 0);
    assert_null(bert__alloc_host(a));
    bert__alloc_destroy(a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sizes),    TEST(test_no_maps),         TEST(test_grow),
        TEST(test_together), TEST(test_together_budget), TEST(test_host)};

    return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
