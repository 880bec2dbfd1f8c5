/* SPDX-License-Identifier: MIT */
/* bundle_write.h - a packed model, written: sections one after another, then the index. */
#ifndef BERT_LIB_BASE_BUNDLE_WRITE_H
#define BERT_LIB_BASE_BUNDLE_WRITE_H

#include "lib/base/bundle.h"
#include "lib/base/crc32.h"
#include "lib/base/json_text.h"
#include "lib/base/out_file.h"

void bert__index_section(struct bert__json_text *text, const struct bert__section *section);

struct bert__bundle_writer {
    struct bert__out_file *file;
    struct bert__json_text index;
    struct bert__section section; /* that is being written */
    uint64_t end;                 /* of the last */
    struct bert__crc32 crc;
};

bert_status bert__bundle_write_open(struct bert__bundle_writer *w, struct bert__alloc *alloc,
                                    const char *path, bert_error *err);
/* The next section, of `size` bytes in any number of pieces; then it is w->section. */
void bert__bundle_write_begin(struct bert__bundle_writer *w, uint64_t size);
bert_status bert__bundle_write(struct bert__bundle_writer *w, const void *data, size_t size,
                               bert_error *err);
/* Index and header, and the file into its place.  Closes the writer, as this does. */
bert_status bert__bundle_write_finish(struct bert__bundle_writer *w, bert_error *err);
void bert__bundle_write_discard(struct bert__bundle_writer *w);

#endif
