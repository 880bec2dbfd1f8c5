/* SPDX-License-Identifier: MIT */
/* scanner.c - the pieces of regular expressions that are known. */
#include "tokenizer/scanner.h"

#include <string.h>

#include "tokenizer/scanner_kinds.h"

/* ---- Sets ------------------------------------------------------------------- */

#define NO_SET                                                                                     \
    {                                                                                              \
        0, false, 0                                                                                \
    }
#define SET(kinds)                                                                                 \
    {                                                                                              \
        (kinds), false, 0                                                                          \
    }
#define NONE_OF(kinds)                                                                             \
    {                                                                                              \
        (kinds), true, 0                                                                           \
    }
#define JUST(c)                                                                                    \
    {                                                                                              \
        0, false, (c)                                                                              \
    }
#define SET_AND(kinds, c)                                                                          \
    {                                                                                              \
        (kinds), false, (c)                                                                        \
    }

static inline bool holds(const struct bert__charset *set, uint32_t cp, uint64_t kinds)
{
    if (set->also != 0 && cp == (unsigned char)set->also)
        return true;
    return set->none ? !(kinds & set->kinds) : (kinds & set->kinds) != 0;
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

/* before body{1,max}: both must be there. */
static size_t scan_both(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    size_t len, to;

    if (!holds_at(&a->before, s, i, &len))
        return i;
    to = row(&a->body, s, i + len, end, a->max);
    return to > i + len ? to : i;
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

/* ` {2,}`, two spaces or more: before is what the first must be. */
static size_t scan_many(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    size_t len, to = row(&a->body, s, i, end, UINT32_MAX);

    return to > i && (bert__text_get(s + i, &len), to > i + len) ? to : i;
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

/* ---- Sets by range -------------------------------------------------------------- */

static size_t scan_cjk(const struct bert__scanner *a, const char *s, size_t i, size_t end)
{
    size_t len;

    (void)a;
    for (; i < end; i += len) {
        uint32_t c = bert__text_get(s + i, &len);

        if (!(c >= 0x4E00 && c <= 0x9FA5) && !(c >= 0x3040 && c <= 0x30FF))
            break;
    }
    return i;
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
#define WORD     BERT__KIND_WORD
#define IN_WORD  BERT__KIND_IN_WORD
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
    ROW(" ?\\p{L}+", JUST(' '), SET(L), ANY, NO_SET),
    ROW("\\p{L}+", NO_SET, SET(L), ANY, NO_SET),
    ROW("[\\p{L}]+", NO_SET, SET(L), ANY, NO_SET),
    ROW("[^\\r\\n\\p{L}\\p{N}]?\\p{L}+", NOT_LNCR, SET(L), ANY, NO_SET),
    ROW("[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+", NOT_LNCR, SET(L), ANY, NO_SET),
    ROW("[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++", NOT_LNCR, SET(L), ANY, NO_SET),
    ROW("[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+", NOT_LNCR, SET(L | M), ANY, NO_SET),
    ROW("[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+",
        NONE_OF(NEWLINE | L | BERT__KIND_P | BERT__KIND_S), SET(L | M), ANY, NO_SET),
    ROW("\\w+", NO_SET, SET(WORD), ANY, NO_SET),
    ROW("[A-Za-z]+", NO_SET, SET(BERT__KIND_ASCII), ANY, NO_SET),
    ROW("[a-zA-Z]+", NO_SET, SET(BERT__KIND_ASCII), ANY, NO_SET),
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
    {.source = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+",
     .scan = scan_both,
     .before = SET(BERT__KIND_ASCII_PUNCT),
     .body = SET(BERT__KIND_ASCII),
     .max = ANY},
    {.source = "[一-龥぀-ゟ゠-ヿ]+", .scan = scan_cjk},
    /* numbers */
    ROW(" ?\\p{N}+", JUST(' '), SET(N), ANY, NO_SET),
    ROW("\\p{N}+", NO_SET, SET(N), ANY, NO_SET),
    ROW("\\p{N}", NO_SET, SET(N), 1, NO_SET),
    ROW("[\\p{N}]", NO_SET, SET(N), 1, NO_SET),
    ROW("\\p{N}{1,3}", NO_SET, SET(N), 3, NO_SET),
    ROW("\\d", NO_SET, SET(BERT__KIND(BERT__UNI_ND)), 1, NO_SET),
    ROW("\\d+", NO_SET, SET(BERT__KIND(BERT__UNI_ND)), ANY, NO_SET),
    ROW("\\d{1,3}", NO_SET, SET(BERT__KIND(BERT__UNI_ND)), 3, NO_SET),
    ROW("[0-9]", NO_SET, SET(BERT__KIND_ASCII_DIGIT), 1, NO_SET),
    ROW("[0-9]+", NO_SET, SET(BERT__KIND_ASCII_DIGIT), ANY, NO_SET),
    {.source = "[0-9][0-9][0-9]", .scan = scan_three, .body = SET(BERT__KIND_ASCII_DIGIT)},
    /* the rest */
    ROW(" ?[^\\s\\p{L}\\p{N}]+", JUST(' '), OTHERS, ANY, NO_SET),
    ROW("[^\\s\\p{L}\\p{N}]+", NO_SET, OTHERS, ANY, NO_SET),
    ROW(" ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*", JUST(' '), OTHERS, ANY, SET(NEWLINE)),
    ROW(" ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*", JUST(' '), OTHERS, ANY, SET(NEWLINE)),
    ROW(" ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+", JUST(' '), OTHERS, ANY, SET(NEWLINE)),
    ROW(" ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*", JUST(' '), OTHERS, ANY, SET_AND(NEWLINE, '/')),
    ROW(" ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*", JUST(' '), NONE_OF(WHITE | L | M | N), ANY,
        SET(NEWLINE)),
    ROW(" ?[\\p{P}\\p{S}]+[\\r\\n]*", JUST(' '), SET(BERT__KIND_P | BERT__KIND_S), ANY,
        SET(NEWLINE)),
    ROW("[^\\w\\s]+", NO_SET, NONE_OF(IN_WORD | WHITE), ANY, NO_SET),
    ROW("[^\\w\\s]", NO_SET, NONE_OF(IN_WORD | WHITE), 1, NO_SET),
    ROW("[^\\s\\w]+", NO_SET, NONE_OF(IN_WORD | WHITE), ANY, NO_SET),
    ROW("\\p{P}", NO_SET, SET(BERT__KIND_P), 1, NO_SET),
    ROW("\\p{P}+", NO_SET, SET(BERT__KIND_P), ANY, NO_SET),
    ROW("[\\p{P}\\p{S}]", NO_SET, SET(BERT__KIND_P | BERT__KIND_S), 1, NO_SET),
    ROW("\\S+", NO_SET, NONE_OF(WHITE), ANY, NO_SET),
    ROW("[^\\s]+", NO_SET, NONE_OF(WHITE), ANY, NO_SET),
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
    ROW("\\s", NO_SET, SET(WHITE), 1, NO_SET),
    ROW("[\\s]", NO_SET, SET(WHITE), 1, NO_SET),
    ROW("\\n", NO_SET, JUST('\n'), 1, NO_SET),
    ROW("\\n+", NO_SET, JUST('\n'), ANY, NO_SET),
    ROW("\\t", NO_SET, JUST('\t'), 1, NO_SET),
    ROW("\\r", NO_SET, JUST('\r'), 1, NO_SET),
    ROW("[\\r\\n]", NO_SET, SET(NEWLINE), 1, NO_SET),
    ROW("[\\r\\n]+", NO_SET, SET(NEWLINE), ANY, NO_SET),
    ROW("[\\n\\r]", NO_SET, SET(NEWLINE), 1, NO_SET),
    ROW("[\\n\\r]+", NO_SET, SET(NEWLINE), ANY, NO_SET),
    ROW("[\\n\\r\\t]", NO_SET, SET_AND(NEWLINE, '\t'), 1, NO_SET),
    ROW("[\\n\\r\\t]+", NO_SET, SET_AND(NEWLINE, '\t'), ANY, NO_SET),
    ROW("[\\r\\n\\t]+", NO_SET, SET_AND(NEWLINE, '\t'), ANY, NO_SET),
    ROW(" +", NO_SET, JUST(' '), ANY, NO_SET),
    {.source = " {2,}", .scan = scan_many, .body = JUST(' ')},
    {.source = "\\s{2,}", .scan = scan_many, .body = SET(WHITE)},
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

        for (uint32_t k = i + 1; k < n; k++)
            eaten |= scanners[k]->eats;
        if (scanners[i]->lags & ~eaten)
            return false;
    }
    return true;
}
