/* SPDX-License-Identifier: MIT */
/* chars.c - counting the code points of a caller's text. */
#include "lib/head/chars.h"

#include "lib/base/utf8.h"

static void next(struct bert__char_cursor *c, bert_text text)
{
    size_t len;

    bert__utf8_next(text.data + c->byte, text.size - c->byte, &len);
    c->byte += len;
    c->chars++;
}

size_t bert__chars_between(bert_text text, size_t start, size_t end)
{
    struct bert__char_cursor c = {start, 0};

    while (c.byte < end && c.byte < text.size)
        next(&c, text);
    return c.chars;
}

size_t bert__char_cursor_to(struct bert__char_cursor *c, bert_text text, size_t byte)
{
    while (c->byte < byte && c->byte < text.size)
        next(c, text);
    while (c->byte > byte) {
        c->byte = bert__utf8_before(text.data, c->byte, text.size);
        c->chars--;
    }
    return c->chars;
}

size_t bert__char_cursor_forward(struct bert__char_cursor *c, bert_text text, size_t chars)
{
    while (c->chars < chars && c->byte < text.size)
        next(c, text);
    return c->byte;
}
