/* SPDX-License-Identifier: MIT */
/* tasks.h - jobs of one lane through the library's calls, as one call where the task allows it. */
#ifndef BERT_LIB_SERVE_TASKS_H
#define BERT_LIB_SERVE_TASKS_H

#include "lib/serve/job.h"

/*
 * Answer n jobs, which share task, model and options; each gets its result or its error.  Where the
 * call for all of them fails, each is tried by itself, unless the failure is BERT_ECANCELED.
 * `alloc` is the engine's, for the jobs' vectors.
 */
void bert__tasks_run(bert_session *session, struct bert__alloc *alloc, bert_job *const *jobs,
                     size_t n);

#endif
