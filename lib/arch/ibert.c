/* SPDX-License-Identifier: MIT */
/* ibert.c - I-BERT in float: RoBERTa, of which another mode computes in integers. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"ibert.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__ROBERTA_HEADS("IBert"),
    BERT__END_OF_HEADS,
};

static const struct bert__config_fixed fixed[] = {
    {"quant_mode", "false"},
    {"hidden_act", "gelu"}, /* the reference refuses others too */
    {NULL, NULL},
};

extern const struct bert__arch bert__arch_ibert;
const struct bert__arch bert__arch_ibert = {
    .model_type = "ibert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_AFTER_PADDING,
    .norm_place = BERT__NORM_POST,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size"},
    .fixed = fixed,
    .defaults = {BERT__DEFAULTS, .vocab_size = 30522, .type_vocab_size = 2, .pad_token_id = 1},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                BERT__LAYER_TENSORS, BERT__POST_NORM_TENSORS, .pooler = "pooler.dense"},
};
