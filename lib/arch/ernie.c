/* SPDX-License-Identifier: MIT */
/* ernie.c - ERNIE: BERT with an optional embedding of the task. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"ernie.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__TEXT_HEAD("ErnieForSequenceClassification"),
    BERT__TOKEN_HEAD("ErnieForTokenClassification"),
    BERT__SPAN_HEAD("ErnieForQuestionAnswering"),
    BERT__CHOICE_HEAD("ErnieForMultipleChoice"),
    BERT__CLS_LM_HEAD("ErnieForMaskedLM", "fill-mask", BERT__HEAD_VOCABULARY),
    BERT__POOLED_HEAD("ErnieForNextSentencePrediction", "next-sentence-prediction", BERT__HEAD_NEXT,
                      "cls.seq_relationship"),
    BERT__CLS_LM_HEAD("ErnieForPreTraining", "pretraining", BERT__HEAD_PREDICTION),
    BERT__POOLED_HEAD("ErnieForPreTraining", "pretraining", BERT__HEAD_RELATION,
                      "cls.seq_relationship"),
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_ernie;
const struct bert__arch bert__arch_ernie = {
    .model_type = "ernie",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size", .use_task_types = "use_task_id",
             .task_types = "task_type_vocab_size"},
    .defaults = {BERT__DEFAULTS, .vocab_size = 30522, .type_vocab_size = 2, .task_types = 3},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                BERT__LAYER_TENSORS, BERT__POST_NORM_TENSORS,
                .task = "embeddings.task_type_embeddings", .pooler = "pooler.dense"},
};
