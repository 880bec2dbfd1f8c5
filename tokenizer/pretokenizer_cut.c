/* SPDX-License-Identifier: MIT */
/* pretokenizer_cut.c - cutting words out of the piece, which stays as it is. */
#include "tokenizer/pretokenizer.h"
#include "tokenizer/text.h"
#include "tokenizer/unicode.h"

/* Properties of the character at i, and its length. */
static inline unsigned props_at(const char *s, size_t i, size_t *len)
{
    unsigned c = (unsigned char)s[i];

    if (c < 0x80) {
        *len = 1;
        return bert__uni_props_ascii(c);
    }
    return bert__uni_props(bert__text_get(s + i, len));
}

/* ---- BertPreTokenizer ---------------------------------------------------------- */

bool bert__pre_bert(struct bert__work *work, size_t i, size_t end)
{
    const char *s = work->piece.bytes;
    size_t start = i, len;

    while (i < end) {
        unsigned props = props_at(s, i, &len);

        if (!(props & (BERT__UNI_SPACE | BERT__UNI_PUNCT))) {
            i += len;
            continue;
        }
        if (i > start && !bert__word_add(work, start, i))
            return false;
        if (!(props & BERT__UNI_SPACE) && !bert__word_add(work, i, i + len))
            return false;
        i += len;
        start = i;
    }
    return i == start || bert__word_add(work, start, i);
}

/* ---- Whitespace ------------------------------------------------------------------ */

enum { OTHER, WORD, SPACE };

static unsigned class_at(const char *s, size_t i, size_t *len)
{
    unsigned props = props_at(s, i, len);

    return props & BERT__UNI_WORD ? WORD : props & BERT__UNI_SPACE ? SPACE : OTHER;
}

bool bert__pre_whitespace(struct bert__work *work, size_t i, size_t end)
{
    const char *s = work->piece.bytes;
    unsigned class = SPACE;
    size_t start = i, len;

    for (; i < end; i += len) {
        unsigned next = class_at(s, i, &len);

        if (next == class)
            continue;
        if (class != SPACE && !bert__word_add(work, start, i))
            return false;
        class = next;
        start = i;
    }
    return class == SPACE || bert__word_add(work, start, end);
}

/* ---- UnicodeScripts ---------------------------------------------------------------- */

/* A space belongs to the script before it; spaces in front of all are lost. */
bool bert__pre_scripts(struct bert__work *work, size_t i, size_t end)
{
    const char *s = work->piece.bytes;
    size_t start = end, len;
    unsigned last = 0;

    for (; i < end; i += len) {
        unsigned script = bert__uni_script(bert__text_get(s + i, &len));

        if (script == 0 || script == last)
            continue;
        if (last != 0 && !bert__word_add(work, start, i))
            return false;
        start = i;
        last = script;
    }
    return start == end || bert__word_add(work, start, end);
}

/* ---- Behaviors ---------------------------------------------------------------------- */

/* What lies side by side, matches and the text between them, becomes words. */
struct joiner {
    struct bert__work *work;
    enum bert__behavior behavior;
    size_t first; /* words before */
    bool last;    /* was the part before this a match? */
};

static bool join(const struct joiner *j, bool match)
{
    size_t n = j->work->words.n;

    if (n == j->first)
        return false;
    switch (j->behavior) {
    case BERT__CONTIGUOUS:
        return match == j->last;
    case BERT__MERGED_WITH_PREVIOUS:
        return match && !j->last;
    case BERT__MERGED_WITH_NEXT:
        return !match && j->last;
    default:
        return false;
    }
}

static bool add_part(struct joiner *j, size_t begin, size_t end, bool match)
{
    if (begin == end)
        return true;
    if (match && j->behavior == BERT__REMOVED)
        return true;
    if (join(j, match))
        j->work->words.items[j->work->words.n - 1].end = (uint32_t)end;
    else if (!bert__word_add(j->work, begin, end))
        return false;
    j->last = match;
    return true;
}

bool bert__pre_property(unsigned property, enum bert__behavior behavior, struct bert__work *work,
                        size_t i, size_t end)
{
    struct joiner j = {work, behavior, work->words.n, false};
    const char *s = work->piece.bytes;
    size_t start = i, len;

    for (; i < end; i += len) {
        if (!(props_at(s, i, &len) & property))
            continue;
        if (!add_part(&j, start, i, false) || !add_part(&j, i, i + len, true))
            return false;
        start = i + len;
    }
    return add_part(&j, start, end, false);
}

bool bert__pre_split(const struct bert__pre_step *step, struct bert__work *work, size_t i,
                     size_t end)
{
    struct joiner j = {work, step->behavior, work->words.n, false};
    const char *s = work->piece.bytes;
    struct bert__found found;

    while (bert__pattern_find(&step->pattern, s, i, end, &found)) {
        if (!add_part(&j, i, found.begin, step->invert)
            || !add_part(&j, found.begin, found.end, !step->invert))
            return false;
        i = found.end;
    }
    return add_part(&j, i, end, step->invert);
}
