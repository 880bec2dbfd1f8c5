/* SPDX-License-Identifier: MIT */
/* sha256.c - the padding, and the rounds as FIPS 180-4 writes them. */
#include "lib/base/sha256.h"

#include <string.h>

static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* ---- The rounds --------------------------------------------------------------- */

static uint32_t turn(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static uint32_t load32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void expand(uint32_t w[64], const unsigned char *block)
{
    for (size_t t = 0; t < 16; t++)
        w[t] = load32(block + 4 * t);
    for (size_t t = 16; t < 64; t++) {
        uint32_t a = w[t - 15], b = w[t - 2];

        w[t] = w[t - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[t - 7]
               + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
}

/* One round: what was h becomes a, and d becomes e; the caller turns the names instead of moving
 * the values. */
#define ROUND(a, b, c, d, e, f, g, h, t)                                                           \
    do {                                                                                           \
        h +=                                                                                       \
            (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + constants[t] + w[t]; \
        d += h;                                                                                    \
        h += (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));             \
    } while (0)

static void run_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    uint32_t w[64];

    expand(w, block);
    for (size_t t = 0; t < 64; t += 8) {
        ROUND(a, b, c, d, e, f, g, h, t);
        ROUND(h, a, b, c, d, e, f, g, t + 1);
        ROUND(g, h, a, b, c, d, e, f, t + 2);
        ROUND(f, g, h, a, b, c, d, e, t + 3);
        ROUND(e, f, g, h, a, b, c, d, t + 4);
        ROUND(d, e, f, g, h, a, b, c, t + 5);
        ROUND(c, d, e, f, g, h, a, b, t + 6);
        ROUND(b, c, d, e, f, g, h, a, t + 7);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

static void run_portable(uint32_t state[8], const unsigned char *data, size_t blocks)
{
    for (; blocks > 0; blocks--, data += BERT__SHA256_BLOCK)
        run_block(state, data);
}

/* ---- x86's instructions ---------------------------------------------------------- */

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <immintrin.h>

#define SHA        __attribute__((target("sha,sse4.1")))
#define SHA_INLINE __attribute__((target("sha,sse4.1"), always_inline)) static inline

/* Names as Intel's: the highest element first. */
struct halves {
    __m128i abef, cdgh;
};

/* The next four words, of the sixteen before them. */
SHA_INLINE __m128i words(__m128i w0, __m128i w4, __m128i w8, __m128i w12)
{
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w4), _mm_alignr_epi8(w12, w8, 4));

    return _mm_sha256msg2_epu32(sum, w12);
}

SHA_INLINE void four_rounds(struct halves *s, __m128i w, const uint32_t *k)
{
    __m128i sum = _mm_add_epi32(w, _mm_loadu_si128((const __m128i *)(const void *)k));

    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, sum);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

SHA_INLINE __m128i load_words(const unsigned char *p)
{
    const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), big_endian);
}

SHA_INLINE void native_block(struct halves *s, const unsigned char *data)
{
    __m128i w0 = load_words(data), w4 = load_words(data + 16), w8 = load_words(data + 32),
            w12 = load_words(data + 48);
    struct halves before = *s;

    for (int t = 0; t < 64; t += 16) {
        four_rounds(s, w0, constants + t);
        four_rounds(s, w4, constants + t + 4);
        four_rounds(s, w8, constants + t + 8);
        four_rounds(s, w12, constants + t + 12);
        if (t == 48)
            break;
        w0 = words(w0, w4, w8, w12);
        w4 = words(w4, w8, w12, w0);
        w8 = words(w8, w12, w0, w4);
        w12 = words(w12, w0, w4, w8);
    }
    s->abef = _mm_add_epi32(s->abef, before.abef);
    s->cdgh = _mm_add_epi32(s->cdgh, before.cdgh);
}

SHA static void run_native(uint32_t state[8], const unsigned char *data, size_t blocks)
{
    const int *v = (const int *)(const void *)state;
    struct halves s = {_mm_set_epi32(v[0], v[1], v[4], v[5]),
                       _mm_set_epi32(v[2], v[3], v[6], v[7])};
    uint32_t out[8]; /* fe ba hg dc */

    for (; blocks > 0; blocks--, data += BERT__SHA256_BLOCK)
        native_block(&s, data);
    _mm_storeu_si128((__m128i *)(void *)out, s.abef);
    _mm_storeu_si128((__m128i *)(void *)(out + 4), s.cdgh);
    for (int i = 0; i < 8; i++) {
        static const unsigned char from[8] = {3, 2, 7, 6, 1, 0, 5, 4};

        state[i] = out[from[i]];
    }
}

bert__sha256_fn bert__sha256_native(void)
{
    enum { SSSE3 = 1 << 9, SSE4_1 = 1 << 19, SHA_BIT = 1 << 29 };
    unsigned a, b, c, d;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & SSSE3) == 0 || (c & SSE4_1) == 0)
        return NULL;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & SHA_BIT) != 0 ? run_native : NULL;
}
#else
bert__sha256_fn bert__sha256_native(void)
{
    return NULL;
}
#endif

/* ---- Pieces ----------------------------------------------------------------------- */

void bert__sha256_start_portable(struct bert__sha256 *h)
{
    memcpy(h->state, first, sizeof first);
    h->bytes = 0;
    h->run = run_portable;
}

void bert__sha256_start(struct bert__sha256 *h)
{
    bert__sha256_fn native = bert__sha256_native();

    bert__sha256_start_portable(h);
    if (native != NULL)
        h->run = native;
}

void bert__sha256_add(struct bert__sha256 *h, const void *data, size_t size)
{
    const unsigned char *p = data;
    size_t used = (size_t)(h->bytes % BERT__SHA256_BLOCK), room = BERT__SHA256_BLOCK - used;

    if (size == 0)
        return;
    h->bytes += size;
    if (used > 0 && size >= room) {
        memcpy(h->block + used, p, room);
        h->run(h->state, h->block, 1);
        p += room;
        size -= room;
        used = 0;
    }
    if (size >= BERT__SHA256_BLOCK) {
        h->run(h->state, p, size / BERT__SHA256_BLOCK);
        p += size - size % BERT__SHA256_BLOCK;
        size %= BERT__SHA256_BLOCK;
    }
    memcpy(h->block + used, p, size);
}

void bert__sha256_finish(struct bert__sha256 *h, unsigned char digest[BERT__SHA256_BYTES])
{
    static const unsigned char padding[BERT__SHA256_BLOCK] = {0x80};
    uint64_t bits = h->bytes * 8;
    size_t used = (size_t)(h->bytes % BERT__SHA256_BLOCK);
    unsigned char length[8];

    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    bert__sha256_add(h, padding, used < 56 ? 56 - used : 120 - used);
    bert__sha256_add(h, length, sizeof length);
    for (int i = 0; i < BERT__SHA256_BYTES; i++)
        digest[i] = (unsigned char)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

void bert__sha256_hex(char out[BERT__SHA256_HEX], const unsigned char digest[BERT__SHA256_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < BERT__SHA256_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * BERT__SHA256_BYTES] = '\0';
}
