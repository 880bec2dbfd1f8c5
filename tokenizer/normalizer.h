/* SPDX-License-Identifier: MIT */
/* normalizer.h - from source bytes to the text that is cut into words. */
#ifndef BERT_TOKENIZER_NORMALIZER_H
#define BERT_TOKENIZER_NORMALIZER_H

#include "tokenizer/work.h"

enum bert__normalizer_kind {
    BERT__NORMALIZER_NONE, /* only ill-formed UTF-8 is repaired */
    BERT__NORMALIZER_BERT
};

struct bert__normalizer {
    enum bert__normalizer_kind kind;
    bool lower_first; /* a Lowercase before everything else (sentence_bert_config.json) */
    bool clean_text;
    bool handle_chinese_chars;
    bool strip_accents; /* resolved: null in the file follows `lowercase` */
    bool lowercase;

    /* by bert__normalizer_prepare() */
    unsigned slow;     /* properties of code points that are not copied as they are */
    char ascii[128];   /* what an ASCII character becomes, */
    uint8_t keep[128]; /* and whether it stays */
};

/* Fill in what the options imply. */
void bert__normalizer_prepare(struct bert__normalizer *normalizer);

/* Normalise a stretch of at most BERT__STRETCH_MAX bytes into the piece.  False: no memory. */
bool bert__normalize(const struct bert__normalizer *normalizer, const char *source, size_t size,
                     struct bert__piece *piece);

#endif
