/* SPDX-License-Identifier: MIT */
#include "examples/bert/text_tokens.h"

#include <inttypes.h>

#include "examples/bert/message.h"

struct token_limits token_limits_of(const struct options *options)
{
    struct token_limits limits = {.options = BERT_TOKENIZE_OPTIONS_INIT};
    bert_tokenize_options *o = &limits.options;

    limits.limited = options->max_length >= 0;
    limits.cut_nothing = options->truncation == TRUNCATION_NONE;
    o->no_special = (uint32_t)options->no_special;
    o->max_length = limits.limited ? (uint32_t)options->max_length : 0;
    o->overflow = options->stride >= 0;
    o->stride = options->stride > 0 ? (uint32_t)options->stride : 0;
    o->strategy = (uint32_t)options->strategy;
    o->side = options->truncation == TRUNCATION_LEFT ? BERT_TRUNCATE_LEFT : BERT_TRUNCATE_RIGHT;
    o->offset_unit = (uint32_t)options->chars;
    o->pad_length = options->pad > 0 ? (uint32_t)options->pad : 0;
    return limits;
}

/* To the library a limit of 0 is none, so that 0 itself is answered here. */
static bert_status refuse_zero(const bert_tokenizer *tokenizer, bool pair, bert_error *error)
{
    error_set(error, BERT_EINVAL,
              "max_length 0 leaves no room for a text (special tokens: %" PRIu32 ")",
              bert_tokenizer_special_count(tokenizer, pair));
    return error->code;
}

static const bert_text *pair_of(const struct record *record)
{
    return record->pair.data != NULL ? &record->pair : NULL;
}

/* BERT_ERANGE if the limit would cut something. */
static bert_status refuse_longer(const bert_tokenizer *tokenizer, const struct record *record,
                                 const struct token_limits *limits, bert_error *error)
{
    bert_tokenize_options o = limits->options;
    const bert_text *pair = pair_of(record);
    size_t count;
    bert_status status;

    o.max_length = o.overflow = o.stride = 0;
    o.pad_length = 0;
    status = bert_count_tokens(tokenizer, record->text, pair, &o, &count, error);
    if (status != BERT_OK)
        return status;
    if (count > limits->options.max_length) {
        error_set(error, BERT_ERANGE, "the text has %zu tokens, %" PRIu32 " are allowed", count,
                  limits->options.max_length);
        return BERT_ERANGE;
    }
    return BERT_OK;
}

static bert_status check(const bert_tokenizer *tokenizer, const struct record *record,
                         const struct token_limits *limits, bert_error *error)
{
    if (limits->limited && limits->options.max_length == 0)
        return refuse_zero(tokenizer, pair_of(record) != NULL, error);
    if (limits->limited && limits->cut_nothing)
        return refuse_longer(tokenizer, record, limits, error);
    return BERT_OK;
}

bert_status text_tokens(const bert_tokenizer *tokenizer, const struct record *record,
                        const struct token_limits *limits, bert_encoding **out, bert_error *error)
{
    bert_status status = check(tokenizer, record, limits, error);

    *out = NULL;
    if (status != BERT_OK)
        return status;
    return bert_tokenize(tokenizer, record->text, pair_of(record), &limits->options, out, error);
}

bert_status text_count(const bert_tokenizer *tokenizer, const struct record *record,
                       const struct token_limits *limits, size_t *out, bert_error *error)
{
    bert_status status = check(tokenizer, record, limits, error);

    *out = 0;
    if (status != BERT_OK)
        return status;
    return bert_count_tokens(tokenizer, record->text, pair_of(record), &limits->options, out,
                             error);
}
