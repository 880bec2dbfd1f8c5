/* SPDX-License-Identifier: MIT */
/* eurobert.c - EuroBERT: a Llama that looks both ways. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"model.", "", NULL};

#define TEXT_HEAD(its_pooling, its_input)                                                          \
    .architecture = "EuroBertForSequenceClassification", .task = "text-classification",            \
    .input = its_input, .output = BERT__HEAD_LABELS, .dense = "dense", .activation = "gelu",       \
    .decoder = "classifier", .when_key = "classifier_pooling", .when = its_pooling

static const struct bert__head_row heads[] = {
    {TEXT_HEAD("late", BERT__HEAD_TOKENS), .when_absent = true, .mean_of_logits = true},
    {TEXT_HEAD("mean", BERT__HEAD_MEAN)},
    {TEXT_HEAD("bos", BERT__HEAD_FIRST)},
    BERT__TOKEN_HEAD("EuroBertForTokenClassification"),
    {.architecture = "EuroBertForMaskedLM",
     .task = "fill-mask",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_VOCABULARY,
     .decoder = "lm_head",
     .decoder_bias_key = "mlp_bias",
     .no_decoder_bias = true,
     .untied = true,
     .tied_bias = "lm_head.bias"},
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_eurobert;
const struct bert__arch bert__arch_eurobert = {
    .model_type = "eurobert",
    .remote_config = "EuroBertConfig",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_NONE,
    .distance = BERT__DISTANCE_ROTARY,
    .norm_place = BERT__NORM_PRE,
    .ffn = BERT__FFN_GATED,
    .rms_norm = true,
    .keys = {.hidden_size = "hidden_size",
             .layers = "num_hidden_layers",
             .heads = "num_attention_heads",
             .intermediate_size = "intermediate_size",
             .vocab_size = "vocab_size",
             .max_positions = "max_position_embeddings",
             .norm_eps = "rms_norm_eps",
             .activation = "hidden_act",
             .pad_token_id = "pad_token_id",
             .kv_heads = "num_key_value_heads",
             .head_size = "head_dim",
             .attention_bias = "attention_bias",
             .ffn_bias = "mlp_bias",
             .rotary_theta = "rope_theta"},
    .defaults = {.hidden_size = 768,
                 .layers = 12,
                 .heads = 12,
                 .intermediate_size = 3072,
                 .vocab_size = 128256,
                 .max_positions = 8192,
                 .norm_eps = 1e-5,
                 .activation = "silu",
                 .pad_token_id = 128001,
                 .rotary_theta = 10000,
                 .no_attention_bias = true,
                 .no_ffn_bias = true},
    .tensors = {.word = "embed_tokens",
                .query = "layers.%u.self_attn.q_proj",
                .key = "layers.%u.self_attn.k_proj",
                .value = "layers.%u.self_attn.v_proj",
                .attention_output = "layers.%u.self_attn.o_proj",
                .attention_norm = "layers.%u.input_layernorm",
                .ffn_up = "layers.%u.mlp.up_proj",
                .ffn_gate = "layers.%u.mlp.gate_proj",
                .ffn_down = "layers.%u.mlp.down_proj",
                .ffn_norm = "layers.%u.post_attention_layernorm",
                .final_norm = "norm"},
};
