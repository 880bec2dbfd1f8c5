/* SPDX-License-Identifier: MIT */
/* hash.h - hash of short byte strings. */
#ifndef BERT_LIB_BASE_HASH_H
#define BERT_LIB_BASE_HASH_H

#include "lib/base/bytes.h"

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
