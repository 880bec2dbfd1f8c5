/* SPDX-License-Identifier: MIT */
/* shared.h - what rows of BERT's relatives have in common, as initialisers. */
#ifndef BERT_LIB_ARCH_SHARED_H
#define BERT_LIB_ARCH_SHARED_H

#include "lib/arch/arch.h"

/* ---- Config keys and defaults: the names of transformers' BertConfig ------------- */

#define BERT__KEYS                                                                                 \
    .hidden_size = "hidden_size", .layers = "num_hidden_layers", .heads = "num_attention_heads",   \
    .intermediate_size = "intermediate_size", .vocab_size = "vocab_size",                          \
    .max_positions = "max_position_embeddings", .norm_eps = "layer_norm_eps",                      \
    .activation = "hidden_act", .pad_token_id = "pad_token_id"

#define BERT__DEFAULTS                                                                             \
    .hidden_size = 768, .layers = 12, .heads = 12, .intermediate_size = 3072,                      \
    .max_positions = 512, .norm_eps = 1e-12, .activation = "gelu"

/* ---- Tensors ---------------------------------------------------------------------- */

#define BERT__EMBEDDING_TENSORS                                                                    \
    .word = "embeddings.word_embeddings", .position = "embeddings.position_embeddings",            \
    .type = "embeddings.token_type_embeddings"

/* A layer but for its norms. */
#define BERT__LAYER_TENSORS                                                                        \
    .query = "encoder.layer.%u.attention.self.query",                                              \
    .key = "encoder.layer.%u.attention.self.key",                                                  \
    .value = "encoder.layer.%u.attention.self.value",                                              \
    .attention_output = "encoder.layer.%u.attention.output.dense",                                 \
    .ffn_up = "encoder.layer.%u.intermediate.dense", .ffn_down = "encoder.layer.%u.output.dense"

#define BERT__POST_NORM_TENSORS                                                                    \
    .attention_norm = "encoder.layer.%u.attention.output.LayerNorm",                               \
    .ffn_norm = "encoder.layer.%u.output.LayerNorm"

/* DeBERTa's own. */
#define BERT__DEBERTA_KEYS                                                                         \
    .type_vocab_size = "type_vocab_size", .embedding_size = "embedding_size",                      \
    .absolute_too = "position_biased_input", .relative = "relative_attention",                     \
    .relative_positions = "max_relative_positions", .relative_terms = "pos_att_type"

#define BERT__DEBERTA_TENSORS                                                                      \
    .embedding_norm = "embeddings.LayerNorm", .embedding_project = "embeddings.embed_proj",        \
    .distance_table = "encoder.rel_embeddings",                                                    \
    .attention_output = "encoder.layer.%u.attention.output.dense",                                 \
    .ffn_up = "encoder.layer.%u.intermediate.dense", .ffn_down = "encoder.layer.%u.output.dense"

/* The layers of families that transformers took over from the models' own code, as it names them
 * inside; files have the older names. */
#define BERT__ADOPTED_TENSORS                                                                      \
    .word = "embeddings.word_embeddings", .type = "embeddings.token_type_embeddings",              \
    .embedding_norm = "embeddings.LayerNorm", .query = "layers.%u.self_attn.q_proj",               \
    .key = "layers.%u.self_attn.k_proj", .value = "layers.%u.self_attn.v_proj",                    \
    .attention_output = "layers.%u.self_attn.o_proj",                                              \
    .attention_norm = "layers.%u.post_attention_layernorm",                                        \
    .ffn_norm = "layers.%u.post_mlp_layernorm", .pooler = "pooler.dense"

/* ---- Heads ------------------------------------------------------------------------- */

/* A decoder on the pooler's output. */
#define BERT__POOLED_HEAD(class, its_task, its_output, its_decoder)                                \
    {                                                                                              \
        .architecture = class, .task = its_task, .input = BERT__HEAD_POOLED, .output = its_output, \
        .decoder = its_decoder                                                                     \
    }

#define BERT__TEXT_HEAD(class)                                                                     \
    BERT__POOLED_HEAD(class, "text-classification", BERT__HEAD_LABELS, "classifier")

#define BERT__CHOICE_HEAD(class)                                                                   \
    BERT__POOLED_HEAD(class, "multiple-choice", BERT__HEAD_CHOICE, "classifier")

/* A decoder on each token. */
#define BERT__TOKEN_HEAD(class)                                                                    \
    {                                                                                              \
        .architecture = class, .task = "token-classification", .input = BERT__HEAD_TOKENS,         \
        .output = BERT__HEAD_LABELS, .decoder = "classifier"                                       \
    }

#define BERT__SPAN_HEAD(class)                                                                     \
    {                                                                                              \
        .architecture = class, .task = "question-answering", .input = BERT__HEAD_TOKENS,           \
        .output = BERT__HEAD_SPAN, .decoder = "qa_outputs"                                         \
    }

