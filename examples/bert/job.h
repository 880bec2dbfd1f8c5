/* SPDX-License-Identifier: MIT */
/* job.h - the frame of every command that answers records one by one. */
#ifndef JOB_H
#define JOB_H

#include "examples/bert/input.h"
#include "examples/bert/options.h"
#include "examples/bert/output.h"
#include "examples/bert/progress.h"
#include "examples/bert/record.h"
#include "examples/bert/runtime.h"

struct job {
    const struct options *options;
    struct input input;
    struct output output;
    struct runtime runtime;
    struct progress progress;
    uint64_t records, failed; /* so far */
    int rc;                   /* not 0: stop, with this exit code */
};

/* Answer a batch; may set job->rc. */
typedef void job_batch_fn(struct job *job, struct batch *batch, void *context);
/* Load what the command needs; 0 or an exit code after a message. */
typedef int job_load_fn(struct job *job, void *context);

/* Open the input, load, open the output: nothing is written before all that. 0 or an
 * exit code after a message; job_close() follows in any case. */
int job_open(struct job *job, const struct options *options, job_load_fn *load, void *context);
/* Read and answer until the end, a signal, or trouble with the output. */
void job_run(struct job *job, enum record_form form, job_batch_fn *batch, void *context);
/* The same for pairs: two arguments are the one record, else each line is a pair. */
void job_run_pairs(struct job *job, job_batch_fn *batch, void *context);
/* And for a prompt and its choices: the arguments are the one record. */
void job_run_choices(struct job *job, job_batch_fn *batch, void *context);
/* Finish the output and free everything; the exit code. */
int job_close(struct job *job);

/* Should no more be done? */
bool job_stopped(const struct job *job);

/* The line of a record without an answer. */
void job_fail(struct job *job, uint64_t index, const bert_error *error);
/* As job_fail() where the output has no place for errors: standard error only. */
void job_fail_aside(struct job *job, uint64_t index, const bert_error *error);

#endif
