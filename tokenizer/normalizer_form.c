/* SPDX-License-Identifier: MIT */
/*
 * normalizer_form.c - NFC, NFD, NFKC, NFKD.
 *
 * The reference says of each character that it hands on how many of what it read it
 * stands for, and places are counted off by that: after sorting and composing, a place
 * belongs to a position, not to a mark.  So each character carries its `change`: 1 if it
 * was added, else minus the number of characters that it took on top of its own.
 */
#include "lib/base/utf8.h"
#include "tokenizer/marks.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/text.h"
#include "tokenizer/unicode.h"

enum { ONE_CHAR = 64 };

struct form {
    bool compat, compose;
    unsigned slow; /* properties of characters that are not copied as they are */
    const char *text;
    size_t size;
    size_t at; /* where the next place is counted off */
    struct bert__piece *p;
};

/* ---- A run, decomposed ------------------------------------------------------ */

static int32_t change_of(const struct bert__mark *mark)
{
    return (int32_t)mark->from;
}

/* Append the parts of a character. */
static bool add_char(struct form *f, uint32_t cp)
{
    uint32_t parts[BERT__UNI_MAX_COMPAT];
    struct bert__piece *p = f->p;
    unsigned n = f->compat ? bert__uni_decompose_compat(cp, parts) : bert__uni_decompose(cp, parts);

    if (!bert__reserve(p->alloc, &p->run, &p->run_cap, p->n_run + n, sizeof *p->run))
        return false;
    for (unsigned i = 0; i < n; i++)
        p->run[p->n_run++] = (struct bert__mark){parts[i], i > 0};
    return true;
}

/* Put marks between starters in order. */
static bool sort(struct bert__piece *p)
{
    size_t begin = 0, end;

    for (; begin < p->n_run; begin = end + 1) {
        bool ordered = true;
        unsigned class = bert__uni_class(p->run[begin].cp), next;

        for (end = begin; end < p->n_run && (next = bert__uni_class(p->run[end].cp)) > 0; end++) {
            ordered &= class <= next;
            class = next;
        }
        if (ordered)
            continue;
        if (!bert__reserve(p->alloc, &p->sorted, &p->sorted_cap, end - begin, sizeof *p->sorted))
            return false;
        bert__marks_sort(p->run + begin, end - begin, p->sorted);
        memcpy(p->run + begin, p->sorted, (end - begin) * sizeof *p->run);
    }
    return true;
}

/* A mark composes with the starter unless one of its class or above stands between. */
static void compose(struct bert__piece *p)
{
    struct bert__mark *run = p->run, *starter = NULL;
    size_t n = 0;
    int last = -1; /* class of the mark before; -1: none */

    for (size_t i = 0; i < p->n_run; i++) {
        struct bert__mark c = run[i];
        int class = (int)bert__uni_class(c.cp);
        uint32_t whole = 0;

        if (starter != NULL && last < class)
            whole = bert__uni_compose(starter->cp, c.cp);
        if (whole != 0) {
            starter->cp = whole;
            starter->from = (uint32_t)(change_of(starter) + change_of(&c) - 1);
            continue;
        }
        run[n] = c;
        if (class == 0) {
            starter = &run[n];
            last = -1;
        } else if (starter != NULL) {
            last = class;
        }
        n++;
    }
    p->n_run = n;
}

/* Place of the next character, by its change. */
static size_t count_off(struct form *f, int32_t change)
{
    size_t place = f->at;

    if (change > 0)
        return place > 0 ? place - 1 : 0;
    for (; change <= 0; change++)
        f->at += bert__text_len(f->text[f->at]);
    return place;
}

static bool end_run(struct form *f)
{
    struct bert__piece *p = f->p;

    if (!sort(p))
        return false;
    if (f->compose)
        compose(p);
    if (!bert__piece_room(p, p->n_run * 4 + ONE_CHAR))
        return false;
    for (size_t i = 0; i < p->n_run; i++) {
        char bytes[4];
        size_t n = bert__utf8_put(bytes, p->run[i].cp);

        bert__piece_put(p, bytes, n, p->want_from ? count_off(f, change_of(&p->run[i])) : 0);
    }
    p->n_run = 0;
    return true;
}

/* ---- The text --------------------------------------------------------------- */

/* End of what may be copied from i on: up to the first slow character. */
static size_t plain_end(const struct form *f, size_t i)
{
    size_t len;

    for (; i < f->size; i += len) {
        if ((unsigned char)f->text[i] < 0x80)
            len = 1;
        else if (bert__uni_props(bert__text_get(f->text + i, &len)) & f->slow)
            break;
    }
    return i;
}

/* Nothing before it composes with it. */
static bool is_apart(uint32_t cp)
{
    unsigned props;

    if (cp < 0x80)
        return true;
    props = bert__uni_props(cp);
    return !(props & (BERT__UNI_NONSTARTER | BERT__UNI_SECOND));
}

/* From i on, until a character that may be copied; returns its place, or SIZE_MAX
 * without memory. */
static size_t slow_run(struct form *f, size_t i)
{
    size_t first = i, len;

    f->at = i;
    for (; i < f->size; i += len) {
        uint32_t cp = bert__text_get(f->text + i, &len);
        size_t before = f->p->n_run;

        if (i > first && !(bert__uni_props(cp) & f->slow))
            break;
        if (!add_char(f, cp) || !bert__piece_goes_on(f->p, i))
            return SIZE_MAX;
        if (before > 0 && is_apart(f->p->run[before].cp)) {
            /* what came before is done with; the parts of this one begin anew */
            uint32_t parts[BERT__UNI_MAX_COMPAT];
            size_t n = f->p->n_run - before;

            for (size_t k = 0; k < n; k++)
                parts[k] = f->p->run[before + k].cp;
            f->p->n_run = before;
            if (!end_run(f))
                return SIZE_MAX;
            for (size_t k = 0; k < n; k++)
                f->p->run[f->p->n_run++] = (struct bert__mark){parts[k], k > 0};
        }
    }
    return end_run(f) ? i : SIZE_MAX;
}

bool bert__norm_form(enum bert__norm_kind kind, unsigned slow, const char *text, size_t size,
                     struct bert__piece *p)
{
    struct form f = {.compat = kind == BERT__NORM_NFKC || kind == BERT__NORM_NFKD,
                     .compose = kind == BERT__NORM_NFC || kind == BERT__NORM_NFKC,
                     .slow = slow,
                     .text = text,
                     .size = size,
                     .p = p};

    p->n_run = 0;
    for (size_t i = 0; i < size;) {
        size_t end = plain_end(&f, i);

        if (end < size && end > i && f.compose)
            end = bert__text_before(text, end); /* it may compose with what follows */
        if (!bert__piece_room(p, size - i + ONE_CHAR))
            return false;
        bert__piece_copy(p, text + i, end - i, i);
        i = end < size ? slow_run(&f, end) : end;
        if (i == SIZE_MAX)
            return false;
    }
    return true;
}
