/* SPDX-License-Identifier: MIT */
/*
 * test_manifest.c - bert/manifest.h's manifests: of a directory and of a packed file; what is
 * changed, cut, missing, renamed, added or reached by a link is refused by its name, and every
 * field of a manifest that is wrong by the field's.
 */
#include "support_pack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bert_error err;
static char digest[BERT_DIGEST_SIZE];

static const char *below(const char *dir, const char *name)
{
    static char path[8][512];
    static int turn;
    char *out = path[turn++ % 8];

    snprintf(out, sizeof path[0], "%s/%s", dir, name);
    return out;
}

/* A small model with modules and two shards, with its manifest. */
static const char *model_directory(const char *name, struct test_files *files)
{
    const char *dir;

    *files = (struct test_files){NULL, 0};
    test_files_add(files, test_path("tests/data/models/embed/base"));
    test_files_add(files, test_path("tests/data/models/embed/dense_tanh"));
    dir = pack_directory(files, name);
    test_ok(bert_manifest_write(dir, NULL, digest, &err), &err);
    assert_int_equal(strlen(digest), BERT_DIGEST_SIZE - 1);
    return dir;
}

static void verifies(const char *path)
{
    char got[BERT_DIGEST_SIZE];

    test_ok(bert_manifest_verify(path, NULL, got, &err), &err);
    assert_string_equal(got, digest);
}

static void refused(const char *path, bert_status code, const char *name, const char *why)
{
    char got[BERT_DIGEST_SIZE] = "x";

    test_error(bert_manifest_verify(path, NULL, got, &err), &err, code, name, why, NULL);
    assert_string_equal(got, "");
}

static int is_listed(const char *manifest, const char *name)
{
    char text[256];

    snprintf(text, sizeof text, "\"name\": \"%s\"", name);
    return strstr(manifest, text) != NULL;
}

/* ---- As it should be ----------------------------------------------------------------- */

static void test_written(void **state)
{
    struct test_files files;
    const char *dir = model_directory("written", &files);
    const char *file = below(dir, "bert_manifest.json");
    char *before, *after, again[BERT_DIGEST_SIZE];
    size_t size, n;

    (void)state;
    verifies(dir);
    verifies(below(dir, ""));
    test_ok(bert_manifest_verify(dir, NULL, NULL, &err), &err);
    before = test_read_file(file, &size);
    assert_true(is_listed(before, "config.json"));
    assert_true(is_listed(before, "1_Pooling/config.json"));
    assert_true(is_listed(before, "model.safetensors"));
    assert_false(is_listed(before, "bert_manifest.json"));
    assert_non_null(strstr(before, digest));
    /* what isn't read makes no difference; writing again gives the same */
    pack_write(below(dir, "README.md"), "x", 1);
    pack_write(below(dir, "pytorch_model.bin"), "x", 1);
    verifies(dir);
    test_ok(bert_manifest_write(dir, NULL, again, &err), &err);
    assert_string_equal(again, digest);
    after = test_read_file(file, &n);
    assert_int_equal(n, size);
    assert_memory_equal(before, after, n);
    test_ok(bert_manifest_digest(dir, NULL, again, &err), &err);
    assert_string_equal(again, digest);
    assert_int_equal(unlink(file), 0);
    test_ok(bert_manifest_digest(dir, NULL, again, &err), &err);
    assert_string_equal(again, digest);
    free(before);
    free(after);
    test_files_free(&files);
}

/* The digest is what sha256sum says of what sha256sum says. */
static void test_sha256sum(void **state)
{
    struct test_files files;
    const char *dir = model_directory("sum", &files);
    char command[2048], line[128] = "";
    FILE *f;

    (void)state;
    snprintf(command, sizeof command,
             "cd '%s' && sed -n 's/.*\"name\": \"\\([^\"]*\\)\".*/\\1/p' bert_manifest.json"
             " | xargs sha256sum 2>/dev/null | sha256sum 2>/dev/null",
             dir);
    f = popen(command, "r");
    assert_non_null(f);
    if (fgets(line, sizeof line, f) != NULL) {
        line[BERT_DIGEST_SIZE - 1] = '\0';
        assert_string_equal(line, digest);
    }
    pclose(f);
    test_files_free(&files);
}

/* ---- Every listed file, spoilt in every way -------------------------------------------- */

