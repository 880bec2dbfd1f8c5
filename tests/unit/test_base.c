/* SPDX-License-Identifier: MIT */
/* test_base.c - errors, checked sizes, the allocator's budget, the arena, UTF-8, sorting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/api/options.h"
#include "lib/base/arena.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/sort.h"
#include "lib/base/utf8.h"

static void test_status_names(void **state)
{
    (void)state;
    assert_string_equal(bert_status_name(BERT_OK), "BERT_OK");
    assert_string_equal(bert_status_name(BERT_EINTERNAL), "BERT_EINTERNAL");
    assert_string_equal(bert_status_name(BERT_ENONFINITE), "BERT_ENONFINITE");
    assert_string_equal(bert_status_name((bert_status)-14), "BERT_E?");
    assert_string_equal(bert_status_name((bert_status)1), "BERT_E?");
}

static void test_fail_writes_one_line(void **state)
{
    bert_error err;

    (void)state;
    assert_int_equal(bert__fail(&err, BERT_EFORMAT, "a\nb\x1b[1m %d", 7), BERT_EFORMAT);
    assert_int_equal(err.code, BERT_EFORMAT);
    assert_string_equal(err.message, "a?b?[1m 7");
    assert_int_equal(bert__fail(NULL, BERT_EIO, "no one listens"), BERT_EIO);
}

/* A message too long ends with a whole character. */
static void test_fail_cuts_at_a_character(void **state)
{
    char text[2000] = "";
    bert_error err;
    size_t len;

    (void)state;
    for (int shift = 0; shift < 3; shift++) {
        memset(text, 'x', (size_t)shift);
        text[shift] = '\0';
        while (strlen(text) < 1500)
            strcat(text, "\xe2\x82\xac"); /* a euro sign: three bytes */
        bert__fail(&err, BERT_EINVAL, "%s", text);
        len = strlen(err.message);
        assert_in_range(len, sizeof err.message - 4, sizeof err.message - 1);
        assert_int_equal((len - (size_t)shift) % 3, 0);
    }
}

static void test_printable(void **state)
{
    char out[84];

    (void)state;
    assert_string_equal(bert__printable(out, "abc", 3), "abc");
    assert_string_equal(bert__printable(out, "a\0b\n", 4), "a?b?");
    assert_string_equal(bert__printable(out, "\xff", 1), "?");
    assert_string_equal(bert__printable(out, NULL, 0), "");
    for (size_t n = 81; n < 200; n++) {
        char long_name[200];

        memset(long_name, 'n', sizeof long_name);
        assert_int_equal(strlen(bert__printable(out, long_name, n)), 80);
        assert_string_equal(out + 77, "...");
    }
}

static void test_sizes(void **state)
{
    size_t r = 5;

    (void)state;
    assert_false(bert__size_mul(SIZE_MAX / 2 + 1, 2, &r));
    assert_false(bert__size_add(SIZE_MAX, 1, &r));
    assert_false(bert__size_align(SIZE_MAX - 2, 64, &r));
    assert_false(bert__size_mul_add(SIZE_MAX, 1, 1, &r));
    assert_int_equal(r, 5);
    assert_true(bert__size_align(65, 64, &r));
    assert_int_equal(r, 128);
    assert_true(bert__size_mul_add(3, 4, 5, &r));
    assert_int_equal(r, 17);
}

static void test_alloc_budget(void **state)
{
    struct bert__alloc *a = bert__alloc_create(NULL, 1000);
    bert_error err;
    void *p, *q;

    (void)state;
    p = bert__alloc(a, 500);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    assert_true(bert__alloc_used(a) >= 500);
    q = bert__alloc(a, 500);
    assert_null(q);
    assert_int_equal(bert__alloc_fail(a, "x", &err), BERT_ELIMIT);
    assert_non_null(strstr(err.message, "1000"));
    bert__alloc_free(a, p);
    assert_int_equal(bert__alloc_used(a), 0);
    assert_true(bert__alloc_peak(a) >= 500);
    assert_null(bert__alloc_array(a, SIZE_MAX / 2, 3));
    assert_null(bert__alloc(a, SIZE_MAX));
    bert__alloc_destroy(a);
}

static void *no_memory(void *context, size_t bytes, size_t alignment)
{
    (void)bytes;
    (void)alignment;
    return *(int *)context == 0 ? NULL : test_malloc(bytes + 64);
}

static void give_back(void *context, void *memory)
{
    (void)context;
    test_free(memory);
}

static void test_alloc_host_fails(void **state)
{
    int there = 1;
    bert_allocator host = {no_memory, give_back, &there};
    struct bert__alloc *a = bert__alloc_create(&host, 0);
    bert_error err;

    (void)state;
    assert_non_null(a);
    there = 0;
    assert_null(bert__alloc(a, 10));
    assert_int_equal(bert__alloc_used(a), 0);
    assert_int_equal(bert__alloc_fail(a, "the thing", &err), BERT_ENOMEM);
    assert_non_null(strstr(err.message, "the thing"));
    assert_null(bert__alloc_create(&host, 0));
    bert__alloc_destroy(a);
}

