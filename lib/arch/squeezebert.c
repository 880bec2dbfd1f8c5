/* SPDX-License-Identifier: MIT */
/* squeezebert.c - SqueezeBERT: BERT whose linear layers are convolutions of size 1, in groups.
 * The reference calls the scores before the softmax its attentions; here they are the weights. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"transformer.", "", NULL};

#define NAME "SqueezeBert"

static const struct bert__head_row heads[] = {
    BERT__TEXT_HEAD(NAME "ForSequenceClassification"),
    BERT__TOKEN_HEAD(NAME "ForTokenClassification"),
    BERT__SPAN_HEAD(NAME "ForQuestionAnswering"),
    BERT__CHOICE_HEAD(NAME "ForMultipleChoice"),
    BERT__CLS_LM_HEAD(NAME "ForMaskedLM", "fill-mask", BERT__HEAD_VOCABULARY),
    BERT__END_OF_HEADS,
};

#define LAYER "encoder.layers.%u."

extern const struct bert__arch bert__arch_squeezebert;
const struct bert__arch bert__arch_squeezebert = {
    .model_type = "squeezebert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .linear_is_conv = true,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size",
             .linear_groups = {"q_groups", "k_groups", "v_groups", "post_attention_groups",
                               "intermediate_groups", "output_groups"}},
    .defaults = {BERT__DEFAULTS, .vocab_size = 30522, .type_vocab_size = 2, .layer_norm_eps = 1e-12,
                 .linear_groups = {4, 4, 4, 1, 4, 4}},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                .query = LAYER "attention.query", .key = LAYER "attention.key",
                .value = LAYER "attention.value", .attention_output = LAYER "post_attention.conv1d",
                .attention_norm = LAYER "post_attention.layernorm",
                .ffn_up = LAYER "intermediate.conv1d", .ffn_down = LAYER "output.conv1d",
                .ffn_norm = LAYER "output.layernorm", .pooler = "pooler.dense"},
};
