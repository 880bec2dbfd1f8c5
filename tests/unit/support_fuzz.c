/* SPDX-License-Identifier: MIT */
#include "support_fuzz.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LARGEST = 1 << 16 };

/* A copy of exactly the size, so that a read past the end shows. */
static void run(const uint8_t *data, size_t size, test_fuzz_fn target)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    assert_non_null(copy);
    memcpy(copy, data, size);
    target(copy, size);
    free(copy);
}

static void run_cut(const uint8_t *data, size_t size, test_fuzz_fn target)
{
    run(data, size, target);
    run(data + size / 2, size - size / 2, target);
    for (size_t i = 0; i < size; i += 1 + size / 64)
        run(data, i, target);
}

static void run_changed(uint8_t *data, size_t size, test_fuzz_fn target)
{
    for (size_t i = 0; i < size; i += 1 + size / 100) {
        uint8_t before = data[i];

        data[i] ^= (uint8_t)(1 << i % 8);
        run(data, size, target);
        data[i] = (uint8_t) "\xFF\x00\x80\"[9"[i % 6];
        run(data, size, target);
        data[i] = before;
    }
}

static void replay_file(const char *path, test_fuzz_fn target)
{
    uint8_t *data = malloc(LARGEST);
    FILE *f = fopen(path, "rb");
    size_t size;

    assert_non_null(f);
    assert_non_null(data);
    size = fread(data, 1, LARGEST, f);
    fclose(f);
    assert_true(size < LARGEST);
    run_cut(data, size, target);
    run_changed(data, size, target);
    free(data);
}

void test_fuzz_replay(const char *name, test_fuzz_fn target, unsigned at_least)
{
    char path[4096];
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
