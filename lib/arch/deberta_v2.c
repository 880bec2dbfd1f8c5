/* SPDX-License-Identifier: MIT */
/* deberta_v2.c - DeBERTa's second and third: disentangled attention, buckets of distances, a
 * convolution beside the first layer. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"deberta.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__DEBERTA_HEADS("DebertaV2"),
    {.architecture = "DebertaV2ForMultipleChoice",
     .task = "multiple-choice",
     .output = BERT__HEAD_CHOICE,
     BERT__DEBERTA_POOLED},
    BERT__END_OF_HEADS,
};

#define SELF "encoder.layer.%u.attention.self."

extern const struct bert__arch bert__arch_deberta_v2;
const struct bert__arch bert__arch_deberta_v2 = {
    .model_type = "deberta-v2",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .distance = BERT__DISTANCE_DISENTANGLED,
    .norm_place = BERT__NORM_POST,
    .norm_after_project = true,
    .types_may_be_none = true,
    .keys = {BERT__KEYS, BERT__DEBERTA_KEYS, .relative_buckets = "position_buckets",
             .relative_shared = "share_att_key", .relative_norm = "norm_rel_ebd",
             .conv_size = "conv_kernel_size", .conv_groups = "conv_groups",
             .conv_activation = "conv_act"},
    .defaults = {.hidden_size = 1536,
                 .layers = 24,
                 .heads = 24,
                 .intermediate_size = 6144,
                 .vocab_size = 128100,
                 .max_positions = 512,
                 .norm_eps = 1e-7,
                 .activation = "gelu"},
    .tensors = {BERT__EMBEDDING_TENSORS, BERT__POST_NORM_TENSORS, BERT__DEBERTA_TENSORS,
                .query = SELF "query_proj", .key = SELF "key_proj", .value = SELF "value_proj",
                .distance_key = SELF "pos_key_proj", .distance_query = SELF "pos_query_proj",
                .distance_norm = "encoder.LayerNorm", .conv = "encoder.conv.conv",
                .conv_norm = "encoder.conv.LayerNorm"},
};
