/* SPDX-License-Identifier: MIT */
/* cached.h - words through the caller's cache. */
#ifndef BERT_TOKENIZER_CACHED_H
#define BERT_TOKENIZER_CACHED_H

#include "tokenizer/work.h"

/* Append the tokens of the i-th word of `work`.  False: no memory. */
typedef bool bert__word_fn(const void *model, struct bert__work *work, size_t i);

/* Tokens of every word of `work`: of short words seen before as they were then, of the others by
 * `run`, whose answer must hang on the word alone.  False: no memory. */
bool bert__cached_words(const void *model, struct bert__work *work, bert__word_fn *run);

#endif
