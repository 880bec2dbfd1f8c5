/* SPDX-License-Identifier: MIT */
/* modernbert.c - ModernBERT: rotary positions, most layers local, gated halves, norms before. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"model.", "", NULL};

/* dense, activation and norm, then a decoder: on every head. */
#define HEAD(class, its_task, its_input, its_output, its_decoder)                                  \
    .architecture = "ModernBertFor" class, .task = its_task, .input = its_input,                   \
    .output = its_output, .dense = "head.dense", .dense_bias_key = "classifier_bias",              \
    .activation = "gelu", .activation_key = "classifier_activation", .norm = "head.norm",          \
    .decoder = its_decoder

static const struct bert__head_row heads[] = {
    {HEAD("SequenceClassification", "text-classification", BERT__HEAD_FIRST, BERT__HEAD_LABELS,
          "classifier"),
     .when_key = "classifier_pooling", .when = "cls", .when_absent = true},
    {HEAD("SequenceClassification", "text-classification", BERT__HEAD_MEAN, BERT__HEAD_LABELS,
          "classifier"),
     .when_key = "classifier_pooling", .when = "mean"},
    {HEAD("MultipleChoice", "multiple-choice", BERT__HEAD_FIRST, BERT__HEAD_CHOICE, "classifier"),
     .when_key = "classifier_pooling", .when = "cls", .when_absent = true},
    {HEAD("MultipleChoice", "multiple-choice", BERT__HEAD_MEAN, BERT__HEAD_CHOICE, "classifier"),
     .when_key = "classifier_pooling", .when = "mean"},
    {HEAD("TokenClassification", "token-classification", BERT__HEAD_TOKENS, BERT__HEAD_LABELS,
          "classifier")},
    {HEAD("QuestionAnswering", "question-answering", BERT__HEAD_TOKENS, BERT__HEAD_SPAN,
          "classifier")},
    {HEAD("MaskedLM", "fill-mask", BERT__HEAD_TOKENS, BERT__HEAD_VOCABULARY, "decoder"),
     .decoder_bias_key = "decoder_bias", .tied_bias = "decoder.bias"},
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_modernbert;
const struct bert__arch bert__arch_modernbert = {
    .model_type = "modernbert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_NONE,
    .distance = BERT__DISTANCE_ROTARY,
    .norm_place = BERT__NORM_PRE,
    .qkv = BERT__QKV_FUSED,
    .ffn = BERT__FFN_GATE_FIRST,
    .first_norm_is_none = true,
    .keys = {.hidden_size = "hidden_size",
             .layers = "num_hidden_layers",
             .heads = "num_attention_heads",
             .intermediate_size = "intermediate_size",
             .vocab_size = "vocab_size",
             .max_positions = "max_position_embeddings",
             .norm_eps = "norm_eps",
             .activation = "hidden_activation",
             .pad_token_id = "pad_token_id",
             .attention_bias = "attention_bias",
             .ffn_bias = "mlp_bias",
             .norm_bias = "norm_bias",
             .window = "local_attention",
             .global_every = "global_attn_every_n_layers",
             .rotary_theta = "global_rope_theta",
             .local_theta = "local_rope_theta"},
    .defaults = {.hidden_size = 768,
                 .layers = 22,
                 .heads = 12,
                 .intermediate_size = 1152,
                 .vocab_size = 50368,
                 .max_positions = 8192,
                 .norm_eps = 1e-5,
                 .activation = "gelu",
                 .pad_token_id = 50283,
                 .window = 128,
                 .global_every = 3,
                 .rotary_theta = 160000,
                 .local_theta = 10000,
                 .no_attention_bias = true,
                 .no_ffn_bias = true,
                 .no_norm_bias = true},
    .tensors = {.word = "embeddings.tok_embeddings",
                .embedding_norm = "embeddings.norm",
                .qkv = "layers.%u.attn.Wqkv",
                .attention_output = "layers.%u.attn.Wo",
                .attention_norm = "layers.%u.attn_norm",
                .ffn_up = "layers.%u.mlp.Wi",
                .ffn_down = "layers.%u.mlp.Wo",
                .ffn_norm = "layers.%u.mlp_norm",
                .final_norm = "final_norm"},
};
