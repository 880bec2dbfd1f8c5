/* SPDX-License-Identifier: MIT */
/* mobilebert.c - MobileBERT: layers that are narrow inside, with several FFNs; embeddings made of
 * trigrams; a decoder whose columns past the embedding size are its own. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"mobilebert.", "", NULL};

#define NAME "MobileBert"

#define LM_HEAD(class, its_task, its_output)                                                       \
    {                                                                                              \
        .architecture = class, .task = its_task, .input = BERT__HEAD_TOKENS, .output = its_output, \
        .dense = "cls.predictions.transform.dense", .norm = "cls.predictions.transform.LayerNorm", \
        .decoder = "cls.predictions.decoder", .decoder_rest = "cls.predictions.dense",             \
        .tied_bias = "cls.predictions.bias"                                                        \
    }

static const struct bert__head_row heads[] = {
    BERT__TEXT_HEAD(NAME "ForSequenceClassification"),
    BERT__TOKEN_HEAD(NAME "ForTokenClassification"),
    BERT__SPAN_HEAD(NAME "ForQuestionAnswering"),
    BERT__CHOICE_HEAD(NAME "ForMultipleChoice"),
    LM_HEAD(NAME "ForMaskedLM", "fill-mask", BERT__HEAD_VOCABULARY),
    BERT__POOLED_HEAD(NAME "ForNextSentencePrediction", "next-sentence-prediction", BERT__HEAD_NEXT,
                      "cls.seq_relationship"),
    LM_HEAD(NAME "ForPreTraining", "pretraining", BERT__HEAD_PREDICTION),
    BERT__POOLED_HEAD(NAME "ForPreTraining", "pretraining", BERT__HEAD_RELATION,
                      "cls.seq_relationship"),
    BERT__END_OF_HEADS,
};

#define LAYER "encoder.layer.%u."

extern const struct bert__arch bert__arch_mobilebert;
const struct bert__arch bert__arch_mobilebert = {
    .model_type = "mobilebert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .norm_after_project = true,
    .places_after_project = true,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size", .embedding_size = "embedding_size",
             .bottleneck = "use_bottleneck", .bottleneck_size = "intra_bottleneck_size",
             .bottleneck_attention = "use_bottleneck_attention",
             .bottleneck_shared = "key_query_shared_bottleneck",
             .ffn_count = "num_feedforward_networks", .norm_type = "normalization_type",
             .trigrams = "trigram_input", .pooler_dense = "classifier_activation"},
    /* the reference leaves two of the norms at torch's epsilon */
    .defaults = {.hidden_size = 512,
                 .layers = 24,
                 .heads = 4,
                 .intermediate_size = 512,
                 .vocab_size = 30522,
                 .max_positions = 512,
                 .type_vocab_size = 2,
                 .norm_eps = 1e-12,
                 .embedding_norm_eps = 1e-5,
                 .ffn_norm_eps = 1e-5,
                 .activation = "relu",
                 .embedding_size = 128,
                 .bottleneck_size = 128,
                 .bottleneck = true,
                 .bottleneck_shared = true,
                 .ffn_count = 4,
                 .norm_type = "no_norm",
                 .trigrams = true},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                .embedding_project = "embeddings.embedding_transformation", BERT__LAYER_TENSORS,
                BERT__POST_NORM_TENSORS, .narrow = LAYER "bottleneck.input.dense",
                .narrow_norm = LAYER "bottleneck.input.LayerNorm",
                .narrow_attention = LAYER "bottleneck.attention.dense",
                .narrow_attention_norm = LAYER "bottleneck.attention.LayerNorm",
                .widen = LAYER "output.bottleneck.dense",
                .widen_norm = LAYER "output.bottleneck.LayerNorm",
                .more_up = LAYER "ffn.%j.intermediate.dense",
                .more_down = LAYER "ffn.%j.output.dense",
                .more_norm = LAYER "ffn.%j.output.LayerNorm", .pooler = "pooler.dense"},
};
