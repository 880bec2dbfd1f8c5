/* SPDX-License-Identifier: MIT */
/* task.h - tasks, and which heads answer them. */
#ifndef BERT_LIB_HEAD_TASK_H
#define BERT_LIB_HEAD_TASK_H

#include "lib/head/task_head.h"

enum bert__task {
    BERT__TASK_CLASSIFY, /* a row of labels for the text */
    BERT__TASK_TAG,      /* a row of labels for each token */
    BERT__TASK_ANSWER,
    BERT__TASK_FILL,
    BERT__TASK_NEXT,
    BERT__TASK_CHOICE
};

/* The model's head for a task; BERT_EUNSUPPORTED, naming it and its tensors, if there is none.
 * `missing` is what bert__task_heads_load() noted, `path` the model's. */
bert_status bert__task_head_find(const struct bert__task_head **out,
                                 const struct bert__task_heads *heads,
                                 const struct bert__config *config, enum bert__task task,
                                 const bert_error *missing, bert_error *err);

#endif
