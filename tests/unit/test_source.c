/* SPDX-License-Identifier: MIT */
/* test_source.c - where files come from, and every way in which that fails. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support_alloc.h"
#include "tests/unit/support_files.h"
#include "tests/unit/support_sys.h"

static struct test_files files;
static struct test_alloc host;
static struct bert__alloc *alloc;
static struct bert__source *source;
static char *directory;
static bert_error err;

static int set_up(void **state)
{
    (void)state;
    memset(&files, 0, sizeof(files));
    test_files_text(&files, "a.json", "{\"a\": 1}");
    test_files_text(&files, "empty", "");
    test_files_text(&files, "1_Pooling/config.json", "pooling");
    directory = test_files_write(&files);
    test_alloc_init(&host, 0);
    alloc = bert__alloc_create(&host.host, 0);
    source = NULL;
    test_sys_install();
    return alloc ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    bert__source_close(source);
    assert_int_equal(test_sys.open_files, 0);
    assert_int_equal(test_sys.maps, 0);
    bert__sys_replace(NULL);
    bert__alloc_destroy(alloc);
    assert_int_equal(host.live, 0);
    test_files_delete(directory);
    test_files_free(&files);
    return 0;
}

static const char *below(const char *name)
{
    static char path[1024];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void assert_says(const char *words)
{
    if (!strstr(err.message, words))
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

static void assert_absent(const char *name, const char *words)
{
    char *data;
    size_t size;

    assert_int_equal(bert__source_read(source, name, 1, &data, &size, &err), BERT_OK);
    assert_null(data);
    assert_int_equal(bert__source_read(source, name, 0, &data, &size, &err), BERT_EIO);
    assert_null(data);
    assert_says(words);
    assert_says(name);
}

/* A file must read as `text` (NULL: be absent). */
static void assert_reads(const char *name, const char *text)
{
    char *data;
    size_t size;

    if (!text) {
        assert_absent(name, "no such file");
        return;
    }
    assert_int_equal(bert__source_read(source, name, 1, &data, &size, &err), BERT_OK);
    assert_non_null(data);
    assert_int_equal(size, strlen(text));
    assert_string_equal(data, text);
    bert__alloc_free(alloc, data);
}

static void assert_fails(const char *name, bert_status expected, const char *words)
{
    char *data;
    size_t size;

    for (int optional = 0; optional < 2; optional++) {
        memset(&err, 0, sizeof(err));
        assert_int_equal(bert__source_read(source, name, optional, &data, &size, &err), expected);
        assert_int_equal(err.code, expected);
        assert_null(data);
        assert_says(words);
    }
}

static void check_all_names(void)
{
    assert_reads("a.json", "{\"a\": 1}");
    assert_reads("empty", "");
    assert_reads("1_Pooling/config.json", "pooling");
    assert_reads("none", NULL);
    assert_reads("none/config.json", NULL);
    assert_reads("a.json/config.json", NULL); /* ENOTDIR on disk */
}

static void test_directory(void **state)
{
    (void)state;
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 0, &err), BERT_OK);
    assert_string_equal(bert__source_name(source), directory);
    check_all_names();
    assert_fails("1_Pooling", BERT_EIO, "a directory, not a file");
    assert_true(test_sys.last_open_flags & O_CLOEXEC);
    assert_true(test_sys.last_open_flags & O_NONBLOCK);
}

static void test_slashes_at_the_end(void **state)
{
    char path[600];

    (void)state;
    snprintf(path, sizeof(path), "%s//", directory);
    assert_int_equal(bert__source_open_path(&source, alloc, path, 0, &err), BERT_OK);
    assert_string_equal(bert__source_name(source), directory);
    assert_reads("a.json", "{\"a\": 1}");
}

static void test_descriptor(void **state)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(bert__source_open_fd(&source, alloc, fd, 0, &err), BERT_OK);
    close(fd); /* the source has its own */
    assert_true(strncmp(bert__source_name(source), "(descriptor ", 12) == 0);
    check_all_names();
}

