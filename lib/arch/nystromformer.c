/* SPDX-License-Identifier: MIT */
/* nystromformer.c - Nystromformer: BERT with a convolution of the values, which attends to all, or
 * by landmarks; these take texts of one length, as in the reference, which fails on others. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"nystromformer.", "", NULL};

#define NAME "Nystromformer"

static const struct bert__head_row heads[] = {
    BERT__FIRST_TOKEN_HEAD(NAME "ForSequenceClassification", NULL),
    BERT__TOKEN_HEAD(NAME "ForTokenClassification"),
    BERT__SPAN_HEAD(NAME "ForQuestionAnswering"),
    {.architecture = NAME "ForMultipleChoice",
     .task = "multiple-choice",
     .input = BERT__HEAD_FIRST,
     .output = BERT__HEAD_CHOICE,
     .dense = "pre_classifier",
     .activation = "relu",
     .decoder = "classifier"},
    BERT__CLS_LM_HEAD(NAME "ForMaskedLM", "fill-mask", BERT__HEAD_VOCABULARY),
    BERT__END_OF_HEADS,
};

static const struct bert__config_fixed fixed[] = {
    {"inv_coeff_init_option", "false"}, /* the reference fails */
    {NULL, NULL},
};

extern const struct bert__arch bert__arch_nystromformer;
const struct bert__arch bert__arch_nystromformer = {
    .model_type = "nystromformer",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size", .landmarks = "num_landmarks",
             .landmark_length = "segment_means_seq_len", .value_conv = "conv_kernel_size"},
    .fixed = fixed,
    .defaults = {.hidden_size = 768,
                 .layers = 12,
                 .heads = 12,
                 .intermediate_size = 3072,
                 .vocab_size = 30000,
                 .max_positions = 510,
                 .type_vocab_size = 2,
                 .norm_eps = 1e-5,
                 .activation = "gelu_new",
                 .landmarks = 64,
                 .value_conv = 65,
                 .first_position = 2},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                BERT__LAYER_TENSORS, BERT__POST_NORM_TENSORS,
                .value_conv = "encoder.layer.%u.attention.self.conv"},
};
