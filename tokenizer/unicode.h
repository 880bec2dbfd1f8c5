/* SPDX-License-Identifier: MIT */
/*
 * unicode.h - properties of code points as the reference sees them, which is not
 * what any one version of Unicode says: see mktables.py, which observed them.
 */
#ifndef BERT_TOKENIZER_UNICODE_H
#define BERT_TOKENIZER_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

enum bert__uni_prop {
    BERT__UNI_DROP = 1 << 0,       /* removed by BertNormalizer's clean_text */
    BERT__UNI_SPACE = 1 << 1,      /* White_Space */
    BERT__UNI_PUNCT = 1 << 2,      /* isolated by BertPreTokenizer */
    BERT__UNI_MARK = 1 << 3,       /* removed by BertNormalizer's strip_accents */
    BERT__UNI_NONSTARTER = 1 << 4, /* combining class above 0 */
    BERT__UNI_LOWER = 1 << 5,      /* lower-casing changes it */
    BERT__UNI_DECOMP = 1 << 6,     /* canonical decomposition changes it */
    BERT__UNI_WORD = 1 << 7,       /* a word character beside added tokens */
    BERT__UNI_CJK = 1 << 8         /* spaced by handle_chinese_chars */
};

enum { BERT__UNI_MAX_DECOMP = 4, BERT__UNI_MAX_LOWER = 2 };

/* Two stages: the value of c is two[one[c / block] * block + c % block].  Written by
 * mktables.py; use the functions below. */
extern const uint8_t bert__uni_props_one[8704];
extern const uint16_t bert__uni_props_two[29568];
extern const uint8_t bert__uni_ccc_one[8704];
extern const uint8_t bert__uni_ccc_two[9728];
extern const uint8_t bert__uni_lower_one[17408];
extern const int32_t bert__uni_lower_two[3520];
extern const uint8_t bert__uni_decomp_one[17408];
extern const uint16_t bert__uni_decomp_two[5120];
extern const uint32_t bert__uni_decomp_pool[5465];

/* Properties of a code point up to 0x10FFFF. */
static inline unsigned bert__uni_props(uint32_t cp)
{
    return bert__uni_props_two[(uint32_t)bert__uni_props_one[cp >> 7] << 7 | (cp & 127)];
}

/* Canonical combining class. */
static inline unsigned bert__uni_class(uint32_t cp)
{
    return bert__uni_ccc_two[(uint32_t)bert__uni_ccc_one[cp >> 7] << 7 | (cp & 127)];
}

/* Lower case of one code point; returns the number written, 1 or 2. */
static inline unsigned bert__uni_lower(uint32_t cp, uint32_t out[BERT__UNI_MAX_LOWER])
{
    uint32_t at = (uint32_t)bert__uni_lower_one[cp >> 6] << 6 | (cp & 63);

    if (cp == 0x130) { /* capital I with dot above: the only one that becomes two */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = (uint32_t)((int32_t)cp + bert__uni_lower_two[at]);
    return 1;
}

/* Full canonical decomposition; returns the number written, 1 (itself) to 4. */
unsigned bert__uni_decompose(uint32_t cp, uint32_t out[BERT__UNI_MAX_DECOMP]);

#endif
