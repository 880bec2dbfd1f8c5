/* SPDX-License-Identifier: MIT */
/*
 * parting.c - where a text may be parted.
 *
 * Two kinds of places will do.  With BertNormalizer and BertPreTokenizer, before white
 * space, punctuation and CJK: each is a starter for the decomposition and ends a word.
 * With most others between a letter or digit and a space: no normalizer works across it (a
 * Replace may; its pattern tells), and what cuts words there does so always.
 */
#include "tokenizer/parting.h"

#include "lib/base/utf8.h"
#include "tokenizer/scanner_kinds.h"
#include "tokenizer/unicode.h"

/* ---- Does a pre-tokenizer cut there? -------------------------------------------- */

enum verdict { CUTS, PASSES, MINDS };

static bool is_space(bert_text text)
{
    return text.size == 1 && text.data[0] == ' ';
}

static enum verdict judge_split(const struct bert__pre_step *step)
{
    const struct bert__pattern *p = &step->pattern;
    enum bert__behavior minds = step->invert ? BERT__MERGED_WITH_NEXT : BERT__MERGED_WITH_PREVIOUS;

    if (p->n == 0 && is_space(p->text))
        return step->behavior == minds ? MINDS : CUTS;
    if (!bert__pattern_parts(p))
        return MINDS;
    if (step->behavior != BERT__ISOLATED && step->behavior != BERT__REMOVED)
        return p->n == 0 ? PASSES : MINDS;
    return bert__pattern_takes_spaces(p) ? CUTS : PASSES;
}

static enum verdict judge(const struct bert__pre_step *step)
{
    switch (step->kind) {
    case BERT__PRE_BERT:
    case BERT__PRE_WHITESPACE:
    case BERT__PRE_WHITESPACE_SPLIT:
        return CUTS;
    case BERT__PRE_PUNCTUATION:
    case BERT__PRE_DIGITS:
        return PASSES;
    case BERT__PRE_BYTE_LEVEL:
    case BERT__PRE_METASPACE:
        return step->split ? CUTS : PASSES;
    case BERT__PRE_SPLIT:
        return judge_split(step);
    case BERT__PRE_SCRIPTS:
        break;
    }
    return MINDS;
}

/* Metaspace's stand-in for the space, if that is what the normalizer makes of it already. */
static bool stands_in(const struct bert__pretokenizer *p, bert_text space)
{
    const struct bert__pre_step *first = &p->steps[0];

    return p->n > 0 && first->kind == BERT__PRE_METASPACE && first->split
           && first->replacement.size == space.size
           && memcmp(first->replacement.data, space.data, space.size) == 0;
}

static bool cuts(const struct bert__pretokenizer *p, bert_text space)
{
    bool cut = false;

    for (uint32_t i = 0; i < p->n; i++) {
        enum verdict v = judge(&p->steps[i]);

        if (v == MINDS)
            return false;
        cut |= v == CUTS;
        /* behind a step that rewrites, a space may be something else */
        if (p->steps[i].kind == BERT__PRE_METASPACE || p->steps[i].kind == BERT__PRE_BYTE_LEVEL)
            return cut && (i + 1 == p->n) && (is_space(space) || stands_in(p, space));
    }
    return cut && is_space(space);
}

/* ---- Does a normalizer work across it? -------------------------------------------- */

static bool is_punctuation(bert_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned c = (unsigned char)text.data[i];

        if (c >= 0x80 || !(bert__uni_props(c) & BERT__UNI_PUNCT))
            return false;
    }
    return true;
}

static bool is_alnum(char c)
{
    return (unsigned)((c | 0x20) - 'a') < 26 || (unsigned)(c - '0') < 10;
}

/* May a match of the scanners hold a space? */
static bool takes_a_space(const struct bert__pattern *p)
{
    for (uint32_t k = 0; k < p->n; k++) {
        const struct bert__scanner *a = p->scanners[k];

        if (a == &bert__scanner_literal
                ? memchr(p->literals[k].data, ' ', p->literals[k].size) != NULL
                : bert__pattern_takes_spaces(p) || bert__charset_holds(&a->before, ' ')
                      || bert__charset_holds(&a->body, ' ') || bert__charset_holds(&a->after, ' ')
                      || a->scan != bert__scan_form)
            return true;
    }
    return false;
}

/* A pattern may be one character, or ASCII punctuation, or scanners; where those take spaces,
 * several or with what follows, what comes in their place must be a place to cut at too. */
