/* SPDX-License-Identifier: MIT */
/* pretokenizer.c - BertPreTokenizer. */
#include "tokenizer/pretokenizer.h"

#include "lib/base/utf8.h"
#include "tokenizer/unicode.h"

enum { LETTER, SPACE, PUNCT };

static uint8_t class_of(uint32_t cp)
{
    unsigned props = bert__uni_props(cp);

    if (props & BERT__UNI_SPACE)
        return SPACE;
    return props & BERT__UNI_PUNCT ? PUNCT : LETTER;
}

void bert__pretokenizer_prepare(struct bert__pretokenizer *p)
{
    for (uint32_t c = 0; c < 128; c++)
        p->ascii[c] = class_of(c);
}

/* Class of the character at i, and its length. */
static unsigned class_at(const struct bert__pretokenizer *p, const char *s, size_t i, size_t end,
                         size_t *len)
{
    unsigned c = (unsigned char)s[i];

    if (c < 0x80) {
        *len = 1;
        return p->ascii[c];
    }
    return class_of(bert__utf8_next(s + i, end - i, len));
}

static bool split_bert(const struct bert__pretokenizer *p, struct bert__work *work, size_t i,
                       size_t end)
{
    const char *s = work->piece.bytes;
    size_t start = i, len;

    while (i < end) {
        unsigned class = class_at(p, s, i, end, &len);

        if (class == LETTER) {
            i += len;
            continue;
        }
        if (i > start && !bert__word_add(work, start, i))
            return false;
        if (class == PUNCT && !bert__word_add(work, i, i + len))
            return false;
        i += len;
        start = i;
    }
    return i == start || bert__word_add(work, start, i);
}

bool bert__pretokenize(const struct bert__pretokenizer *p, struct bert__work *work, size_t begin,
                       size_t end)
{
    if (begin == end)
        return true;
    if (p->kind == BERT__PRETOKENIZER_NONE)
        return bert__word_add(work, begin, end);
    return split_bert(p, work, begin, end);
}
