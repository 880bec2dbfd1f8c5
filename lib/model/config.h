/* SPDX-License-Identifier: MIT */
/* config.h - config.json, read through a family's row and checked. */
#ifndef BERT_LIB_MODEL_CONFIG_H
#define BERT_LIB_MODEL_CONFIG_H

#include "lib/arch/arch.h"
#include "lib/base/json.h"
#include "lib/base/source.h"

struct bert__config {
    const struct bert__arch *arch;
    uint32_t hidden_size, layers, heads, head_size, intermediate_size, vocab_size, max_positions,
        type_vocab_size;
    float norm_eps;
    const char *activation; /* the reference's name of it; in the arena */
    const char **labels;    /* by id, of id2label or num_labels; NULL: neither in the file */
    uint32_t n_labels;
    const struct bert__json *json; /* the whole file */
    const char *path;              /* for messages, in the arena */
};

/*
 * Read and check config.json.  BERT_EIO, absent; BERT_EUNSUPPORTED, an unknown
 * model_type, a decoder, remote code (auto_map), a quantised checkpoint, by name;
 * BERT_EFORMAT, zero, negative, fractional or contradictory numbers (hidden_size not a
 * multiple of the heads), by field and value; BERT_ELIMIT, more layers than max_layers
 * (0: 1024) or sizes no encoder has.  `directory`: below the source's root, where it
 * lies ("" is the root; bert__modules says).  Values live in `arena`.
 */
bert_status bert__config_load(struct bert__config *config, struct bert__arena *arena,
                              struct bert__source *source, const char *directory,
                              uint32_t max_layers, bert_error *err);

#endif