static void test_alloc_grow(void **state)
{
    struct bert__alloc *a = bert__alloc_create(NULL, 0);
    char *p = bert__alloc(a, 4), *q;

    (void)state;
    memcpy(p, "abc", 4);
    q = bert__alloc_grow(a, p, 100000);
    assert_string_equal(q, "abc");
    q = bert__alloc_grow(a, q, 2);
    assert_memory_equal(q, "ab", 2);
    bert__alloc_free(a, q);
    q = bert__alloc_grow(a, NULL, 10);
    assert_non_null(q);
    bert__alloc_free(a, q);
    assert_int_equal(bert__alloc_used(a), 0);
    bert__alloc_destroy(a);
}

static void test_arena(void **state)
{
    struct bert__alloc *a = bert__alloc_create(NULL, 0);
    struct bert__arena arena;
    char *first, *big;

    (void)state;
    bert__arena_init(&arena, a);
    assert_non_null(bert__arena_get(&arena, 0));
    first = bert__arena_string(&arena, "hello", 5);
    for (int i = 0; i < 10000; i++) {
        char *p = bert__arena_get(&arena, 100);

        assert_int_equal((uintptr_t)p % 8, 0);
        memset(p, i, 100);
    }
    big = bert__arena_get(&arena, 10 << 20);
    memset(big, 1, 10 << 20);
    assert_string_equal(first, "hello");
    assert_null(bert__arena_get(&arena, SIZE_MAX - 4));
    bert__arena_free(&arena);
    assert_int_equal(bert__alloc_used(a), 0);
    bert__alloc_destroy(a);
}

/* A block that was filled outside, and whose rest the arena gives out. */
static void test_arena_block(void **state)
{
    struct bert__alloc *a = bert__alloc_create(NULL, 0);
    struct bert__arena arena;
    char *block, *next;
    uint64_t used;

    (void)state;
    bert__arena_init(&arena, a);
    bert__arena_block_free(&arena, NULL);
    bert__arena_block_free(&arena, bert__arena_block(&arena, 100));
    assert_int_equal(bert__alloc_used(a), 0);
    assert_null(bert__arena_block(&arena, SIZE_MAX - 4));
    block = bert__arena_block(&arena, 10001);
    memset(block, 7, 10001);
    bert__arena_keep(&arena, block, 5001);
    used = bert__alloc_used(a);
    next = bert__arena_get(&arena, 4900);
    assert_ptr_equal(next, block + 5008);
    assert_int_equal(bert__alloc_used(a), used);
    assert_non_null(bert__arena_get(&arena, 4900));
    assert_true(bert__alloc_used(a) > used);
    bert__arena_keep(&arena, bert__arena_block(&arena, 8), 8); /* all of it is taken */
    assert_non_null(bert__arena_get(&arena, 8));
    bert__arena_free(&arena);
    assert_int_equal(bert__alloc_used(a), 0);
    bert__alloc_destroy(a);
}

/* Table 3-8 of the Unicode Standard: parts of "61 F1 80 80 E1 80 C2 62 80 63 80 BF 64". */
static void test_utf8_maximal_parts(void **state)
{
    static const char text[] = "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64";
    static const size_t lengths[] = {1, 3, 2, 1, 1, 1, 1, 1, 1, 1};
    static const int good[] = {1, 0, 0, 0, 1, 0, 1, 0, 0, 1};
    size_t at = 0, len;

    (void)state;
    for (int i = 0; i < 10; i++) {
        uint32_t cp = bert__utf8_next(text + at, sizeof text - 1 - at, &len);

        assert_int_equal(len, lengths[i]);
        assert_int_equal(cp != BERT__UTF8_BAD, good[i]);
        at += len;
    }
    assert_int_equal(at, sizeof text - 1);
}

static void test_utf8_round_trip(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char bytes[4];
        size_t len, n = bert__utf8_put(bytes, cp);
        uint32_t back = bert__utf8_next(bytes, n, &len);

        if (cp >= 0xD800 && cp <= 0xDFFF) {
            assert_int_equal(back, BERT__UTF8_BAD);
            continue;
        }
        if (back != cp || len != n)
            fail_msg("U+%04X came back as U+%04X", cp, back);
    }
}

struct opts_v1 {
    size_t size;
    uint32_t a;
    uint32_t pad;
};
struct opts_v2 {
    size_t size;
    uint32_t a, pad;
    uint64_t b;
};

