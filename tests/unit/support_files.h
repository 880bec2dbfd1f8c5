/* SPDX-License-Identifier: MIT */
/* support_files.h - a model directory in memory, made file by file. */
#ifndef BERT_TESTS_UNIT_SUPPORT_FILES_H
#define BERT_TESTS_UNIT_SUPPORT_FILES_H

#include "lib/base/source.h"

enum { TEST_MAX_FILES = 24 };

struct test_files {
    bert_file files[TEST_MAX_FILES];
    size_t count;
};

/* Add or replace a file; the bytes are copied, to a block of their own size. */
void test_files_put(struct test_files *t, const char *name, const void *data, size_t size);
void test_files_text(struct test_files *t, const char *name, const char *text);
void test_files_remove(struct test_files *t, const char *name);
void test_files_free(struct test_files *t);

/* A safetensors file of this header, whose length it gets right, and n bytes of data. */
void test_files_tensors(struct test_files *t, const char *name, const char *header,
                        const void *data, size_t n);

/* The same on disk: a new directory below TMPDIR, whose path is malloc'ed. */
char *test_files_write(const struct test_files *t);
void test_files_delete(char *directory);

#endif
