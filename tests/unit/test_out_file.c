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
#include "tests/unit/support_sys.h"

enum { SIZE = 5000 };

static char folder[64], path[80];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/bert-out-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    test_sys_install();
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
    assert_int_equal(test_sys.open_files, 0);
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
    test_sys.step = 77;
    test_sys.interrupt = 1;
    assert_int_equal(write_one('b', &err), BERT_OK);
    assert_filled('b');
}

static void test_failures(void **state)
{
    static const struct {
        int error;
        const char *says;
    } kinds[] = {{ENOSPC, "no space"}, {EROFS, "read-only"}, {EIO, "input/output"}};
    enum { CALLS = 6 }; /* create, two writes, sync, close, rename */
    bert_error err;

    (void)state;
    assert_int_equal(write_one('a', &err), BERT_OK);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        test_sys.write_errno = test_sys.close_errno = kinds[k].error;
        for (test_sys.fail_at = 1; test_sys.fail_at <= CALLS; test_sys.fail_at++) {
            test_sys.calls = 0;
            memset(&err, 0, sizeof err);
            assert_int_equal(write_one('b', &err), BERT_EIO);
            assert_int_equal(err.code, BERT_EIO);
            assert_non_null(strstr(err.message, path));
            assert_non_null(strstr(err.message, kinds[k].says));
            assert_filled('a');
        }
        test_sys.calls = 0; /* fail_at is past them all */
        assert_int_equal(write_one('a', &err), BERT_OK);
        assert_int_equal(test_sys.calls, CALLS);
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
