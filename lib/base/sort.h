/* SPDX-License-Identifier: MIT */
/* sort.h - sorting that takes no memory and never goes quadratic (qsort may do both). */
#ifndef BERT_LIB_BASE_SORT_H
#define BERT_LIB_BASE_SORT_H

#include <stddef.h>

/* < 0, 0, > 0 as a stands before, with, after b. */
typedef int (*bert__compare_fn)(const void *a, const void *b);

/* Sort n pointers by what they point to, not stably; those nearly in order in linear time. */
void bert__sort(void **items, size_t n, bert__compare_fn compare);

#endif
