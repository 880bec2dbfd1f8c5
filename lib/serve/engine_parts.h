/* SPDX-License-Identifier: MIT */
/* engine_parts.h - the inside of bert_engine: what its files share. */
#ifndef BERT_LIB_SERVE_ENGINE_PARTS_H
#define BERT_LIB_SERVE_ENGINE_PARTS_H

#include <bert/engine.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/alloc.h"
#include "lib/serve/job.h"
#include "lib/serve/queue.h"

enum {
    BERT__DEPTHS = 2,        /* a batch, and one that it gives way to */
    BERT__SLOT_SESSIONS = 8, /* that a worker keeps for each depth */
    BERT__BATCH_JOBS = 512
};

/* ---- Models ------------------------------------------------------------------------- */

/* A version of a model.  Jobs, sessions and names hold references. */
struct bert__served {
    _Atomic uint32_t refs;
    bert_model *model;
    uint64_t version;     /* of its name */
    uint64_t key;         /* of all that the engine ever had */
    _Atomic bool retired; /* no name has it: its sessions go */
    /* what it was last seen to take, smoothed: */
    _Atomic uint64_t token_ps;    /* a token, in picoseconds */
    _Atomic uint64_t token_bytes; /* text of a token, in 1/256 bytes */
};

struct bert__name {
    struct bert__name *next;
    struct bert__served *current, *before; /* before: for a rollback; NULL: none */
    uint64_t versions;
    char name[];
};

/* ---- Workers --------------------------------------------------------------------------- */

/* A batch that runs. */
struct bert__frame {
    struct bert__slot *slot;
    uint32_t depth;
    bert_job *jobs[BERT__BATCH_JOBS];
    size_t n;
    struct bert__turn turn;
    uint64_t start_ns, away_ns; /* away: of that time, in batches that it gave way to */
    uint64_t attention;         /* of the engine, when it was last looked at */
    uint64_t deadline_ns;       /* the earliest of its jobs' */
};

struct bert__slot_session {
    struct bert__served *served; /* NULL: free */
    bert_session *session;
    uint64_t used; /* when: the least recently used goes */
};

/* What one batch at a time runs on, whatever the thread. */
struct bert__slot {
    bert_engine *engine;
    bool busy;
    struct bert__slot_session sessions[BERT__DEPTHS][BERT__SLOT_SESSIONS];
    struct bert__frame frames[BERT__DEPTHS];
};

struct bert_engine {
    struct bert__alloc *alloc; /* of everything; goes with the last reference */
    _Atomic uint32_t refs;     /* the caller's, and each job's */
    _Atomic pid_t pid;         /* of the process that made the first request; 0: none yet */
    uint32_t threads;          /* of a batch */
    uint32_t batch_tokens;
    uint64_t batch_wait_ns;
    uint32_t n_slots, n_free;
    struct bert__slot *slots;
    pthread_t *workers;
    uint32_t n_workers; /* that were made */

    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    _Atomic uint64_t attention;   /* changes with each submission, cancellation and stop */
    _Atomic uint64_t deadline_ns; /* none that waits has an earlier one */
    struct bert__queue queue;
    struct bert__name *names;
    uint64_t served; /* versions of all names so far */
    uint64_t clock;  /* of sessions' use */
    bool stopping, quitting;

    int fd;
    bert_job *done, **done_last; /* for bert_engine_next() */
    bert_job *told, **told_last; /* ended: callbacks and references that are due */
    bool telling;                /* a thread sees to them */
};

/* BERT_EINVAL: NULL, or the engine of another process. */
bert_status bert__engine_check(const bert_engine *engine, bert_error *err);
bool bert__engine_foreign(const bert_engine *engine); /* of another process */
void bert__engine_unref(bert_engine *engine);

/* Callbacks and references that are due, without the lock, which is held before and after. */
void bert__jobs_tell(bert_engine *engine);
/* That, and give up the lock. */
void bert__engine_unlock(bert_engine *engine);

/* models.c.  `name` NULL: "default".  With a reference. */
struct bert__served *bert__served_find(bert_engine *engine, const char *name);
struct bert__served *bert__served_ref(struct bert__served *served);
void bert__served_unref(bert_engine *engine, struct bert__served *served);
void bert__names_free(bert_engine *engine);

/* worker.c; the lock is held, and given up meanwhile. */
/* Make the threads that are missing; BERT_ENOMEM: there is none at all. */
bert_status bert__workers_start(bert_engine *engine, bert_error *err);
bool bert__worker_can_run(const bert_engine *engine);
void bert__worker_run(bert_engine *engine);
/* Let go of retired models' sessions in workers that are free. */
void bert__slots_tidy(bert_engine *engine);
void bert__slots_free(bert_engine *engine);
/* End a job: one that waits, which leaves the queue, or one that runs.  why: BERT_OK, as it
 * went. */
void bert__job_end(bert_job *job, bert_status why);

#endif
