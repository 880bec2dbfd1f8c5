/* SPDX-License-Identifier: MIT */
#include "tests/unit/support_files.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static void *copy(const void *data, size_t size)
{
    void *block = malloc(size ? size : 1);

    assert_non_null(block);
    if (size)
        memcpy(block, data, size);
    return block;
}

void test_files_remove(struct test_files *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->files[i].name, name) != 0)
            continue;
        free((void *)(uintptr_t)t->files[i].name);
        free((void *)(uintptr_t)t->files[i].data);
        t->files[i] = t->files[--t->count];
        return;
    }
}

void test_files_put(struct test_files *t, const char *name, const void *data, size_t size)
{
    test_files_remove(t, name);
    assert_true(t->count < TEST_MAX_FILES);
    t->files[t->count].name = copy(name, strlen(name) + 1);
    t->files[t->count].data = copy(data, size);
    t->files[t->count].size = size;
    t->count++;
}

void test_files_text(struct test_files *t, const char *name, const char *text)
{
    test_files_put(t, name, text, strlen(text));
}

void test_files_free(struct test_files *t)
{
    while (t->count)
        test_files_remove(t, t->files[t->count - 1].name);
}

void test_files_tensors(struct test_files *t, const char *name, const char *header,
                        const void *data, size_t n)
{
    size_t length = strlen(header);
    unsigned char *file = malloc(8 + length + n);

    assert_non_null(file);
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)(length >> (8 * i));
    memcpy(file + 8, header, length);
    if (n)
        memcpy(file + 8 + length, data, n);
    test_files_put(t, name, file, 8 + length + n);
    free(file);
}

char *test_files_write(const struct test_files *t)
{
    const char *tmp = getenv("TMPDIR");
    char *directory = malloc(512);
    char path[1024];

    assert_non_null(directory);
    snprintf(directory, 512, "%s/bert-test-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(directory));
    for (size_t i = 0; i < t->count; i++) {
        FILE *f;
        size_t n = strlen(directory) + 1;

        snprintf(path, sizeof(path), "%s/%s", directory, t->files[i].name);
        for (char *slash = strchr(path + n, '/'); slash; slash = strchr(slash + 1, '/')) {
            *slash = 0;
            mkdir(path, 0700);
            *slash = '/';
        }
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(t->files[i].data, 1, t->files[i].size, f), t->files[i].size);
        fclose(f);
    }
    return directory;
}

static int delete_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void test_files_delete(char *directory)
{
    nftw(directory, delete_one, 8, FTW_DEPTH | FTW_PHYS);
    free(directory);
}
