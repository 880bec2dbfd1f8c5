/* SPDX-License-Identifier: MIT */
/*
 * normalizer_bert.c - BertNormalizer in one pass.
 *
 * The reference runs over the whole text once per step: clean, space out CJK,
 * decompose and strip, lower-case.  Each step but the decomposition works on single
 * code points, so that all can run on one code point after the other; only combining
 * marks have to wait for the end of their run, which is then put in canonical order.
 */
#include "tokenizer/normalizer.h"

#include "lib/base/utf8.h"
#include "tokenizer/marks.h"
#include "tokenizer/unicode.h"

enum {
    REPLACEMENT = 0xFFFD,
    ONE_CHAR = 64 /* bytes that one code point makes at most, marks of a run apart */
};
#define ADDED   0x80000000u
#define CODE(m) ((m).cp & BERT__MARK_CODE)

static void put(struct bert__piece *p, uint32_t cp, uint32_t from)
{
    char bytes[4];

    bert__piece_put(p, bytes, bert__utf8_put(bytes, cp), from);
}

static void put_lowered(const struct bert__norm_bert *n, struct bert__piece *p, uint32_t cp,
                        uint32_t from)
{
    uint32_t low[BERT__UNI_MAX_LOWER];
    unsigned k;

    if (!n->lowercase) {
        put(p, cp, from);
        return;
    }
    k = bert__uni_lower(cp, low);
    for (unsigned i = 0; i < k; i++)
        put(p, low[i], from);
}

/* ---- Runs of combining marks ---------------------------------------------- */

static bool sort_run(struct bert__piece *p)
{
    if (p->run_ordered)
        return true;
    if (!bert__reserve(p->alloc, &p->sorted, &p->sorted_cap, p->n_run, sizeof *p->sorted))
        return false;
    bert__marks_sort(p->run, p->n_run, p->sorted);
    return true;
}

/*
 * Write what stays of the run.  The reference hands out origins by position, not by
 * mark: after sorting, the k-th mark that a character of the text stands for gets the
 * origin of the k-th such character, and a mark that a decomposition added gets that
 * of the mark before it.
 */
static bool end_run(const struct bert__norm_bert *n, struct bert__piece *p)
{
    const struct bert__mark *marks, *next = p->run;
    uint32_t from = p->last_from;

    if (p->n_kept > 0) {
        if (!sort_run(p) || !bert__piece_room(p, p->n_run * 4 + ONE_CHAR))
            return false;
        marks = p->run_ordered ? p->run : p->sorted;
        for (size_t i = 0; i < p->n_run; i++) {
            if (!(marks[i].cp & ADDED)) {
                while (next->cp & ADDED)
                    next++;
                from = next++->from;
            }
            if (!(bert__uni_props(CODE(marks[i])) & BERT__UNI_MARK))
                put_lowered(n, p, CODE(marks[i]), from);
        }
    }
    p->n_run = 0;
    p->n_kept = 0;
    return true;
}

static bool add_mark(struct bert__piece *p, uint32_t cp, bool added, bool kept, uint32_t from)
{
    if (!kept && !p->want_from)
        return true; /* it goes, and only origins would miss it */
    if (!bert__reserve(p->alloc, &p->run, &p->run_cap, p->n_run + 1, sizeof *p->run))
        return false;
    if (p->n_run == 0)
        p->run_ordered = true;
    else if (bert__uni_class(CODE(p->run[p->n_run - 1])) > bert__uni_class(cp))
        p->run_ordered = false;
    p->run[p->n_run].cp = added ? cp | ADDED : cp;
    p->run[p->n_run++].from = from;
    p->n_kept += kept;
    return true;
}

/* ---- One code point ------------------------------------------------------- */

/* A starter: ends the run before it. */
static bool add_starter(const struct bert__norm_bert *n, struct bert__piece *p, uint32_t cp,
                        bool kept, uint32_t from)
{
    if (p->n_run > 0 && !end_run(n, p))
        return false;
    p->last_from = from;
    if (kept)
        put_lowered(n, p, cp, from);
    return true;
}

