/* SPDX-License-Identifier: MIT */
/*
 * test_fuzz_seeds.c - the fuzz targets over their committed seeds, without libFuzzer.
 * A target traps where something is wrong, and leaks show under AddressSanitizer.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The targets all have the name that libFuzzer calls; none has another in common. */
#define LLVMFuzzerTestOneInput fuzz_json
#include "tests/fuzz/fuzz_json.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_safetensors
#include "tests/fuzz/fuzz_safetensors.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_config
#include "tests/fuzz/fuzz_config.c"
#undef LLVMFuzzerTestOneInput

typedef int (*target_fn)(const uint8_t *data, size_t size);

/* The file as it is, each half of it, and with one byte of each 16 changed. */
static void replay_file(const char *path, target_fn target)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(1 << 16);
    size_t size;

    assert_non_null(f);
    assert_non_null(data);
    size = fread(data, 1, 1 << 16, f);
    fclose(f);
    assert_true(size < 1 << 16);
    target(data, size);
    target(data, size / 2);
    target(data + size / 2, size - size / 2);
    for (size_t i = 0; i < size; i += 1 + size / 16) {
        data[i] = (uint8_t)(data[i] ^ 1u << i % 8);
        target(data, size);
        data[i] = (uint8_t)(data[i] ^ 1u << i % 8);
    }
    free(data);
}

static void replay(const char *name, target_fn target)
{
    char path[1024];
    DIR *dir;
    unsigned count = 0;

    snprintf(path, sizeof(path), "%s/tests/data/fuzz/%s", TEST_SRCDIR, name);
    dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/tests/data/fuzz/%s/%s", TEST_SRCDIR, name, entry->d_name);
        replay_file(path, target);
        count++;
    }
    closedir(dir);
    assert_true(count >= 5);
}

static void test_json(void **state)
{
    (void)state;
    replay("json", fuzz_json);
}

static void test_safetensors(void **state)
{
    (void)state;
    replay("safetensors", fuzz_safetensors);
}

static void test_config(void **state)
{
    (void)state;
    replay("config", fuzz_config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_safetensors),
        cmocka_unit_test(test_config),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