static bool passes_replace(const struct bert__norm_step *step, const struct bert__pretokenizer *pre)
{
    const struct bert__pattern *p = &step->pattern;
    size_t len;

    if (p->n > 0)
        return bert__pattern_parts(p)
               && (!takes_a_space(p) || is_space(step->text) || stands_in(pre, step->text));
    bert__utf8_next(p->text.data, p->text.size, &len);
    return len == p->text.size || is_punctuation(p->text);
}

static bool passes(const struct bert__normalizer *n, const struct bert__pretokenizer *pre)
{
    for (uint32_t i = 0; i < n->n; i++) {
        if (n->steps[i].kind == BERT__NORM_SPM
            || (n->steps[i].kind == BERT__NORM_REPLACE && !passes_replace(&n->steps[i], pre)))
            return false;
    }
    return true;
}

/* Whether the first steps keep an ASCII letter or digit one, beside a space too; what they
 * make of the space. */
static bool try_char(const struct bert__normalizer *n, char c, struct bert__piece *p,
                     bert_text *space, bool *fits)
{
    char text[3] = {c, ' ', c};

    p->continues = p->continued = true;
    *fits = false;
    if (!bert__normalize(n, text, 3, p))
        return false;
    *fits = p->size >= 3 && is_alnum(p->bytes[0]) && p->bytes[p->size - 1] == p->bytes[0];
    *space = (bert_text){p->bytes + 1, *fits ? p->size - 2 : 0};
    return true;
}

static bool try_all(struct bert__parting *parting, const struct bert__normalizer *n,
                    struct bert__piece *p)
{
    bert_text space;

    for (int c = 0; c < 128; c++) {
        bool fits = is_alnum((char)c);

        for (uint32_t k = 1; k <= n->n && fits; k++) {
            struct bert__normalizer first = {n->steps, k, k};

            if (!try_char(&first, (char)c, p, &space, &fits))
                return false;
        }
        parting->before[c] = fits;
    }
    return true;
}

/* ---- Added tokens in normalised text ------------------------------------------------ */

static bool added_pass(const struct bert__added *added)
{
    if (added->normalized.empty != NULL)
        return false;
    for (uint32_t i = 0; i < added->normalized.n; i++) {
        const struct bert__added_token *t = added->normalized.sorted[i];
        bert_text p = t->pattern;

        if ((t->rstrip && is_alnum(p.data[p.size - 1])) || (t->single_word && p.data[0] == ' '))
            return false;
        if ((unsigned char)p.data[p.size - 1] >= 0x80 && t->rstrip)
            return false;
        for (size_t k = 1; k < p.size; k++) {
            if (p.data[k] == ' ' && (is_alnum(p.data[k - 1]) || (p.data[k - 1] & 0x80)))
                return false;
        }
    }
    return true;
}

/* ---- The place ------------------------------------------------------------------------ */

static bool is_bert(const struct bert__normalizer *n, const struct bert__pretokenizer *p,
                    const struct bert__added *added)
{
    return (n->n == 0 || bert__normalizer_bert(n) != NULL) && p->n == 1
           && p->steps[0].kind == BERT__PRE_BERT && !bert__matcher_finds(&added->normalized);
}

/* Byte-level patterns cut before a new line too, and put nothing before it. */
static bool takes_newlines(const struct bert__normalizer *n, const struct bert__pretokenizer *p,
                           const struct bert__added *added)
{
    const struct bert__pre_step *step = &p->steps[0];

    for (uint32_t i = 0; i < n->n; i++) {
        if (n->steps[i].kind > BERT__NORM_NFKD)
            return false;
    }
    if (bert__matcher_finds(&added->normalized)
        || (n->n > 0 && n->steps[0].kind == BERT__NORM_BERT))
        return false;
    if (step->kind == BERT__PRE_BYTE_LEVEL)
        return p->n == 1 && step->split && step->prepend == BERT__PREPEND_NEVER;
    return step->kind == BERT__PRE_SPLIT && step->behavior == BERT__ISOLATED && step->pattern.n == 1
           && bert__pattern_takes_spaces(&step->pattern);
}

bool bert__parting_prepare(struct bert__parting *parting, struct bert__alloc *alloc,
                           const struct bert__normalizer *n, const struct bert__pretokenizer *p,
                           const struct bert__added *added)
{
    struct bert__work work;
    bert_text space = {" ", 1};
    bool fits = true, ok = true;

    memset(parting, 0, sizeof *parting);
    if (is_bert(n, p, added)) {
        parting->kind = BERT__PART_BERT;
        return true;
    }
    if (p->n == 0 || !passes(n, p) || !added_pass(added))
        return true;
    bert__work_init(&work, alloc);
    if (n->n > 0)
        ok = try_char(n, 'x', &work.piece, &space, &fits);
    if (ok && fits && cuts(p, space)
        && (is_space(space) || !bert__matcher_finds(&added->normalized))) {
        parting->kind = BERT__PART_SPACE;
        parting->newlines = takes_newlines(n, p, added);
        ok = try_all(parting, n, &work.piece);
    }
    bert__work_free(&work);
    return ok;
}