static void spoil(const char *dir, const bert_file *file)
{
    const char *path = below(dir, file->name);
    char *data = malloc(file->size + 1);
    char away[600];

    assert_non_null(data);
    memcpy(data, file->data, file->size);
    for (size_t i = 0; i < 3; i++) { /* first, middle, last byte */
        size_t at = i * (file->size - 1) / 2;

        data[at] ^= 1;
        pack_write(path, data, file->size);
        refused(dir, BERT_EFORMAT, file->name, "changed: its SHA-256 is ");
        data[at] ^= 1;
    }
    pack_write(path, data, file->size - 1);
    refused(dir, BERT_EFORMAT, file->name, "in the manifest");
    pack_write(path, data, file->size + 1);
    refused(dir, BERT_EFORMAT, file->name, "in the manifest");
    pack_write(path, data, file->size);
    verifies(dir);
    snprintf(away, sizeof away, "%s.old", path);
    assert_int_equal(rename(path, away), 0);
    refused(dir, BERT_EFORMAT, file->name, "missing");
    assert_int_equal(mkdir(path, 0777), 0);
    refused(dir, BERT_EIO, file->name, "a directory");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rename(away, path), 0);
    if (geteuid() != 0) {
        assert_int_equal(chmod(path, 0), 0);
        refused(dir, BERT_EIO, file->name, "permission denied");
        assert_int_equal(chmod(path, 0644), 0);
    }
    verifies(dir);
    free(data);
}

static void test_spoilt(void **state)
{
    struct test_files files;
    const char *dir = model_directory("spoilt", &files);
    size_t n, spoilt = 0;
    char *manifest = test_read_file(below(dir, "bert_manifest.json"), &n);

    (void)state;
    for (size_t i = 0; i < files.n; i++)
        if (is_listed(manifest, files.list[i].name)) {
            spoil(dir, &files.list[i]);
            spoilt++;
        }
    assert_true(spoilt >= 6);
    free(manifest);
    test_files_free(&files);
}

/* A file that the loader would take now and did not before. */
static void test_extra(void **state)
{
    static const char *const names[] = {"vocab.txt", "added_tokens.json", "2_Dense/vocab.json",
                                        "adapter_config.json", "golden.json"};
    struct test_files files;
    const char *dir = model_directory("extra", &files);

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = below(dir, names[i]);

        if (access(path, F_OK) == 0) /* it is the model's own */
            continue;
        pack_write(path, "{}", 2);
        refused(dir, BERT_EFORMAT, names[i], "not in the manifest");
        assert_int_equal(unlink(path), 0);
        verifies(dir);
    }
    test_files_free(&files);
}

/* Of shards the index says which; and a single file stands before them. */
static void test_shards(void **state)
{
    struct test_files files = {NULL, 0};
    const char *dir, *single, *one = "model-00001-of-00003.safetensors",
                              *two = "model-00002-of-00003.safetensors";
    char *manifest;
    size_t n;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/bert/shards32"));
    dir = pack_directory(&files, "shards");
    single = below(dir, "model.safetensors");
    test_ok(bert_manifest_write(dir, NULL, digest, &err), &err);
    verifies(dir);
    manifest = test_read_file(below(dir, "bert_manifest.json"), &n);
    assert_true(is_listed(manifest, "model.safetensors.index.json"));
    for (size_t i = 0; i < files.n; i++)
        if (strstr(files.list[i].name, ".safetensors") != NULL) {
            assert_true(is_listed(manifest, files.list[i].name));
            spoil(dir, &files.list[i]);
        }
    pack_write(single, "x", 1);
    refused(dir, BERT_EFORMAT, "model.safetensors", "not in the manifest");
    assert_int_equal(unlink(single), 0);
    if (test_files_find(&files, two) != NULL) { /* one in the place of the other */
        assert_int_equal(rename(below(dir, one), below(dir, "x")), 0);
        assert_int_equal(rename(below(dir, two), below(dir, one)), 0);
        assert_int_equal(rename(below(dir, "x"), below(dir, two)), 0);
        refused(dir, BERT_EFORMAT, one, "in the manifest");
    }
    free(manifest);
    test_files_free(&files);
}

/* ---- Links ------------------------------------------------------------------------------- */

