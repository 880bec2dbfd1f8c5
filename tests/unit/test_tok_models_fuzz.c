/* SPDX-License-Identifier: MIT */
/*
 * test_tok_models_fuzz.c - the fuzz targets of vocabularies over their committed seeds, whole, cut
 * and with bytes changed, without libFuzzer.  A target traps where something is wrong.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LLVMFuzzerTestOneInput fuzz_spm
#include "tests/fuzz/fuzz_spm.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_vocab
#include "tests/fuzz/fuzz_vocab.c"
#undef LLVMFuzzerTestOneInput

typedef int (*target_fn)(const uint8_t *data, size_t size);

/* A copy of exactly the size, so that a read past the end shows. */
static void run(const uint8_t *data, size_t size, target_fn target)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    assert_non_null(copy);
    memcpy(copy, data, size);
    target(copy, size);
    free(copy);
}

static void replay_file(const char *path, target_fn target)
{
    uint8_t data[8192];
    FILE *f = fopen(path, "rb");
    size_t size;

    assert_non_null(f);
    size = fread(data, 1, sizeof data, f);
    fclose(f);
    assert_true(size < sizeof data);
    run(data, size, target);
    for (size_t i = 0; i < size; i += 1 + size / 64) {
        uint8_t before = data[i];

        run(data, i, target);
        data[i] ^= (uint8_t)(1 << i % 8);
        run(data, size, target);
        data[i] = (uint8_t) "\xFF\x00\x80\"[9"[i % 6];
        run(data, size, target);
        data[i] = before;
    }
}

static void replay(const char *name, target_fn target, unsigned at_least)
{
    char path[1024];
    DIR *dir;
    unsigned count = 0;

    snprintf(path, sizeof path, "%s/tests/data/fuzz/%s", TEST_SRCDIR, name);
    dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/tests/data/fuzz/%s/%s", TEST_SRCDIR, name, entry->d_name);
        replay_file(path, target);
        count++;
    }
    closedir(dir);
    assert_true(count >= at_least);
}

static void test_spm(void **state)
{
    (void)state;
    replay("spm", fuzz_spm, 15);
}

static void test_vocab(void **state)
{
    (void)state;
    replay("vocab", fuzz_vocab, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spm),
        cmocka_unit_test(test_vocab),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
