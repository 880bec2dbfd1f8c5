/* SPDX-License-Identifier: MIT */
/* parting.h - where a text may be parted into stretches that go through the stages alone. */
#ifndef BERT_TOKENIZER_PARTING_H
#define BERT_TOKENIZER_PARTING_H

#include "tokenizer/added.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pretokenizer.h"

enum bert__parting_kind {
    BERT__PART_NOWHERE,
    BERT__PART_BERT, /* before white space, punctuation, spaced-out CJK */
    BERT__PART_SPACE /* between a letter or digit and a space */
};

struct bert__parting {
    enum bert__parting_kind kind;
    bool newlines;       /* SPACE: before a new line too */
    uint8_t before[128]; /* SPACE: ASCII that may stand before it */
};

/* Find out from the stages; false: no memory. */
bool bert__parting_prepare(struct bert__parting *parting, struct bert__alloc *alloc,
                           const struct bert__normalizer *normalizer,
                           const struct bert__pretokenizer *pretokenizer,
                           const struct bert__added *added);

/* May the text be parted before the byte at i, 0 < i < size?  `spare` is written over. */
bool bert__may_part(const struct bert__parting *parting, const struct bert__normalizer *normalizer,
                    const struct bert__pretokenizer *pretokenizer, const char *text, size_t i,
                    size_t size, struct bert__piece *spare);

/* Most bytes can be told by themselves: may this one stand behind a place to part at? */
static inline bool bert__may_part_at(const struct bert__parting *parting, char c)
{
    return c == ' ' || c == '\n' || parting->kind == BERT__PART_BERT;
}

#endif
