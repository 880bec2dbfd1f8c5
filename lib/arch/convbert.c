/* SPDX-License-Identifier: MIT */
/* convbert.c - ConvBERT: half of attention's heads are convolutions that the tokens choose. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"convbert.", "", NULL};

#define NAME "ConvBert"

/* The config class has no summary keys; files of the hub do. */
#define CHOICE_HEAD(type, its_input)                                                               \
    .architecture = NAME "ForMultipleChoice", .task = "multiple-choice", .input = its_input,       \
    .output = BERT__HEAD_CHOICE, .when_key = "summary_type", .when = type,                         \
    .dense = "sequence_summary.summary", .dense_key = "summary_use_proj",                          \
    .activation = "identity", .activation_key = "summary_activation", .decoder = "classifier"

static const struct bert__head_row heads[] = {
    BERT__FIRST_TOKEN_HEAD(NAME "ForSequenceClassification", NULL),
    BERT__TOKEN_HEAD(NAME "ForTokenClassification"),
    BERT__SPAN_HEAD(NAME "ForQuestionAnswering"),
    {CHOICE_HEAD("last", BERT__HEAD_LAST), .when_absent = true},
    {CHOICE_HEAD("cls_index", BERT__HEAD_LAST)},
    {CHOICE_HEAD("first", BERT__HEAD_FIRST)},
    {CHOICE_HEAD("mean", BERT__HEAD_MEAN)},
    {.architecture = NAME "ForMaskedLM",
     .task = "fill-mask",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_VOCABULARY,
     .dense = "generator_predictions.dense",
     .narrow = true,
     .activation = "gelu",
     .norm = "generator_predictions.LayerNorm",
     .decoder = "generator_lm_head",
     .tied_bias = "generator_lm_head.bias"},
    BERT__END_OF_HEADS,
};

#define SELF "encoder.layer.%u.attention.self."

extern const struct bert__arch bert__arch_convbert;
const struct bert__arch bert__arch_convbert = {
    .model_type = "convbert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .groups_are_stacked = true,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size", .embedding_size = "embedding_size",
             .head_ratio = "head_ratio", .mix_size = "conv_kernel_size",
             .linear_groups =
                 {[BERT__GROUPED_FFN_UP] = "num_groups", [BERT__GROUPED_FFN_DOWN] = "num_groups"}},
    .defaults = {BERT__DEFAULTS, .vocab_size = 30522, .type_vocab_size = 2, .embedding_size = 768,
                 .head_ratio = 2, .mix_size = 9},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                .embedding_project = "embeddings_project", BERT__LAYER_TENSORS,
                BERT__POST_NORM_TENSORS, .mix_depth = SELF "key_conv_attn_layer.depthwise",
                .mix_point = SELF "key_conv_attn_layer.pointwise",
                .mix_bias = SELF "key_conv_attn_layer.bias", .mix_kernel = SELF "conv_kernel_layer",
                .mix_value = SELF "conv_out_layer"},
};
