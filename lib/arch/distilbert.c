/* SPDX-License-Identifier: MIT */
/* distilbert.c - DistilBERT: half the layers, no token types, no pooler, names of its own. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"distilbert.", "", NULL};

static const struct bert__head_row heads[] = {
    {.architecture = "DistilBertForSequenceClassification",
     .task = "text-classification",
     .input = BERT__HEAD_FIRST,
     .output = BERT__HEAD_LABELS,
     .dense = "pre_classifier",
     .activation = "relu",
     .decoder = "classifier"},
    {.architecture = "DistilBertForMultipleChoice",
     .task = "multiple-choice",
     .input = BERT__HEAD_FIRST,
     .output = BERT__HEAD_CHOICE,
     .dense = "pre_classifier",
     .activation = "relu",
     .decoder = "classifier"},
    BERT__TOKEN_HEAD("DistilBertForTokenClassification"),
    BERT__SPAN_HEAD("DistilBertForQuestionAnswering"),
    {.architecture = "DistilBertForMaskedLM",
     .task = "fill-mask",
     .input = BERT__HEAD_TOKENS,
     .output = BERT__HEAD_VOCABULARY,
     .dense = "vocab_transform",
     .norm = "vocab_layer_norm",
     .decoder = "vocab_projector",
     .tied_bias = "vocab_projector.bias"},
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_distilbert;
const struct bert__arch bert__arch_distilbert = {
    .model_type = "distilbert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .keys = {.hidden_size = "dim",
             .layers = "n_layers",
             .heads = "n_heads",
             .intermediate_size = "hidden_dim",
             .vocab_size = "vocab_size",
             .max_positions = "max_position_embeddings",
             .activation = "activation",
             .pad_token_id = "pad_token_id"},
    .defaults = {.hidden_size = 768,
                 .layers = 6,
                 .heads = 12,
                 .intermediate_size = 3072,
                 .vocab_size = 30522,
                 .max_positions = 512,
                 .norm_eps = 1e-12,
                 .activation = "gelu"},
    .tensors =
        {
            .word = "embeddings.word_embeddings",
            .position = "embeddings.position_embeddings",
            .embedding_norm = "embeddings.LayerNorm",
            .query = "transformer.layer.%u.attention.q_lin",
            .key = "transformer.layer.%u.attention.k_lin",
            .value = "transformer.layer.%u.attention.v_lin",
            .attention_output = "transformer.layer.%u.attention.out_lin",
            .attention_norm = "transformer.layer.%u.sa_layer_norm",
            .ffn_up = "transformer.layer.%u.ffn.lin1",
            .ffn_down = "transformer.layer.%u.ffn.lin2",
            .ffn_norm = "transformer.layer.%u.output_layer_norm",
        },
};
