/* SPDX-License-Identifier: MIT */
/* utf8.h - well-formed UTF-8 and the parts that are not. */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Length of the character at the start of `data` (size > 0).  When the bytes are
 * ill-formed *valid is false and the length is that of the maximal ill-formed
 * part, which stands for one U+FFFD.
 */
size_t utf8_next(const char *data, size_t size, bool *valid);

/* Is all of it well-formed? */
bool utf8_valid(const char *data, size_t size);

/* A copy with U+FFFD for each ill-formed part; NUL after it. */
char *utf8_repair(const char *data, size_t size, size_t *repaired_size);

#endif
