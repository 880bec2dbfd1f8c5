/* SPDX-License-Identifier: MIT */
/*
 * out_file.h - a file that is written whole or not at all: under another name beside it, flushed
 * to the device, then renamed.
 */
#ifndef BERT_LIB_BASE_OUT_FILE_H
#define BERT_LIB_BASE_OUT_FILE_H

#include "lib/base/alloc.h"

struct bert__out_file;

bert_status bert__out_file_create(struct bert__out_file **out, struct bert__alloc *alloc,
                                  const char *path, bert_error *err);
/* At any place; what is left out before the end is zeros. */
bert_status bert__out_file_write(struct bert__out_file *file, uint64_t offset, const void *data,
                                 size_t size, bert_error *err);
/* Put it in its place and free it; after a failure it is gone, and the old one still there. */
bert_status bert__out_file_commit(struct bert__out_file *file, bert_error *err);
/* All of it at once. */
bert_status bert__out_file_put(struct bert__alloc *alloc, const char *path, const void *data,
                               size_t size, bert_error *err);
/* Give it up.  NULL is fine. */
void bert__out_file_discard(struct bert__out_file *file);

#endif
