/* SPDX-License-Identifier: MIT */
/* support_pack.h - what the tests of packed models share: a folder, files, comparison. */
#ifndef BERT_TESTS_API_SUPPORT_PACK_H
#define BERT_TESTS_API_SUPPORT_PACK_H

#include "support.h"

/* Of the file's header. */
enum { PACK_HEADER = 64, PACK_VERSION = 8, PACK_CRC = 12, PACK_INDEX = 24, PACK_ORDER = 40 };

/* The folder for what a group of tests writes. */
int pack_set_up(void **state);
int pack_tear_down(void **state);
/* A path below it, in a static buffer of sixteen turns; "" is itself. */
const char *pack_path(const char *name);
void pack_write(const char *path, const void *data, size_t size);
/* The files as a directory, folders and all; returns its path. */
const char *pack_directory(const struct test_files *files, const char *name);
/* Names in a folder. */
size_t pack_entries(const char *path);

/* n bytes, little endian. */
uint64_t pack_number(const unsigned char *at, int n);
/* Give header and index the sum that they should have: what a liar would write. */
void pack_sign(unsigned char *file);

bert_status pack_load_bytes(bert_model **model, const void *data, size_t size, uint32_t flags,
                            bert_error *err);
bert_model *pack_load(const char *path, uint32_t flags, const char *cpu, uint32_t precision);
void pack_make(const char *from, const char *to, const char *cpu, uint32_t precision);

void pack_same_text(const char *what, const char *a, const char *b);
/* Fails unless both say the same of themselves and answer with the same bits. */
void pack_same(bert_model *a, bert_model *b);

/* A small model, as the directory "small" and packed as "small.bert", which is in memory too. */
struct pack_small {
    struct test_files files;
    unsigned char *data;
    size_t size, index; /* where that begins */
};

void pack_small_open(struct pack_small *s, const char *cpu);
void pack_small_close(struct pack_small *s);
/* Replace the first of a text in the index, by one as long. */
void pack_replace(struct pack_small *s, const char *from, const char *to);

#endif
