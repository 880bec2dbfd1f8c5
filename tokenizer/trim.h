/* SPDX-License-Identifier: MIT */
/* trim.h - offsets without the spaces that their tokens begin and end with. */
#ifndef BERT_TOKENIZER_TRIM_H
#define BERT_TOKENIZER_TRIM_H

#include "tokenizer/pipeline.h"

/* Spaces at both ends of a token's text: white space, and what byte-level spells it. */
struct bert__spaces {
    size_t front, back;
};

/* Note the spaces of every token of the vocabulary, where some layout trims. */
bert_status bert__trim_prepare(bert_tokenizer *tokenizer, bert_error *err);

/* Of a token that the vocabulary spells. */
struct bert__spaces bert__trim_spaces(const bert_tokenizer *tokenizer, int32_t id);
/* Of any text. */
struct bert__spaces bert__trim_spaces_of(bert_text text);

/* Trim an offset, of bytes of `text` (of code points where that is NULL), as each of n trims
 * says; `first`: of the first token of its window. */
void bert__trim(const struct bert__trim *trims, uint32_t n, struct bert__spaces spaces, bool first,
                const bert_text *text, bert_span *offset);

#endif
