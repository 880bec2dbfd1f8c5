/* SPDX-License-Identifier: MIT */
/* bundle_write.c - a packed model's bytes. */
#include "lib/base/bundle_write.h"

#include <string.h>

#include "lib/base/bundle_header.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

void bert__index_section(struct bert__json_text *text, const struct bert__section *section)
{
    bert__json_add(text, ", \"at\": [%llu, %llu], \"crc\": %lu",
                   (unsigned long long)section->offset, (unsigned long long)section->size,
                   (unsigned long)section->crc);
}

/* ---- Sections ---------------------------------------------------------------------------- */

bert_status bert__bundle_write_open(struct bert__bundle_writer *w, struct bert__alloc *alloc,
                                    const char *path, bert_error *err)
{
    memset(w, 0, sizeof *w);
    w->index.alloc = alloc;
    w->end = BERT__BUNDLE_HEADER;
    bert__crc32_init(&w->crc);
    return bert__out_file_create(&w->file, alloc, path, err);
}

/* Large ones have pages of their own: what is not in use need not be in memory. */
void bert__bundle_write_begin(struct bert__bundle_writer *w, uint64_t size)
{
    uint64_t align = size >= BERT__BUNDLE_PAGE ? BERT__BUNDLE_PAGE : BERT__BUNDLE_ALIGN;

    w->section = (struct bert__section){(w->end + align - 1) / align * align, size, 0};
    w->end = w->section.offset;
}

bert_status bert__bundle_write(struct bert__bundle_writer *w, const void *data, size_t size,
                               bert_error *err)
{
    bert_status st = bert__out_file_write(w->file, w->end, data, size, err);

    w->section.crc = bert__crc32_add(&w->crc, w->section.crc, data, size);
    w->end += size;
    return st;
}

bert_status bert__bundle_write_finish(struct bert__bundle_writer *w, bert_error *err)
{
    unsigned char bytes[BERT__BUNDLE_HEADER];
    struct bert__bundle_header header = {.version = BERT__BUNDLE_VERSION,
                                         .file_size = w->end + w->index.size,
                                         .index_offset = w->end,
                                         .index_size = w->index.size,
                                         .byte_order = bert__byte_order()};
    bert_status st =
        w->index.failed ? bert__alloc_fail(w->index.alloc, "the packed model", err) : BERT_OK;

    if (st == BERT_OK)
        st = bert__out_file_write(w->file, w->end, w->index.data, w->index.size, err);
    if (st == BERT_OK) {
        bert__bundle_header_write(bytes, &header);
        header.crc = bert__bundle_header_crc(bytes, w->index.data, w->index.size);
        bert__bundle_header_write(bytes, &header);
        st = bert__out_file_write(w->file, 0, bytes, sizeof bytes, err);
    }
    if (st == BERT_OK) {
        st = bert__out_file_commit(w->file, err);
        w->file = NULL;
    }
    bert__bundle_write_discard(w);
    return st;
}

void bert__bundle_write_discard(struct bert__bundle_writer *w)
{
    bert__out_file_discard(w->file);
    w->file = NULL;
    bert__alloc_free(w->index.alloc, w->index.data);
    w->index.data = NULL;
}