static void test_links(void **state)
{
    struct test_files files;
    const char *dir = model_directory("links", &files), *link_to = pack_path("current");
    const char *config = below(dir, "config.json"), *away = pack_path("away.json");
    bert_manifest_options o = BERT_MANIFEST_OPTIONS_INIT;
    char got[BERT_DIGEST_SIZE];

    (void)state;
    /* the model itself may be reached by a link */
    assert_int_equal(symlink(dir, link_to), 0);
    verifies(link_to);
    /* within it too */
    assert_int_equal(rename(config, below(dir, "real.json")), 0);
    assert_int_equal(symlink("real.json", config), 0);
    verifies(dir);
    verifies(link_to);
    /* but not outside, however right the bytes are */
    assert_int_equal(unlink(config), 0);
    assert_int_equal(rename(below(dir, "real.json"), away), 0);
    assert_int_equal(symlink(away, config), 0);
    refused(dir, BERT_EFORMAT, "config.json", "leads out");
    test_error(bert_manifest_write(dir, NULL, got, &err), &err, BERT_EFORMAT, "config.json",
               "leads out", NULL);
    test_ok(bert_manifest_digest(dir, NULL, got, &err), &err);
    assert_string_equal(got, digest);
    o.flags = BERT_MANIFEST_LINKS;
    test_ok(bert_manifest_verify(dir, &o, got, &err), &err);
    assert_int_equal(unlink(away), 0);
    refused(dir, BERT_EIO, "config.json", "symbolic link");
    assert_int_equal(unlink(config), 0);
    test_files_free(&files);
}

/* A folder of the model, and the whole of it, replaced by links to another place. */
static void test_linked_folder(void **state)
{
    struct test_files files, other;
    const char *dir = model_directory("folder", &files), *pooling = below(dir, "1_Pooling");
    const char *away = pack_path("1_Pooling.away");

    (void)state;
    assert_int_equal(rename(pooling, away), 0);
    assert_int_equal(symlink(away, pooling), 0);
    refused(dir, BERT_EFORMAT, "1_Pooling/config.json", "leads out");
    assert_int_equal(unlink(pooling), 0);
    assert_int_equal(rename(away, pooling), 0);
    verifies(dir);
    /* another model with an own manifest: what came another way tells them apart */
    test_files_free(&files);
    away = model_directory("other", &other);
    pack_write(below(away, "config.json"), "{}", 2);
    test_ok(bert_manifest_write(away, NULL, NULL, &err), &err);
    assert_int_equal(rename(dir, pack_path("folder.old")), 0);
    assert_int_equal(symlink(away, dir), 0);
    {
        char got[BERT_DIGEST_SIZE];

        test_ok(bert_manifest_verify(dir, NULL, got, &err), &err);
        assert_string_not_equal(got, digest);
    }
    test_files_free(&other);
}

/* CACHE/snapshots/REVISION/config.json -> ../../blobs/NUMBER */
static void test_hub_cache(void **state)
{
    struct test_files files = {NULL, 0};
    const char *dir;

    (void)state;
    test_files_set_text(&files, "blobs/0", "{}");
    test_files_set_text(&files, "snapshots/abc/config.json", "x");
    test_files_set_text(&files, "other/config.json", "{}");
    pack_directory(&files, "hub");
    dir = pack_path("hub/snapshots/abc");
    assert_int_equal(unlink(below(dir, "config.json")), 0);
    assert_int_equal(symlink("../../blobs/0", below(dir, "config.json")), 0);
    test_ok(bert_manifest_write(dir, NULL, digest, &err), &err);
    verifies(dir);
    assert_int_equal(unlink(below(dir, "config.json")), 0);
    assert_int_equal(symlink("../../other/config.json", below(dir, "config.json")), 0);
    refused(dir, BERT_EFORMAT, "config.json", "leads out");
    test_files_free(&files);
}

/* ---- A packed model ----------------------------------------------------------------------------
 */

static void test_packed(void **state)
{
    struct test_files files;
    const char *file = pack_path("model-7.bert"), *moved = pack_path("current.bert");
    char text[BERT_DIGEST_SIZE], *data;
    struct stat st;
    size_t size;

    (void)state;
    pack_make(model_directory("to-pack", &files), file, NULL, BERT_PRECISION_DEFAULT);
    test_ok(bert_manifest_write(file, NULL, digest, &err), &err);
    assert_int_equal(stat(pack_path("model-7.bert.manifest.json"), &st), 0);
    verifies(file);
    data = test_read_file(file, &size);
    for (size_t i = 0; i < 5; i++) {
        size_t at = i * (size - 1) / 4;

        data[at] ^= 1;
        pack_write(file, data, size);
        refused(file, BERT_EFORMAT, "model-7.bert", i > 0 ? "changed" : "");
        data[at] ^= 1;
    }
    pack_write(file, data, size - 1);
    refused(file, BERT_EFORMAT, "model-7.bert", "in the manifest");
    pack_write(file, data, size);
    verifies(file);
    pack_write(pack_path("model-7.bert.golden.json"), "{}", 2);
    refused(file, BERT_EFORMAT, "model-7.bert.golden.json", "not in the manifest");
    assert_int_equal(unlink(pack_path("model-7.bert.golden.json")), 0);
    /* under another name it is the same */
    assert_int_equal(rename(file, moved), 0);
    assert_int_equal(
        rename(pack_path("model-7.bert.manifest.json"), pack_path("current.bert.manifest.json")),
        0);
    verifies(moved);
    assert_int_equal(symlink(moved, file), 0);
    test_ok(bert_manifest_digest(file, NULL, text, &err), &err);
    assert_string_equal(text, digest);
    refused(file, BERT_EIO, "model-7.bert.manifest.json", "no such file");
    pack_write(pack_path("plain"), "x", 1);
    refused(pack_path("plain"), BERT_EFORMAT, "plain", "neither");
    free(data);
    test_files_free(&files);
}

