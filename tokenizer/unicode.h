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
    BERT__UNI_CJK = 1 << 8,        /* spaced by handle_chinese_chars */
    BERT__UNI_KDECOMP = 1 << 9,    /* compatibility decomposition changes it */
    BERT__UNI_NFC_SLOW = 1 << 10,  /* NFC changes it, or it may join what is before it */
    BERT__UNI_NFKC_SLOW = 1 << 11, /* the same of NFKC */
    BERT__UNI_NUMERIC = 1 << 12,   /* found by Digits */
    BERT__UNI_COMBINING = 1 << 13, /* removed by StripAccents */
    BERT__UNI_SECOND = 1 << 14     /* composes with something before it */
};

/* General categories as the regular expressions of Split and Replace have them. */
enum bert__uni_category {
    BERT__UNI_CN,
    BERT__UNI_LU,
    BERT__UNI_LL,
    BERT__UNI_LT,
    BERT__UNI_LM,
    BERT__UNI_LO,
    BERT__UNI_MN,
    BERT__UNI_MC,
    BERT__UNI_ME,
    BERT__UNI_ND,
    BERT__UNI_NL,
    BERT__UNI_NO,
    BERT__UNI_PC,
    BERT__UNI_PD,
    BERT__UNI_PS,
    BERT__UNI_PE,
    BERT__UNI_PI,
    BERT__UNI_PF,
    BERT__UNI_PO,
    BERT__UNI_SM,
    BERT__UNI_SC,
    BERT__UNI_SK,
    BERT__UNI_SO,
    BERT__UNI_ZS,
    BERT__UNI_ZL,
    BERT__UNI_ZP,
    BERT__UNI_CC,
    BERT__UNI_CF,
    BERT__UNI_CS,
    BERT__UNI_CO
};

/* In bert__uni_regex(): the category, and */
enum {
    BERT__UNI_RE_CATEGORY = 0x1F,
    BERT__UNI_RE_SPACE = 0x20,  /* \s */
    BERT__UNI_RE_WORD = 0x40,   /* \w */
    BERT__UNI_RE_IN_WORD = 0x80 /* \w within brackets, which is not the same */
};

/* Classes of code points in grapheme clusters, as far as clusters show them. */
enum bert__uni_cluster {
    BERT__CLUSTER_OTHER,
    BERT__CLUSTER_CONTROL,
    BERT__CLUSTER_CR,
    BERT__CLUSTER_LF,
    BERT__CLUSTER_PREPEND,
    BERT__CLUSTER_SPACING,
    BERT__CLUSTER_EXTEND, /* also within a conjunct, as the next */
    BERT__CLUSTER_LINKER,
    BERT__CLUSTER_ZWNJ, /* extends, but ends a conjunct */
    BERT__CLUSTER_ZWJ,
    BERT__CLUSTER_L,
    BERT__CLUSTER_V,
    BERT__CLUSTER_T,
    BERT__CLUSTER_LV,
    BERT__CLUSTER_LVT,
    BERT__CLUSTER_PICT,
    BERT__CLUSTER_CONSONANT
};

enum { BERT__UNI_MAX_DECOMP = 4, BERT__UNI_MAX_COMPAT = 18, BERT__UNI_MAX_LOWER = 2 };

/* A pair that composes. */
struct bert__uni_pair {
    uint32_t first, second, whole;
};

/* Two stages: the value of c is two[one[c / block] * block + c % block].  Written by
 * mktables.py; use the functions below. */
extern const uint8_t bert__uni_props_one[8704];
extern const uint16_t bert__uni_props_two[31872];
extern const uint8_t bert__uni_ccc_one[8704];
extern const uint8_t bert__uni_ccc_two[9728];
extern const uint8_t bert__uni_lower_one[17408];
extern const int32_t bert__uni_lower_two[3520];
extern const uint8_t bert__uni_decomp_one[17408];
extern const uint16_t bert__uni_decomp_two[5120];
extern const uint8_t bert__uni_compat_one[17408];
extern const uint16_t bert__uni_compat_two[6784];
extern const uint16_t bert__uni_regex_one[8704];
extern const uint8_t bert__uni_regex_two[33536];
extern const uint8_t bert__uni_cluster_one[8704];
extern const uint8_t bert__uni_cluster_two[20992];
extern const uint8_t bert__uni_script_one[8704];
extern const uint8_t bert__uni_script_two[26752];
extern const uint32_t bert__uni_decomp_pool[14742];
enum { BERT__UNI_PAIRS = 940 };
extern const struct bert__uni_pair bert__uni_pairs[BERT__UNI_PAIRS]; /* sorted */

/* Properties of a code point up to 0x10FFFF. */
static inline unsigned bert__uni_props(uint32_t cp)
{
    return bert__uni_props_two[(uint32_t)bert__uni_props_one[cp >> 7] << 7 | (cp & 127)];
}

/* The same of ASCII, which comes first in both stages. */
static inline unsigned bert__uni_props_ascii(unsigned c)
{
    return bert__uni_props_two[c];
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

/* Category and bits of the regular expressions. */
static inline unsigned bert__uni_regex(uint32_t cp)
{
    return bert__uni_regex_two[(uint32_t)bert__uni_regex_one[cp >> 7] << 7 | (cp & 127)];
}

static inline enum bert__uni_cluster bert__uni_cluster(uint32_t cp)
{
    return bert__uni_cluster_two[(uint32_t)bert__uni_cluster_one[cp >> 7] << 7 | (cp & 127)];
}

/* A number for its script as UnicodeScripts sees it; 0: that of its neighbours. */
static inline unsigned bert__uni_script(uint32_t cp)
{
    return bert__uni_script_two[(uint32_t)bert__uni_script_one[cp >> 7] << 7 | (cp & 127)];
}

/* Full canonical decomposition; returns the number written, 1 (itself) to 4. */
unsigned bert__uni_decompose(uint32_t cp, uint32_t out[BERT__UNI_MAX_DECOMP]);
/* Full compatibility decomposition; 1 to 18. */
unsigned bert__uni_decompose_compat(uint32_t cp, uint32_t out[BERT__UNI_MAX_COMPAT]);
/* What the two compose to; 0: they don't. */
uint32_t bert__uni_compose(uint32_t first, uint32_t second);

#endif
