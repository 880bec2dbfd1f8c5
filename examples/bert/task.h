/* SPDX-License-Identifier: MIT */
/* task.h - what commands share that ask a task head for each text or pair. */
#ifndef TASK_H
#define TASK_H

#include "examples/bert/job.h"

/* How the result of a head is read: record i of it. */
struct reading {
    /* BERT_OK, or why there is no answer. */
    bert_status (*status)(const void *result, size_t i, const char **message);
    /* What there is to say in JSON: members of an object, without its braces. */
    void (*members)(struct output *out, const struct options *options, const struct record *record,
                    const void *result, size_t i);
};

/* One call of the library for n texts, its result as an opaque pointer, and what of it goes out. */
struct task {
    void *context;
    /* pairs NULL: single texts.  n may be 0: then only the options are checked. */
    bert_status (*run)(void *context, bert_session *session, const bert_text *texts,
                       const bert_text *pairs, size_t n, void **result, bert_error *error);
    const struct reading *reading;
    /* The line of a record that has an answer. */
    void (*put)(struct job *job, void *context, const struct record *record, const void *result,
                size_t i);
    void (*free)(void *result);
};

/* A job_load_fn whose context is a task: model, session, and a check of the options. */
int task_load(struct job *job, void *task);
/* A job_batch_fn whose context is a task. */
void task_batch(struct job *job, struct batch *batch, void *task);

/* The line of a record in JSON. */
void task_put_json(struct job *job, const struct reading *reading, const struct record *record,
                   const void *result, size_t i);

/* A bert_overlong, by --truncation. */
uint32_t overlong_of(const struct options *options);
/* The stride of windows, as the library wants it, by --stride. */
uint32_t stride_of(const struct options *options);
/* The number of a number option; 0: not given. */
uint32_t number_or_zero(int64_t value);

#endif