/* ---- Manifests that are wrong
 * -------------------------------------------------------------------- */

#define ZEROS                  "0000000000000000000000000000000000000000000000000000000000000000"
#define HEAD                   "{\"format\": \"libbert manifest\", \"version\": 1, "
#define LIST                   HEAD "\"digest\": \"" ZEROS "\", \"files\": ["
#define ENTRY(name, size, sum) "{\"name\": " name ", \"size\": " size ", \"sha256\": \"" sum "\"}"

static void test_fields(void **state)
{
    static const struct {
        const char *json;
        bert_status code;
        const char *says;
    } cases[] = {
        {"", BERT_EFORMAT, "line 1"},
        {"[]", BERT_EFORMAT, "an object"},
        {"{}", BERT_EFORMAT, "\"format\""},
        {"{\"format\": 7}", BERT_EFORMAT, "\"format\""},
        {"{\"format\": \"libbert manifest\"}", BERT_EFORMAT, "\"version\" is missing"},
        {"{\"format\": \"libbert manifest\", \"version\": 0}", BERT_EFORMAT, "version"},
        {"{\"format\": \"libbert manifest\", \"version\": \"1\"}", BERT_EFORMAT, "version"},
        {"{\"format\": \"libbert manifest\", \"version\": 2}", BERT_EUNSUPPORTED, "version 2"},
        {HEAD "\"files\": []}", BERT_EFORMAT, "\"digest\""},
        {HEAD "\"digest\": 1}", BERT_EFORMAT, "\"digest\""},
        {HEAD "\"digest\": \"00\"}", BERT_EFORMAT, "\"digest\""},
        {HEAD "\"digest\": \"" ZEROS "\"}", BERT_EFORMAT, "\"files\""},
        {HEAD "\"digest\": \"" ZEROS "\", \"files\": {}}", BERT_EFORMAT, "\"files\""},
        {LIST "]}", BERT_EFORMAT, "\"files\""},
        {LIST "7]}", BERT_EFORMAT, "files[0]"},
        {LIST "{}]}", BERT_EFORMAT, "\"name\""},
        {LIST ENTRY("7", "1", ZEROS) "]}", BERT_EFORMAT, "\"name\""},
        {LIST ENTRY("\"\"", "1", ZEROS) "]}", BERT_EFORMAT, "\"name\""},
        {LIST ENTRY("\"../x\"", "1", ZEROS) "]}", BERT_EFORMAT, "\"../x\""},
        {LIST ENTRY("\"a/../../x\"", "1", ZEROS) "]}", BERT_EFORMAT, "a/../../x"},
        {LIST ENTRY("\"/etc/passwd\"", "1", ZEROS) "]}", BERT_EFORMAT, "/etc/passwd"},
        {LIST ENTRY("\"./x\"", "1", ZEROS) "]}", BERT_EFORMAT, "./x"},
        {LIST ENTRY("\"a//x\"", "1", ZEROS) "]}", BERT_EFORMAT, "a//x"},
        {LIST ENTRY("\"a/\"", "1", ZEROS) "]}", BERT_EFORMAT, "a/"},
        {LIST ENTRY("\"a\\u0000\"", "1", ZEROS) "]}", BERT_EFORMAT, "no"},
        {LIST ENTRY("\"a\\nb\"", "1", ZEROS) "]}", BERT_EFORMAT, "a?b"},
        {LIST ENTRY("\"bert_manifest.json\"", "1", ZEROS) "]}", BERT_EFORMAT, "bert_manifest"},
        {LIST ENTRY("\"a\"", "-1", ZEROS) "]}", BERT_EFORMAT, "\"size\""},
        {LIST ENTRY("\"a\"", "1.5", ZEROS) "]}", BERT_EFORMAT, "\"size\""},
        {LIST ENTRY("\"a\"", "1e30", ZEROS) "]}", BERT_EFORMAT, "\"size\""},
        {LIST ENTRY("\"a\"", "\"1\"", ZEROS) "]}", BERT_EFORMAT, "\"size\""},
        {LIST ENTRY("\"a\"", "1", "0") "]}", BERT_EFORMAT, "\"sha256\""},
        {LIST ENTRY("\"a\"", "1", "A" ZEROS) "]}", BERT_EFORMAT, "\"sha256\""},
        {LIST ENTRY("\"b\"", "1", ZEROS) ", " ENTRY("\"a\"", "1", ZEROS) "]}", BERT_EFORMAT,
         "files[1]"},
        {LIST ENTRY("\"a\"", "1", ZEROS) ", " ENTRY("\"a\"", "1", ZEROS) "]}", BERT_EFORMAT,
         "files[1]"},
        {LIST ENTRY("\"a\"", "1", ZEROS) "]}", BERT_EFORMAT, "that of the list"},
    };
    struct test_files files;
    const char *dir = model_directory("fields", &files);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pack_write(below(dir, "bert_manifest.json"), cases[i].json, strlen(cases[i].json));
        refused(dir, cases[i].code, "bert_manifest.json", cases[i].says);
    }
    assert_int_equal(unlink(below(dir, "bert_manifest.json")), 0);
    refused(dir, BERT_EIO, "bert_manifest.json", "no such file");
    test_files_free(&files);
}

