/* SPDX-License-Identifier: MIT */
/* hash.h - hash of short byte strings, for tables of tokens. */
#ifndef BERT_TOKENIZER_HASH_H
#define BERT_TOKENIZER_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Both halves of the 128-bit product, folded. */
static inline uint64_t bert__mix(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    unsigned __int128 r = (unsigned __int128)a * b;

    return (uint64_t)r ^ (uint64_t)(r >> 64);
#else
    a *= b;
    a ^= a >> 32;
    a *= b;
    return a ^ a >> 29;
#endif
}

static inline uint64_t bert__load64(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
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

/* `seed` differs between tables, so that no file can be made to collide in all. */
static inline uint64_t bert__hash(const char *p, size_t n, uint64_t seed)
{
    uint64_t h = seed ^ (n * UINT64_C(0x9E3779B97F4A7C15));

    for (; n > 8; n -= 8, p += 8)
        h = bert__mix(h ^ bert__load64(p), UINT64_C(0xD6E8FEB86659FD93));
    h ^= bert__load_tail(p, n);
    return bert__mix(h ^ UINT64_C(0xA0761D6478BD642F), UINT64_C(0xE7037ED1A0B428DB));
}

#endif
