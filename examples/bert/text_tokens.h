/* SPDX-License-Identifier: MIT */
/* text_tokens.h - a record's text or pair to tokens, cut as the options say. */
#ifndef TEXT_TOKENS_H
#define TEXT_TOKENS_H

#include "examples/bert/job.h"

struct token_limits {
    bert_tokenize_options options;
    bool limited;     /* options.max_length counts, also when it is 0 */
    bool cut_nothing; /* over the limit: BERT_ERANGE */
};

/* As `bert tokenize` reads the options: cut only when asked. */
struct token_limits token_limits_of(const struct options *options);

bert_status text_tokens(const bert_tokenizer *tokenizer, const struct record *record,
                        const struct token_limits *limits, bert_encoding **out, bert_error *error);
/* How many there would be; nothing else is worked out. */
bert_status text_count(const bert_tokenizer *tokenizer, const struct record *record,
                       const struct token_limits *limits, size_t *out, bert_error *error);

#endif
