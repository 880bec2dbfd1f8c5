/* SPDX-License-Identifier: MIT */
/* crc32.h - CRC-32 as zlib, PNG and IEEE 802.3 have it: against damage, not against malice. */
#ifndef BERT_LIB_BASE_CRC32_H
#define BERT_LIB_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Tables for eight bytes at a time, made by whoever needs them: 8 KiB, about 5 us. */
struct bert__crc32 {
    uint32_t tables[8][256];
};

void bert__crc32_init(struct bert__crc32 *c);
/* The sum of what `crc` is the sum of (0: of nothing) and n bytes more. */
uint32_t bert__crc32_add(const struct bert__crc32 *c, uint32_t crc, const void *data, size_t n);

#endif
