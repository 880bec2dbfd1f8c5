/* SPDX-License-Identifier: MIT */
/* bytelevel.h - the alphabet of 256 visible characters that stand for bytes. */
#ifndef BERT_TOKENIZER_BYTELEVEL_H
#define BERT_TOKENIZER_BYTELEVEL_H

#include <stddef.h>
#include <stdint.h>

/* The character that stands for a byte: itself where Latin-1 has something to see there,
 * else, counted in order, from U+0100 on. */
static inline uint32_t bert__byte_level_char(unsigned char byte)
{
    uint32_t b = byte;

    if (b <= 0x20)
        return 0x100 + b;
    if (b >= 0x7F && b <= 0xA0)
        return 0x121 + (b - 0x7F);
    return b == 0xAD ? 0x143 : b;
}

/* Write it as UTF-8, 1 or 2 bytes. */
static inline size_t bert__byte_level_put(char *out, unsigned char byte)
{
    uint32_t c = bert__byte_level_char(byte);

    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3F));
    return 2;
}

#endif