/* Decompose, drop non-spacing marks, lower-case. */
static bool strip(const struct bert__norm_bert *n, struct bert__piece *p, uint32_t cp,
                  uint32_t from)
{
    uint32_t parts[BERT__UNI_MAX_DECOMP];
    unsigned k = 1;

    parts[0] = cp;
    if (n->strip_accents)
        k = bert__uni_decompose(cp, parts);
    for (unsigned i = 0; i < k; i++) {
        unsigned props = n->strip_accents ? bert__uni_props(parts[i]) : 0;
        bool kept = !(props & BERT__UNI_MARK);

        if (props & BERT__UNI_NONSTARTER) {
            if (!add_mark(p, parts[i], i > 0, kept, from))
                return false;
        } else if (!add_starter(n, p, parts[i], kept, from)) {
            return false;
        }
    }
    return true;
}

/* Clean, space out. */
static bool add_char(const struct bert__norm_bert *n, struct bert__piece *p, uint32_t cp,
                     uint32_t from)
{
    unsigned props = bert__uni_props(cp);

    if (n->clean_text && (props & BERT__UNI_DROP))
        return true;
    if (n->clean_text && (props & BERT__UNI_SPACE))
        cp = ' ';
    if (!n->handle_chinese_chars || !(props & BERT__UNI_CJK))
        return strip(n, p, cp, from);
    return add_starter(n, p, ' ', true, from) && strip(n, p, cp, from)
           && add_starter(n, p, ' ', true, from);
}

static bool add_slow(const struct bert__norm_bert *n, struct bert__piece *p, uint32_t cp,
                     uint32_t from)
{
    uint32_t low[BERT__UNI_MAX_LOWER];
    unsigned k;

    if (!n->lower_first)
        return add_char(n, p, cp, from);
    k = bert__uni_lower(cp, low);
    for (unsigned i = 0; i < k; i++) {
        if (!add_char(n, p, low[i], from))
            return false;
    }
    return true;
}

/* The code point at source + i, not ASCII; moves i past it. */
static bool add_multibyte(const struct bert__norm_bert *n, struct bert__piece *p,
                          const char *source, size_t size, size_t *i)
{
    uint32_t from = (uint32_t)*i, cp;
    size_t len;

    cp = bert__utf8_next(source + *i, size - *i, &len);
    *i += len;
    if (cp == BERT__UTF8_BAD)
        cp = REPLACEMENT;
    else if (p->n_run == 0 && !(bert__uni_props(cp) & n->slow)) {
        p->last_from = from;
        bert__piece_put(p, source + from, len, from);
        return true;
    }
    return add_slow(n, p, cp, from);
}

/* ---- A stretch ------------------------------------------------------------ */

/* ASCII from i on; returns where it ends.  No run is pending and there is room. */
static size_t add_ascii(const struct bert__norm_bert *n, struct bert__piece *p, const char *source,
                        size_t size, size_t i)
{
    char *out = p->bytes;
    size_t o = p->size;

    if (p->want_from) {
        for (; i < size && (unsigned char)source[i] < 0x80; i++) {
            unsigned c = (unsigned char)source[i];

            out[o] = n->ascii[c];
            p->from[o] = (uint32_t)i;
            o += n->keep[c];
        }
        if (o > p->size)
            p->last_from = p->from[o - 1];
    } else {
        for (; i < size && (unsigned char)source[i] < 0x80; i++) {
            unsigned c = (unsigned char)source[i];

            out[o] = n->ascii[c];
            o += n->keep[c];
        }
    }
    p->size = o;
    return i;
}

bool bert__norm_bert(const struct bert__norm_bert *n, const char *source, size_t size,
                     struct bert__piece *p)
{
    size_t i = 0;

    p->n_run = 0;
    p->n_kept = 0;
    p->last_from = 0;
    while (i < size) {
        unsigned c = (unsigned char)source[i];

        if (!bert__piece_room(p, size - i + ONE_CHAR) || !bert__piece_goes_on(p, i))
            return false;
        if (c >= 0x80) {
            if (!add_multibyte(n, p, source, size, &i))
                return false;
        } else if (p->n_run > 0 && !n->keep[c]) {
            i++; /* marks on both sides of what is removed are one run */
        } else if (p->n_run > 0) {
            if (!end_run(n, p)) /* then come again: it took room */
                return false;
        } else {
            i = add_ascii(n, p, source, size, i);
        }
    }
    return p->n_run == 0 || end_run(n, p);
}
