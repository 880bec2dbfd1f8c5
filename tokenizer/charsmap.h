/* SPDX-License-Identifier: MIT */
/*
 * charsmap.h - SentencePiece's precompiled character map: a double array of 32-bit units
 * that leads from the bytes of a text to an offset in the replacements, which end in NUL.
 */
#ifndef BERT_TOKENIZER_CHARSMAP_H
#define BERT_TOKENIZER_CHARSMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"

struct bert__charsmap {
    const uint32_t *units;
    size_t n_units;
    const char *texts; /* replacements, one after the other; a NUL follows the last */
    size_t texts_size;
    uint8_t plain[128]; /* ASCII characters that stay as they are */
};

/* Read a map; what it holds is copied into the arena.  On BERT_EFORMAT, *problem says what is
 * wrong; else the status is BERT_OK or BERT_ENOMEM. */
bert_status bert__charsmap_read(struct bert__charsmap **out, struct bert__arena *arena,
                                const char *data, size_t size, const char **problem);

/* The replacement for the shortest beginning of the text that has one; false: none has. */
bool bert__charsmap_find(const struct bert__charsmap *map, const char *text, size_t size,
                         bert_text *out);

/* The length of the longest beginning that has one, and that; 0: none has. */
size_t bert__charsmap_longest(const struct bert__charsmap *map, const char *text, size_t size,
                              bert_text *out);

/* Would the text stay as it is, as far as a glance can tell? */
bool bert__charsmap_same(const struct bert__charsmap *map, const char *text, size_t size);

#endif
