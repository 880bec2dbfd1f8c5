/* SPDX-License-Identifier: MIT */
/* job.h - a request that was taken: its own copy of all that it was given, and what came of it. */
#ifndef BERT_LIB_SERVE_JOB_H
#define BERT_LIB_SERVE_JOB_H

#include <bert/engine.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/serve/cache.h"
#include "lib/serve/queue.h"

struct bert__pair;
struct bert__sampling;
struct bert__served;
struct bert__tenant;

enum bert__job_state { BERT__JOB_QUEUED, BERT__JOB_RUNNING, BERT__JOB_DONE };

struct bert_job {
    struct bert__queued queued; /* first: a queued one is its job */
    bert_engine *engine;
    _Atomic uint32_t refs;
    _Atomic uint32_t state; /* changed under the engine's lock */
    _Atomic bool canceled;
    pthread_cond_t ended;
    uint32_t waiters;            /* on it */
    struct bert__served *served; /* a reference */
    struct bert__tenant *tenant; /* while it has not ended; NULL: none counts it */
    bool full;                   /* its tenant had all that it may have: it can't wait for others */
    struct bert__sampling *sampling; /* whose texts it tags; NULL: none */
    bool aside;                      /* nobody's request: a shadow, or that */
    struct bert__pair *pair;         /* with its shadow, or what it is the shadow of; NULL: none */
    uint8_t trace_id[16], parent_id[8], span_id[8];
    bool sampled, ran; /* ran: in a batch */
    /* in the cache: */
    struct bert__cache_waiter waiter;
    struct bert__cache_entry *ticket; /* others may wait for it; NULL: none */
    bool joined, counted, watched;    /* it waits for another; the engine knows; and a deadline */
    bert_job *joined_before, *joined_after;
    bert_job *next_done, *next_told; /* in the engine's lists */
    bert_status early;               /* why it ended before its batch did; BERT_OK: it did not */

    /* the request, pointers into the job's own memory */
    bert_request request;
    const void *key; /* of its lane: task, model, options */
    size_t key_size;

    /* what came of it, from RUNNING on by who runs it, from DONE on for all to read */
    bert_job_info info;
    struct bert__answer *answer; /* its own, from the batch on, or one that others have too */
    bert_error error;            /* last: its message is not cleared */
};

/* What came of a request; shared by the job, the cache, and jobs that asked the same. */
struct bert__answer {
    _Atomic uint32_t refs;
    struct bert__alloc *alloc;
    uint32_t task;
    void *result; /* by task; EMBED: none, but what lies behind the struct: */
    float *vectors;
    bert_embed_report *reports; /* EMBED_TOKENS has one too */
    char **messages; /* blocks of their own: of texts without a vector, NULL for others; NULL: there
                        is none */
    size_t n_messages;
    size_t width;
};

struct bert__answer *bert__answer_create(struct bert__alloc *alloc, uint32_t task);
/* EMBED: with uninitialised vectors and reports of n texts. */
struct bert__answer *bert__answer_create_vectors(struct bert__alloc *alloc, size_t n, size_t width);
/* The cache's: of a struct bert__answer. */
void bert__answer_ref(void *answer);
void bert__answer_unref(void *answer); /* NULL is fine */
/* Memory that it keeps, also what it shares with the others of its batch. */
size_t bert__answer_bytes(const struct bert__answer *answer, size_t n);

/* A task's own options, and where there are pointers in them. */
struct bert__task_shape {
    const char *name;    /* of the struct; NULL: no such task */
    size_t size;         /* of the struct */
    size_t prompt;       /* const bert_text *; 0: none */
    size_t prompt_name;  /* const char * */
    size_t targets;      /* const bert_text *, and */
    size_t target_count; /* uint32_t */
    uint8_t pairs;       /* 0: none, 1: perhaps, 2: must be there */
    bool one;            /* exactly one text */
    bool query;
    bool merges; /* several requests in one call */
    bool cut;    /* texts are cut to the model's length, so that it bounds their tokens */
};
const struct bert__task_shape *bert__task_shape(uint32_t task);

/*
 * Check a request and copy it; the job has one reference and nothing of queue, model or engine.
 * `model_key` identifies the model's version in the key.
 */
bert_status bert__job_create(bert_job **out, struct bert__alloc *alloc, const bert_request *request,
                             uint64_t model_key, bert_error *err);
/* Read a caller's request of any version. */
bert_status bert__request_read(bert_request *out, const bert_request *request, bert_error *err);
/* With what came of it. */
void bert__job_free(bert_job *job, struct bert__alloc *alloc);

#endif
