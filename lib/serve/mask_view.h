/* SPDX-License-Identifier: MIT */
/*
 * mask_view.h - a text as the finders of lib/serve/mask_*.c see it.
 *
 * A finder sees one gap between what others found already.  What lies beyond the gap looks to it
 * like the bracket of a tag, so that masking a masked text finds what it found before.
 */
#ifndef BERT_LIB_SERVE_MASK_VIEW_H
#define BERT_LIB_SERVE_MASK_VIEW_H

#include <bert/base.h>
#include <stdbool.h>

#include "lib/base/utf8.h"

struct bert__mask_view {
    const char *s;
    size_t lo, hi; /* the gap, at characters' starts */
    size_t n;      /* of the whole text */
};

/* What is there before the start and after the end of the whole text. */
#define BERT__MASK_END 0xFFFFFFFEu

/* How a character borders on a number or an address. */
enum bert__mask_class {
    BERT__MASK_OTHER,   /* space, punctuation, symbols, what is ill-formed */
    BERT__MASK_WORD,    /* letters, digits and '_' */
    BERT__MASK_UNSPACED /* letters that adjoin whatever comes: Chinese, Japanese, Thai, ... */
};

enum bert__mask_class bert__mask_class_beyond(uint32_t cp);

/* Of a folded character. */
static inline enum bert__mask_class bert__mask_class(uint32_t cp)
{
    if (cp >= 0x80)
        return cp >= BERT__MASK_END ? BERT__MASK_OTHER : bert__mask_class_beyond(cp);
    return (cp >= '0' && cp <= '9') || ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z') || cp == '_'
               ? BERT__MASK_WORD
               : BERT__MASK_OTHER;
}

static inline bool bert__mask_digit(uint32_t cp)
{
    return cp >= '0' && cp <= '9';
}

static inline bool bert__mask_letter(uint32_t cp)
{
    return (cp | 0x20) >= 'a' && (cp | 0x20) <= 'z';
}

static inline bool bert__mask_hex(uint32_t cp)
{
    return bert__mask_digit(cp) || ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'f');
}

static inline char bert__mask_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* A character of more than one byte that stands for one of ASCII: full width, other digits,
 * dashes and spaces. */
uint32_t bert__mask_fold(uint32_t cp);

/* The folded character at i and its length; at the end of the gap '[' or END, of length 0. */
static inline uint32_t bert__mask_at(const struct bert__mask_view *v, size_t i, size_t *len)
{
    uint32_t cp;

    *len = 0;
    if (i >= v->hi)
        return v->hi < v->n ? '[' : BERT__MASK_END;
    *len = 1;
    if ((unsigned char)v->s[i] < 0x80)
        return (unsigned char)v->s[i];
    cp = bert__utf8_next(v->s + i, v->hi - i, len);
    return cp == BERT__UTF8_BAD ? cp : bert__mask_fold(cp);
}

/* The folded character before i, and where it begins; at the start of the gap ']' or END. */
static inline uint32_t bert__mask_before(const struct bert__mask_view *v, size_t i, size_t *at)
{
    size_t len;

    *at = i;
    if (i <= v->lo)
        return v->lo > 0 ? ']' : BERT__MASK_END;
    *at = i - 1;
    if ((unsigned char)v->s[i - 1] >= 0x80)
        *at = v->lo + bert__utf8_before(v->s + v->lo, i - v->lo, v->hi - v->lo);
    return bert__mask_at(v, *at, &len);
}

/* Some folded characters, all ASCII, and where each begins. */
enum { BERT__MASK_RUN = 64 };
struct bert__mask_run {
    size_t n;
    char c[BERT__MASK_RUN];
    size_t at[BERT__MASK_RUN + 1]; /* at[n]: the end */
};

/* From i, up to `most` characters that are of `set` (ASCII). */
void bert__mask_take(const struct bert__mask_view *v, size_t i, const char *set, size_t most,
                     struct bert__mask_run *run);

/* Is one of the last `words` words before i, at most 48 bytes back on the same line, in the list?
 * It ends with NULL; words are in lower case, without '.'. */
bool bert__mask_follows(const struct bert__mask_view *v, size_t i, size_t words,
                        const char *const *list);

/* Does the number go on after `end`: one of the marks, then a digit? */
bool bert__mask_goes_on(const struct bert__mask_view *v, size_t end, const char *marks);
/* The same before it. */
bool bert__mask_goes_back(const struct bert__mask_view *v, size_t start, const char *marks);

/* The finders: the first of their kind in the gap. */
typedef bool bert__mask_finder(const struct bert__mask_view *v, bert_span *out);
bert__mask_finder bert__mask_url, bert__mask_email, bert__mask_ip, bert__mask_iban, bert__mask_card,
    bert__mask_phone;

/* The number that an address is: 4 or 16 bytes; 0 if it is none.  `zone`, which may be NULL: where
 * that of an IPv6 address begins, else `size`. */
size_t bert__mask_read_ip(const char *s, size_t size, unsigned char out[16], size_t *zone);

#endif
