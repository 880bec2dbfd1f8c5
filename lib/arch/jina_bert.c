/* SPDX-License-Identifier: MIT */
/* jina_bert.c - Jina's second, which says "bert" and brings its own code: ALiBi and gated halves.
 * Its code model has other names, and norms on queries, keys and twice behind attention. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"bert.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__BERT_HEADS("JinaBert"),
    BERT__END_OF_HEADS,
};

static const struct bert__config_fixed fixed[] = {
    {"position_embedding_type", "alibi"},
    {NULL, NULL},
};

static const struct bert__activation_name ffn_activations[] = {
    {"geglu", "gelu"},
    {"reglu", "relu"},
    {NULL, NULL},
};

#define LAYER "encoder.layer.%u."

#define TENSORS                                                                                    \
    .word = "embeddings.word_embeddings", .type = "embeddings.token_type_embeddings",              \
    .embedding_norm = "embeddings.LayerNorm", .query = LAYER "attention.self.query",               \
    .key = LAYER "attention.self.key", .value = LAYER "attention.self.value",                      \
    .attention_output = LAYER "attention.output.dense",                                            \
    .attention_norm = LAYER "attention.output.LayerNorm", .pooler = "pooler.dense"

static const struct bert__tensor_names other_tensors = {
    TENSORS,
    .query_norm = LAYER "attention.self.layer_norm_q",
    .key_norm = LAYER "attention.self.layer_norm_k",
    .second_norm = LAYER "layer_norm_1",
    .ffn_up = LAYER "mlp.up_gated_layer",
    .ffn_down = LAYER "mlp.down_layer",
    .ffn_norm = LAYER "layer_norm_2",
};

extern const struct bert__arch bert__arch_jina_bert;
const struct bert__arch bert__arch_jina_bert = {
    .model_type = "bert",
    .remote_config = "JinaBertConfig",
    .only_remote = true,
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_NONE,
    .distance = BERT__DISTANCE_ALIBI,
    .norm_place = BERT__NORM_POST,
    .ffn = BERT__FFN_GATE_FIRST,
    .ffn_up_has_no_bias = true,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size",
             .ffn_activation = "feed_forward_type"},
    .fixed = fixed,
    .ffn_activations = ffn_activations,
    .defaults = {BERT__DEFAULTS, .vocab_size = 30522, .type_vocab_size = 2},
    .tensors = {TENSORS, .ffn_up = LAYER "mlp.gated_layers", .ffn_down = LAYER "mlp.wo",
                .ffn_norm = LAYER "mlp.layernorm"},
    .other_tensors = &other_tensors,
    .other_qkv = BERT__QKV_SEPARATE,
    .other_ffn = BERT__FFN_GATE_LAST,
};
