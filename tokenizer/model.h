/* SPDX-License-Identifier: MIT */
/* model.h - the model of a tokenizer: from words to tokens. */
#ifndef BERT_TOKENIZER_MODEL_H
#define BERT_TOKENIZER_MODEL_H

#include "tokenizer/bpe.h"
#include "tokenizer/unigram.h"
#include "tokenizer/wordlevel.h"
#include "tokenizer/wordpiece.h"

enum bert__model_kind {
    BERT__MODEL_NONE, /* not loaded yet */
    BERT__MODEL_BPE,
    BERT__MODEL_UNIGRAM,
    BERT__MODEL_WORDPIECE,
    BERT__MODEL_WORDLEVEL
};

struct bert__token_model {
    enum bert__model_kind kind;
    /* Tokens of this id show the text that they came from, not the vocabulary's; -1: none do. */
    int32_t surface_id;
    union {
        struct bert__bpe bpe;
        struct bert__unigram unigram;
        struct bert__wordpiece wordpiece;
        struct bert__wordlevel wordlevel;
    } u;
};

/* What is built from the loaded parts alone, so that the file they came from can be
 * forgotten first; to be called before the model is used. */
bert_status bert__token_model_build(struct bert__token_model *model, bert_error *err);

/* Tokens of every word of `work`, appended to work->tokens; once per stretch.  False: no memory. */
bool bert__token_model_run(const struct bert__token_model *model, struct bert__work *work);

/* Take the buffers for ordinary text now.  False: no memory. */
bool bert__token_model_reserve(const struct bert__token_model *model,
                               struct bert__model_scratch *scratch);

/* Bytes of those. */
size_t bert__token_model_least(const struct bert__token_model *model);

/* Are tokens that continue a word spelt with a prefix? */
bool bert__token_model_prefixed(const struct bert__token_model *model);

/* As tokenizer.json names it. */
const char *bert__token_model_name(const struct bert__token_model *model);

void bert__token_model_free(struct bert__token_model *model);

#endif
