/* SPDX-License-Identifier: MIT */
/*
 * support.h - what the tests of the public interface share: fixtures, expected
 * values, comparison, a counting allocator.  Linked into every test program here.
 */
#ifndef BERT_TESTS_API_SUPPORT_H
#define BERT_TESTS_API_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include <bert.h>

/* ---- Places ---------------------------------------------------------------- */

/* Path below the source root; a static buffer of eight turns. */
const char *test_path(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Folder of the real all-MiniLM-L6-v2: $BERT_TEST_MODEL, else models/all-MiniLM-L6-v2;
 * NULL, after saying so, when it is not there. */
const char *test_minilm(void);
void *test_read_file(const char *path, size_t *size);

/* ---- Expected values: the format of tests/fixtures/arrays.py --------------- */

enum test_kind { TEST_I32, TEST_F32, TEST_F64, TEST_BYTES };

struct test_array {
    char name[64];
    enum test_kind kind;
    uint32_t rank, shape[4];
    size_t count;
    void *data;
};

struct test_arrays {
    struct test_array *list;
    size_t n;
};

void test_arrays_load(struct test_arrays *arrays, const char *path);
void test_arrays_free(struct test_arrays *arrays);
/* NULL if there is none of that name. */
const struct test_array *test_find(const struct test_arrays *arrays, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, and fails the test if there is none. */
const struct test_array *test_need(const struct test_arrays *arrays, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The texts of arrays "texts" and "text_ends", borrowed; their number, at most `most`. */
size_t test_texts(const struct test_arrays *arrays, bert_text *texts, size_t most);

/* ---- Comparison ------------------------------------------------------------ */

/* 1e-5 * max(1, rms of want). */
double test_tolerance(const float *want, size_t n);
/* Fails, naming `what` and the worst place, if any |got - want| is over the tolerance. */
void test_close(const char *what, const float *got, const float *want, size_t n);
/* Fails unless the bits are equal. */
void test_same(const char *what, const float *got, const float *want, size_t n);
/* Fails unless `status` is BERT_OK, showing the message. */
void test_ok(bert_status status, const bert_error *err);
/* Fails unless `status` is `want`, err.code too, and the one-line message holds every
 * string of the NULL-terminated list. */
void test_error(bert_status status, const bert_error *err, bert_status want, ...)
    __attribute__((sentinel));

/* ---- A model's files in memory --------------------------------------------- */

struct test_files {
    bert_file *list;
    size_t n;
};

/* Every file below `dir`; one already there by that name is replaced. */
void test_files_add(struct test_files *files, const char *dir);
bert_file *test_files_find(struct test_files *files, const char *name);
/* A copy of `data`. */
void test_files_set(struct test_files *files, const char *name, const void *data, size_t size);
void test_files_set_text(struct test_files *files, const char *name, const char *text);
/* Replace the first `from` in a file by `to`; fails if it is not there. */
void test_files_edit(struct test_files *files, const char *name, const char *from, const char *to);
void test_files_remove(struct test_files *files, const char *name);
void test_files_free(struct test_files *files);

/* A new folder of our own, in $TMPDIR or /tmp; and away with it and all that is in it. */
char *test_folder(void);
void test_folder_remove(char *folder);
/* All files of a list below a folder, in the folders that their names say. */
void test_files_write(const struct test_files *files, const char *folder);

/* One tensor of a safetensors file in memory whose header has no white space. */
struct test_tensor {
    char name[128];
    char dtype[8];
    size_t begin, end; /* in the file */
};

/* Tensor number i; 0 past the end. */
int test_tensor_at(const bert_file *file, size_t i, struct test_tensor *out);
/* Tensor by name; fails if there is none. */
void test_tensor_find(const bert_file *file, const char *name, struct test_tensor *out);

/* ---- Loading and running --------------------------------------------------- */

bert_model *test_load(const char *dir, const char *cpu);
bert_model *test_load_as(const char *dir, const char *cpu, bert_precision precision);
bert_model *test_load_files(const struct test_files *files, const char *cpu);
bert_session *test_session(bert_model *model, uint32_t threads);

/* ---- An allocator that counts and fails ------------------------------------ */

struct test_heap {
    long live;    /* blocks */
    long calls;   /* allocations asked for */
    long fail_at; /* this allocation (from 1) fails; 0: none */
    int fail_on;  /* 1: all after it fail too */
    long failed;  /* how many did */
    uint64_t bytes, peak;
};

bert_allocator test_heap_allocator(struct test_heap *heap);

/* ---- Random numbers, the same on every machine ------------------------------ */

/* xorshift64*; *state must not be 0. */
uint32_t test_random(uint64_t *state, uint32_t below);

#endif
