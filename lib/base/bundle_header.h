/* SPDX-License-Identifier: MIT */
/*
 * bundle_header.h - the first bytes of a packed model, for its reader and its writer.
 *
 * Little endian: the magic; u32 version; u32 CRC-32 of the header, without these four bytes,
 * and of the index; u64 size of the file; u64 offset and u64 size of the index; u32 byte order
 * of the sections, 1 where they are little endian, 2 big; zeros.
 */
#ifndef BERT_LIB_BASE_BUNDLE_HEADER_H
#define BERT_LIB_BASE_BUNDLE_HEADER_H

#include <stdint.h>

#include "lib/base/bundle.h"

struct bert__bundle_header {
    uint32_t version, crc;
    uint64_t file_size, index_offset, index_size;
    uint32_t byte_order;
};

extern const unsigned char bert__bundle_magic[BERT__BUNDLE_MAGIC];

uint32_t bert__byte_order(void);
void bert__bundle_header_write(unsigned char out[BERT__BUNDLE_HEADER],
                               const struct bert__bundle_header *header);
/* False if the magic or the zeros at the end are others. */
bool bert__bundle_header_read(struct bert__bundle_header *out,
                              const unsigned char bytes[BERT__BUNDLE_HEADER]);
/* The sum that belongs into the header. */
uint32_t bert__bundle_header_crc(const unsigned char bytes[BERT__BUNDLE_HEADER], const char *index,
                                 size_t index_size);

#endif
