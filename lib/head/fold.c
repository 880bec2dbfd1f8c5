/* SPDX-License-Identifier: MIT */
/* fold.c - equality of texts under lower-casing. */
#include "lib/head/fold.h"

#include "lib/base/utf8.h"
#include "tokenizer/unicode.h"

enum { SIGMA = 0x3A3, SMALL_SIGMA = 0x3C3, FINAL_SIGMA = 0x3C2, REPLACEMENT = 0xFFFD };

/* ---- The sigma that ends a word ------------------------------------------------------ */

static uint32_t get(bert_text text, size_t at, size_t *len)
{
    uint32_t cp = bert__utf8_next(text.data + at, text.size - at, len);

    return cp == BERT__UTF8_BAD ? REPLACEMENT : cp;
}

static unsigned category(uint32_t cp)
{
    return bert__uni_regex(cp) & BERT__UNI_RE_CATEGORY;
}

/* Unicode's Case_Ignorable: those categories, and signs that stand within words. */
static bool is_ignorable(uint32_t cp)
{
    static const uint32_t within[] = {'\'',   '.',    ':',    0xB7,   0x387,  0x55F,
                                      0x5F4,  0x2018, 0x2019, 0x2024, 0x2027, 0xFE13,
                                      0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
    unsigned c = category(cp);

    for (size_t i = 0; i < sizeof within / sizeof *within; i++) {
        if (cp == within[i])
            return true;
    }
    return c == BERT__UNI_MN || c == BERT__UNI_ME || c == BERT__UNI_CF || c == BERT__UNI_LM
           || c == BERT__UNI_SK;
}

/* Unicode's Cased, but for the modifier letters, which are ignorable first. */
static bool is_cased(uint32_t cp)
{
    unsigned c = category(cp);

    return c == BERT__UNI_LU || c == BERT__UNI_LL || c == BERT__UNI_LT || cp == 0xAA || cp == 0xBA
           || (cp >= 0x2160 && cp <= 0x217F)    /* Roman numerals */
           || (cp >= 0x24B6 && cp <= 0x24E9)    /* circled letters */
           || (cp >= 0x1F130 && cp <= 0x1F189); /* squared ones */
}

/* Is there a letter before byte `at`, signs within words apart? */
static bool follows_letter(bert_text text, size_t at)
{
    size_t len;

    while (at > 0) {
        uint32_t cp;

        at = bert__utf8_before(text.data, at, text.size);
        cp = get(text, at, &len);
        if (!is_ignorable(cp))
            return is_cased(cp);
    }
    return false;
}

static bool precedes_letter(bert_text text, size_t at)
{
    size_t len;

    for (; at < text.size; at += len) {
        uint32_t cp = get(text, at, &len);

        if (!is_ignorable(cp))
            return is_cased(cp);
    }
    return false;
}

/* ---- Code point after code point ------------------------------------------------------ */

struct fold {
    bert_text text;
    size_t at;
    uint32_t second; /* of a pair; 0: none */
};

/* False at the end. */
static bool next(struct fold *f, uint32_t *out)
{
    uint32_t lower[BERT__UNI_MAX_LOWER] = {0}, cp;
    size_t len, at = f->at;

    if (f->second != 0) {
        *out = f->second;
        f->second = 0;
        return true;
    }
    if (at >= f->text.size)
        return false;
    cp = get(f->text, at, &len);
    f->at += len;
    if (bert__uni_lower(cp, lower) == 2)
        f->second = lower[1];
    *out = lower[0];
    if (cp == SIGMA && follows_letter(f->text, at) && !precedes_letter(f->text, f->at))
        *out = FINAL_SIGMA;
    return true;
}

bool bert__fold_equal(bert_text a, bert_text b)
{
    struct fold x = {.text = a}, y = {.text = b};
    uint32_t c = 0, d = 0;

    for (;;) {
        bool more = next(&x, &c);

        if (next(&y, &d) != more || (more && c != d))
            return false;
        if (!more)
            return true;
    }
}

uint64_t bert__fold_hash(bert_text text)
{
    struct fold f = {.text = text};
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    uint32_t cp;

    while (next(&f, &cp)) {
        h = (h ^ cp) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 32;
    }
    return h;
}
