/* SPDX-License-Identifier: MIT */
/* engine_parts.h - the inside of bert_engine: what its files share. */
#ifndef BERT_LIB_SERVE_ENGINE_PARTS_H
#define BERT_LIB_SERVE_ENGINE_PARTS_H

#include <bert/drift.h>
#include <bert/engine.h>
#include <bert/privacy.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/alloc.h"
#include "lib/serve/counters.h"
#include "lib/serve/job.h"
#include "lib/serve/queue.h"

enum {
    BERT__DEPTHS = 2,        /* a batch, and one that it gives way to */
    BERT__SLOT_SESSIONS = 8, /* that a worker keeps for each depth */
    BERT__BATCH_JOBS = 512
};

/* ---- Models -------------------------------------------------------------------------- */

/* A version of a model.  Jobs, sessions and names hold references. */
struct bert__served {
    _Atomic uint32_t refs;
    bert_model *model;
    uint64_t version;          /* of its name */
    uint64_t key;              /* of all that the engine ever had */
    bool loaded;               /* by bert_engine_load(): it counts for model_bytes */
    struct bert__load *origin; /* how it was; NULL: it was added */
    _Atomic bool retired;      /* no name has it: its sessions go */
    /* what it was last seen to take, smoothed: */
    _Atomic uint64_t token_ps;    /* a token, in picoseconds */
    _Atomic uint64_t token_bytes; /* text of a token, in 1/256 bytes */
    char name[];
};

struct bert__route {
    uint32_t weight;
    char *model;
};

struct bert__name {
    struct bert__name *next;
    struct bert__served *current, *before; /* NULL: it was unloaded; there is none */
    uint64_t versions;
    struct bert__load *origin; /* how to load the current one again, while it is unloaded */
    bool loading;              /* again */
    bool forget;               /* no memory for the version that is replaced next */
    uint64_t used;             /* when, by the engine's clock */
    struct bert__route *routes;
    size_t n_routes;
    char *shadow; /* NULL: none */
    uint32_t per_mille;
    bert_shadow_fn shadow_fn;
    void *shadow_context;
    bert_drift *drift;              /* the caller's; NULL: none */
    uint64_t windows[2], alarms[2]; /* of it: before it was watched, and when last looked at */
    char name[];
};

/* A request's answer and its shadow's: who ends last compares them and frees it. */
struct bert__pair {
    _Atomic uint32_t left;
    _Atomic bool dropped; /* one of them never was in the queue: nothing is compared */
    bert_job *answer, *shadow;
    bert_shadow_fn fn;
    void *context;
};

struct bert__tenant {
    struct bert__tenant *next;
    bool limited; /* it has a limit of its own */
    uint32_t limit, live;
    char name[];
};

/* ---- Workers ------------------------------------------------------------------------- */

/* Somebody who shows answers of a name to those who observe them, in the engine's list meanwhile.
 */
struct bert__look {
    struct bert__look *next;
    bert_drift *drift;               /* NULL: none */
    struct bert__sampling *sampling; /* so too; both: it is in no list */
};

/* A batch that runs. */
struct bert__frame {
    struct bert__slot *slot;
    struct bert__look look;
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
    uint64_t bytes; /* of its scratch */
    uint64_t used;  /* when: the least recently used goes */
};

/* What one batch at a time runs on, whatever the thread. */
struct bert__slot {
    bert_engine *engine;
    bool busy;
    struct bert__slot_session sessions[BERT__DEPTHS][BERT__SLOT_SESSIONS];
    struct bert__frame frames[BERT__DEPTHS];
};

struct bert_engine {
    struct bert__counters counters; /* first: it wants its alignment */
    struct bert__alloc *alloc;      /* of everything; goes with the last reference */
    _Atomic uint32_t refs;          /* the caller's, and each job's */
    _Atomic pid_t pid;              /* of the process that made the first request; 0: none yet */
    uint32_t threads;               /* of a batch */
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
    uint64_t clock;  /* of names' use */
    uint64_t model_bytes;
    struct bert__cache *cache;           /* NULL: none */
    struct bert__sampling *sampling;     /* so too */
    _Atomic uint32_t observers;          /* that, and names with a detector of drift */
    uint64_t past_windows, past_alarms;  /* of detectors that were taken away */
    uint64_t past_samples, last_samples; /* of samplers so too, and when last looked at */
    struct bert__look *looks;
    bert_job *joined;  /* with deadlines, that wait for others' answers */
    uint64_t n_joined; /* without deadlines, too */
    struct bert__tenant *tenants;
    uint32_t tenant_limit; /* of those without one of their own; 0: none */
    bert_trace_fn trace;
    void *trace_context;
    uint64_t trace_seed;
    _Atomic uint64_t spans;                 /* made so far */
    struct bert__load *loads, **loads_last; /* to be done in the background */
    pthread_t loader;
    bool loader_made, loader_runs;
    _Atomic bool stopping; /* changed under the lock */
    bool quitting;

    int fd;
    bert_job *done, **done_last; /* for bert_engine_next() */
    bert_job *told, **told_last; /* ended: callbacks and references that are due */
    bool telling;                /* a thread sees to them */
};

