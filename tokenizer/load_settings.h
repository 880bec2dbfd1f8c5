/* SPDX-License-Identifier: MIT */
/* load_settings.h - what stands beside a vocab.txt: tokenizer_config.json,
 * special_tokens_map.json, added_tokens.json. */
#ifndef BERT_TOKENIZER_LOAD_SETTINGS_H
#define BERT_TOKENIZER_LOAD_SETTINGS_H

#include "tokenizer/load.h"

/* In the order in which the reference adds them. */
enum bert__named {
    BERT__NAMED_BOS,
    BERT__NAMED_EOS,
    BERT__NAMED_UNK,
    BERT__NAMED_SEP,
    BERT__NAMED_PAD,
    BERT__NAMED_CLS,
    BERT__NAMED_MASK,
    BERT__NAMED_COUNT
};

struct bert__settings {
    bool lower;
    bool chinese;
    bool strip;
    struct bert__added_token named[BERT__NAMED_COUNT]; /* content.data NULL: there is none */
    bool plain[BERT__NAMED_COUNT];    /* named by tokenizer_config.json as a string, or by
                                         special_tokens_map.json */
    struct bert__added_token *tokens; /* all to be added, in that order */
    uint32_t n_tokens;
    uint32_t n_listed; /* the first of them: of added_tokens_decoder or added_tokens.json */
};

/* `config`: tokenizer_config.json, or NULL.  The other files are read from beside it,
 * unless the source is a single file. */
bert_status bert__settings_load(struct bert__load *load, const struct bert__json *config,
                                struct bert__settings *out);

#endif
