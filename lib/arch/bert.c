/* SPDX-License-Identifier: MIT */
/* bert.c - the original: absolute positions, norm after each residual, two-matrix FFN. */
#include "lib/arch/arch.h"

/* BertForMaskedLM and the like save with the first, BertModel without any. */
static const char *const prefixes[] = {"bert.", "", NULL};

#define LM_HEAD                                                                                    \
    .dense = "cls.predictions.transform.dense", .norm = "cls.predictions.transform.LayerNorm",     \
    .decoder = "cls.predictions.decoder", .tied_bias = "cls.predictions.bias"

static const struct bert__head_row heads[] = {
    {.architecture = "BertForSequenceClassification",
     .task = "text-classification",
     .input = BERT__HEAD_POOLED,
     .output = BERT__HEAD_LABELS,
     .decoder = "classifier"},
    {.architecture = "BertForTokenClassification",
     .task = "token-classification",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_LABELS,
     .decoder = "classifier"},
    {.architecture = "BertForQuestionAnswering",
     .task = "question-answering",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_SPAN,
     .decoder = "qa_outputs"},
    {.architecture = "BertForMultipleChoice",
     .task = "multiple-choice",
     .input = BERT__HEAD_POOLED,
     .output = BERT__HEAD_CHOICE,
     .decoder = "classifier"},
    {.architecture = "BertForMaskedLM",
     .task = "fill-mask",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_VOCABULARY,
     LM_HEAD},
    {.architecture = "BertLMHeadModel",
     .task = "fill-mask",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_VOCABULARY,
     LM_HEAD},
    {.architecture = "BertForNextSentencePrediction",
     .task = "next-sentence-prediction",
     .input = BERT__HEAD_POOLED,
     .output = BERT__HEAD_NEXT,
     .decoder = "cls.seq_relationship"},
    {.architecture = "BertForPreTraining",
     .task = "pretraining",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_PREDICTION,
     LM_HEAD},
    {.architecture = "BertForPreTraining",
     .task = "pretraining",
     .input = BERT__HEAD_POOLED,
     .output = BERT__HEAD_RELATION,
     .decoder = "cls.seq_relationship"},
    {.architecture = NULL},
};

extern const struct bert__arch bert__arch_bert;
const struct bert__arch bert__arch_bert = {
    .model_type = "bert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .keys =
        {
            .hidden_size = "hidden_size",
            .layers = "num_hidden_layers",
            .heads = "num_attention_heads",
            .intermediate_size = "intermediate_size",
            .vocab_size = "vocab_size",
            .max_positions = "max_position_embeddings",
            .type_vocab_size = "type_vocab_size",
            .norm_eps = "layer_norm_eps",
            .activation = "hidden_act",
        },
    .defaults =
        {
            .hidden_size = 768,
            .layers = 12,
            .heads = 12,
            .intermediate_size = 3072,
            .vocab_size = 30522,
            .max_positions = 512,
            .type_vocab_size = 2,
            .norm_eps = 1e-12,
            .activation = "gelu",
        },
    .tensors =
        {
            .word = "embeddings.word_embeddings",
            .position = "embeddings.position_embeddings",
            .type = "embeddings.token_type_embeddings",
            .embedding_norm = "embeddings.LayerNorm",
            .query = "encoder.layer.%u.attention.self.query",
            .key = "encoder.layer.%u.attention.self.key",
            .value = "encoder.layer.%u.attention.self.value",
            .attention_output = "encoder.layer.%u.attention.output.dense",
            .attention_norm = "encoder.layer.%u.attention.output.LayerNorm",
            .ffn_up = "encoder.layer.%u.intermediate.dense",
            .ffn_down = "encoder.layer.%u.output.dense",
            .ffn_norm = "encoder.layer.%u.output.LayerNorm",
            .pooler = "pooler.dense",
        },
};
