/* SPDX-License-Identifier: MIT */
/*
 * test_manifest.c - what the interface can't show: every file that a load opens is in the list of
 * those it could; and each system call and each allocation of writing, verifying and naming a
 * model fails once, after which nothing is half written, open, or lost.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/api/golden.h"
#include "lib/api/model.h"
#include "lib/model/manifest.h"
#include "support_alloc.h"
#include "support_sys.h"

/* ---- What a load reads ------------------------------------------------------------ */

static bool lists(const struct bert__trace *trace, const char *name)
{
    for (const struct bert__traced *t = trace->files; t != NULL; t = t->next)
        if (strcmp(t->name, name) == 0)
            return true;
    return false;
}

/* All that the load opened, tensors' files too, which are noted as files. */
static unsigned check_model(const char *path)
{
    struct bert__traced_model from;
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__source *source;
    struct bert__trace found;
    unsigned count = 0;

    if (bert__model_load_traced(&from, path, NULL, NULL) == BERT_OK) {
        assert_int_equal(bert__source_open_path(&source, alloc, path, 0, NULL), BERT_OK);
        bert__trace_init(&found, alloc);
        assert_int_equal(bert__manifest_find(source, &found, alloc, NULL), BERT_OK);
        for (const struct bert__traced *t = from.trace.files; t != NULL; t = t->next, count++)
            if (!lists(&found, t->name))
                fail_msg("%s: a load reads %s, and no manifest would list it", path, t->name);
        bert__trace_free(&found);
        bert__source_close(source);
        bert__model_traced_free(&from);
    }
    assert_int_equal(bert__alloc_used(alloc), 0);
    bert__alloc_destroy(alloc);
    return count > 0;
}

static unsigned check_models(const char *folder)
{
    char path[1024];
    struct dirent *entry;
    DIR *dir;
    unsigned count = 0;

    snprintf(path, sizeof path, "%s/tests/data/models/%s", TEST_SRCDIR, folder);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "%s/tests/data/models/%s/%s", TEST_SRCDIR, folder,
                 entry->d_name);
        if (entry->d_name[0] != '.')
            count += check_model(path);
    }
    closedir(dir);
    return count;
}

static void test_load_reads_no_more(void **state)
{
    static const char *const folders[] = {"bert",  "embed",  "family", "head",
                                          "multi", "sparse", "task"};
    unsigned count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        count += check_models(folders[i]);
    print_message("%u models\n", count);
    assert_true(count > 50);
}

/* ---- A model's folder ---------------------------------------------------------------- */

static char folder[64];
static const char *const copied[] = {"config.json", "model.safetensors", "tokenizer.json",
                                     "modules.json", "1_Pooling/config.json"};

static void write_file(const char *name, const char *data, size_t size)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static int set_up(void **state)
{
    char path[256];

    (void)state;
    snprintf(folder, sizeof folder, "/tmp/bert-manifest-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/1_Pooling", folder);
    assert_int_equal(mkdir(path, 0777), 0);
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        const char *json = "[{\"path\": \"\"}, {\"path\": \"1_Pooling/\"}]";

        if (strcmp(copied[i], "modules.json") == 0)
            write_file(copied[i], json, strlen(json));
        else
            write_file(copied[i], copied[i], strlen(copied[i]));
    }
    test_sys_install();
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    bert__sys_replace(NULL);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static size_t entries(void)
{
    DIR *d = opendir(folder);
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static bert_status write_it(const bert_manifest_options *o, char *digest, bert_error *err)
{
    return bert_manifest_write(folder, o, digest, err);
}

static bert_status verify_it(const bert_manifest_options *o, char *digest, bert_error *err)
{
    return bert_manifest_verify(folder, o, digest, err);
}

static bert_status name_it(const bert_manifest_options *o, char *digest, bert_error *err)
{
    return bert_manifest_digest(folder, o, digest, err);
}

typedef bert_status (*call_fn)(const bert_manifest_options *o, char *digest, bert_error *err);
static const call_fn all_calls[] = {write_it, verify_it, name_it};

static void test_system_calls(void **state)
{
    char digest[BERT_DIGEST_SIZE], got[BERT_DIGEST_SIZE];
    bert_error err;
    size_t n;

    (void)state;
    assert_int_equal(write_it(NULL, digest, &err), BERT_OK);
    n = entries();
    for (size_t k = 0; k < 3; k++) {
        bert_status st = BERT_EIO;
        int failures = 0;

        test_sys.open_errno = test_sys.stat_errno = test_sys.read_errno = EIO;
        test_sys.resolve_errno = test_sys.write_errno = EIO;
        for (test_sys.fail_at = 1; st != BERT_OK; test_sys.fail_at++) {
            test_sys.calls = 0;
            memset(&err, 0, sizeof err);
            st = all_calls[k](NULL, got, &err);
            if (st != BERT_OK) {
                assert_int_equal(st, BERT_EIO);
                assert_int_equal(err.code, BERT_EIO);
                assert_non_null(strstr(err.message, folder));
                assert_string_equal(got, "");
                failures++;
            }
            assert_int_equal(test_sys.open_files, 0);
            assert_int_equal(entries(), n);
        }
        test_sys_install();
        assert_string_equal(got, digest);
        assert_int_equal(verify_it(NULL, got, &err), BERT_OK);
        print_message("%d calls failed\n", failures);
        assert_true(failures > 50);
    }
}

static void test_allocations(void **state)
{
    char digest[BERT_DIGEST_SIZE], got[BERT_DIGEST_SIZE];
    bert_error err;
    size_t n;

    (void)state;
    assert_int_equal(write_it(NULL, digest, &err), BERT_OK);
    n = entries();
    for (size_t k = 0; k < 3; k++) {
        bert_status st = BERT_ENOMEM;
        long failures = 0;

        for (long at = 1; st != BERT_OK; at++) {
            bert_manifest_options o = BERT_MANIFEST_OPTIONS_INIT;
            struct test_alloc t;

            test_alloc_init(&t, at);
            o.allocator = &t.host;
            st = all_calls[k](&o, got, &err);
            if (st != BERT_OK) {
                assert_int_equal(st, BERT_ENOMEM);
                assert_int_equal(err.code, BERT_ENOMEM);
                failures++;
            }
            assert_int_equal(t.live, 0);
            assert_int_equal(test_sys.open_files, 0);
            assert_int_equal(entries(), n);
        }
        assert_string_equal(got, digest);
        assert_true(failures > 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_reads_no_more),
        cmocka_unit_test_setup_teardown(test_system_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_allocations, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
