/* SPDX-License-Identifier: MIT */
/* scanner.c - the pieces of regular expressions that are known. */
#include "tokenizer/scanner.h"

#include <string.h>

#include "tokenizer/scanner_kinds.h"

/* ---- Sets ------------------------------------------------------------------- */

#define NO_SET                                                                                     \
    {                                                                                              \
        .kinds = 0                                                                                 \
    }
#define SET(set)                                                                                   \
    {                                                                                              \
        .kinds = (set)                                                                             \
    }
#define NONE_OF(set)                                                                               \
    {                                                                                              \
        .kinds = (set), .none = true                                                               \
    }
#define JUST(c)                                                                                    \
    {                                                                                              \
        .also = (c)                                                                                \
    }
#define SET_AND(set, c)                                                                            \
    {                                                                                              \
        .kinds = (set), .also = (c)                                                                \
    }

static bool in_ranges(const struct bert__charset *set, uint32_t cp)
{
    unsigned lo = 0, hi = set->n;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (cp > set->ranges[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < set->n && cp >= set->ranges[lo].first;
}

static inline bool holds(const struct bert__charset *set, uint32_t cp, uint64_t kinds)
{
    bool in = (kinds & set->kinds) != 0 || (set->also != 0 && cp == (unsigned char)set->also);

    if (!in && set->n > 0)
        in = in_ranges(set, cp);
    return in != set->none;
}

bool bert__charset_holds(const struct bert__charset *set, uint32_t cp)
{
    return holds(set, cp, bert__kinds_of(cp));
}

static bool holds_at(const struct bert__charset *set, const char *s, size_t i, size_t *len)
{
    uint32_t cp = bert__text_get(s + i, len);

    return holds(set, cp, bert__kinds_of(cp));
}

/* End of the row of at most max members from i on. */
static size_t row(const struct bert__charset *set, const char *s, size_t i, size_t end,
                  uint32_t max)
{
    size_t len;

    for (; i < end && max > 0 && holds_at(set, s, i, &len); i += len)
        max--;
    return i;
}

/* ---- Scanners --------------------------------------------------------------- */

/* before? body{1,max} after*: the one before is given back if there is no body else. */
static size_t scan_row(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    size_t len, to;

    if (holds_at(&a->before, s, i, &len)) {
        to = row(&a->body, s, i + len, end, a->max);
        if (to > i + len)
            return row(&a->after, s, to, end, UINT32_MAX);
    }
    to = row(&a->body, s, i, end, a->max);
    return to > i ? row(&a->after, s, to, end, UINT32_MAX) : i;
}

/* row() of at least min; i if there aren't as many. */
static size_t row_of(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    size_t to = row(&a->body, s, i, end, a->max), len;
    unsigned n = 1;

    for (size_t k = i; k < to && n < a->min; n++) {
        bert__text_get(s + k, &len);
        k += len;
        if (k == to)
            return i;
    }
    return to;
}

size_t bert__scan_form(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    size_t len, to;

    if (holds_at(&a->before, s, i, &len)) {
        to = row_of(a, s, i + len, end);
        if (to > i + len)
            return row(&a->after, s, to, end, UINT32_MAX);
    }
    if (a->must)
        return i;
    to = row_of(a, s, i, end);
    return to > i ? row(&a->after, s, to, end, UINT32_MAX) : i;
}

/* \s*[\r\n]+: up to the last of the new lines in the white space. */
static size_t scan_newlines(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    size_t to = i, len;

    (void)a;
    for (; i < end; i += len) {
        uint64_t kinds = bert__kinds_at(s, i, &len);

        if (!(kinds & BERT__KIND_SPACE))
            break;
        if (kinds & BERT__KIND_NEWLINE)
            to = i + len;
    }
    return to;
}

/* \s+(?!\S) */
static size_t scan_spaces_before(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    size_t to = row(&a->body, s, i, end, UINT32_MAX);

    return to == i || to == end ? to : bert__text_before(s, to);
}

/* \s+$, where the end of a line will do: as far as a new line or the end, else nothing of it. */
static bool find_trailing(const char *s, size_t at, size_t end, struct bert__found *out)
{
    while (at < end) {
        size_t begin = at, to = at, len;

        for (; at < end && (bert__kinds_at(s, at, &len) & BERT__KIND_SPACE); at += len) {
            if (s[at] == '\n' && at > begin)
                to = at;
        }
        if (at == end)
            to = end;
        if (to > begin) {
            out->begin = begin;
            out->end = to;
            return true;
        }
        bert__text_get(s + at, &len);
        at += len;
    }
    return false;
}

static size_t scan_folded(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    (void)a;
    return bert__scan_contraction(s, i, end, true);
}

static size_t scan_unfolded(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    (void)a;
    return bert__scan_contraction(s, i, end, false);
}

/* ---- Words by case (o200k) ---------------------------------------------------- */

static const struct bert__charset upper =
    SET(BERT__KIND_CASED_UP | BERT__KIND_CASELESS | BERT__KIND_M);
static const struct bert__charset lower =
    SET(BERT__KIND(BERT__UNI_LL) | BERT__KIND_CASELESS | BERT__KIND_M);

/* U*L+ from i: the row of U gives back as much as is needed for one L, which is its last
 * member that is an L too. */
static size_t ends_lower(const char *s, size_t i, size_t end)
{
    size_t begin = i, both = SIZE_MAX, len;

    for (; i < end; i += len) {
        uint32_t cp = bert__text_get(s + i, &len);
        uint64_t kinds = bert__kinds_of(cp);

        if (!holds(&upper, cp, kinds))
            break;
        if (holds(&lower, cp, kinds))
            both = i;
    }
    if (i < end && holds_at(&lower, s, i, &len))
        return row(&lower, s, i, end, UINT32_MAX);
    return both == SIZE_MAX ? begin : row(&lower, s, both, end, UINT32_MAX);
}

/* U+L* */
static size_t begins_upper(const char *s, size_t i, size_t end)
{
    size_t to = row(&upper, s, i, end, UINT32_MAX);

    return to > i ? row(&lower, s, to, end, UINT32_MAX) : i;
}

static size_t scan_case(const struct bert__scanner *a, const char *s, size_t i, size_t end,
                        size_t (*word)(const char *, size_t, size_t))
{
    size_t len, to = i;

    if (holds_at(&a->before, s, i, &len) && i + len < end && word(s, i + len, end) > i + len)
        to = word(s, i + len, end);
    else
        to = word(s, i, end);
    return to > i && to < end && a->max > 0 ? bert__scan_contraction(s, to, end, true) : to;
}

static size_t scan_lower(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    return scan_case(a, s, i, end, ends_lower);
}

static size_t scan_upper(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    return scan_case(a, s, i, end, begins_upper);
}

/* Three of [0-9]. */
static size_t scan_three(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    return row(&a->body, s, i, end, 3) == i + 3 ? i + 3 : i;
}

/* ---- The list --------------------------------------------------------------------- */

#define L        BERT__KIND_L
#define N        BERT__KIND_N
#define M        BERT__KIND_M
#define WHITE    BERT__KIND_SPACE
#define NEWLINE  BERT__KIND_NEWLINE
#define ANY      UINT32_MAX
#define NOT_LNCR NONE_OF(NEWLINE | L | N)
#define OTHERS   NONE_OF(WHITE | L | N)

const struct bert__scanner bert__scanner_literal = {.source = ""};

#define GPT2         "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define FOLDED       "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define AFTER_DIGITS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CASE_BEFORE  "[^\\r\\n\\p{L}\\p{N}]?"
#define CASE_LOWER   CASE_BEFORE "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
#define CASE_UPPER   CASE_BEFORE "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"

static const struct bert__scanner whole[] = {
    {.source = "'s|'t|'re|'ve|'m|'ll|'d" GPT2, .scan = bert__scan_gpt2, .takes_spaces = true},
    {.source = "'(?:[sdmt]|ll|ve|re)" GPT2, .scan = bert__scan_gpt2, .takes_spaces = true},
    {.source = FOLDED "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" AFTER_DIGITS,
     .scan = bert__scan_cl100k,
     .takes_spaces = true,
     .max = 3},
    {.source = FOLDED "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" AFTER_DIGITS,
     .scan = bert__scan_cl100k,
     .takes_spaces = true,
     .max = 1},
};

#define ROW(text, first, set, n, last)                                                             \
    {                                                                                              \
        .source = (text), .scan = scan_row, .before = first, .body = set, .max = (n),              \
        .after = last                                                                              \
    }

static const struct bert__scanner named[] = {
    /* contractions */
    {.source = FOLDED, .scan = scan_folded},
    {.source = "'(?i:[sdmt]|ll|ve|re)", .scan = scan_folded},
    {.source = "'(?:[sdmt]|ll|ve|re)", .scan = scan_unfolded},
    /* words */
    ROW("[^\\r\\n\\p{L}\\p{N}]?\\p{L}+", NOT_LNCR, SET(L), ANY, NO_SET),
    ROW("[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+", NOT_LNCR, SET(L), ANY, NO_SET),
    ROW("[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++", NOT_LNCR, SET(L), ANY, NO_SET),
    ROW("[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+", NOT_LNCR, SET(L | M), ANY, NO_SET),
    ROW("[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+",
        NONE_OF(NEWLINE | L | BERT__KIND_P | BERT__KIND_S), SET(L | M), ANY, NO_SET),
    {.source = CASE_LOWER FOLDED "?",
     .scan = scan_lower,
     .lags = BERT__RUN_LETTERS,
     .before = NOT_LNCR,
     .max = 1},
    {.source = CASE_UPPER FOLDED "?",
     .scan = scan_upper,
     .eats = BERT__RUN_LETTERS,
     .before = NOT_LNCR,
     .max = 1},
    {.source = CASE_LOWER, .scan = scan_lower, .lags = BERT__RUN_LETTERS, .before = NOT_LNCR},
    {.source = CASE_UPPER, .scan = scan_upper, .eats = BERT__RUN_LETTERS, .before = NOT_LNCR},
    /* numbers */
    {.source = "[0-9][0-9][0-9]", .scan = scan_three, .body = SET(BERT__KIND_ASCII_DIGIT)},
    /* the rest */
    ROW(" ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*", JUST(' '), OTHERS, ANY, SET(NEWLINE)),
    ROW(" ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*", JUST(' '), OTHERS, ANY, SET(NEWLINE)),
    ROW(" ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+", JUST(' '), OTHERS, ANY, SET(NEWLINE)),
    ROW(" ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*", JUST(' '), OTHERS, ANY, SET_AND(NEWLINE, '/')),
    ROW(" ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*", JUST(' '), NONE_OF(WHITE | L | M | N), ANY,
        SET(NEWLINE)),
    ROW(" ?[\\p{P}\\p{S}]+[\\r\\n]*", JUST(' '), SET(BERT__KIND_P | BERT__KIND_S), ANY,
        SET(NEWLINE)),
    /* white space */
    {.source = "\\s*[\\r\\n]+", .scan = scan_newlines, .lags = BERT__RUN_SPACES},
    {.source = "\\s*[\\r\\n]", .scan = scan_newlines, .lags = BERT__RUN_SPACES},
    {.source = "\\s+(?!\\S)",
     .scan = scan_spaces_before,
     .body = SET(WHITE),
     .eats = BERT__RUN_SPACES},
    {.source = "\\s+",
     .scan = scan_row,
     .takes_spaces = true,
     .body = SET(WHITE),
     .max = ANY,
     .eats = BERT__RUN_SPACES},
    {.source = "\\s+$", .find = find_trailing},
};

static const struct bert__scanner *look_up(const struct bert__scanner *list, size_t n,
                                           bert_text source)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(list[i].source) == source.size
            && memcmp(list[i].source, source.data, source.size) == 0)
            return &list[i];
    }
    return NULL;
}

const struct bert__scanner *bert__scanner_whole(bert_text source)
{
    return look_up(whole, sizeof whole / sizeof *whole, source);
}

const struct bert__scanner *bert__scanner_named(bert_text source)
{
    return look_up(named, sizeof named / sizeof *named, source);
}

bool bert__scanners_linear(const struct bert__scanner *const *scanners, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        unsigned eaten = 0;

        if (scanners[i]->find != NULL && n > 1)
            return false;
        for (uint32_t k = i + 1; k < n; k++)
            eaten |= scanners[k]->eats;
        if (scanners[i]->lags & ~eaten)
            return false;
    }
    return true;
}
