/* SPDX-License-Identifier: MIT */
/* mpnet.c - MPNet: RoBERTa's positions and a bias by distance that all layers share. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"mpnet.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__ROBERTA_HEADS("MPNet"),
    BERT__END_OF_HEADS,
};

#define ATTENTION "encoder.layer.%u.attention."

extern const struct bert__arch bert__arch_mpnet;
const struct bert__arch bert__arch_mpnet = {
    .model_type = "mpnet",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_AFTER_PADDING,
    .distance = BERT__DISTANCE_BUCKETS,
    .norm_place = BERT__NORM_POST,
    /* the padding id is 1 whatever the config says */
    .keys = {.hidden_size = "hidden_size",
             .layers = "num_hidden_layers",
             .heads = "num_attention_heads",
             .intermediate_size = "intermediate_size",
             .vocab_size = "vocab_size",
             .max_positions = "max_position_embeddings",
             .norm_eps = "layer_norm_eps",
             .activation = "hidden_act",
             .distance_buckets = "relative_attention_num_buckets"},
    .defaults = {BERT__DEFAULTS, .vocab_size = 30527, .pad_token_id = 1, .distance_buckets = 32},
    .tensors = {.word = "embeddings.word_embeddings",
                .position = "embeddings.position_embeddings",
                .embedding_norm = "embeddings.LayerNorm",
                .query = ATTENTION "attn.q",
                .key = ATTENTION "attn.k",
                .value = ATTENTION "attn.v",
                .attention_output = ATTENTION "attn.o",
                .attention_norm = ATTENTION "LayerNorm",
                .distance_bias = "encoder.relative_attention_bias",
                .ffn_up = "encoder.layer.%u.intermediate.dense",
                .ffn_down = "encoder.layer.%u.output.dense",
                .ffn_norm = "encoder.layer.%u.output.LayerNorm",
                .pooler = "pooler.dense"},
};
