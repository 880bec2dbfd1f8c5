/* SPDX-License-Identifier: MIT */
/* test_siphash.c - SipHash by the paper's vector and by another implementation; keys for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "lib/base/secret.h"
#include "lib/base/siphash.h"
#include "lib/base/sys.h"

static const uint64_t paper_key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

static void count_up(char message[64])
{
    for (int i = 0; i < 64; i++)
        message[i] = (char)i;
}

/* Appendix A. */
static void test_paper(void **state)
{
    char message[64];

    (void)state;
    count_up(message);
    assert_true(bert__siphash(paper_key, message, 15, 2, 4) == UINT64_C(0xa129ca6149be45e5));
}

/* tests/fixtures/make_siphash_fixture.sh */
static void test_vectors(void **state)
{
    FILE *f = fopen("tests/data/siphash.txt", "r");
    unsigned long long expected;
    char message[64];
    int c, d, lines = 0;
    unsigned n;

    (void)state;
    assert_non_null(f);
    count_up(message);
    for (; fscanf(f, "%d %d %u %llx", &c, &d, &n, &expected) == 4; lines++) {
        /* lowest byte first, as it is printed */
        assert_true(__builtin_bswap64(bert__siphash(paper_key, message, n, c, d)) == expected);
    }
    fclose(f);
    assert_int_equal(lines, 128);
}

/* Parts, each filled up to whole words, are that message. */
static void test_padded(void **state)
{
    static const char whole[24] = "abcdefghijk\0\0\0\0\0xyz";
    struct bert__sip s;

    (void)state;
    bert__sip_init(&s, paper_key);
    bert__sip_padded(&s, "abcdefghijk", 11, 1);
    bert__sip_padded(&s, NULL, 0, 1);
    bert__sip_padded(&s, "xyz", 3, 1);
    assert_true(bert__sip_end(&s, NULL, 0, 1, 3) == bert__siphash(paper_key, whole, 24, 1, 3));
}

static int no_random(void *data, size_t size)
{
    (void)data;
    (void)size;
    return -1;
}

static void expect_different(void)
{
    uint64_t a[2] = {0, 0}, b[2] = {0, 0};

    bert__secret(a, a);
    bert__secret(b, b);
    assert_true(a[0] != b[0] && a[1] != b[1] && a[0] != a[1] && a[0] != 0);
}

static void test_secret(void **state)
{
    struct bert__sys table = *bert__sys();

    (void)state;
    expect_different();
    table.random = no_random;
    bert__sys_replace(&table);
    expect_different();
    bert__sys_replace(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paper),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_padded),
        cmocka_unit_test(test_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
