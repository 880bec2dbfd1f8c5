/* SPDX-License-Identifier: MIT */
/*
 * cluster.c - where extended grapheme clusters end: Unicode Standard Annex 29, rules
 * GB3 to GB11, with the classes that the reference shows.  Flags (GB12) are left out:
 * they are so long that the reference treats pairs and single ones alike.
 */
#include "tokenizer/cluster.h"

#include <stdbool.h>

#include "tokenizer/text.h"
#include "tokenizer/unicode.h"

struct state {
    enum bert__uni_cluster last;
    bool pict;     /* a pictograph and what extends it, */
    bool joined;   /* and then a joiner */
    bool conjunct; /* a consonant and what may follow it in a conjunct, */
    bool linked;   /* with a linker among it */
};

static bool extends(enum bert__uni_cluster c)
{
    return c == BERT__CLUSTER_EXTEND || c == BERT__CLUSTER_LINKER || c == BERT__CLUSTER_ZWNJ
           || c == BERT__CLUSTER_ZWJ;
}

static void advance(struct state *s, enum bert__uni_cluster c)
{
    s->joined = s->pict && c == BERT__CLUSTER_ZWJ;
    s->pict = c == BERT__CLUSTER_PICT || (s->pict && extends(c) && c != BERT__CLUSTER_ZWJ);
    if (c == BERT__CLUSTER_CONSONANT) {
        s->conjunct = true;
        s->linked = false;
    } else {
        s->conjunct = s->conjunct && extends(c) && c != BERT__CLUSTER_ZWNJ;
        s->linked = s->conjunct && (s->linked || c == BERT__CLUSTER_LINKER);
    }
    s->last = c;
}

static bool hangul_joins(enum bert__uni_cluster a, enum bert__uni_cluster b)
{
    switch (a) {
    case BERT__CLUSTER_L:
        return b == BERT__CLUSTER_L || b == BERT__CLUSTER_V || b == BERT__CLUSTER_LV
               || b == BERT__CLUSTER_LVT;
    case BERT__CLUSTER_LV:
    case BERT__CLUSTER_V:
        return b == BERT__CLUSTER_V || b == BERT__CLUSTER_T;
    case BERT__CLUSTER_LVT:
    case BERT__CLUSTER_T:
        return b == BERT__CLUSTER_T;
    default:
        return false;
    }
}

static bool is_control(enum bert__uni_cluster c)
{
    return c == BERT__CLUSTER_CONTROL || c == BERT__CLUSTER_CR || c == BERT__CLUSTER_LF;
}

static bool joins(const struct state *s, enum bert__uni_cluster c)
{
    if (s->last == BERT__CLUSTER_CR && c == BERT__CLUSTER_LF)
        return true;
    if (is_control(s->last) || is_control(c))
        return false;
    return extends(c) || c == BERT__CLUSTER_SPACING || s->last == BERT__CLUSTER_PREPEND
           || hangul_joins(s->last, c) || (s->linked && c == BERT__CLUSTER_CONSONANT)
           || (s->joined && c == BERT__CLUSTER_PICT);
}

size_t bert__cluster_end(const char *text, size_t i, size_t size)
{
    struct state s = {BERT__CLUSTER_OTHER, false, false, false, false};
    size_t len;

    advance(&s, bert__uni_cluster(bert__text_get(text + i, &len)));
    for (i += len; i < size; i += len) {
        enum bert__uni_cluster c = bert__uni_cluster(bert__text_get(text + i, &len));

        if (!joins(&s, c))
            break;
        advance(&s, c);
    }
    return i;
}
