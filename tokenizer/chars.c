/* SPDX-License-Identifier: MIT */
/* chars.c - byte offsets to code points. */
#include "lib/base/utf8.h"
#include "tokenizer/scratch.h"

/* A place in the text, by both measures. */
struct cursor {
    size_t byte;
    size_t chars;
};

/* Code points before `byte`; offsets mostly come in order. */
static size_t count_to(struct cursor *c, bert_text text, size_t byte)
{
    size_t len;

    for (; c->byte > byte; c->chars--)
        c->byte = bert__utf8_before(text.data, c->byte, text.size);
    for (; c->byte < byte; c->chars++) {
        bert__utf8_next(text.data + c->byte, text.size - c->byte, &len);
        c->byte += len;
    }
    return c->chars;
}

void bert__offsets_to_chars(struct bert__sequence *s, size_t from, bert_text text)
{
    struct cursor starts = {0, 0}, ends = {0, 0};

    for (size_t i = from; i < s->n; i++) {
        s->offsets[i].start = count_to(&starts, text, s->offsets[i].start);
        s->offsets[i].end = count_to(&ends, text, s->offsets[i].end);
    }
}

size_t bert__count_chars(bert_text text)
{
    struct cursor c = {0, 0};

    return count_to(&c, text, text.size);
}
