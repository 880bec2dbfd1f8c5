/* SPDX-License-Identifier: MIT */
/* esm.c - ESM, of proteins: norms before each half, rotary positions or a table. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"esm.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__FIRST_TOKEN_HEAD("EsmForSequenceClassification", "tanh"),
    BERT__TOKEN_HEAD("EsmForTokenClassification"),
    {.architecture = "EsmForMaskedLM",
     .task = "fill-mask",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_VOCABULARY,
     .dense = "lm_head.dense",
     .activation = "gelu",
     .norm = "lm_head.layer_norm",
     .decoder = "lm_head.decoder",
     .decoder_bias = "lm_head.bias",
     .tied_bias = "lm_head.bias"},
    BERT__END_OF_HEADS,
};

/* The newer name, the same as 5.23 saves it, and the older one of each layer: all hold the same. */
static const char *const inverse[] = {
    "rotary_embeddings.inv_freq",
    "encoder.layer.*.attention.self.rotary_embeddings.inv_freq",
    "encoder.layer.0.attention.self.rotary_embeddings.inv_freq",
    NULL,
};

extern const struct bert__arch bert__arch_esm;
const struct bert__arch bert__arch_esm = {
    .model_type = "esm",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_AFTER_PADDING,
    .norm_place = BERT__NORM_PRE,
    /* exact GELU whatever the config says */
    .keys = {.hidden_size = "hidden_size",
             .layers = "num_hidden_layers",
             .heads = "num_attention_heads",
             .intermediate_size = "intermediate_size",
             .vocab_size = "vocab_size",
             .max_positions = "max_position_embeddings",
             .norm_eps = "layer_norm_eps",
             .pad_token_id = "pad_token_id",
             .position_type = "position_embedding_type",
             .rotary_theta = "rope_theta",
             .embedding_norm = "emb_layer_norm_before",
             .token_dropout = "token_dropout",
             .mask_token_id = "mask_token_id"},
    .defaults = {.hidden_size = 768,
                 .layers = 12,
                 .heads = 12,
                 .intermediate_size = 3072,
                 .vocab_size = 33,
                 .max_positions = 1026,
                 .norm_eps = 1e-12,
                 .activation = "gelu",
                 .pad_token_id = 1,
                 .rotary_theta = 10000,
                 .no_embedding_norm = true},
    .tensors = {.word = "embeddings.word_embeddings",
                .position = "embeddings.position_embeddings",
                .embedding_norm = "embeddings.layer_norm",
                .rotary_inverse = inverse,
                BERT__LAYER_TENSORS,
                .attention_norm = "encoder.layer.%u.attention.LayerNorm",
                .ffn_norm = "encoder.layer.%u.LayerNorm",
                .final_norm = "encoder.emb_layer_norm_after",
                .pooler = "pooler.dense"},
};
