/* SPDX-License-Identifier: MIT */
/*
 * test_sha256.c - NIST's examples (FIPS 180-2 appendix B, and messages of its validation suite), a
 * million a's, every length to 300 bytes against what Python's hashlib gives, and sha256sum; with
 * this CPU's instructions and without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/sha256.h"

typedef void (*start_fn)(struct bert__sha256 *h);
static const start_fn starts[] = {bert__sha256_start_portable, bert__sha256_start};

/* In pieces of `step` bytes; 0: at once. */
static void hex_of(char out[BERT__SHA256_HEX], start_fn start, const void *data, size_t size,
                   size_t step)
{
    unsigned char digest[BERT__SHA256_BYTES];
    const char *p = data;
    struct bert__sha256 h;

    start(&h);
    while (size > 0) {
        size_t n = step > 0 && step < size ? step : size;

        bert__sha256_add(&h, p, n);
        p += n;
        size -= n;
    }
    bert__sha256_add(&h, NULL, 0);
    bert__sha256_finish(&h, digest);
    bert__sha256_hex(out, digest);
}

static void test_nist(void **state)
{
    static const struct {
        const char *data;
        size_t size;
        const char *digest;
    } cases[] = {
        {"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
         "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
         112, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
        {"\xd3", 1, "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
        {"\x11\xaf", 2, "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"},
        {"\xb4\x19\x0e", 3, "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2"},
    };
    char got[BERT__SHA256_HEX];

    (void)state;
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            for (size_t step = 0; step < 70; step++) {
                hex_of(got, starts[s], cases[i].data, cases[i].size, step);
                assert_string_equal(got, cases[i].digest);
            }
}

static void test_million(void **state)
{
    static char data[1000000];
    char got[BERT__SHA256_HEX];

    (void)state;
    memset(data, 'a', sizeof data);
    for (size_t s = 0; s < 2; s++)
        for (size_t step = 0; step < 200; step += 67) {
            hex_of(got, starts[s], data, sizeof data, step);
            assert_string_equal(got,
                                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
        }
}

/* The digest of the digests, in hexadecimal, of all lengths, each cut everywhere. */
static void test_lengths(void **state)
{
    unsigned char data[300];

    (void)state;
    for (int i = 0; i < 300; i++)
        data[i] = (unsigned char)(i * 131 + 7);
    for (size_t s = 0; s < 2; s++) {
        unsigned char digest[BERT__SHA256_BYTES];
        char got[BERT__SHA256_HEX], again[BERT__SHA256_HEX];
        struct bert__sha256 all;

        starts[s](&all);
        for (size_t n = 0; n <= 300; n++) {
            hex_of(got, starts[s], data, n, 0);
            for (size_t step = 1; step <= n; step += 1 + n / 8) {
                hex_of(again, starts[s], data, n, step);
                assert_string_equal(again, got);
            }
            bert__sha256_add(&all, got, strlen(got));
        }
        bert__sha256_finish(&all, digest);
        bert__sha256_hex(got, digest);
        assert_string_equal(got,
                            "eb3fc32896182463da706dbbb28e94dcf99587adb7f95cbec4d3a6f9677fdbb0");
    }
}

/* A file of this test, also by sha256sum where there is one. */
static void test_sha256sum(void **state)
{
    char line[128] = "", got[BERT__SHA256_HEX];
    size_t size, room = 1 << 20;
    char *data = malloc(room);
    FILE *f = fopen(TEST_SRCDIR "/lib/base/sha256.c", "rb");

    (void)state;
    assert_non_null(f);
    assert_non_null(data);
    size = fread(data, 1, room, f);
    fclose(f);
    assert_true(size > 1000 && size < room);
    hex_of(got, bert__sha256_start, data, size, 1000);
    free(data);
    f = popen("sha256sum '" TEST_SRCDIR "/lib/base/sha256.c' 2>/dev/null", "r");
    assert_non_null(f);
    if (fgets(line, sizeof line, f) != NULL) {
        line[64] = '\0';
        assert_string_equal(got, line);
    } else {
        print_message("there is no sha256sum\n");
    }
    pclose(f);
}

/* For the eye: how fast. */
static void test_speed(void **state)
{
    size_t size = (size_t)8 << 20;
    char *data = calloc(1, size), got[BERT__SHA256_HEX];

    (void)state;
    assert_non_null(data);
    for (size_t s = 0; s < 2; s++) {
        clock_t begin = clock();

        hex_of(got, starts[s], data, size, 1 << 20);
        print_message("%s: %.0f MB/s\n", s == 0 ? "portable" : "as it comes",
                      (double)size / 1e6
                          / ((double)(clock() - begin + 1) / (double)CLOCKS_PER_SEC));
    }
    print_message("native: %s\n", bert__sha256_native() != NULL ? "yes" : "no");
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nist),    cmocka_unit_test(test_million),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_sha256sum),
        cmocka_unit_test(test_speed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
