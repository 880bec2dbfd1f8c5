/* SPDX-License-Identifier: MIT */
/* multi.h - what a model that gives a vector of each token does with queries and documents, its
 * words found in the tokenizer. */
#ifndef BERT_LIB_API_MULTI_H
#define BERT_LIB_API_MULTI_H

#include "lib/base/arena.h"
#include "lib/head/vectors.h"
#include "lib/model/config.h"
#include "lib/model/modules.h"
#include "tokenizer/tokenizer.h"

enum { BERT__ROLES = 3 }; /* as bert_role */

struct bert__multi_plan {
    uint32_t limits[BERT__ROLES]; /* tokens of a text at most, before it is widened */
    uint32_t widen_to;            /* queries get so many tokens; 0: they stay */
    int32_t widen_id;             /* of those that are added */
    bool attend;                  /* the others attend to them */
    struct bert__vector_rule rules[BERT__ROLES];
};

/*
 * Needs the tokenizer, whose markers become special tokens.  `limit`: tokens of other texts.
 * BERT_EUNSUPPORTED: a setting that can't be followed, by name.
 */
bert_status bert__multi_resolve(struct bert__multi_plan *plan, const struct bert__multi *multi,
                                const struct bert__config *config, bert_tokenizer *tokenizer,
                                uint32_t limit, struct bert__arena *arena, bert_error *err);

#endif
