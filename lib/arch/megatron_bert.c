/* SPDX-License-Identifier: MIT */
/* megatron_bert.c - Megatron-BERT: norms before each half, none on the embeddings. */
#include "lib/arch/shared.h"

static const char *const prefixes[] = {"bert.", "", NULL};

static const struct bert__head_row heads[] = {
    BERT__BERT_HEADS("MegatronBert"),
    BERT__END_OF_HEADS,
};

extern const struct bert__arch bert__arch_megatron_bert;
const struct bert__arch bert__arch_megatron_bert = {
    .model_type = "megatron-bert",
    .prefixes = prefixes,
    .heads = heads,
    .position = BERT__POSITION_ABSOLUTE,
    .norm_place = BERT__NORM_PRE,
    .keys = {BERT__KEYS, .type_vocab_size = "type_vocab_size"},
    .defaults = {.hidden_size = 1024,
                 .layers = 24,
                 .heads = 16,
                 .intermediate_size = 4096,
                 .vocab_size = 29056,
                 .max_positions = 512,
                 .type_vocab_size = 2,
                 .norm_eps = 1e-12,
                 .activation = "gelu"},
    .tensors = {BERT__EMBEDDING_TENSORS, BERT__LAYER_TENSORS,
                .attention_norm = "encoder.layer.%u.attention.ln",
                .ffn_norm = "encoder.layer.%u.ln", .final_norm = "encoder.ln",
                .pooler = "pooler.dense"},
};
