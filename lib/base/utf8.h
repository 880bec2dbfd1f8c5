/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - reading UTF-8 that nobody vouches for, by the Unicode Standard's
 * section 3.9: a maximal ill-formed part is one replacement character.
 */
#ifndef BERT_LIB_BASE_UTF8_H
#define BERT_LIB_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* What bert__utf8_next() gives for an ill-formed part. */
#define BERT__UTF8_BAD 0xFFFFFFFFu

/* The code point at s (n >= 1 bytes left) and its length in bytes; an ill-formed part
 * gives BERT__UTF8_BAD and the length of the maximal part. */
static inline uint32_t bert__utf8_next(const char *s, size_t n, size_t *len)
{
    const unsigned char *p = (const unsigned char *)s;
    unsigned lo = 0x80, hi = 0xBF; /* range of the second byte (table 3-7) */
    uint32_t cp;
    size_t need;

    *len = 1;
    if (p[0] < 0x80)
        return p[0];
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return BERT__UTF8_BAD;
    need = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    cp = p[0] & (0x7Fu >> need);
    if (p[0] == 0xE0)
        lo = 0xA0;
    else if (p[0] == 0xED)
        hi = 0x9F;
    else if (p[0] == 0xF0)
        lo = 0x90;
    else if (p[0] == 0xF4)
        hi = 0x8F;
    for (size_t i = 1; i < need; i++) {
        if (i >= n || p[i] < lo || p[i] > hi)
            return BERT__UTF8_BAD;
        cp = cp << 6 | (p[i] & 0x3Fu);
        lo = 0x80;
        hi = 0xBF;
        *len = i + 1;
    }
    return cp;
}

/* Where the code point, or ill-formed part, that ends at `at` (> 0) of n bytes begins. */
static inline size_t bert__utf8_before(const char *s, size_t at, size_t n)
{
    size_t len;

    /* A byte that continues nothing is a part of its own; one that begins something, or is
     * ASCII, begins a part wherever it stands. */
    for (size_t back = 1; back <= 4 && back <= at; back++) {
        if (((unsigned char)s[at - back] & 0xC0) == 0x80)
            continue;
        bert__utf8_next(s + at - back, n - (at - back), &len);
        return len == back ? at - back : at - 1;
    }
    return at - 1;
}

/* Write cp (a scalar value) to out (4 bytes); returns the bytes written. */
static inline size_t bert__utf8_put(char *out, uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

#endif
