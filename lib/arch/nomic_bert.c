/* SPDX-License-Identifier: MIT */
/* nomic_bert.c - Nomic's BERT: rotary positions, gated halves, hardly a bias. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"nomic_bert.", "bert.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__TEXT_HEAD("NomicBertForSequenceClassification"),
    BERT__TOKEN_HEAD("NomicBertForTokenClassification"),
    {.architecture = "NomicBertForMaskedLM",
     .task = "fill-mask",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_VOCABULARY,
     .dense = "cls.predictions.transform.dense",
     .norm = "cls.predictions.transform.layer_norm",
     .decoder = "cls.predictions.decoder",
     .tied_bias = "cls.predictions.bias"},
    BERT__END_OF_HEADS,
};

/* Names of the models' own code. */
static const struct bert__config_keys other_keys = {
    .hidden_size = "n_embd",
    .layers = "n_layer",
    .heads = "n_head",
    .intermediate_size = "n_inner",
    .max_positions = "n_positions",
    .norm_eps = "layer_norm_epsilon",
    .rotary_theta = "rotary_emb_base",
};

static const struct bert__config_fixed fixed[] = {
    {"activation_function", "swiglu"},   {"prenorm", "false"},
    {"rotary_emb_interleaved", "false"}, {"rotary_emb_scale_base", "null"},
    {"qkv_proj_bias", "false"},          {"mlp_fc1_bias", "false"},
    {"mlp_fc2_bias", "false"},           {"use_rms_norm", "false"},
    {"parallel_block", "false"},         {NULL, NULL},
};

static const struct bert__tensor_names other_tensors = {
    BERT__ADOPTED_TENSORS, .ffn_up = "layers.%u.mlp.up_proj", .ffn_gate = "layers.%u.mlp.gate_proj",
    .ffn_down = "layers.%u.mlp.down_proj"};

extern const struct bert__arch bert__arch_nomic_bert;
const struct bert__arch bert__arch_nomic_bert = {
    .model_type = "nomic_bert",
    .remote_config = "NomicBertConfig",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_NONE,
    .distance = BERT__DISTANCE_ROTARY,
    .norm_place = BERT__NORM_POST,
    .qkv = BERT__QKV_FUSED,
    .ffn = BERT__FFN_GATED,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size", .head_size = "head_dim",
             .rotary_theta = "rope_theta", .rotary_fraction = "rotary_emb_fraction"},
    .other_keys = &other_keys,
    .fixed = fixed,
    .defaults = {.hidden_size = 768,
                 .layers = 12,
                 .heads = 12,
                 .intermediate_size = 3072,
                 .vocab_size = 30528,
                 .max_positions = 2048,
                 .type_vocab_size = 2,
                 .norm_eps = 1e-12,
                 .activation = "silu",
                 .rotary_theta = 1000,
                 .no_attention_bias = true,
                 .no_ffn_bias = true},
    .tensors = {.word = "embeddings.word_embeddings",
                .type = "embeddings.token_type_embeddings",
                .embedding_norm = "emb_ln",
                .qkv = "encoder.layers.%u.attn.Wqkv",
                .attention_output = "encoder.layers.%u.attn.out_proj",
                .attention_norm = "encoder.layers.%u.norm1",
                .ffn_up = "encoder.layers.%u.mlp.fc11",
                .ffn_gate = "encoder.layers.%u.mlp.fc12",
                .ffn_down = "encoder.layers.%u.mlp.fc2",
                .ffn_norm = "encoder.layers.%u.norm2",
                .pooler = "pooler.dense"},
    .other_tensors = &other_tensors,
    .other_qkv = BERT__QKV_SEPARATE,
    .other_ffn = BERT__FFN_GATED,
};
