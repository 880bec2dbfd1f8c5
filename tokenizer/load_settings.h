/* SPDX-License-Identifier: MIT */
/* load_settings.h - what stands beside a vocabulary without a tokenizer.json:
 * tokenizer_config.json, special_tokens_map.json, added_tokens.json. */
#ifndef BERT_TOKENIZER_LOAD_SETTINGS_H
#define BERT_TOKENIZER_LOAD_SETTINGS_H

#include "tokenizer/load_family.h"

enum {
    BERT__OWN_MAX = 64,
    BERT__TOKEN_AGAIN = 16, /* of a token's `id`: it is added though the files list its text, */
    BERT__TOKEN_ONCE = 32   /* unless its text is there */
};

struct bert__own_token {
    bert_text key;
    struct bert__added_token token;
};

struct bert__settings {
    bool lower;
    bool clean_text;
    bool chinese;
    bool strip;
    bool keep_accents;
    bool split_by_punct;
    bool add_prefix_space;
    bool trim_offsets;
    bool add_bos, add_eos;
    bool asks_ends; /* either was said */
    bool pad_left;
    bool legacy; /* of classes that call SentencePiece: the prefix space is the model's */
    bool twice;  /* the class adds default and extra tokens again, as special ones */
    struct bert__added_token named[BERT__NAMED_COUNT]; /* content.data NULL: there is none */
    bool said[BERT__NAMED_COUNT];                      /* by a file */
    bool plain[BERT__NAMED_COUNT];             /* named by tokenizer_config.json as a string, or by
                                                  special_tokens_map.json */
    struct bert__own_token own[BERT__OWN_MAX]; /* under other names that end in "_token" */
    uint32_t n_own;
    struct bert__added_token *tokens; /* all to be added, in that order */
    uint32_t n_tokens;
    uint32_t n_listed;   /* the first of them: of added_tokens_decoder or added_tokens.json */
    int64_t *listed_ids; /* that their file gives them */
};

/* Further special tokens that the vocabulary's own file lists, in place of those that
 * tokenizer_config.json calls additional. */
struct bert__extra_tokens {
    const struct bert__added_token *tokens;
    uint32_t n;
};

/* `config`: tokenizer_config.json, or NULL.  The other files are read from beside it,
 * unless the source is a single file. */
bert_status bert__settings_load(struct bert__load *load, const struct bert__family *family,
                                const struct bert__json *config,
                                const struct bert__extra_tokens *extra, struct bert__settings *out);

/* Add the tokens, as the reference does: what the files list stands; of the others the last. */
bert_status bert__settings_add(struct bert__load *load, const struct bert__settings *settings);
/* Id and text of a named token, once they are added; where the settings take it away
 * `fallback`, BERT_EFORMAT if there is no such id. */
bert_status bert__settings_special(const struct bert__load *load, const struct bert__settings *s,
                                   enum bert__named named, int32_t fallback,
                                   struct bert__special *out);
/* What bert__tokenizer_gives_types() says, as the class does. */
void bert__named_types(const struct bert__load *load, const struct bert__family *family);
/* The ids of the tokens that have a name, once they are added. */
void bert__named_set(const struct bert__load *load, const struct bert__settings *settings);
/* The token to pad with, if there is one. */
bert_status bert__settings_padding(struct bert__load *load, const struct bert__settings *s);

#endif
