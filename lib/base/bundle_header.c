/* SPDX-License-Identifier: MIT */
/* bundle_header.c - a packed model's first bytes. */
#include "lib/base/bundle_header.h"

#include <string.h>

#include "lib/base/crc32.h"

enum { AT_VERSION = 8, AT_CRC = 12, AT_SIZE = 16, AT_INDEX = 24, AT_ORDER = 40, AT_ZEROS = 44 };

/* As PNG's: a transfer as text, or as seven bits, breaks it. */
const unsigned char bert__bundle_magic[BERT__BUNDLE_MAGIC] = {0x89, 'B',  'E',  'R',
                                                              'T',  '\r', '\n', 0x1A};

uint32_t bert__byte_order(void)
{
    const uint16_t one = 1;
    unsigned char first;

    memcpy(&first, &one, 1);
    return first == 1 ? 1 : 2;
}

static void put(unsigned char *at, uint64_t value, int n)
{
    for (int i = 0; i < n; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *at, int n)
{
    uint64_t value = 0;

    for (int i = n; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

void bert__bundle_header_write(unsigned char out[BERT__BUNDLE_HEADER],
                               const struct bert__bundle_header *header)
{
    memset(out, 0, BERT__BUNDLE_HEADER);
    memcpy(out, bert__bundle_magic, BERT__BUNDLE_MAGIC);
    put(out + AT_VERSION, header->version, 4);
    put(out + AT_CRC, header->crc, 4);
    put(out + AT_SIZE, header->file_size, 8);
    put(out + AT_INDEX, header->index_offset, 8);
    put(out + AT_INDEX + 8, header->index_size, 8);
    put(out + AT_ORDER, header->byte_order, 4);
}

bool bert__bundle_header_read(struct bert__bundle_header *out,
                              const unsigned char bytes[BERT__BUNDLE_HEADER])
{
    bool zeros = true;

    out->version = (uint32_t)get(bytes + AT_VERSION, 4);
    out->crc = (uint32_t)get(bytes + AT_CRC, 4);
    out->file_size = get(bytes + AT_SIZE, 8);
    out->index_offset = get(bytes + AT_INDEX, 8);
    out->index_size = get(bytes + AT_INDEX + 8, 8);
    out->byte_order = (uint32_t)get(bytes + AT_ORDER, 4);
    for (int i = AT_ZEROS; i < BERT__BUNDLE_HEADER; i++)
        zeros = zeros && bytes[i] == 0;
    return zeros && bert__bundle_is(bytes);
}

uint32_t bert__bundle_header_crc(const unsigned char bytes[BERT__BUNDLE_HEADER], const char *index,
                                 size_t index_size)
{
    struct bert__crc32 c;
    uint32_t crc;

    bert__crc32_init(&c);
    crc = bert__crc32_add(&c, 0, bytes, AT_CRC);
    crc = bert__crc32_add(&c, crc, bytes + AT_CRC + 4, BERT__BUNDLE_HEADER - AT_CRC - 4);
    return bert__crc32_add(&c, crc, index, index_size);
}
