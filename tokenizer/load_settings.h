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
    struct bert__added_token *tokens; /* all to be added, in that order; later equals are dropped */
    uint32_t n_tokens;
};

/* `config`: tokenizer_config.json, or NULL; the other files are read only beside one that
 * exists or may exist: NULL with l->source a single file reads nothing. */
bert_status bert__settings_load(struct bert__load *load, const struct bert__json *config,
                                struct bert__settings *out);

#endif