static void test_wrong_descriptors(void **state)
{
    int fd = open(below("a.json"), O_RDONLY);

    (void)state;
    assert_int_equal(bert__source_open_fd(&source, alloc, fd, 0, &err), BERT_EIO);
    assert_null(source);
    assert_says("not a directory");
    close(fd);
    assert_int_equal(bert__source_open_fd(&source, alloc, fd, 0, &err), BERT_EIO);
    assert_says("not an open descriptor");
    /* AT_FDCWD is negative too: it must not mean the working directory */
    assert_int_equal(bert__source_open_fd(&source, alloc, AT_FDCWD, 0, &err), BERT_EIO);
    assert_null(source);
}

static void test_memory(void **state)
{
    (void)state;
    assert_int_equal(bert__source_open_memory(&source, alloc, files.files, files.count, 0, &err),
                     BERT_OK);
    assert_string_equal(bert__source_name(source), "(memory)");
    check_all_names();
}

static void test_wrong_memory(void **state)
{
    bert_file two[] = {{"a", "1", 1}, {"a", "2", 1}}, unnamed[] = {{NULL, "1", 1}},
              null[] = {{"a", NULL, 1}};

    (void)state;
    assert_int_equal(bert__source_open_memory(&source, alloc, two, 2, 0, &err), BERT_EINVAL);
    assert_says("given twice");
    assert_int_equal(bert__source_open_memory(&source, alloc, unnamed, 1, 0, &err), BERT_EINVAL);
    assert_int_equal(bert__source_open_memory(&source, alloc, null, 1, 0, &err), BERT_EINVAL);
    assert_null(source);
    null[0].size = 0;
    assert_int_equal(bert__source_open_memory(&source, alloc, null, 1, 0, &err), BERT_OK);
    assert_reads("a", "");
}

static void test_single_file(void **state)
{
    (void)state;
    assert_int_equal(bert__source_open_path(&source, alloc, below("a.json"), 0, &err), BERT_OK);
    assert_reads("a.json", "{\"a\": 1}");
    assert_absent("empty", "a.json: a file, and no directory with ");
    assert_int_equal(test_sys.open_files, 0);
}

static void test_wrong_paths(void **state)
{
    char fifo[600];

    (void)state;
    assert_int_equal(bert__source_open_path(&source, alloc, below("none"), 0, &err), BERT_EIO);
    assert_null(source);
    assert_says("none");
    assert_says("no such file or directory");
    assert_int_equal(bert__source_open_path(&source, alloc, "", 0, &err), BERT_EIO);
    assert_int_equal(bert__source_open_path(&source, alloc, below("a.json/b"), 0, &err), BERT_EIO);
    assert_says("not a directory");
    snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(bert__source_open_path(&source, alloc, fifo, 0, &err), BERT_EIO);
    assert_says("neither a directory nor a regular file");
}

static void test_names(void **state)
{
    static const char *const names[] = {"",       "/etc/passwd", ".",    "..",   "../a.json",
                                        "a/../b", "./a.json",    "a//b", "a/",   "/",
                                        "a/.",    "a/..",        "..//", "1/./2"};

    (void)state;
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 0, &err), BERT_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        assert_fails(names[i], BERT_EFORMAT, "is not the name of a file below it");
    assert_reads("..a", NULL);
    assert_reads("...", NULL);
}