/* BERT_EINVAL: NULL, or the engine of another process. */
bert_status bert__engine_check(const bert_engine *engine, bert_error *err);
bool bert__engine_foreign(const bert_engine *engine); /* of another process */
/* The first that needs threads: from now on the engine is this process's. */
void bert__engine_claim(bert_engine *engine);
void bert__engine_unref(bert_engine *engine);

/* requests.c; the lock is held. */
/* Into the queue. */
bert_status bert__engine_push(bert_engine *engine, bert_job *job, bert_error *err);
void bert__job_cancel_locked(bert_engine *engine, bert_job *job);

/* ends.c; the lock is held. */
/* End a job: one that waits, which leaves the queue, or one that runs.  why: BERT_OK, as it
 * went. */
void bert__job_end(bert_job *job, bert_status why);
/* The descriptor of bert_engine_next(). */
bert_status bert__events_open(bert_engine *engine, bert_error *err);
/* Callbacks and references that are due, without the lock, which is held before and after. */
void bert__jobs_tell(bert_engine *engine);
/* That, and give up the lock. */
void bert__engine_unlock(bert_engine *engine);

/* models.c; the lock is held. */
struct bert__name *bert__name_find(const bert_engine *engine, const char *name);
bert_status bert__name_unknown(const char *name, bert_error *err);
/* Without the lock, which is held after BERT_OK: the engine is this process's, and has the name. */
bert_status bert__name_lock(bert_engine *engine, const char *name, struct bert__name **out,
                            bert_error *err);
struct bert__served *bert__served_create(bert_engine *engine, const char *name, bert_model *model,
                                         bert_error *err);
/* Serve it under its name from now on; the reference is the name's then. */
bert_status bert__served_install(bert_engine *engine, struct bert__served *served, bert_error *err);
struct bert__served *bert__served_ref(struct bert__served *served);
void bert__served_unref(bert_engine *engine, struct bert__served *served); /* no lock needed */
/* A name lets go of it; NULL is fine. */
void bert__served_retire(bert_engine *engine, struct bert__served *served);
void bert__names_free(bert_engine *engine);

/* routes.c; the lock is held.  With a reference; BERT_EBUSY: it is being loaded again. */
bert_status bert__route_find(bert_engine *engine, const bert_request *request,
                             struct bert__served **out, bert_error *err);
/* Whom to ask as well; NULL: nobody. */
struct bert__served *bert__shadow_find(bert_engine *engine, const bert_request *request,
                                       struct bert__name **name);
void bert__routes_free(bert_engine *engine, struct bert__name *name);
/* A job that has ended, without the lock. */
void bert__pair_tell(bert_engine *engine, bert_job *job);
/* One or both of them never come to their end, by the queue's leave. */
void bert__pair_drop(bert_engine *engine, struct bert__pair *pair, uint32_t halves);

/* loads.c; the lock is held. */
bert_status bert__load_again(bert_engine *engine, struct bert__name *name, bert_error *err);
void bert__load_free(bert_engine *engine, struct bert__load *load); /* NULL is fine */
/* With the engine stopped and without the lock. */
void bert__loader_end(bert_engine *engine);

/* tenants.c; the lock is held. */
/* *out counts one more, or stays as it is where there is nothing to count.  BERT_EBUSY: the tenant
 * has all it may have. */
bert_status bert__tenant_enter(bert_engine *engine, const char *name, struct bert__tenant **out,
                               bert_error *err);
/* One less; it is NULL then.  NULL before is fine. */
void bert__tenant_leave(bert_engine *engine, struct bert__tenant **tenant);
void bert__tenants_free(bert_engine *engine);

/* trace.c; no lock is held.  `traceparent` may be NULL. */
void bert__trace_begin(bert_engine *engine, bert_job *job, const char *traceparent);
void bert__trace_batch(bert_engine *engine, const bert_job *job);
void bert__trace_end(bert_engine *engine, const bert_job *job);

/* worker.c; the lock is held, and given up meanwhile. */
/* Make the threads that are missing; BERT_ENOMEM: there is none at all. */
bert_status bert__workers_start(bert_engine *engine, bert_error *err);
bool bert__worker_can_run(const bert_engine *engine);
void bert__worker_run(bert_engine *engine);
/* Let go of retired models' sessions in workers that are free. */
void bert__slots_tidy(bert_engine *engine);
void bert__slots_free(bert_engine *engine);

/* observe.c */
/* The lock is held: who is to see this model's answers, until the end. */
void bert__look_begin(bert_engine *engine, struct bert__look *look,
                      const struct bert__served *served);
void bert__look_end(bert_engine *engine, struct bert__look *look);
/* Does anybody have this observer? */
bool bert__look_at(const bert_engine *engine, const void *observer);
/* One takes the place of another, either of which may be NULL. */
void bert__observers_count(bert_engine *engine, const void *old, const void *new);
/* Without the lock: a job that was computed, and one that was answered without. */
void bert__observe(bert_engine *engine, const struct bert__look *look, const bert_job *job);
void bert__observe_cached(bert_engine *engine, const bert_job *job);
/* For the snapshot; the lock is held. */
void bert__observe_counts(bert_engine *engine);
void bert__count_samples(bert_engine *engine);
/* So too: a name lets go of its detector, which is not touched; what was seen of it stays. */
void bert__drift_leave(bert_engine *engine, struct bert__name *name);

/* text_counts.c; a job that ran, without the lock. */
void bert__count_texts(struct bert__counters *counters, const bert_job *job);

#endif