/* RoBERTa's classifier: dense and an activation on the first token. */
#define BERT__FIRST_TOKEN_HEAD(class, its_activation)                                              \
    {                                                                                              \
        .architecture = class, .task = "text-classification", .input = BERT__HEAD_FIRST,           \
        .output = BERT__HEAD_LABELS, .dense = "classifier.dense", .activation = its_activation,    \
        .decoder = "classifier.out_proj"                                                           \
    }

/* BERT's masked LM; the activation is the config's. */
#define BERT__CLS_LM_HEAD(class, its_task, its_output)                                             \
    {                                                                                              \
        .architecture = class, .task = its_task, .input = BERT__HEAD_TOKENS, .output = its_output, \
        .dense = "cls.predictions.transform.dense", .norm = "cls.predictions.transform.LayerNorm", \
        .decoder = "cls.predictions.decoder", .tied_bias = "cls.predictions.bias"                  \
    }

/* RoBERTa's masked LM: exact GELU whatever the config says. */
#define BERT__LM_HEAD(class)                                                                       \
    {                                                                                              \
        .architecture = class, .task = "fill-mask", .input = BERT__HEAD_TOKENS,                    \
        .output = BERT__HEAD_VOCABULARY, .dense = "lm_head.dense", .activation = "gelu",           \
        .norm = "lm_head.layer_norm", .decoder = "lm_head.decoder", .tied_bias = "lm_head.bias"    \
    }

/* All heads of RoBERTa and those that took them over. */
#define BERT__ROBERTA_HEADS(name)                                                                  \
    BERT__FIRST_TOKEN_HEAD(name "ForSequenceClassification", "tanh"),                              \
        BERT__TOKEN_HEAD(name "ForTokenClassification"),                                           \
        BERT__SPAN_HEAD(name "ForQuestionAnswering"), BERT__CHOICE_HEAD(name "ForMultipleChoice"), \
        BERT__LM_HEAD(name "ForMaskedLM")

/* All heads of BERT and those that took them over, but for BERT's own BertLMHeadModel. */
#define BERT__BERT_HEADS(name)                                                                     \
    BERT__TEXT_HEAD(name "ForSequenceClassification"),                                             \
        BERT__TOKEN_HEAD(name "ForTokenClassification"),                                           \
        BERT__SPAN_HEAD(name "ForQuestionAnswering"), BERT__CHOICE_HEAD(name "ForMultipleChoice"), \
        BERT__CLS_LM_HEAD(name "ForMaskedLM", "fill-mask", BERT__HEAD_VOCABULARY),                 \
        BERT__POOLED_HEAD(name "ForNextSentencePrediction", "next-sentence-prediction",            \
                          BERT__HEAD_NEXT, "cls.seq_relationship"),                                \
        BERT__CLS_LM_HEAD(name "ForPreTraining", "pretraining", BERT__HEAD_PREDICTION),            \
        BERT__POOLED_HEAD(name "ForPreTraining", "pretraining", BERT__HEAD_RELATION,               \
                          "cls.seq_relationship")

/* DeBERTa's pooler is a part of its heads. */
#define BERT__DEBERTA_POOLED                                                                       \
    .input = BERT__HEAD_FIRST, .dense = "pooler.dense", .activation = "gelu",                      \
    .activation_key = "pooler_hidden_act", .decoder = "classifier"

#define BERT__DEBERTA_HEADS(name)                                                                  \
    {.architecture = name "ForSequenceClassification",                                             \
     .task = "text-classification",                                                                \
     .output = BERT__HEAD_LABELS,                                                                  \
     BERT__DEBERTA_POOLED},                                                                        \
        BERT__TOKEN_HEAD(name "ForTokenClassification"),                                           \
        BERT__SPAN_HEAD(name "ForQuestionAnswering"),                                              \
        {.architecture = name "ForMaskedLM",                                                       \
         .task = "fill-mask",                                                                      \
         .input = BERT__HEAD_TOKENS,                                                               \
         .output = BERT__HEAD_VOCABULARY,                                                          \
         .when_key = "legacy",                                                                     \
         .when = "true",                                                                           \
         .when_absent = true,                                                                      \
         .dense = "cls.predictions.transform.dense",                                               \
         .narrow = true,                                                                           \
         .norm = "cls.predictions.transform.LayerNorm",                                            \
         .decoder = "cls.predictions.decoder",                                                     \
         .tied_bias = "cls.predictions.bias"},                                                     \
    {                                                                                              \
        .architecture = name "ForMaskedLM", .task = "fill-mask", .input = BERT__HEAD_TOKENS,       \
        .output = BERT__HEAD_VOCABULARY, .when_key = "legacy", .when = "false",                    \
        .dense = "lm_predictions.lm_head.dense", .norm = "lm_predictions.lm_head.LayerNorm",       \
        .decoder = "lm_predictions.lm_head.decoder", .tied_bias = "lm_predictions.lm_head.bias"    \
    }

#define BERT__END_OF_HEADS                                                                         \
    {                                                                                              \
        .architecture = NULL                                                                       \
    }

#endif