static void test_options(void **state)
{
    struct opts_v1 v1 = {sizeof v1, 7, 0}, out1;
    struct opts_v2 v2 = {sizeof v2, 7, 0, 0}, out2;
    bert_error err;

    (void)state;
    assert_int_equal(bert__options_read(&out2, sizeof out2, &v1, "o", &err), BERT_OK);
    assert_int_equal(out2.a, 7);
    assert_int_equal(out2.b, 0);
    assert_int_equal(bert__options_read(&out1, sizeof out1, &v2, "o", &err), BERT_OK);
    v2.b = 1;
    assert_int_equal(bert__options_read(&out1, sizeof out1, &v2, "opts", &err), BERT_EINVAL);
    assert_non_null(strstr(err.message, "opts"));
    v1.size = 0;
    assert_int_equal(bert__options_read(&out1, sizeof out1, &v1, "o", &err), BERT_EINVAL);
    v1.size = (size_t)-1;
    assert_int_equal(bert__options_read(&out1, sizeof out1, &v1, "o", &err), BERT_EINVAL);
    assert_int_equal(bert__options_read(&out1, sizeof out1, NULL, "o", &err), BERT_OK);
    assert_int_equal(out1.a, 0);
}

static void test_filling(void **state)
{
    const struct opts_v2 from = {.a = 7, .b = 8};
    struct opts_v1 old;
    struct opts_v2 same;
    struct {
        struct opts_v2 known;
        uint64_t more;
    } newer;
    bert_error err;

    (void)state;
    old = (struct opts_v1){.size = sizeof old};
    assert_int_equal(bert__options_write(&old, &from, sizeof from, "o", &err), BERT_OK);
    assert_int_equal(old.size, sizeof old);
    assert_int_equal(old.a, 7);
    memset(&same, 0xa5, sizeof same);
    same.size = sizeof old; /* what lies past the size stays */
    assert_int_equal(bert__options_write(&same, &from, sizeof from, "o", &err), BERT_OK);
    assert_int_equal(same.a, 7);
    assert_int_equal(same.b, UINT64_C(0xa5a5a5a5a5a5a5a5));
    memset(&newer, 0xa5, sizeof newer);
    newer.known.size = sizeof newer;
    assert_int_equal(bert__options_write(&newer, &from, sizeof from, "o", &err), BERT_OK);
    assert_int_equal(newer.known.size, sizeof newer);
    assert_int_equal(newer.known.b, 8);
    assert_int_equal(newer.more, 0);
    for (int i = 0; i < 2; i++) {
        newer.known.size = i == 0 ? sizeof(size_t) - 1 : SIZE_MAX;
        assert_int_equal(bert__options_write(&newer, &from, sizeof from, "info", &err),
                         BERT_EINVAL);
        assert_non_null(strstr(err.message, "info.size"));
    }
}

/* ---- Sorting ------------------------------------------------------------------- */

enum { ITEMS = 3000 };

static size_t compared;

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    compared++;
    return x < y ? -1 : x > y;
}

/* Of n numbers; returns how often two were compared. */
static size_t check_sort(const uint32_t *numbers, size_t n)
{
    void *items[ITEMS];
    uint64_t sum = 0;

    compared = 0;
    for (size_t i = 0; i < n; i++) {
        items[i] = (void *)(uintptr_t)&numbers[i];
        sum += (uintptr_t)items[i];
    }
    bert__sort(items, n, compare_numbers);
    for (size_t i = 0; i < n; i++)
        sum -= (uintptr_t)items[i];
    assert_int_equal(sum, 0);
    for (size_t i = 1; i < n; i++)
        assert_true(*(uint32_t *)items[i - 1] <= *(uint32_t *)items[i]);
    return compared;
}

static void test_sort(void **state)
{
    uint32_t numbers[ITEMS] = {0}, seed = 1;
    const size_t most = (size_t)ITEMS * 50; /* n log n: no order is quadratic */

    (void)state;
    for (size_t n = 0; n < 40; n++) {
        for (size_t i = 0; i < n; i++)
            numbers[i] = (seed = seed * 1664525 + 1013904223) >> 28;
        check_sort(numbers, n);
    }
    for (size_t i = 0; i < ITEMS; i++)
        numbers[i] = seed = seed * 1664525 + 1013904223;
    assert_true(check_sort(numbers, ITEMS) < most);
    for (uint32_t i = 0; i < ITEMS; i++)
        numbers[i] = ITEMS - i;
    assert_true(check_sort(numbers, ITEMS) < most);
    for (uint32_t i = 0; i < ITEMS; i++)
        numbers[i] = i;
    assert_true(check_sort(numbers, ITEMS) < ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++)
        numbers[i] = i ^ 3; /* nearly in order */
    assert_true(check_sort(numbers, ITEMS) < 4 * (size_t)ITEMS);
    numbers[ITEMS - 1] = 0; /* but the last */
    assert_true(check_sort(numbers, ITEMS) < most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_names),
        cmocka_unit_test(test_fail_writes_one_line),
        cmocka_unit_test(test_fail_cuts_at_a_character),
        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_alloc_budget),
        cmocka_unit_test(test_alloc_host_fails),
        cmocka_unit_test(test_alloc_grow),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_arena_block),
        cmocka_unit_test(test_utf8_maximal_parts),
        cmocka_unit_test(test_utf8_round_trip),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_filling),
        cmocka_unit_test(test_sort),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
