/* SPDX-License-Identifier: MIT */
/*
 * embedder.h - from token vectors to a text's vector: the modules that follow the
 * transformer in a sentence-transformers model.
 *
 * Pooling semantics: sentence-transformers 6.2, sentence_transformer/modules/pooling.py.
 */
#ifndef BERT_LIB_HEAD_EMBEDDER_H
#define BERT_LIB_HEAD_EMBEDDER_H

#include "lib/graph/exec.h"
#include "lib/head/loose.h"
#include "lib/head/torch_act.h"
#include "lib/model/modules.h"

/* A dense layer after pooling: y = act(W x + b) (+ x or V x). */
struct bert__dense {
    struct bert__linear linear;
    struct bert__linear residual; /* V; matrix NULL: none */
    bool add_input;               /* + x */
    enum bert__act act;
    bert__act_fn *fn; /* in place of act, which is then NONE; NULL: none */
};

/* (x - mean) / sqrt(variance + eps) * gamma + beta, on the host. */
struct bert__row_norm {
    struct bert__table gamma, beta;
};

struct bert__stage {
    enum bert__module_kind kind;
    const struct bert__module *module; /* pooling: its modes */
    struct bert__dense *dense;         /* dense only */
    struct bert__row_norm *norm;       /* layer norm only */
    uint32_t width;                    /* of a row after this stage */
};

/* Immutable; belongs to a model. */
struct bert__embedder {
    struct bert__stage *stages; /* the first is the pooling, or none is: then each works on the
                                   tokens' rows */
    uint32_t n_stages;
    uint32_t width;      /* of the result */
    uint32_t max_width;  /* of any row on the way */
    uint32_t head_width; /* for bert__exec_options */
};

/* Of n modules; a Pooling among them comes first. */
bert_status bert__embedder_create(struct bert__embedder **out, struct bert__network *network,
                                  const struct bert__module *modules, uint32_t n,
                                  const struct bert__head_files *files, bert_error *err);
void bert__embedder_destroy(struct bert__embedder *embedder, struct bert__network *network);

/* One batch's pooling: rows[i] of modes * hidden floats for sequence i. */
struct bert__pool {
    const struct bert__kernels *kernels;
    const struct bert__batch *batch;
    const float *hidden; /* [tokens][width] */
    uint32_t width;
    const struct bert__module *module;
    const uint32_t *skip; /* tokens of each sequence that are prompt; NULL: none */
    float *rows;
};
/* A bert__task_fn: pool sequence `task`; `context` is a struct bert__pool. */
void bert__pool_task(void *context, uint32_t task, uint32_t worker);

/* The stages after pooling, on n host rows of the pooling's width, or of the hidden size where
 * there is none.  `spare` has the same room (n * max_width floats); *result is one of the two.
 * `normalize` false leaves Normalize modules out. */
bert_status bert__embedder_finish(const struct bert__embedder *embedder, struct bert__exec *exec,
                                  const struct bert__kernels *kernels, bool normalize, float *rows,
                                  float *spare, uint32_t n, float **result, bert_error *err);

/* x / max(|x|, 1e-12), as torch.nn.functional.normalize. */
void bert__normalize_row(const struct bert__kernels *kernels, float *x, size_t n);

#endif
