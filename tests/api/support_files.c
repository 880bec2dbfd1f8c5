/* SPDX-License-Identifier: MIT */
/* support_files.c - a model's files in memory, to be altered and loaded. */
#include "support.h"

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bert_file *test_files_find(struct test_files *files, const char *name)
{
    for (size_t i = 0; i < files->n; i++)
        if (strcmp(files->list[i].name, name) == 0)
            return &files->list[i];
    return NULL;
}

/* Takes over `data`. */
static void put(struct test_files *files, const char *name, void *data, size_t size)
{
    bert_file *file = test_files_find(files, name);

    if (file != NULL) {
        free((void *)(uintptr_t)file->data);
    } else {
        files->list = realloc(files->list, (files->n + 1) * sizeof *files->list);
        assert_non_null(files->list);
        file = &files->list[files->n++];
        file->name = strdup(name);
        assert_non_null(file->name);
    }
    file->data = data;
    file->size = size;
}

static void add_below(struct test_files *files, const char *dir, const char *prefix)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    if (d == NULL)
        fail_msg("cannot open the folder %s", dir);
    while ((e = readdir(d)) != NULL) {
        char path[2048], name[512];
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        snprintf(name, sizeof name, "%s%s", prefix, e->d_name);
        assert_int_equal(stat(path, &st), 0);
        if (S_ISDIR(st.st_mode)) {
            strncat(name, "/", sizeof name - strlen(name) - 1);
            add_below(files, path, name);
        } else if (strcmp(name, "expected.bin") != 0) {
            size_t size;
            void *data = test_read_file(path, &size);
            put(files, name, data, size);
        }
    }
    closedir(d);
}

void test_files_add(struct test_files *files, const char *dir)
{
    add_below(files, dir, "");
}

void test_files_set(struct test_files *files, const char *name, const void *data, size_t size)
{
    char *copy = malloc(size + 1);

    assert_non_null(copy);
    memcpy(copy, data, size);
    copy[size] = '\0';
    put(files, name, copy, size);
}

void test_files_set_text(struct test_files *files, const char *name, const char *text)
{
    test_files_set(files, name, text, strlen(text));
}

void test_files_edit(struct test_files *files, const char *name, const char *from, const char *to)
{
    bert_file *file = test_files_find(files, name);
    const char *text, *at;
    size_t before, size;
    char *data;

    assert_non_null(file);
    text = file->data;
    at = memmem(text, file->size, from, strlen(from));
    if (at == NULL)
        fail_msg("%s holds no %s", name, from);
    before = (size_t)(at - text);
    size = file->size - strlen(from) + strlen(to);
    data = malloc(size + 1);
    assert_non_null(data);
    memcpy(data, text, before);
    memcpy(data + before, to, strlen(to));
    memcpy(data + before + strlen(to), at + strlen(from), file->size - before - strlen(from) + 1);
    put(files, name, data, size);
}

void test_files_remove(struct test_files *files, const char *name)
{
    bert_file *file = test_files_find(files, name);

    assert_non_null(file);
    free((void *)(uintptr_t)file->data);
    free((void *)(uintptr_t)file->name);
    *file = files->list[--files->n];
}

void test_files_free(struct test_files *files)
{
    while (files->n > 0)
        test_files_remove(files, files->list[files->n - 1].name);
    free(files->list);
    files->list = NULL;
}

int test_tensor_at(const bert_file *file, size_t i, struct test_tensor *out)
{
    const char *data = file->data, *entry, *p;
    uint64_t header;

    memcpy(&header, data, sizeof header);
    p = data + 8;
    for (size_t k = 0;; k++) {
        entry = strstr(p, "\":{\"dtype\":\"");
        if (entry == NULL || entry >= data + 8 + header)
            return 0;
        p = entry + 1;
        if (k == i)
            break;
    }
    p = entry;
    while (p[-1] != '"')
        p--;
    snprintf(out->name, sizeof out->name, "%.*s", (int)(entry - p), p);
    assert_int_equal(sscanf(entry, "\":{\"dtype\":\"%7[A-Z0-9]", out->dtype), 1);
    entry = strstr(entry, "\"data_offsets\":[");
    assert_non_null(entry);
    assert_int_equal(sscanf(entry, "\"data_offsets\":[%zu,%zu]", &out->begin, &out->end), 2);
    out->begin += 8 + (size_t)header;
    out->end += 8 + (size_t)header;
    assert_true(out->begin <= out->end && out->end <= file->size);
    return 1;
}

void test_tensor_find(const bert_file *file, const char *name, struct test_tensor *out)
{
    for (size_t i = 0; test_tensor_at(file, i, out); i++)
        if (strcmp(out->name, name) == 0)
            return;
    fail_msg("no tensor %s in %s", name, file->name);
}

/* ---- Folders ------------------------------------------------------------------------- */

char *test_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    char *folder = malloc(512);

    assert_non_null(folder);
    snprintf(folder, 512, "%s/bert-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void test_folder_remove(char *folder)
{
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}

void test_files_write(const struct test_files *files, const char *folder)
{
    char path[1024];

    for (size_t i = 0; i < files->n; i++) {
        const bert_file *file = &files->list[i];
        FILE *f;

        snprintf(path, sizeof path, "%s/%s", folder, file->name);
        for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash != NULL;
             slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            mkdir(path, 0700);
            *slash = '/';
        }
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(file->data, 1, file->size, f), file->size);
        assert_int_equal(fclose(f), 0);
    }
}
