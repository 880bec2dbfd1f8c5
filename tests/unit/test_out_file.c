/* SPDX-License-Identifier: MIT */
/* test_out_file.c - a file is written whole or not at all, whatever fails; and its checksums. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/crc32.h"
#include "lib/base/out_file.h"
#include "lib/base/sys.h"

enum { SIZE = 5000 };

static const struct bert__sys *real;
static int calls, fail_at, fail_with, step, interrupt, open_files;
static char folder[64], path[80];

static int fails(void)
{
    if (interrupt && (calls & 1) == 0) {
        calls++;
        errno = EINTR;
        return 1;
    }
    if (++calls != fail_at)
        return 0;
    errno = fail_with;
    return 1;
}

static int fake_create(const char *name)
{
    int fd = fails() ? -1 : real->create(name);

    open_files += fd >= 0;
    return fd;
}

static ssize_t fake_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (fails())
        return -1;
    return real->pwrite(fd, data, step > 0 && size > (size_t)step ? (size_t)step : size, offset);
}

static int fake_sync(int fd)
{
    return fails() ? -1 : real->sync(fd);
}

static int fake_close(int fd)
{
    open_files--;
    real->close(fd);
    calls++;
    if (calls != fail_at)
        return 0;
    errno = fail_with;
    return -1;
}

static int fake_rename(const char *from, const char *to)
{
    calls++;
    if (calls != fail_at)
        return real->rename(from, to);
    errno = fail_with;
    return -1;
}

static int set_up(void **state)
{
    static struct bert__sys table;

    (void)state;
    snprintf(folder, sizeof folder, "/tmp/bert-out-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    bert__sys_replace(NULL);
    real = bert__sys();
    table = *real;
    table.create = fake_create;
    table.pwrite = fake_pwrite;
    table.sync = fake_sync;
    table.close = fake_close;
    table.rename = fake_rename;
    bert__sys_replace(&table);
    calls = fail_at = step = interrupt = open_files = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bert__sys_replace(NULL);
    unlink(path);
    return rmdir(folder); /* nothing else is there */
}

static bert_status write_one(char fill, bert_error *err)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__out_file *file;
    char data[SIZE];
    bert_status st;

    memset(data, fill, sizeof data);
    st = bert__out_file_create(&file, alloc, path, err);
    if (st == BERT_OK) {
        st = bert__out_file_write(file, 100, data, SIZE - 100, err);
        if (st == BERT_OK)
            st = bert__out_file_write(file, 0, data, 100, err);
        if (st == BERT_OK)
            st = bert__out_file_commit(file, err);
        else
            bert__out_file_discard(file);
    }
    assert_int_equal(bert__alloc_used(alloc), 0);
    bert__alloc_destroy(alloc);
    assert_int_equal(open_files, 0);
    return st;
}

static void assert_filled(char fill)
{
    char data[SIZE + 1];
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    assert_int_equal(fread(data, 1, sizeof data, f), SIZE);
    fclose(f);
    for (int i = 0; i < SIZE; i++)
        assert_int_equal(data[i], fill);
}

static void test_written(void **state)
{
    bert_error err;

    (void)state;
    assert_int_equal(write_one('a', &err), BERT_OK);
    assert_filled('a');
    step = 77;
    interrupt = 1;
    assert_int_equal(write_one('b', &err), BERT_OK);
    assert_filled('b');
}

static void test_failures(void **state)
{
    static const struct {
        int error;
        const char *says;
    } kinds[] = {{ENOSPC, "no space"}, {EROFS, "read-only"}, {EIO, "input/output"}};
    bert_error err;
    int n;

    (void)state;
    assert_int_equal(write_one('a', &err), BERT_OK);
    n = calls;
    assert_int_equal(n, 6); /* create, two writes, sync, close, rename */
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (fail_at = 1; fail_at <= n; fail_at++) {
            fail_with = kinds[k].error;
            calls = 0;
            memset(&err, 0, sizeof err);
            assert_int_equal(write_one('b', &err), BERT_EIO);
            assert_int_equal(err.code, BERT_EIO);
            assert_non_null(strstr(err.message, path));
            assert_non_null(strstr(err.message, kinds[k].says));
            assert_filled('a');
        }
}

/* A name that a dead process left is stepped over. */
static void test_leftover(void **state)
{
    char left[128];
    bert_error err;
    FILE *f;

    (void)state;
    snprintf(left, sizeof left, "%s.%ld-0.tmp", path, (long)getpid());
    f = fopen(left, "wb");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(write_one('c', &err), BERT_OK);
    assert_filled('c');
    assert_int_equal(unlink(left), 0);
}

static void test_crc32(void **state)
{
    struct bert__crc32 c;
    unsigned char data[100];

    (void)state;
    bert__crc32_init(&c);
    assert_int_equal(bert__crc32_add(&c, 0, "", 0), 0);
    assert_int_equal(bert__crc32_add(&c, 0, "123456789", 9), 0xCBF43926); /* the standard's check */
    for (int i = 0; i < 100; i++)
        data[i] = (unsigned char)(37 * i + 11);
    for (size_t cut = 0; cut <= 100; cut++) {
        uint32_t parts = bert__crc32_add(&c, 0, data, cut);

        parts = bert__crc32_add(&c, parts, data + cut, 100 - cut);
        assert_int_equal(parts, bert__crc32_add(&c, 0, data, 100));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leftover, set_up, tear_down),
        cmocka_unit_test(test_crc32),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