static bool part_bert(const struct bert__normalizer *n, const char *text, size_t i, size_t size)
{
    const struct bert__norm_bert *bert = bert__normalizer_bert(n);
    unsigned c = (unsigned char)text[i];
    size_t len;
    uint32_t cp;

    if (c < 0x80)
        return (bert == NULL || bert->keep[c])
               && (bert__uni_props(c) & (BERT__UNI_SPACE | BERT__UNI_PUNCT));
    if (c < 0xE3 || bert == NULL || !bert->handle_chinese_chars)
        return false;
    cp = bert__utf8_next(text + i, size - i, &len);
    return cp != BERT__UTF8_BAD && (bert__uni_props(cp) & BERT__UNI_CJK);
}

/* ---- Letters beyond ASCII --------------------------------------------------------------- */

/*
 * A letter that no normal form and no lower-casing changes and that is a grapheme cluster of its
 * own: what is made of it doesn't hang on the space behind it.  Not behind a character that
 * takes the letter into its cluster.
 */
static bool is_plain_letter(const char *text, size_t at, size_t size)
{
    const unsigned slow = BERT__UNI_DROP | BERT__UNI_SPACE | BERT__UNI_PUNCT | BERT__UNI_MARK
                          | BERT__UNI_NONSTARTER | BERT__UNI_LOWER | BERT__UNI_KDECOMP
                          | BERT__UNI_NFC_SLOW | BERT__UNI_NFKC_SLOW | BERT__UNI_COMBINING
                          | BERT__UNI_SECOND;
    size_t len;
    uint32_t cp = bert__utf8_next(text + at, size - at, &len), category;

    if (cp == BERT__UTF8_BAD || bert__uni_props(cp) & slow
        || bert__uni_cluster(cp) != BERT__CLUSTER_OTHER)
        return false;
    category = bert__uni_regex(cp) & BERT__UNI_RE_CATEGORY;
    if (category != BERT__UNI_LU && category != BERT__UNI_LL && category != BERT__UNI_LO)
        return false;
    if (at == 0)
        return true;
    at = bert__utf8_before(text, at, size);
    cp = bert__utf8_next(text + at, size - at, &len);
    return cp != BERT__UTF8_BAD && bert__uni_cluster(cp) != BERT__CLUSTER_PREPEND;
}

/* Do the steps leave it as it is beside a space? */
static bool stays(const struct bert__normalizer *n, const char *letter, size_t len,
                  struct bert__piece *p)
{
    char text[9];

    memcpy(text, letter, len);
    text[len] = ' ';
    memcpy(text + len + 1, letter, len);
    p->continues = p->continued = true;
    return bert__normalize(n, text, 2 * len + 1, p) && p->size > 2 * len
           && memcmp(p->bytes, letter, len) == 0
           && memcmp(p->bytes + p->size - len, letter, len) == 0;
}

static bool part_behind_letter(const struct bert__normalizer *n,
                               const struct bert__pretokenizer *pre, const char *text, size_t i,
                               size_t size, struct bert__piece *spare)
{
    size_t at = bert__utf8_before(text, i, size), len = i - at;
    uint32_t cp;

    if (len < 2 || len > 4 || !is_plain_letter(text, at, size))
        return false;
    cp = bert__utf8_next(text + at, len, &len);
    for (uint32_t k = 0; k < n->n; k++) {
        if (n->steps[k].kind == BERT__NORM_REPLACE
            && !bert__pattern_parts_behind(&n->steps[k].pattern, cp))
            return false;
    }
    for (uint32_t k = 0; k < pre->n; k++) {
        if (pre->steps[k].kind == BERT__PRE_SPLIT
            && !bert__pattern_parts_behind(&pre->steps[k].pattern, cp))
            return false;
    }
    return stays(n, text + at, len, spare);
}

bool bert__may_part(const struct bert__parting *parting, const struct bert__normalizer *n,
                    const struct bert__pretokenizer *pre, const char *text, size_t i, size_t size,
                    struct bert__piece *spare)
{
    unsigned before;

    if (parting->kind == BERT__PART_BERT)
        return part_bert(n, text, i, size);
    if (text[i] != ' ' && !(text[i] == '\n' && parting->newlines))
        return false;
    before = (unsigned char)text[i - 1];
    if (before < 0x80)
        return parting->before[before];
    return text[i] == ' ' && part_behind_letter(n, pre, text, i, size, spare);
}
