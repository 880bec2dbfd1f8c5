/* SPDX-License-Identifier: MIT */
/* pretokenizer.c - the steps of a pre-tokenizer one after the other. */
#include "tokenizer/pretokenizer.h"

#include "tokenizer/unicode.h"

bool bert__pretokenizer_add(struct bert__pretokenizer *p, struct bert__arena *arena,
                            const struct bert__pre_step *step)
{
    if (p->n == p->cap) {
        uint32_t cap = p->cap == 0 ? 2 : 2 * p->cap;
        struct bert__pre_step *steps = bert__arena_get(arena, cap * sizeof *steps);

        if (steps == NULL)
            return false;
        if (p->n > 0)
            memcpy(steps, p->steps, p->n * sizeof *steps);
        p->steps = steps;
        p->cap = cap;
    }
    p->steps[p->n++] = *step;
    p->asks_origin |= step->kind == BERT__PRE_METASPACE && step->prepend == BERT__PREPEND_FIRST;
    return true;
}

/* Make the words so far what the next step reads. */
static void turn_words(struct bert__work *work)
{
    struct bert__words words = work->words;

    work->words = work->before;
    work->before = words;
    work->words.n = 0;
}

static bool cut(const struct bert__pre_step *step, struct bert__work *work, size_t begin,
                size_t end)
{
    switch (step->kind) {
    case BERT__PRE_BERT:
        return bert__pre_bert(work, begin, end);
    case BERT__PRE_WHITESPACE:
        return bert__pre_whitespace(work, begin, end);
    case BERT__PRE_WHITESPACE_SPLIT:
        return bert__pre_property(BERT__UNI_SPACE, BERT__REMOVED, work, begin, end);
    case BERT__PRE_PUNCTUATION:
        return bert__pre_property(BERT__UNI_PUNCT, step->behavior, work, begin, end);
    case BERT__PRE_DIGITS:
        return bert__pre_property(BERT__UNI_NUMERIC, step->behavior, work, begin, end);
    case BERT__PRE_SCRIPTS:
        return bert__pre_scripts(work, begin, end);
    default:
        return bert__pre_split(step, work, begin, end);
    }
}

/* Cut the words so far. */
static bool cut_all(const struct bert__pre_step *step, struct bert__work *work)
{
    turn_words(work);
    for (size_t i = 0; i < work->before.n; i++) {
        if (!cut(step, work, work->before.items[i].begin, work->before.items[i].end))
            return false;
    }
    return true;
}

/* Does every word begin with a space? */
static bool all_spaced(const struct bert__work *work)
{
    for (size_t i = 0; i < work->words.n; i++) {
        if (work->piece.bytes[work->words.items[i].begin] != ' ')
            return false;
    }
    return true;
}

static bool byte_level(const struct bert__pre_step *step, struct bert__work *work, bool raw)
{
    if (step->prepend == BERT__PREPEND_ALWAYS && !all_spaced(work)) {
        turn_words(work);
        bert__piece_turn(&work->piece);
        if (!bert__pre_byte_prefix(work))
            return false;
    }
    if (step->split && !cut_all(step, work))
        return false;
    if (raw)
        return true;
    turn_words(work);
    bert__piece_turn(&work->piece);
    return bert__pre_byte_alphabet(work);
}

static bool run(const struct bert__pretokenizer *p, uint32_t k, struct bert__work *work,
                size_t origin)
{
    const struct bert__pre_step *step = &p->steps[k];

    switch (step->kind) {
    case BERT__PRE_BYTE_LEVEL:
        return byte_level(step, work, p->byte_level && k + 1 == p->n);
    case BERT__PRE_METASPACE:
        turn_words(work);
        bert__piece_turn(&work->piece);
        return bert__pre_metaspace(step, work, origin);
    default:
        return cut_all(step, work);
    }
}

static bool rewrites(const struct bert__pre_step *step)
{
    return step->kind == BERT__PRE_BYTE_LEVEL || step->kind == BERT__PRE_METASPACE;
}

bool bert__pretokenize(const struct bert__pretokenizer *p, struct bert__work *work, size_t begin,
                       size_t end, size_t origin)
{
    uint32_t k = 0;

    work->words.n = 0;
    if (begin == end)
        return true;
    if (p->n > 0 && !rewrites(&p->steps[0])) {
        if (!cut(&p->steps[k++], work, begin, end))
            return false;
    } else if (!bert__word_add(work, begin, end)) {
        return false;
    }
    for (; k < p->n; k++) {
        if (!run(p, k, work, origin))
            return false;
    }
    return true;
}

bool bert__pretokenizer_rewrites(const struct bert__pretokenizer *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (rewrites(&p->steps[i]))
            return true;
    }
    return false;
}
