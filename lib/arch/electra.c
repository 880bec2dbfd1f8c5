/* SPDX-License-Identifier: MIT */
/* electra.c - ELECTRA: embeddings of their own width; heads whose GELU is exact. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"electra.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__FIRST_TOKEN_HEAD("ElectraForSequenceClassification", "gelu"),
    BERT__TOKEN_HEAD("ElectraForTokenClassification"),
    BERT__SPAN_HEAD("ElectraForQuestionAnswering"),
    {.architecture = "ElectraForMultipleChoice",
     .task = "multiple-choice",
     .input = BERT__HEAD_FIRST,
     .output = BERT__HEAD_CHOICE,
     .dense = "sequence_summary.summary",
     .activation = "gelu",
     .decoder = "classifier"},
    {.architecture = "ElectraForMaskedLM",
     .task = "fill-mask",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_VOCABULARY,
     .dense = "generator_predictions.dense",
     .narrow = true,
     .activation = "gelu",
     .norm = "generator_predictions.LayerNorm",
     .decoder = "generator_lm_head",
     .tied_bias = "generator_lm_head.bias"},
    {.architecture = "ElectraForPreTraining",
     .task = "pretraining",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_REPLACED,
     .dense = "discriminator_predictions.dense",
     .decoder = "discriminator_predictions.dense_prediction"},
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_electra;
const struct bert__arch bert__arch_electra = {
    .model_type = "electra",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size", .embedding_size = "embedding_size"},
    .defaults = {.hidden_size = 256,
                 .layers = 12,
                 .heads = 4,
                 .intermediate_size = 1024,
                 .vocab_size = 30522,
                 .max_positions = 512,
                 .type_vocab_size = 2,
                 .norm_eps = 1e-12,
                 .activation = "gelu",
                 .embedding_size = 128},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                BERT__LAYER_TENSORS, BERT__POST_NORM_TENSORS,
                .embedding_project = "embeddings_project"},
};