static void test_links_and_fifos(void **state)
{
    char path[600];

    (void)state;
    snprintf(path, sizeof(path), "%s/link", directory);
    assert_int_equal(symlink("a.json", path), 0);
    snprintf(path, sizeof(path), "%s/dangling", directory);
    assert_int_equal(symlink("../../blobs/none", path), 0);
    snprintf(path, sizeof(path), "%s/loop", directory);
    assert_int_equal(symlink("loop", path), 0);
    snprintf(path, sizeof(path), "%s/null", directory);
    assert_int_equal(symlink("/dev/null", path), 0);
    snprintf(path, sizeof(path), "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 0, &err), BERT_OK);
    assert_reads("link", "{\"a\": 1}");
    assert_fails("dangling", BERT_EIO, "symbolic link to a file that does not exist");
    assert_fails("loop", BERT_EIO, "too many symbolic links");
    assert_fails("null", BERT_EIO, "not a regular file");
    assert_fails("fifo", BERT_EIO, "not a regular file"); /* and does not wait for a writer */
}

static void test_limit(void **state)
{
    (void)state;
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 7, &err), BERT_OK);
    assert_fails("a.json", BERT_ELIMIT, "8 bytes, over the limit of 7");
    assert_reads("1_Pooling/config.json", "pooling");
}

static void test_errors_are_not_absence(void **state)
{
    static const struct {
        int error;
        const char *words;
    } errors[] = {{EACCES, "permission denied"},
                  {EPERM, "permission denied"},
                  {EMFILE, "too many open files"},
                  {ENFILE, "too many open files"},
                  {EIO, "input/output error"},
                  {ENOMEM, "out of memory"},
                  {ELOOP, "too many symbolic links"},
                  {ENAMETOOLONG, "too long"},
                  {ESTALE, "stale"},
                  {ENXIO, "not a regular file"},
                  {EOVERFLOW, "system error"}};

    (void)state;
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 0, &err), BERT_OK);
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        test_sys.open_errno = errors[i].error;
        assert_fails("a.json", BERT_EIO, errors[i].words);
        assert_says("a.json");
        test_sys.open_errno = 0;
    }
    test_sys.stat_errno = EIO;
    assert_fails("a.json", BERT_EIO, "can't be examined: input/output error");
    test_sys.stat_errno = 0;
    test_sys.read_errno = EIO;
    assert_fails("a.json", BERT_EIO, "can't be read: input/output error");
    test_sys.read_errno = 0;
    assert_reads("a.json", "{\"a\": 1}");
}

static void test_root_errors(void **state)
{
    (void)state;
    test_sys.open_errno = EACCES;
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 0, &err), BERT_EIO);
    assert_null(source);
    assert_says("permission denied");
    test_sys.open_errno = 0;
    test_sys.stat_errno = EIO;
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 0, &err), BERT_EIO);
    assert_null(source);
}

static void test_interrupted_and_short_reads(void **state)
{
    (void)state;
    test_sys.interrupt = 1;
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 0, &err), BERT_OK);
    for (test_sys.step = 0; test_sys.step < 4; test_sys.step++)
        check_all_names();
}

static void test_shrinking_file(void **state)
{
    (void)state;
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 0, &err), BERT_OK);
    test_sys.shrunk = 5;
    assert_fails("a.json", BERT_EIO, "ends at byte 5 of 8");
}

static void test_read_ranges(void **state)
{
    struct bert__file *file;
    char data[8];

    (void)state;
    for (int memory = 0; memory < 2; memory++) {
        assert_int_equal(
            memory ? bert__source_open_memory(&source, alloc, files.files, files.count, 0, &err)
                   : bert__source_open_path(&source, alloc, directory, 0, &err),
            BERT_OK);
        assert_int_equal(bert__source_open(source, "a.json", 0, &file, &err), BERT_OK);
        assert_int_equal(bert__file_in_memory(file), memory);
        assert_int_equal(bert__file_size(file), 8);
        assert_non_null(strstr(bert__file_path(file), "/a.json"));
        assert_int_equal(bert__file_read(file, 2, data, 3, &err), BERT_OK);
        assert_memory_equal(data, "a\":", 3);
        assert_int_equal(bert__file_read(file, 8, data, 0, &err), BERT_OK);
        assert_int_equal(bert__file_read(file, 8, data, 1, &err), BERT_EIO);
        assert_int_equal(bert__file_read(file, 9, data, 0, &err), BERT_EIO);
        assert_int_equal(bert__file_read(file, UINT64_MAX, data, 1, &err), BERT_EIO);
        assert_int_equal(bert__file_read(file, 1, data, SIZE_MAX, &err), BERT_EIO);
        assert_says("too short");
        bert__source_close(source); /* a file outlives its source */
        assert_int_equal(bert__file_read(file, 0, data, 8, &err), BERT_OK);
        assert_memory_equal(data, "{\"a\": 1}", 8);
        bert__file_close(file);
    }
    source = NULL;
}

