/* SPDX-License-Identifier: MIT */
/* roberta_prelayernorm.c - RoBERTa with the norms before each half. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"roberta_prelayernorm.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__ROBERTA_HEADS("RobertaPreLayerNorm"),
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_roberta_prelayernorm;
const struct bert__arch bert__arch_roberta_prelayernorm = {
    .model_type = "roberta-prelayernorm",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_AFTER_PADDING,
    .norm_place = BERT__NORM_PRE,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size"},
    .defaults = {BERT__DEFAULTS, .vocab_size = 50265, .type_vocab_size = 2, .pad_token_id = 1},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                BERT__LAYER_TENSORS, .attention_norm = "encoder.layer.%u.attention.LayerNorm",
                .ffn_norm = "encoder.layer.%u.intermediate.LayerNorm", .final_norm = "LayerNorm",
                .pooler = "pooler.dense"},
};
