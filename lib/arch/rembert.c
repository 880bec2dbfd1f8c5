/* SPDX-License-Identifier: MIT */
/* rembert.c - RemBERT: small embeddings on the way in, large ones of their own on the way out. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"rembert.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__TEXT_HEAD("RemBertForSequenceClassification"),
    BERT__TOKEN_HEAD("RemBertForTokenClassification"),
    BERT__SPAN_HEAD("RemBertForQuestionAnswering"),
    BERT__CHOICE_HEAD("RemBertForMultipleChoice"),
    {.architecture = "RemBertForMaskedLM",
     .task = "fill-mask",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_VOCABULARY,
     .dense = "cls.predictions.dense",
     .width_key = "output_embedding_size",
     .width = 1664,
     .norm = "cls.predictions.LayerNorm",
     .decoder = "cls.predictions.decoder"},
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_rembert;
const struct bert__arch bert__arch_rembert = {
    .model_type = "rembert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .project_always = true,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size",
             .embedding_size = "input_embedding_size"},
    .defaults = {.hidden_size = 1152,
                 .layers = 32,
                 .heads = 18,
                 .intermediate_size = 4608,
                 .vocab_size = 250300,
                 .max_positions = 512,
                 .type_vocab_size = 2,
                 .norm_eps = 1e-12,
                 .activation = "gelu",
                 .embedding_size = 256},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                .embedding_project = "encoder.embedding_hidden_mapping_in", BERT__LAYER_TENSORS,
                BERT__POST_NORM_TENSORS, .pooler = "pooler.dense"},
};
