/* SPDX-License-Identifier: MIT */
/* task_head.h - what a checkpoint puts on its encoder: a row's head with its weights. */
#ifndef BERT_LIB_HEAD_TASK_HEAD_H
#define BERT_LIB_HEAD_TASK_HEAD_H

#include "lib/graph/exec.h"

enum { BERT__MAX_HEADS = 2 }; /* of one architecture: pre-training has two */

struct bert__task_head {
    const struct bert__head_row *row;
    struct bert__linear dense; /* matrix NULL: none */
    enum bert__act act;
    struct bert__norm norm;
    struct bert__linear decoder;
};

/* Immutable; belongs to a model. */
struct bert__task_heads {
    struct bert__task_head items[BERT__MAX_HEADS + 1];
    uint32_t n;          /* that "architectures" names */
    uint32_t n_all;      /* and one for the next sentence that the file has all the same */
    uint32_t head_width; /* for bert__exec_options */
    uint64_t unnamed;    /* rows that "architectures" does not name, as bits, whose first layer the
                            file has all the same */
};

/*
 * The heads that config.json's "architectures" names; none where it names none.  A head whose
 * tensors are not all there is left out, as the reference loads such files for their
 * encoder: `missing` (code BERT_OK: nothing is) then says which.  A tensor of a wrong shape is
 * BERT_EFORMAT.  A masked LM's file that also has the small head for the next sentence, as BERT's
 * own has, keeps that too.
 */
bert_status bert__task_heads_load(struct bert__task_heads *heads, struct bert__network *network,
                                  struct bert__weights *weights, bert_error *missing,
                                  bert_error *err);
void bert__task_heads_free(struct bert__task_heads *heads, struct bert__network *network);

/* The head's layers, for bert__exec_head(). */
struct bert__exec_head bert__task_head_layers(const struct bert__task_head *head);

#endif
