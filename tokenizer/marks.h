/* SPDX-License-Identifier: MIT */
/* marks.h - runs of combining marks in canonical order. */
#ifndef BERT_TOKENIZER_MARKS_H
#define BERT_TOKENIZER_MARKS_H

#include "tokenizer/work.h"

/* Bit 31 of a mark's code point may be used by others. */
#define BERT__MARK_CODE 0x7FFFFFFFu

/* Stable by combining class, in linear time; `out` has n elements and is not `run`. */
void bert__marks_sort(const struct bert__mark *run, size_t n, struct bert__mark *out);

#endif
