/* SPDX-License-Identifier: MIT */
/* fold.h - equality of texts under lower-casing. */
#ifndef BERT_LIB_HEAD_FOLD_H
#define BERT_LIB_HEAD_FOLD_H

#include <bert/base.h>
#include <stdbool.h>

/* As Python's str.lower() does it: by code points, but for the sigma that ends a word. */
bool bert__fold_equal(bert_text a, bert_text b);
/* Equal for equal texts. */
uint64_t bert__fold_hash(bert_text text);

#endif
