/* SPDX-License-Identifier: MIT */
/* scanner_kinds.h - kinds of characters, one bit each, as regular expressions name them. */
#ifndef BERT_TOKENIZER_SCANNER_KINDS_H
#define BERT_TOKENIZER_SCANNER_KINDS_H

#include "tokenizer/scanner.h"
#include "tokenizer/text.h"
#include "tokenizer/unicode.h"

/* A bit for each category, and: */
#define BERT__KIND(category)   ((uint64_t)1 << (category))
#define BERT__KIND_SPACE       ((uint64_t)1 << 35) /* \s */
#define BERT__KIND_WORD        ((uint64_t)1 << 36) /* \w */
#define BERT__KIND_IN_WORD     ((uint64_t)1 << 37) /* \w in brackets */
#define BERT__KIND_NEWLINE     ((uint64_t)1 << 41) /* [\r\n] */
#define BERT__KIND_ASCII_DIGIT ((uint64_t)1 << 39) /* [0-9] */

#define BERT__KIND_CASED_UP (BERT__KIND(BERT__UNI_LU) | BERT__KIND(BERT__UNI_LT))
#define BERT__KIND_CASELESS (BERT__KIND(BERT__UNI_LM) | BERT__KIND(BERT__UNI_LO))
#define BERT__KIND_L        (BERT__KIND_CASED_UP | BERT__KIND(BERT__UNI_LL) | BERT__KIND_CASELESS)
#define BERT__KIND_M                                                                               \
    (BERT__KIND(BERT__UNI_MN) | BERT__KIND(BERT__UNI_MC) | BERT__KIND(BERT__UNI_ME))
#define BERT__KIND_N                                                                               \
    (BERT__KIND(BERT__UNI_ND) | BERT__KIND(BERT__UNI_NL) | BERT__KIND(BERT__UNI_NO))
#define BERT__KIND_P                                                                               \
    (BERT__KIND(BERT__UNI_PC) | BERT__KIND(BERT__UNI_PD) | BERT__KIND(BERT__UNI_PS)                \
     | BERT__KIND(BERT__UNI_PE) | BERT__KIND(BERT__UNI_PI) | BERT__KIND(BERT__UNI_PF)              \
     | BERT__KIND(BERT__UNI_PO))
#define BERT__KIND_S                                                                               \
    (BERT__KIND(BERT__UNI_SM) | BERT__KIND(BERT__UNI_SC) | BERT__KIND(BERT__UNI_SK)                \
     | BERT__KIND(BERT__UNI_SO))

static inline uint64_t bert__kinds_of(uint32_t cp)
{
    unsigned props = bert__uni_regex(cp);
    uint64_t kinds = BERT__KIND(props & BERT__UNI_RE_CATEGORY)
                     | (uint64_t)(props & ~(unsigned)BERT__UNI_RE_CATEGORY) << 30;

    if (cp == '\n' || cp == '\r')
        return kinds | BERT__KIND_NEWLINE;
    return cp - '0' < 10 ? kinds | BERT__KIND_ASCII_DIGIT : kinds;
}

static inline uint64_t bert__kinds_at(const char *s, size_t i, size_t *len)
{
    return bert__kinds_of(bert__text_get(s + i, len));
}

/* Is the character in the set? */
bool bert__charset_holds(const struct bert__charset *set, uint32_t cp);
/* The scan function of what bert__scanner_parse() makes. */
size_t bert__scan_form(const struct bert__scanner *scanner, const char *s, size_t i, size_t end);
/* End of the contraction 's 't 're 've 'm 'll 'd at i, or i; any_case: letters fold. */
size_t bert__scan_contraction(const char *s, size_t i, size_t end, bool any_case);
/* Whole patterns, for speed; scanner->max is the longest row of digits. */
size_t bert__scan_gpt2(const struct bert__scanner *scanner, const char *s, size_t i, size_t end);
size_t bert__scan_cl100k(const struct bert__scanner *scanner, const char *s, size_t i, size_t end);

#endif
