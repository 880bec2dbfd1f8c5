/* SPDX-License-Identifier: MIT */
/* model.h - the inside of bert_model, for the other files of lib/api. */
#ifndef BERT_LIB_API_MODEL_H
#define BERT_LIB_API_MODEL_H

#include <bert/model.h>
#include <stdatomic.h>

#include "lib/api/multi.h"
#include "lib/base/arena.h"
#include "lib/graph/network.h"
#include "lib/head/embedder.h"
#include "lib/head/task_head.h"
#include "lib/head/token_heads.h"
#include "lib/model/config.h"
#include "lib/model/modules.h"

struct bert__note {
    struct bert__note *next;
    const char *text;
};

struct bert_model {
    struct bert__alloc *alloc;
    atomic_uint refs;
    struct bert__arena arena; /* config, modules, notes */
    struct bert__config config;
    struct bert__modules modules;
    struct bert__weights *weights; /* kept open only where it is mapped */
    struct bert__network *network;
    struct bert__embedder *embedder;
    struct bert__task_heads heads;
    struct bert__token_heads token_heads;
    struct bert__multi_plan multi;
    const char **labels; /* the config's, or those that a head without any has; by id */
    uint32_t n_labels;
    bert_error heads_missing;  /* tensors of a head that the config names; code 0: none */
    bert_tokenizer *tokenizer; /* NULL: tokenizer_error says why */
    bert_error tokenizer_error;
    struct bert__note *notes;
    uint32_t n_notes;
    uint32_t max_length; /* of texts that are neither queries nor documents */
    uint32_t longest;    /* of all */
    const char *pooling; /* "cls+mean" */
};

const struct bert__kernels *bert__model_kernels(const bert_model *model);

#endif
