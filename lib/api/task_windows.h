/* SPDX-License-Identifier: MIT */
/* task_windows.h - texts of any length, or questions with such contexts, through a task's run:
 * each in windows that overlap. */
#ifndef BERT_LIB_API_TASK_WINDOWS_H
#define BERT_LIB_API_TASK_WINDOWS_H

#include "lib/api/records.h"
#include "lib/api/task_run.h"

/* What is made of windows.  Records come in their order, each window after window. */
struct bert__windows_sink {
    void *context;
    /* The logits of a window, [tokens][width], all finite; both are gone after the call. */
    bert_status (*window)(void *context, size_t record, const bert_encoding *window,
                          const float *logits, bert_error *err);
    /* A record's n windows are through; if its status is an error, not all were given. */
    bert_status (*finish)(void *context, size_t record, size_t n, bert_error *err);
};

/* A record whose windows are not all through. */
struct bert__windows_record;

struct bert__task_windows {
    struct bert__task_run *run; /* begun, with bert__task_windows_done() and this as context */
    struct bert__records *records;
    struct bert__windows_sink sink;
    bert_tokenize_options cut; /* of windows */
    struct bert__windows_record *first, **last;
};

bert_status bert__task_windows_done(void *context, const struct bert__task_logits *logits,
                                    bert_error *err);

/* Room and stride of windows of at most `most` tokens: BERT_EINVAL, no room, or a stride not under
 * it.  asked: BERT_STRIDE_NONE, or 0 for the usual one. */
bert_status bert__task_windows_cut(struct bert__task_windows *windows, uint32_t most, bool pair,
                                   uint32_t asked, bert_error *err);
/* Record i; context NULL: `text` is all there is, else only the context is cut.  What is
 * wrong with it becomes the record's error; anything else ends the call. */
bert_status bert__task_windows_add(struct bert__task_windows *windows, size_t i,
                                   const bert_text *text, const bert_text *context,
                                   bert_error *err);
/* After the run has ended. */
void bert__task_windows_free(struct bert__task_windows *windows);

#endif
