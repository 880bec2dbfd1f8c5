/* SPDX-License-Identifier: MIT */
/* trim.c - offsets without the spaces that their tokens begin and end with. */
#include "tokenizer/trim.h"

#include "lib/base/utf8.h"
#include "tokenizer/unicode.h"

enum { MANY = 15, SPACE_LETTER = 0x120 /* how byte-level spells a space */ };

static bool is_space(uint32_t cp)
{
    return cp == SPACE_LETTER || (cp != BERT__UTF8_BAD && (bert__uni_props(cp) & BERT__UNI_SPACE));
}

struct bert__spaces bert__trim_spaces_of(bert_text text)
{
    struct bert__spaces s = {0, 0};
    bool front = true;
    size_t len;

    for (size_t i = 0; i < text.size; i += len) {
        bool space = is_space(bert__utf8_next(text.data + i, text.size - i, &len));

        front = front && space;
        s.front += front;
        s.back = space ? s.back + 1 : 0;
    }
    return s;
}

/* ---- The vocabulary's ------------------------------------------------------- */

bert_status bert__trim_prepare(bert_tokenizer *tok, bert_error *err)
{
    uint8_t *spaces;

    if (!tok->postprocessor.trims)
        return BERT_OK;
    spaces = bert__arena_get(&tok->arena, tok->vocab_size);
    if (spaces == NULL)
        return bert__alloc_fail(tok->alloc, "spaces of the tokens", err);
    for (uint32_t id = 0; id < tok->vocab_size; id++) {
        struct bert__spaces s = bert__trim_spaces_of(bert__tokenizer_spelling(tok, (int32_t)id));

        spaces[id] =
            (uint8_t)((s.front < MANY ? s.front : MANY) | (s.back < MANY ? s.back : MANY) << 4);
    }
    tok->spaces = spaces;
    return BERT_OK;
}

struct bert__spaces bert__trim_spaces(const bert_tokenizer *tok, int32_t id)
{
    struct bert__spaces s = {tok->spaces[id] & MANY, (size_t)(tok->spaces[id] >> 4)};

    if (s.front == MANY || s.back == MANY)
        return bert__trim_spaces_of(bert__tokenizer_spelling(tok, id));
    return s;
}

/* ---- Offsets ---------------------------------------------------------------- */

/* k characters on from `at`, at most to `end`; bytes of text, or characters. */
static size_t advance(const bert_text *text, size_t at, size_t k, size_t end)
{
    size_t len = 1;

    if (text == NULL)
        return end - at > k ? at + k : end;
    for (; k > 0 && at < end; k--) {
        bert__utf8_next(text->data + at, text->size - at, &len);
        at += len;
    }
    return at < end ? at : end;
}

/* k characters back from `at`; false: there are not so many. */
static bool retreat(const bert_text *text, size_t *at, size_t k)
{
    if (text == NULL) {
        if (*at < k)
            return false;
        *at -= k;
        return true;
    }
    for (; k > 0 && *at > 0; k--)
        *at = bert__utf8_before(text->data, *at, text->size);
    return k == 0;
}

void bert__trim(const struct bert__trim *trims, uint32_t n, struct bert__spaces spaces, bool first,
                const bert_text *text, bert_span *o)
{
    for (uint32_t i = 0; i < n; i++) {
        bool is_first = (first && !trims[i].inner) || o->start == 0;
        size_t front = spaces.front, end = o->end;

        if (front == 1 && is_first && trims[i].prefix_space)
            front = 0; /* more than one are the text's */
        o->start = advance(text, o->start, front, o->end);
        if (spaces.back > 0 && retreat(text, &end, spaces.back))
            o->end = end > o->start ? end : o->start;
    }
}
