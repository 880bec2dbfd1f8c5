/* SPDX-License-Identifier: MIT */
/* pretokenizer.h - cutting normalised text into words. */
#ifndef BERT_TOKENIZER_PRETOKENIZER_H
#define BERT_TOKENIZER_PRETOKENIZER_H

#include "tokenizer/work.h"

enum bert__pretokenizer_kind {
    BERT__PRETOKENIZER_NONE, /* the text is one word */
    BERT__PRETOKENIZER_BERT  /* white space parts, punctuation stands alone */
};

struct bert__pretokenizer {
    enum bert__pretokenizer_kind kind;
    bool byte_level;    /* the last is ByteLevel and the model BPE: words are raw bytes */
    uint8_t ascii[128]; /* class of an ASCII character; by bert__pretokenizer_prepare() */
};

void bert__pretokenizer_prepare(struct bert__pretokenizer *pretokenizer);

/* Append the words of bytes [begin, end) of work->piece.  False: no memory. */
bool bert__pretokenize(const struct bert__pretokenizer *pretokenizer, struct bert__work *work,
                       size_t begin, size_t end);

#endif
