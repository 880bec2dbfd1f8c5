/* SPDX-License-Identifier: MIT */
/* ernie.c - ERNIE: BERT with an optional embedding of the task. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"ernie.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__BERT_HEADS("Ernie"),
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
