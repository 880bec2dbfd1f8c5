/* SPDX-License-Identifier: MIT */
/* unicode.c - canonical decomposition. */
#include "tokenizer/unicode.h"

/* The Unicode Standard, section 3.12: Hangul syllables are composed arithmetically. */
enum {
    S_BASE = 0xAC00,
    L_BASE = 0x1100,
    V_BASE = 0x1161,
    T_BASE = 0x11A7,
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

unsigned bert__uni_decompose(uint32_t cp, uint32_t out[BERT__UNI_MAX_DECOMP])
{
    uint32_t at;
    unsigned n;

    if (cp - S_BASE < S_COUNT)
        return decompose_hangul(cp - S_BASE, out);
    at = bert__uni_decomp_two[(uint32_t)bert__uni_decomp_one[cp >> 6] << 6 | (cp & 63)];
    if (at == 0) {
        out[0] = cp;
        return 1;
    }
    n = bert__uni_decomp_pool[at];
    for (unsigned i = 0; i < n; i++)
        out[i] = bert__uni_decomp_pool[at + 1 + i];
    return n;
}
