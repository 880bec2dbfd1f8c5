/* SPDX-License-Identifier: MIT */
/* bert_generation.c - BertGeneration as an encoder: BERT without token types and pooler. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"bert.", "", NULL};

static const struct bert__head_row heads[] = {BERT__END_OF_HEADS};

extern const struct bert__arch bert__arch_bert_generation;
const struct bert__arch bert__arch_bert_generation = {
    .model_type = "bert-generation",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .keys = {BERT__KEYS},
    .defaults = {.hidden_size = 1024,
                 .layers = 24,
                 .heads = 16,
                 .intermediate_size = 4096,
                 .vocab_size = 50358,
                 .max_positions = 512,
                 .norm_eps = 1e-12,
                 .activation = "gelu"},
    .tensors = {.word = "embeddings.word_embeddings",
                .position = "embeddings.position_embeddings",
                .embedding_norm = "embeddings.LayerNorm",
                BERT__LAYER_TENSORS,
                BERT__POST_NORM_TENSORS},
};
