/* SPDX-License-Identifier: MIT */
/* gte.c - GTE: rotary positions, gated halves; "new" is the same model with its own code. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"gte.", "new.", "", NULL};

#define HEADS(name)                                                                                \
    BERT__TEXT_HEAD(name "ForSequenceClassification"),                                             \
        BERT__TOKEN_HEAD(name "ForTokenClassification"),                                           \
        {.architecture = name "ForMaskedLM",                                                       \
         .task = "fill-mask",                                                                      \
         .input = BERT__HEAD_TOKENS,                                                               \
         .output = BERT__HEAD_VOCABULARY,                                                          \
         .dense = "lm_head.dense",                                                                 \
         .activation = "gelu",                                                                     \
         .norm = "lm_head.norm",                                                                   \
         .decoder = "lm_head.decoder",                                                             \
         .tied_bias = "lm_head.bias"},                                                             \
        BERT__END_OF_HEADS

static const struct bert__head_row heads[] = {HEADS("Gte")};
static const struct bert__head_row new_heads[] = {HEADS("New")};

static const struct bert__config_fixed fixed[] = {
    {"position_embedding_type", "rope"}, {"layer_norm_type", "layer_norm"}, {"pack_qkv", "true"},
    {"logn_attention_scale", "false"},   {"logn_attention_clip1", "false"}, {NULL, NULL},
};

static const struct bert__tensor_names other_tensors = {
    BERT__ADOPTED_TENSORS, .ffn_up = "layers.%u.mlp.up_proj", .ffn_gate = "layers.%u.mlp.gate_proj",
    .ffn_down = "layers.%u.mlp.down_proj"};

#define ROW(its_vocab_size)                                                                        \
    .prefixes = prefixes, .position = BERT__POSITION_NONE, .distance = BERT__DISTANCE_ROTARY,      \
    .norm_place = BERT__NORM_POST, .qkv = BERT__QKV_FUSED, .ffn = BERT__FFN_GATE_LAST,             \
    .ffn_up_has_no_bias = true, .types_may_be_none = true, .rotary_ntk = true,                     \
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size", .head_size = "head_dim",            \
             .rotary_theta = "rope_theta"},                                                        \
    .fixed = fixed,                                                                                \
    .defaults = {.hidden_size = 768,                                                               \
                 .layers = 12,                                                                     \
                 .heads = 12,                                                                      \
                 .intermediate_size = 3072,                                                        \
                 .vocab_size = its_vocab_size,                                                     \
                 .max_positions = 8192,                                                            \
                 .type_vocab_size = 1,                                                             \
                 .norm_eps = 1e-12,                                                                \
                 .activation = "gelu",                                                             \
                 .pad_token_id = 1,                                                                \
                 .rotary_theta = 160000},                                                          \
    .tensors = {.word = "embeddings.word_embeddings",                                              \
                .type = "embeddings.token_type_embeddings",                                        \
                .embedding_norm = "embeddings.LayerNorm",                                          \
                .qkv = "encoder.layer.%u.attention.qkv_proj",                                      \
                .attention_output = "encoder.layer.%u.attention.o_proj",                           \
                .attention_norm = "encoder.layer.%u.attn_ln",                                      \
                .ffn_up = "encoder.layer.%u.mlp.up_gate_proj",                                     \
                .ffn_down = "encoder.layer.%u.mlp.down_proj",                                      \
                .ffn_norm = "encoder.layer.%u.mlp_ln",                                             \
                .pooler = "pooler.dense"},                                                         \
    .other_tensors = &other_tensors, .other_qkv = BERT__QKV_SEPARATE, .other_ffn = BERT__FFN_GATED

extern const struct bert__arch bert__arch_gte;
const struct bert__arch bert__arch_gte = {
    .model_type = "gte", .remote_config = "GteConfig", .heads = heads, ROW(250048)};

extern const struct bert__arch bert__arch_new;
const struct bert__arch bert__arch_new = {
    .model_type = "new", .remote_config = "NewConfig", .heads = new_heads, ROW(30528)};
