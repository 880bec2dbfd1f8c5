/* SPDX-License-Identifier: MIT */
/* tokenize.h - bert_tokenize() within a call of a session. */
#ifndef BERT_LIB_API_TOKENIZE_H
#define BERT_LIB_API_TOKENIZE_H

#include <bert/tokenizer.h>

#include "lib/base/watch.h"

/* The same, which `watch` may end: BERT_ECANCELED or BERT_ETIMEDOUT. */
bert_status bert__tokenize(const bert_tokenizer *tokenizer, struct bert__watch *watch,
                           bert_text text, const bert_text *pair,
                           const bert_tokenize_options *options, bert_encoding **out,
                           bert_error *err);

#endif
