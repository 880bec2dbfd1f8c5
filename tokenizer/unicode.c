/* SPDX-License-Identifier: MIT */
/* unicode.c - decomposition and composition. */
#include "tokenizer/unicode.h"

#include <stddef.h>

/* The Unicode Standard, section 3.12: Hangul syllables are composed arithmetically. */
enum {
    S_BASE = 0xAC00,
    L_BASE = 0x1100,
    V_BASE = 0x1161,
    T_BASE = 0x11A7,
    L_COUNT = 19,
    V_COUNT = 21,
    T_COUNT = 28,
    S_COUNT = 11172
};

static unsigned decompose_hangul(uint32_t s, uint32_t *out)
{
    out[0] = L_BASE + s / (V_COUNT * T_COUNT);
    out[1] = V_BASE + s % (V_COUNT * T_COUNT) / T_COUNT;
    if (s % T_COUNT == 0)
        return 2;
    out[2] = T_BASE + s % T_COUNT;
    return 3;
}

/* The parts at an index of the pool. */
static unsigned take(uint32_t at, uint32_t *out)
{
    unsigned n = bert__uni_decomp_pool[at];

    for (unsigned i = 0; i < n; i++)
        out[i] = bert__uni_decomp_pool[at + 1 + i];
    return n;
}

unsigned bert__uni_decompose(uint32_t cp, uint32_t out[BERT__UNI_MAX_DECOMP])
{
    uint32_t at;

    if (cp - S_BASE < S_COUNT)
        return decompose_hangul(cp - S_BASE, out);
    at = bert__uni_decomp_two[(uint32_t)bert__uni_decomp_one[cp >> 6] << 6 | (cp & 63)];
    if (at != 0)
        return take(at, out);
    out[0] = cp;
    return 1;
}

unsigned bert__uni_decompose_compat(uint32_t cp, uint32_t out[BERT__UNI_MAX_COMPAT])
{
    uint32_t at = bert__uni_compat_two[(uint32_t)bert__uni_compat_one[cp >> 6] << 6 | (cp & 63)];

    return at != 0 ? take(at, out) : bert__uni_decompose(cp, out);
}

static uint32_t compose_hangul(uint32_t a, uint32_t b)
{
    if (a - L_BASE < L_COUNT && b - V_BASE < V_COUNT)
        return S_BASE + ((a - L_BASE) * V_COUNT + (b - V_BASE)) * T_COUNT;
    if (a - S_BASE < S_COUNT && (a - S_BASE) % T_COUNT == 0 && b > T_BASE && b < T_BASE + T_COUNT)
        return a + (b - T_BASE);
    return 0;
}

uint32_t bert__uni_compose(uint32_t first, uint32_t second)
{
    uint32_t whole = compose_hangul(first, second);
    size_t lo = 0, hi = BERT__UNI_PAIRS;

    if (whole != 0)
        return whole;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct bert__uni_pair *p = &bert__uni_pairs[mid];

        if (p->first == first && p->second == second)
            return p->whole;
        if (p->first < first || (p->first == first && p->second < second))
            lo = mid + 1;
        else
            hi = mid;
    }
    return 0;
}
