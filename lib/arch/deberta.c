/* SPDX-License-Identifier: MIT */
/* deberta.c - the first DeBERTa: disentangled attention, each distance on its own. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"deberta.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__DEBERTA_HEADS("Deberta"),
    BERT__END_OF_HEADS,
};

static const struct bert__config_fixed fixed[] = {
    {"talking_head", "false"},
    {NULL, NULL},
};

#define SELF "encoder.layer.%u.attention.self."

extern const struct bert__arch bert__arch_deberta;
const struct bert__arch bert__arch_deberta = {
    .model_type = "deberta",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .distance = BERT__DISTANCE_DISENTANGLED,
    .norm_place = BERT__NORM_POST,
    .qkv = BERT__QKV_BY_HEAD,
    .norm_after_project = true,
    .types_may_be_none = true,
    .distance_key_has_no_bias = true,
    .counts_all_terms = true,
    .keys = {BERT__KEYS, BERT__DEBERTA_KEYS},
    .fixed = fixed,
    .defaults = {.hidden_size = 768,
                 .layers = 12,
                 .heads = 12,
                 .intermediate_size = 3072,
                 .vocab_size = 50265,
                 .max_positions = 512,
                 .norm_eps = 1e-7,
                 .activation = "gelu"},
    .tensors = {BERT__EMBEDDING_TENSORS, BERT__POST_NORM_TENSORS, BERT__DEBERTA_TENSORS,
                .qkv = SELF "in_proj", .query_bias = SELF "q_bias", .value_bias = SELF "v_bias",
                .distance_key = SELF "pos_proj", .distance_query = SELF "pos_q_proj"},
};
