/* SPDX-License-Identifier: MIT */
/*
 * siphash.h - SipHash (Aumasson and Bernstein, 2012): a keyed hash that nobody can make collide
 * who doesn't know the key.  `c` rounds for each word and `d` at the end: 2 and 4 as the paper
 * proposes it, 1 and 3 for hash tables, where the hash itself is never shown.
 */
#ifndef BERT_LIB_BASE_SIPHASH_H
#define BERT_LIB_BASE_SIPHASH_H

#include "lib/base/bytes.h"

struct bert__sip {
    uint64_t v0, v1, v2, v3;
    uint64_t length; /* bytes so far */
};

static inline uint64_t bert__sip_rotate(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static inline void bert__sip_rounds(struct bert__sip *s, int n)
{
    for (; n > 0; n--) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = bert__sip_rotate(s->v1, 13) ^ s->v0;
        s->v3 = bert__sip_rotate(s->v3, 16) ^ s->v2;
        s->v0 = bert__sip_rotate(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v3 = bert__sip_rotate(s->v3, 21) ^ s->v0;
        s->v1 = bert__sip_rotate(s->v1, 17) ^ s->v2;
        s->v2 = bert__sip_rotate(s->v2, 32);
    }
}

static inline void bert__sip_init(struct bert__sip *s, const uint64_t key[2])
{
    s->v0 = key[0] ^ UINT64_C(0x736f6d6570736575);
    s->v1 = key[1] ^ UINT64_C(0x646f72616e646f6d);
    s->v2 = key[0] ^ UINT64_C(0x6c7967656e657261);
    s->v3 = key[1] ^ UINT64_C(0x7465646279746573);
    s->length = 0;
}

static inline void bert__sip_absorb(struct bert__sip *s, uint64_t word, int c)
{
    s->v3 ^= word;
    bert__sip_rounds(s, c);
    s->v0 ^= word;
}

/* The next 8 bytes of the message, the first of them lowest. */
static inline void bert__sip_word(struct bert__sip *s, uint64_t word, int c)
{
    bert__sip_absorb(s, word, c);
    s->length += 8;
}

/* n bytes, fewer than 8, as a word with zeros behind them. */
static inline uint64_t bert__sip_tail(const char *p, size_t n)
{
    char last[8] = {0};

    if (n > 0)
        memcpy(last, p, n);
    return bert__load_low(last);
}

/* n bytes and zeros up to a whole word. */
static inline void bert__sip_padded(struct bert__sip *s, const char *p, size_t n, int c)
{
    for (; n >= 8; n -= 8, p += 8)
        bert__sip_word(s, bert__load_low(p), c);
    if (n > 0)
        bert__sip_word(s, bert__sip_tail(p, n), c);
}

/* After the last whole word: the n bytes, fewer than 8, that are left. */
static inline uint64_t bert__sip_end(struct bert__sip *s, const char *p, size_t n, int c, int d)
{
    bert__sip_absorb(s, (s->length + n) << 56 | bert__sip_tail(p, n), c);
    s->v2 ^= 0xff;
    bert__sip_rounds(s, d);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t bert__siphash(const uint64_t key[2], const char *p, size_t n, int c, int d)
{
    struct bert__sip s;
    size_t whole = n & ~(size_t)7;

    bert__sip_init(&s, key);
    bert__sip_padded(&s, p, whole, c);
    return bert__sip_end(&s, p + whole, n - whole, c, d);
}

#endif
