/* SPDX-License-Identifier: MIT */
/* albert.c - ALBERT: layers in groups that share weights, a factorised embedding. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"albert.", "", NULL};

#define LM_HEAD(class, its_task, its_output)                                                       \
    {                                                                                              \
        .architecture = class, .task = its_task, .input = BERT__HEAD_TOKENS, .output = its_output, \
        .dense = "predictions.dense", .narrow = true, .norm = "predictions.LayerNorm",             \
        .decoder = "predictions.decoder", .tied_bias = "predictions.bias"                          \
    }

static const struct bert__head_row heads[] = {
    BERT__TEXT_HEAD("AlbertForSequenceClassification"),
    BERT__TOKEN_HEAD("AlbertForTokenClassification"),
    BERT__SPAN_HEAD("AlbertForQuestionAnswering"),
    BERT__CHOICE_HEAD("AlbertForMultipleChoice"),
    LM_HEAD("AlbertForMaskedLM", "fill-mask", BERT__HEAD_VOCABULARY),
    LM_HEAD("AlbertForPreTraining", "pretraining", BERT__HEAD_PREDICTION),
    BERT__POOLED_HEAD("AlbertForPreTraining", "pretraining", BERT__HEAD_ORDER,
                      "sop_classifier.classifier"),
    BERT__END_OF_HEADS,
};

#define LAYER "encoder.albert_layer_groups.%g.albert_layers.%i."

extern const struct bert__arch bert__arch_albert;
const struct bert__arch bert__arch_albert = {
    .model_type = "albert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .project_always = true,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size", .embedding_size = "embedding_size",
             .layer_groups = "num_hidden_groups", .inner_layers = "inner_group_num"},
    .defaults = {.hidden_size = 4096,
                 .layers = 12,
                 .heads = 64,
                 .intermediate_size = 16384,
                 .vocab_size = 30000,
                 .max_positions = 512,
                 .type_vocab_size = 2,
                 .norm_eps = 1e-12,
                 .activation = "gelu_new",
                 .embedding_size = 128,
                 .layer_groups = 1,
                 .inner_layers = 1},
    .tensors =
        {
            BERT__EMBEDDING_TENSORS,
            .embedding_norm = "embeddings.LayerNorm",
            .embedding_project = "encoder.embedding_hidden_mapping_in",
            .query = LAYER "attention.query",
            .key = LAYER "attention.key",
            .value = LAYER "attention.value",
            .attention_output = LAYER "attention.dense",
            .attention_norm = LAYER "attention.LayerNorm",
            .ffn_up = LAYER "ffn",
            .ffn_down = LAYER "ffn_output",
            .ffn_norm = LAYER "full_layer_layer_norm",
            .pooler = "pooler",
        },
};
