/* SPDX-License-Identifier: MIT */
/* exec.h - running a network's plan on a batch: the mutable half. */
#ifndef BERT_LIB_GRAPH_EXEC_H
#define BERT_LIB_GRAPH_EXEC_H

#include "lib/base/thread.h"
#include "lib/base/watch.h"
#include "lib/graph/network.h"

struct bert__exec;

struct bert__exec_options {
    uint32_t threads, max_tokens, max_sequences;
    uint32_t head_width; /* most of n_in + n_out that bert__exec_linear() will see, and of a head */
};

/* What the caller wants to see on the way, wave by wave; entries may be NULL. */
struct bert__tap {
    void *context;
    /* Hidden state number i (0: the embeddings) of n tokens from `first` on: [n][hidden]. */
    void (*state)(void *context, uint32_t i, uint32_t first, uint32_t n, const float *rows);
    /* Where layer i's attention probabilities go: for each sequence from `first` on
     * [heads][n][n]. */
    float *const *(*probs)(void *context, uint32_t layer, uint32_t first);
    /* The input of a linear layer: n rows of linear->n_in values, ld apart. */
    void (*input)(void *context, const struct bert__linear *linear, const float *rows, uint32_t n,
                  size_t ld);
};

/* Bytes that bert__exec_create() will take from the allocator. */
bert_status bert__exec_bytes(const struct bert__network *network,
                             const struct bert__exec_options *options, uint64_t *out,
                             bert_error *err);
bert_status bert__exec_create(struct bert__exec **out, struct bert__alloc *alloc,
                              const struct bert__network *network,
                              const struct bert__exec_options *options, bert_error *err);
void bert__exec_destroy(struct bert__exec *exec);

/* BERT_EINVAL or BERT_ERANGE unless the batch is one that bert__exec_run() can take. */
bert_status bert__exec_check(const struct bert__exec *exec, const struct bert__batch *batch,
                             bert_error *err);

/* Run all steps.  On success *hidden is the last hidden state [tokens][hidden] on the
 * host, valid until bert__exec_finish(), which must follow; on failure it need not.
 * The batch has been checked and has at least one token.  Allocates nothing. */
bert_status bert__exec_run(struct bert__exec *exec, const struct bert__batch *batch,
                           struct bert__watch *watch, const struct bert__tap *tap,
                           const float **hidden, bert_error *err);
/* After a run: out[sequences][hidden] = tanh(pooler(first tokens)). */
bert_status bert__exec_pooler(struct bert__exec *exec, float *out, bert_error *err);
/* After a run: out[sequences][hidden], the last hidden state of the first tokens. */
bert_status bert__exec_firsts(struct bert__exec *exec, float *out, bert_error *err);
/* After a run, whose hidden states are then gone: y[rows][n_out] = act(x W^T + b) + add
 * for host rows: the dense layers of heads.  `add` may be NULL, or y. */
bert_status bert__exec_linear(struct bert__exec *exec, const struct bert__linear *linear,
                              enum bert__act act, const float *x, uint32_t rows, float *y,
                              const float *add, bert_error *err);
/* The layers of a task head, in their order; NULL: none. */
struct bert__exec_head {
    const struct bert__linear *dense;
    enum bert__act act;
    const struct bert__norm *norm;
    const struct bert__linear *decoder;
    enum bert__act decoder_act;
};
/* Floats of a row in its layers together: for bert__exec_options.head_width. */
uint32_t bert__exec_head_width(const struct bert__exec_head *head);
/* As bert__exec_linear(): y[rows][decoder n_out] of a head on host rows. */
bert_status bert__exec_head(struct bert__exec *exec, const struct bert__exec_head *head,
                            struct bert__watch *watch, const float *x, uint32_t rows, float *y,
                            bert_error *err);
/* Between run and finish: tasks on the host, on the session's threads. */
void bert__exec_parallel(struct bert__exec *exec, uint32_t n_tasks, bert__task_fn fn,
                         void *context);
void bert__exec_finish(struct bert__exec *exec);

#endif