/* ---- Options
 * ---------------------------------------------------------------------------------------- */

static long polls, cancel_at, lines;

static int cancel(void *context)
{
    assert_ptr_equal(context, &polls);
    return ++polls == cancel_at;
}

static void take_line(void *context, bert_log_level level, const char *line)
{
    assert_ptr_equal(context, &lines);
    assert_int_equal(level, BERT_LOG_INFO);
    assert_non_null(strstr(line, "SHA-256"));
    lines++;
}

static void test_options(void **state)
{
    struct test_files files;
    const char *dir = model_directory("options", &files);
    bert_manifest_options o = BERT_MANIFEST_OPTIONS_INIT;
    struct stat before, after;
    char got[BERT_DIGEST_SIZE];
    bert_status st = BERT_ECANCELED;

    (void)state;
    test_error(bert_manifest_write(NULL, NULL, NULL, &err), &err, BERT_EINVAL, "path", NULL);
    test_error(bert_manifest_verify(NULL, NULL, NULL, &err), &err, BERT_EINVAL, "path", NULL);
    test_error(bert_manifest_digest(dir, NULL, NULL, &err), &err, BERT_EINVAL, "digest", NULL);
    test_error(bert_manifest_digest(pack_path("nowhere"), NULL, got, &err), &err, BERT_EIO,
               "nowhere", NULL);
    assert_int_equal(mkdir(pack_path("empty"), 0777), 0);
    test_error(bert_manifest_write(pack_path("empty"), NULL, got, &err), &err, BERT_EIO, "empty",
               "no model", NULL);
    assert_int_equal(pack_entries(pack_path("empty")), 2);
    o.flags = 2;
    test_error(bert_manifest_verify(dir, &o, got, &err), &err, BERT_EINVAL, "flags", NULL);
    o.flags = 0;
    o.max_file_bytes = 1000;
    test_error(bert_manifest_verify(dir, &o, got, &err), &err, BERT_ELIMIT, "limit", NULL);
    o.max_file_bytes = 0;
    o.log = take_line;
    o.log_context = &lines;
    test_ok(bert_manifest_verify(dir, &o, got, &err), &err);
    assert_true(lines >= 6);
    o.cancel = cancel;
    o.cancel_context = &polls;
    assert_int_equal(stat(below(dir, "bert_manifest.json"), &before), 0);
    for (cancel_at = 1; st != BERT_OK; cancel_at++) {
        polls = 0;
        st = bert_manifest_write(dir, &o, got, &err);
        if (st == BERT_OK)
            break;
        test_error(st, &err, BERT_ECANCELED, "canceled", NULL);
        assert_int_equal(stat(below(dir, "bert_manifest.json"), &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
    }
    assert_true(cancel_at > 6);
    test_files_free(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written),   cmocka_unit_test(test_sha256sum),
        cmocka_unit_test(test_spoilt),    cmocka_unit_test(test_extra),
        cmocka_unit_test(test_shards),    cmocka_unit_test(test_links),
        cmocka_unit_test(test_hub_cache), cmocka_unit_test(test_linked_folder),
        cmocka_unit_test(test_packed),    cmocka_unit_test(test_fields),
        cmocka_unit_test(test_options),
    };

    return cmocka_run_group_tests_name("manifest", tests, pack_set_up, pack_tear_down);
}