static void test_mapping(void **state)
{
    struct bert__file *file;
    const void *data, *again;

    (void)state;
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 0, &err), BERT_OK);
    assert_int_equal(bert__source_open(source, "a.json", 0, &file, &err), BERT_OK);
    test_sys.map_errno = ENODEV;
    assert_int_equal(bert__file_map(file, &data, &err), BERT_EIO);
    assert_null(data);
    assert_says("can't be mapped");
    test_sys.map_errno = 0;
    assert_int_equal(bert__file_map(file, &data, &err), BERT_OK);
    assert_memory_equal(data, "{\"a\": 1}", 8);
    assert_int_equal(bert__file_map(file, &again, &err), BERT_OK);
    assert_ptr_equal(data, again);
    assert_int_equal(test_sys.maps, 1);
    bert__file_close(file);
    assert_int_equal(bert__source_open(source, "empty", 0, &file, &err), BERT_OK);
    assert_int_equal(bert__file_map(file, &data, &err), BERT_OK);
    assert_non_null(data);
    bert__file_close(file);
    bert__file_close(NULL);
}

/* Everything once, with allocation n failing. */
static bert_status run(long n, int memory)
{
    struct test_alloc failing;
    struct bert__alloc *a;
    struct bert__source *s = NULL;
    char *data = NULL;
    size_t size;
    bert_status status;

    test_alloc_init(&failing, n);
    a = bert__alloc_create(&failing.host, 0);
    if (!a)
        return BERT_ENOMEM;
    status = memory ? bert__source_open_memory(&s, a, files.files, files.count, 0, &err)
                    : bert__source_open_path(&s, a, directory, 0, &err);
    if (status)
        assert_null(s);
    else
        status = bert__source_read(s, "1_Pooling/config.json", 0, &data, &size, &err);
    assert_int_equal(data == NULL, status != BERT_OK);
    bert__alloc_free(a, data);
    bert__source_close(s);
    bert__alloc_destroy(a);
    assert_int_equal(failing.live, 0);
    assert_int_equal(test_sys.open_files, 0);
    return status;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    for (int memory = 0; memory < 2; memory++) {
        long n = 1;
        bert_status status;

        while ((status = run(n, memory)) != BERT_OK) {
            assert_int_equal(status, BERT_ENOMEM);
            n++;
        }
        assert_true(n > 5);
    }
}

/* Every call into the system failing, one after the other. */
static void test_system_failures(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        test_sys.open_errno = test_sys.stat_errno = test_sys.read_errno = EIO;
        test_sys.calls = 0;
        test_sys.fail_at = n;
        if (run(0, 0) == BERT_OK) {
            assert_true(n > 5);
            break;
        }
        assert_int_equal(err.code, BERT_EIO);
        assert_says("input/output error");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_directory),       TEST(test_slashes_at_the_end),
        TEST(test_descriptor),      TEST(test_wrong_descriptors),
        TEST(test_memory),          TEST(test_wrong_memory),
        TEST(test_single_file),     TEST(test_wrong_paths),
        TEST(test_names),           TEST(test_links_and_fifos),
        TEST(test_limit),           TEST(test_errors_are_not_absence),
        TEST(test_root_errors),     TEST(test_interrupted_and_short_reads),
        TEST(test_shrinking_file),  TEST(test_read_ranges),
        TEST(test_mapping),         TEST(test_allocation_failures),
        TEST(test_system_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
