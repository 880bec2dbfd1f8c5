/* SPDX-License-Identifier: MIT */
/*
 * thread.h - a small team of workers.  The caller takes part; workers are made
 * at the first bert__team_run() that has use for them, spin briefly for more,
 * then park.  They block every signal.  After fork() the child makes new ones.
 */
#ifndef BERT_LIB_BASE_THREAD_H
#define BERT_LIB_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "lib/base/alloc.h"

struct bert__team;

/* Run task number `task` on worker `worker` (0: the caller). */
typedef void (*bert__task_fn)(void *context, uint32_t task, uint32_t worker);

/* A joinable thread that blocks every signal.  False: there is none to be had. */
bool bert__thread_create(pthread_t *thread, size_t stack_bytes, void *(*run)(void *), void *arg);
/* One whose timed waits are of CLOCK_MONOTONIC, as bert__sys()->now_ns(). */
bool bert__cond_init(pthread_cond_t *cond);

/* CPUs that this process may use: affinity and cgroup quota; at least 1. */
uint32_t bert__cpu_count(void);

/* `threads` counts the caller; 1 never makes a thread. */
bert_status bert__team_create(struct bert__team **out, struct bert__alloc *alloc, uint32_t threads,
                              bert_error *err);
void bert__team_destroy(struct bert__team *team);
/* Workers that tasks may be told of: the `threads` of creation. */
uint32_t bert__team_size(const struct bert__team *team);
/* Make the workers that are missing.  Those that can't be made are done without;
 * the next call tries again. */
void bert__team_start(struct bert__team *team);
/* Every task once, in any order, claimed one by one; returns when all are done.
 * One caller at a time. */
void bert__team_run(struct bert__team *team, uint32_t n_tasks, bert__task_fn fn, void *context);
/* From now on the caller asks between its tasks, and once it is told to end no more are begun:
 * bert__watch_ended() tells.  NULL: from now on all are done. */
void bert__team_watch(struct bert__team *team, struct bert__watch *watch);
/* For a long task: false once the call is to end.  While the caller asks nobody begins a task. */
bool bert__team_goes_on(struct bert__team *team);

#endif
