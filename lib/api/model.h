/* SPDX-License-Identifier: MIT */
/* model.h - the inside of bert_model, for the other files of lib/api. */
#ifndef BERT_LIB_API_MODEL_H
#define BERT_LIB_API_MODEL_H

#include <bert/model.h>
#include <stdatomic.h>

#include "lib/api/multi.h"
#include "lib/base/arena.h"
#include "lib/base/bundle.h"
#include "lib/base/trace.h"
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
    struct bert__bundle *bundle;   /* the packed file, where it is mapped */
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

/* What a load asks of a packed file as a whole; `bundle` NULL: it is a directory.  The precision:
 * the file's own, where none is asked for. */
bert_status bert__bundle_dtype(const struct bert__bundle *bundle, uint32_t precision,
                               enum bert__dtype *out, bert_error *err);
bert_status bert__bundle_prepare(struct bert__bundle *bundle, const bert_model_options *options,
                                 bert_error *err);

/* A load that is noted in `trace`, which is made here.  Model, source and trace are the caller's
 * after BERT_OK only, to be given back to bert__model_traced_free(). */
struct bert__traced_model {
    bert_model *model;
    struct bert__source *source;
    struct bert__trace trace;
};
bert_status bert__model_load_traced(struct bert__traced_model *out, const char *path,
                                    const bert_model_options *options, bert_error *err);
void bert__model_traced_free(struct bert__traced_model *traced);

#endif
