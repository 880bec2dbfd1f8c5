/* SPDX-License-Identifier: MIT */
/* task_texts.h - texts, or pairs of them, into a task's run: one sequence each. */
#ifndef BERT_LIB_API_TASK_TEXTS_H
#define BERT_LIB_API_TASK_TEXTS_H

#include <bert/tasks.h>

#include "lib/api/records.h"
#include "lib/api/task_run.h"

struct bert__task_texts {
    const bert_text *texts;
    const bert_text *pairs;  /* NULL: single texts */
    bool drop_empty_pairs;   /* as the reference's pipelines do; its cross-encoders don't */
    const bert_text *prompt; /* goes before each text, as one text with it; NULL: none */
    bool count_prompt;       /* its tokens too, for a pooling that leaves them out */
    const bert_text *first;  /* not NULL: each text is the pair of this one, and pairs is NULL */
    size_t n;
    uint32_t max_length; /* by bert__task_length() */
    uint32_t overlong;   /* a bert_overlong but WINDOWS */
    uint32_t widen_to;   /* a shorter sequence gets `widen_id` so often at its end, of type 0; */
    int32_t widen_id;    /* the packer says whether the others attend to it */
    /* Looks at the ids of text i before they are run; anything but BERT_OK is that
     * text's error.  NULL: none. */
    bert_status (*look)(void *context, size_t i, const int32_t *ids, uint32_t n, bert_error *err);
};

/* Check a caller's arrays and the two options. */
bert_status bert__task_texts_check(const struct bert__task_texts *texts, bert_error *err);
/* The length that holds: `asked`, or the model's where that is less.  BERT_EINVAL where it has no
 * room for a token. */
bert_status bert__task_length(const bert_model *model, uint32_t asked, bool pair, uint32_t *out,
                              bert_error *err);
/*
 * All texts through a run that was begun; record i of `records` is that of text i.  What is wrong
 * with one text becomes its record's error; anything else ends the call.
 */
bert_status bert__task_texts_run(struct bert__task_run *run, const struct bert__task_texts *texts,
                                 struct bert__records *records, bert_error *err);

#endif
