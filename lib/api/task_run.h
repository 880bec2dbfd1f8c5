/* SPDX-License-Identifier: MIT */
/*
 * task_run.h - a task in progress: sequences of ids in, what the model's head gives for each of
 * them out, in the order in which they were taken.  Memory does not grow with their number.
 */
#ifndef BERT_LIB_API_TASK_RUN_H
#define BERT_LIB_API_TASK_RUN_H

#include "lib/api/packer.h"
#include "lib/head/task.h"

/* What a head gave for a sequence. */
struct bert__task_logits {
    size_t owner;        /* as it was taken */
    uint32_t row, n;     /* this is row `row` and those after it; of a head on tokens all come at
                            once, unless only some were asked for */
    uint32_t width;      /* labels, 2, or the vocabulary */
    const float *values; /* [n][width]; during the call only, as what follows */
    const int32_t *ids;  /* of the whole sequence */
    uint32_t n_ids;
};
/* Anything but BERT_OK ends the run. */
typedef bert_status bert__task_done_fn(void *context, const struct bert__task_logits *logits,
                                       bert_error *err);

struct bert__task_run {
    /* set by the caller: */
    bert_session *session;
    enum bert__task task;
    bert__task_done_fn *done;
    void *context;
    const int32_t *only_id; /* of a head on tokens: rows of this id alone, which are numbered from 0
                               and may come in parts; NULL: all */
    /* by bert__task_run_begin(): */
    const struct bert__task_head *head;
    const bert_tokenizer *tokenizer;
    struct bert__packer packer;
    float *rows, *values; /* input of the head, and its output */
    size_t rows_cap, values_cap;
};

/*
 * Find head and tokenizer and enter the session, which bert__task_run_end() leaves; after a
 * failure it need not be called.  BERT_EUNSUPPORTED: the model lacks one of them; the message
 * names the head and its tensors.
 */
bert_status bert__task_run_begin(struct bert__task_run *run, bert_error *err);
/* Take n ids that lie behind the batch (bert__packer_ids()) and were checked. */
bert_status bert__task_run_take(struct bert__task_run *run, size_t owner, uint32_t n,
                                bert_error *err);
/* Check ids that lie elsewhere and take them: at most the model's max_length. */
bert_status bert__task_run_take_ids(struct bert__task_run *run, size_t owner, const int32_t *ids,
                                    const int32_t *type_ids, size_t n, bert_error *err);
/* Run what has gathered. */
bert_status bert__task_run_flush(struct bert__task_run *run, bert_error *err);
void bert__task_run_end(struct bert__task_run *run);

#endif
