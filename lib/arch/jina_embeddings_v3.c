/* SPDX-License-Identifier: MIT */
/* jina_embeddings_v3.c - Jina's third: XLM-RoBERTa with rotary positions. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"roberta.", "", NULL};

#define NAME "JinaEmbeddingsV3"

static const struct bert__head_row heads[] = {
    BERT__FIRST_TOKEN_HEAD(NAME "ForSequenceClassification", "tanh"),
    BERT__TOKEN_HEAD(NAME "ForTokenClassification"),
    BERT__SPAN_HEAD(NAME "ForQuestionAnswering"),
    BERT__LM_HEAD(NAME "ForMaskedLM"),
    BERT__END_OF_HEADS,
};

static const struct bert__tensor_names other_tensors = {
    BERT__ADOPTED_TENSORS, .ffn_up = "layers.%u.mlp.fc1", .ffn_down = "layers.%u.mlp.fc2"};

extern const struct bert__arch bert__arch_jina_embeddings_v3;
const struct bert__arch bert__arch_jina_embeddings_v3 = {
    .model_type = "jina_embeddings_v3",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_NONE,
    .distance = BERT__DISTANCE_ROTARY,
    .norm_place = BERT__NORM_POST,
    .qkv = BERT__QKV_FUSED,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size", .head_size = "head_dim",
             .rotary_theta = "rope_theta"},
    .defaults = {.hidden_size = 1024,
                 .layers = 24,
                 .heads = 16,
                 .intermediate_size = 4096,
                 .vocab_size = 250002,
                 .max_positions = 8194,
                 .type_vocab_size = 1,
                 .norm_eps = 1e-5,
                 .activation = "gelu",
                 .pad_token_id = 1,
                 .rotary_theta = 20000},
    .tensors = {.word = "embeddings.word_embeddings",
                .type = "embeddings.token_type_embeddings",
                .embedding_norm = "emb_ln",
                .qkv = "encoder.layers.%u.mixer.Wqkv",
                .attention_output = "encoder.layers.%u.mixer.out_proj",
                .attention_norm = "encoder.layers.%u.norm1",
                .ffn_up = "encoder.layers.%u.mlp.fc1",
                .ffn_down = "encoder.layers.%u.mlp.fc2",
                .ffn_norm = "encoder.layers.%u.norm2",
                .pooler = "pooler.dense"},
    .other_tensors = &other_tensors,
};
