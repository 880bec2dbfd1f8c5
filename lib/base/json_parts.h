/* SPDX-License-Identifier: MIT */
/* json_parts.h - what the files of the JSON reader share with each other only. */
#ifndef BERT_LIB_BASE_JSON_PARTS_H
#define BERT_LIB_BASE_JSON_PARTS_H

#include "lib/base/json.h"

/* The double nearest to a number that matches JSON's grammar; ties to even, whatever
 * the locale and the rounding mode.  Infinite when out of range. */
double bert__json_double(const char *text, size_t size);

/* The same, of one behind which there is a byte that is no part of a number. */
double bert__json_spelt(const char *text);

/* Find two equal keys in O(n log n) comparisons, whatever the keys.  *duplicate: one
 * of them, or NULL.  False if out of memory. */
bool bert__json_duplicate(struct bert__alloc *alloc, const struct bert__json_member *members,
                          size_t count, const bert_text **duplicate);

#endif
