/* SPDX-License-Identifier: MIT */
/* scanner_whole.c - the patterns of GPT-2 and cl100k in one go, since most files have them. */
#include "tokenizer/scanner_kinds.h"

enum { OTHER, LETTER, DIGIT, SPACE };

#define O OTHER
#define L LETTER
#define D DIGIT
#define S SPACE
static const uint8_t ascii[128] = {
    O, O, O, O, O, O, O, O, O, S, S, S, S, S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, D, D, D, D, D, D, D, D, D, D, O, O, O, O, O, O,
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,
};
#undef O
#undef L
#undef D
#undef S

/* Of each category. */
static const uint8_t by_category[32] = {
    [BERT__UNI_LU] = LETTER, [BERT__UNI_LL] = LETTER, [BERT__UNI_LT] = LETTER,
    [BERT__UNI_LM] = LETTER, [BERT__UNI_LO] = LETTER, [BERT__UNI_ND] = DIGIT,
    [BERT__UNI_NL] = DIGIT,  [BERT__UNI_NO] = DIGIT,
};

static inline unsigned class_at(const char *s, size_t i, size_t *len)
{
    unsigned c = (unsigned char)s[i];

    *len = 1;
    if (c < 0x80)
        return ascii[c];
    c = bert__uni_regex(bert__text_get(s + i, len));
    return c & BERT__UNI_RE_SPACE ? SPACE : by_category[c & BERT__UNI_RE_CATEGORY];
}

/* End of the row of a class, of at most `max` characters. */
static inline size_t row(const char *s, size_t i, size_t end, unsigned class, uint32_t max)
{
    size_t len;

    for (; i < end && max > 0 && class_at(s, i, &len) == class; i += len)
        max--;
    return i;
}

static char fold(char c)
{
    return (unsigned)(c - 'A') < 26 ? (char)(c + 'a' - 'A') : c;
}

size_t bert__scan_contraction(const char *s, size_t i, size_t end, bool any_case)
{
    size_t n = end - i;
    char a, b;

    if (n < 2 || s[i] != '\'')
        return i;
    a = any_case ? fold(s[i + 1]) : s[i + 1];
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return i + 2;
    if (n < 3)
        return i;
    b = any_case ? fold(s[i + 2]) : s[i + 2];
    if (((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l'))
        return i + 3;
    if (any_case && a == '\xC5' && b == '\xBF') /* the long s folds to s */
        return i + 3;
    return i;
}

/* White space: all before the last character if something follows, else all of it. */
static size_t spaces(const char *s, size_t i, size_t to, size_t end)
{
    size_t last;

    if (to == end)
        return to;
    last = bert__text_before(s, to);
    return last > i ? last : to;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
size_t bert__scan_gpt2(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    size_t len, j = i, to;
    unsigned class;

    (void)a;
    if (s[i] == '\'' && (to = bert__scan_contraction(s, i, end, false)) > i)
        return to;
    class = class_at(s, i, &len);
    if (s[i] == ' ' && i + 1 < end) {
        class = class_at(s, i + 1, &len);
        j = class != SPACE;
        j += i;
    }
    to = row(s, j + (j == i ? 0 : len), end, class, UINT32_MAX);
    return class == SPACE ? spaces(s, i, to, end) : to;
}

/* End of white space at i; *newline becomes the end of the last CR or LF in it, or i. */
static size_t spaces_end(const char *s, size_t i, size_t end, size_t *newline)
{
    size_t len;

    *newline = i;
    for (; i < end && class_at(s, i, &len) == SPACE; i += len) {
        if (s[i] == '\n' || s[i] == '\r')
            *newline = i + 1;
    }
    return i;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*
 * |\s*[\r\n]+|\s+(?!\S)|\s+ */
size_t bert__scan_cl100k(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    size_t len, next = 0, to, newline;
    unsigned class = class_at(s, i, &len), then = SPACE;

    if (class == LETTER)
        return row(s, i + len, end, LETTER, UINT32_MAX);
    if (class == DIGIT)
        return row(s, i, end, DIGIT, a->max);
    if (s[i] == '\'' && (to = bert__scan_contraction(s, i, end, true)) > i)
        return to;
    if (i + len < end)
        then = class_at(s, i + len, &next);
    if (then == LETTER && s[i] != '\r' && s[i] != '\n')
        return row(s, i + len + next, end, LETTER, UINT32_MAX);
    if (class == OTHER || (s[i] == ' ' && then == OTHER && i + 1 < end)) {
        to = row(s, class == OTHER ? i : i + 1, end, OTHER, UINT32_MAX);
        while (to < end && (s[to] == '\r' || s[to] == '\n'))
            to++;
        return to;
    }
    to = spaces_end(s, i, end, &newline);
    return newline > i ? newline : spaces(s, i, to, end);
}
