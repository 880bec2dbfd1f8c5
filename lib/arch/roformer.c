/* SPDX-License-Identifier: MIT */
/* roformer.c - RoFormer: BERT with rotary positions, which turn neighbours. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"roformer.", "", NULL};

/* The summary of a whole text, by default the last token's. */
#define CHOICE_HEAD(its_pooling, its_input)                                                        \
    .architecture = "RoFormerForMultipleChoice", .task = "multiple-choice", .input = its_input,    \
    .output = BERT__HEAD_CHOICE, .decoder = "classifier", .when_key = "summary_type",              \
    .when = its_pooling

static const struct bert__head_row heads[] = {
    BERT__FIRST_TOKEN_HEAD("RoFormerForSequenceClassification", NULL),
    BERT__TOKEN_HEAD("RoFormerForTokenClassification"),
    BERT__SPAN_HEAD("RoFormerForQuestionAnswering"),
    {CHOICE_HEAD("last", BERT__HEAD_LAST), .when_absent = true},
    {CHOICE_HEAD("first", BERT__HEAD_FIRST)},
    {CHOICE_HEAD("mean", BERT__HEAD_MEAN)},
    {.architecture = "RoFormerForMaskedLM",
     .task = "fill-mask",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_VOCABULARY,
     .dense = "cls.predictions.transform.dense",
     .narrow = true,
     .norm = "cls.predictions.transform.LayerNorm",
     .decoder = "cls.predictions.decoder",
     .tied_bias = "cls.predictions.bias"},
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_roformer;
const struct bert__arch bert__arch_roformer = {
    .model_type = "roformer",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_NONE,
    .distance = BERT__DISTANCE_ROTARY,
    .norm_place = BERT__NORM_POST,
    .rotary_interleaved = true,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size", .embedding_size = "embedding_size",
             .rotary_value = "rotary_value"},
    .defaults = {.hidden_size = 768,
                 .layers = 12,
                 .heads = 12,
                 .intermediate_size = 3072,
                 .vocab_size = 50000,
                 .max_positions = 1536,
                 .type_vocab_size = 2,
                 .norm_eps = 1e-12,
                 .activation = "gelu",
                 .rotary_theta = 10000},
    .tensors = {.word = "embeddings.word_embeddings",
                .type = "embeddings.token_type_embeddings",
                .embedding_norm = "embeddings.LayerNorm",
                .embedding_project = "embeddings_project",
                .rotary_table = "encoder.embed_positions.weight",
                BERT__LAYER_TENSORS,
                BERT__POST_NORM_TENSORS},
};
