/* SPDX-License-Identifier: MIT */
/* chars.h - counting the code points of a caller's text, which nobody vouches for. */
#ifndef BERT_LIB_HEAD_CHARS_H
#define BERT_LIB_HEAD_CHARS_H

#include <bert/base.h>

/* Code points of text[start, end); an ill-formed part counts as one. */
size_t bert__chars_between(bert_text text, size_t start, size_t end);

/* A place in a text, in bytes and in code points; zeroed, it is the beginning. */
struct bert__char_cursor {
    size_t byte, chars;
};

/* Walk, either way, to a byte that begins a code point, or to the end; its number of code
 * points.  The cost is the distance. */
size_t bert__char_cursor_to(struct bert__char_cursor *cursor, bert_text text, size_t byte);
/* Walk from where the cursor is, at most to the end, to the byte of that many code points. */
size_t bert__char_cursor_forward(struct bert__char_cursor *cursor, bert_text text, size_t chars);

#endif
