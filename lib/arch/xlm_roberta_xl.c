/* SPDX-License-Identifier: MIT */
/* xlm_roberta_xl.c - XLM-R XL: norms before each half, none on the embeddings. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"roberta.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__ROBERTA_HEADS("XLMRobertaXL"),
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_xlm_roberta_xl;
const struct bert__arch bert__arch_xlm_roberta_xl = {
    .model_type = "xlm-roberta-xl",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_AFTER_PADDING,
    .norm_place = BERT__NORM_PRE,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size"},
    .defaults = {.hidden_size = 2560,
                 .layers = 36,
                 .heads = 32,
                 .intermediate_size = 10240,
                 .vocab_size = 250880,
                 .max_positions = 514,
                 .type_vocab_size = 1,
                 .norm_eps = 1e-5,
                 .activation = "gelu",
                 .pad_token_id = 1},
    .tensors = {BERT__EMBEDDING_TENSORS, BERT__LAYER_TENSORS,
                .attention_norm = "encoder.layer.%u.attention.self_attn_layer_norm",
                .ffn_norm = "encoder.layer.%u.LayerNorm", .final_norm = "encoder.LayerNorm",
                .pooler = "pooler.dense"},
};
