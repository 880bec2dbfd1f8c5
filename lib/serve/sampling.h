/* SPDX-License-Identifier: MIT */
/* sampling.h - texts of answered requests on their way into the engine's sampler. */
#ifndef BERT_LIB_SERVE_SAMPLING_H
#define BERT_LIB_SERVE_SAMPLING_H

#include "lib/serve/engine_parts.h"

/* Without the lock, while a look has it: a text of a request that was answered. */
void bert__sampling_offer(bert_engine *engine, struct bert__sampling *sampling, bert_text text);
/* The lock is held: nobody wants its samples any more; its request is in the queue. */
bool bert__sampling_is_closed(const struct bert__sampling *sampling);
void bert__sampling_sent(struct bert__sampling *sampling, bert_job *job);
/* Without the lock: a job that has ended, if it is a sampling's. */
void bert__sampling_tell(bert_engine *engine, const bert_job *job);
bert_sampler *bert__sampling_sampler(const struct bert__sampling *sampling);
/* With nothing under way; NULL is fine. */
void bert__sampling_free(bert_engine *engine, struct bert__sampling *sampling);

/* requests.c: a request of the engine's own for it, with the reference that the queue has. */
bert_status bert__sampling_submit(bert_engine *engine, const bert_request *request,
                                  struct bert__sampling *sampling, bert_error *err);

#endif
