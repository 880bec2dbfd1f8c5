/* SPDX-License-Identifier: MIT */
/* xlm_roberta.c - XLM-R: RoBERTa by another name. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"roberta.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__ROBERTA_HEADS("XLMRoberta"),
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_xlm_roberta;
const struct bert__arch bert__arch_xlm_roberta = {
    .model_type = "xlm-roberta",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_AFTER_PADDING,
    .norm_place = BERT__NORM_POST,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size"},
    .defaults = {BERT__DEFAULTS, .vocab_size = 30522, .type_vocab_size = 2, .pad_token_id = 1},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                BERT__LAYER_TENSORS, BERT__POST_NORM_TENSORS, .pooler = "pooler.dense"},
};
