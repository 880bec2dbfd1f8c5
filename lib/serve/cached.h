/* SPDX-License-Identifier: MIT */
/* cached.h - jobs that the cache answers, or another job that asks the same. */
#ifndef BERT_LIB_SERVE_CACHED_H
#define BERT_LIB_SERVE_CACHED_H

#include "lib/serve/engine_parts.h"

/* Look a new job up, without the engine's lock: HIT, its answer is there; OWNER, it is to be run;
 * JOINED, it is ended, or put into the queue, by others, perhaps already. */
enum bert__cache_found bert__cached_lookup(bert_engine *engine, bert_job *job);
/* The lock is held: a job that waits for another's answer, if it still does, waits no more. */
void bert__cached_leave(bert_engine *engine, bert_job *job);
/* One that waits for another is counted, and may have a deadline. */
void bert__cached_watch(bert_engine *engine, bert_job *job);
void bert__cached_expire(bert_engine *engine, uint64_t now_ns);
/* Without the lock: an owner that has ended gives its answer, or its place, to those who wait. */
void bert__cached_give(bert_engine *engine, bert_job *job);

#endif
