/* SPDX-License-Identifier: MIT */
/* bert.c - the original: absolute positions, norm after each residual, two-matrix FFN. */
#include "lib/arch/shared.h"

/* BertForMaskedLM and the like save with the first, BertModel without any. */
static const char *const prefixes[] = {"bert.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__BERT_HEADS("Bert"),
    BERT__CLS_LM_HEAD("BertLMHeadModel", "fill-mask", BERT__HEAD_VOCABULARY),
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_bert;
const struct bert__arch bert__arch_bert = {
    .model_type = "bert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_POST,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size"},
    .defaults = {BERT__DEFAULTS, .vocab_size = 30522, .type_vocab_size = 2},
    .tensors = {BERT__EMBEDDING_TENSORS, .embedding_norm = "embeddings.LayerNorm",
                BERT__LAYER_TENSORS, BERT__POST_NORM_TENSORS, .pooler = "pooler.dense"},
};
