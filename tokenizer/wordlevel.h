/* SPDX-License-Identifier: MIT */
/* wordlevel.h - the WordLevel model: a word is a token, or unknown. */
#ifndef BERT_TOKENIZER_WORDLEVEL_H
#define BERT_TOKENIZER_WORDLEVEL_H

#include "tokenizer/vocab.h"
#include "tokenizer/work.h"

struct bert__wordlevel {
    const struct bert__vocab *vocab; /* borrowed */
    int32_t unk_id;
};

/* Tokens of every word of `work`, appended to work->tokens.  False: no memory. */
bool bert__wordlevel_run(const struct bert__wordlevel *model, struct bert__work *work);

#endif
