/* SPDX-License-Identifier: MIT */
/* pretokenizer_rewrite.c - the pre-tokenizers that change the text: each word of work->before
 * is copied from piece.in to the piece as it becomes. */
#include "tokenizer/bytelevel.h"
#include "tokenizer/pretokenizer.h"

/* Append bytes of `in` as they are. */
static void copy(struct bert__piece *p, size_t begin, size_t n)
{
    memcpy(p->bytes + p->size, p->in.bytes + begin, n);
    if (p->want_from && n > 0)
        memcpy(p->from + p->size, p->in.from + begin, n * sizeof *p->from);
    p->size += n;
}

/* Append text that stands for the character at `place` of `in`. */
static void put(struct bert__piece *p, bert_text text, size_t place)
{
    bert__piece_put(p, text.data, text.size, p->want_from ? p->in.from[place] : 0);
}

static bool begins(const struct bert__layer *in, size_t at, size_t end, bert_text with)
{
    return end - at >= with.size && memcmp(in->bytes + at, with.data, with.size) == 0;
}

/* ---- Metaspace ------------------------------------------------------------------ */

/* Bytes of a word until the next space or replacement. */
static size_t plain(const struct bert__layer *in, size_t at, size_t end, bert_text replacement)
{
    size_t i = at;

    while (i < end && in->bytes[i] != ' '
           && (in->bytes[i] != replacement.data[0] || !begins(in, i, end, replacement)))
        i++;
    return i - at;
}

static bool needs_prefix(const struct bert__pre_step *step, const struct bert__piece *p, size_t at,
                         size_t end, size_t origin)
{
    if (step->prepend == BERT__PREPEND_NEVER || p->in.bytes[at] == ' '
        || begins(&p->in, at, end, step->replacement))
        return false;
    return step->prepend == BERT__PREPEND_ALWAYS || (origin == 0 && p->in.from[at] == 0);
}

static bool metaspace_word(const struct bert__pre_step *step, struct bert__work *work, size_t at,
                           size_t end, size_t origin)
{
    struct bert__piece *p = &work->piece;
    bert_text by = step->replacement;
    size_t start = p->size;

    if (needs_prefix(step, p, at, end, origin))
        put(p, by, at);
    while (at < end) {
        size_t n = plain(&p->in, at, end, by);

        if (!bert__piece_room(p, end - at + 2 * by.size))
            return false;
        copy(p, at, n);
        at += n;
        if (at == end)
            break;
        if (step->split && p->size > start) {
            if (!bert__word_add(work, start, p->size))
                return false;
            start = p->size;
        }
        put(p, by, at);
        at += p->in.bytes[at] == ' ' ? 1 : by.size;
    }
    return bert__word_add(work, start, p->size);
}

bool bert__pre_metaspace(const struct bert__pre_step *step, struct bert__work *work, size_t origin)
{
    struct bert__piece *p = &work->piece;

    for (size_t i = 0; i < work->before.n; i++) {
        struct bert__word w = work->before.items[i];

        if (!bert__piece_room(p, w.end - w.begin + 2 * step->replacement.size)
            || !metaspace_word(step, work, w.begin, w.end, origin))
            return false;
    }
    return true;
}

/* ---- ByteLevel -------------------------------------------------------------------- */

bool bert__pre_byte_prefix(struct bert__work *work)
{
    struct bert__piece *p = &work->piece;

    for (size_t i = 0; i < work->before.n; i++) {
        struct bert__word w = work->before.items[i];
        size_t start = p->size;

        if (!bert__piece_room(p, w.end - w.begin + 1))
            return false;
        if (p->in.bytes[w.begin] != ' ')
            put(p, (bert_text){" ", 1}, w.begin);
        copy(p, w.begin, w.end - w.begin);
        if (!bert__word_add(work, start, p->size))
            return false;
    }
    return true;
}

bool bert__pre_byte_alphabet(struct bert__work *work)
{
    struct bert__piece *p = &work->piece;

    for (size_t i = 0; i < work->before.n; i++) {
        struct bert__word w = work->before.items[i];
        size_t start = p->size;

        if (!bert__piece_room(p, 2 * (size_t)(w.end - w.begin)))
            return false;
        for (size_t k = w.begin; k < w.end; k++) {
            char bytes[2];

            put(p, (bert_text){bytes, bert__byte_level_put(bytes, (unsigned char)p->in.bytes[k])},
                k);
        }
        if (!bert__word_add(work, start, p->size))
            return false;
    }
    return true;
}
