/* SPDX-License-Identifier: MIT */
/* luke.c - LUKE on text alone: a RoBERTa; entities, and what attends to them, are read past. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"luke.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__TEXT_HEAD("LukeForSequenceClassification"),
    BERT__TOKEN_HEAD("LukeForTokenClassification"),
    BERT__SPAN_HEAD("LukeForQuestionAnswering"),
    BERT__CHOICE_HEAD("LukeForMultipleChoice"),
    BERT__LM_HEAD("LukeForMaskedLM"),
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_luke;
const struct bert__arch bert__arch_luke = {
    .model_type = "luke",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_AFTER_PADDING,
    .norm_place = BERT__NORM_POST,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size"},
    .defaults = {BERT__DEFAULTS, .vocab_size = 50267, .type_vocab_size = 2, .pad_token_id = 1},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                BERT__LAYER_TENSORS, BERT__POST_NORM_TENSORS, .pooler = "pooler.dense"},
};
