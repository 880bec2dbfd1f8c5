/* SPDX-License-Identifier: MIT */
/* bytes.h - several bytes of a string at once. */
#ifndef BERT_LIB_BASE_BYTES_H
#define BERT_LIB_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* 8 bytes, in the machine's order. */
static inline uint64_t bert__load64(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* 8 bytes, the first of them lowest. */
static inline uint64_t bert__load_low(const void *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* 8 bytes, the first of them highest: a number that compares as they do. */
static inline uint64_t bert__load_high(const void *p)
{
    return __builtin_bswap64(bert__load_low(p));
}

/* The same of n bytes, up to 7; zeros follow on them. */
static inline uint64_t bert__load_short(const char *p, size_t n)
{
    uint32_t hi, lo;

    if (n >= 4) {
        memcpy(&hi, p, sizeof hi);
        memcpy(&lo, p + n - 4, sizeof lo);
#if __BYTE_ORDER__ != __ORDER_BIG_ENDIAN__
        hi = __builtin_bswap32(hi);
        lo = __builtin_bswap32(lo);
#endif
        return (uint64_t)hi << 32 | (uint32_t)((uint64_t)lo << 8 * (8 - n));
    }
    if (n == 0)
        return 0;
    return (uint64_t)(unsigned char)p[0] << 56 | (n > 1 ? (uint64_t)(unsigned char)p[1] << 48 : 0)
           | (n > 2 ? (uint64_t)(unsigned char)p[2] << 40 : 0);
}

/* The last 0 to 8 bytes of a string as one number. */
static inline uint64_t bert__load_tail(const char *p, size_t n)
{
    uint32_t lo, hi;

    if (n >= 4) {
        memcpy(&lo, p, sizeof lo);
        memcpy(&hi, p + n - 4, sizeof hi);
        return (uint64_t)hi << 32 | lo;
    }
    if (n == 0)
        return 0;
    return (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n >> 1] << 8
           | (unsigned char)p[n - 1];
}

#endif
