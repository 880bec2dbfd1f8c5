/* SPDX-License-Identifier: MIT */
/* text.h - walking over text that is known to be well-formed UTF-8. */
#ifndef BERT_TOKENIZER_TEXT_H
#define BERT_TOKENIZER_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* The code point at s, and its length in bytes. */
static inline uint32_t bert__text_get(const char *s, size_t *len)
{
    const unsigned char *p = (const unsigned char *)s;

    if (p[0] < 0x80) {
        *len = 1;
        return p[0];
    }
    if (p[0] < 0xE0) {
        *len = 2;
        return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    }
    if (p[0] < 0xF0) {
        *len = 3;
        return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    }
    *len = 4;
    return (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
}

/* Length in bytes of the character whose first byte this is. */
static inline size_t bert__text_len(char first)
{
    unsigned c = (unsigned char)first;

    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* Beginning of the character that ends at `end` > 0. */
static inline size_t bert__text_before(const char *s, size_t end)
{
    do
        end--;
    while (((unsigned char)s[end] & 0xC0) == 0x80);
    return end;
}

#endif
