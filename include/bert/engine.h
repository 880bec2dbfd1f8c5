/* SPDX-License-Identifier: MIT */
/**
 * @file bert/engine.h
 * The thread-safe front for programs with many callers: requests of any task go into one bounded
 * queue, are put together into batches, and come back as jobs.
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 *
 * int main(int argc, char **argv)
 * {
 *     const bert_text text = {"a cat on a mat", 14};
 *     bert_request request = BERT_REQUEST_INIT;
 *     bert_error err;
 *     bert_model *model = NULL;
 *     bert_engine *engine = NULL;
 *     bert_job *job = NULL;
 *     size_t n, width;
 *     int rc = 1;
 *
 *     request.task = BERT_TASK_EMBED;
 *     request.texts = &text;
 *     request.n = 1;
 *     if (bert_engine_create(&engine, NULL, &err) == BERT_OK
 *         && bert_model_load(&model, argc > 1 ? argv[1] : ".", NULL, &err) == BERT_OK
 *         && bert_engine_add_model(engine, "default", model, &err) == BERT_OK
 *         && bert_engine_submit(engine, &request, &job, &err) == BERT_OK
 *         && bert_job_wait(job, 0, &err) == BERT_OK) {
 *         printf("%f ...\n", bert_job_vectors(job, &n, &width)[0]);
 *         rc = 0;
 *     } else {
 *         fprintf(stderr, "%s\n", err.message);
 *     }
 *     bert_job_unref(job);
 *     bert_engine_destroy(engine);
 *     bert_model_unref(model);
 *     return rc;
 * }
 * @endcode
 *
 * Order.  A request is due at its arrival + 4 times the time that it will take by itself (by
 * what its model was last seen to take for a token), one of BERT_PRIORITY_BULK a second later.
 * Whoever is due first goes first.  So a short request overtakes a long one that came a little
 * before, and none can be overtaken by what comes after it is due: nobody starves.  A batch is the
 * request that is due first and others of the same model, task and options in the order in which
 * they are due, up to batch_tokens.  A batch that takes long gives way, every few ms, to
 * requests that are due before it; for each 20 ms that its longest request has run its own due time
 * moves to 80 ms from then, so that it keeps a fifth of the machine however many others come.
 *
 * Answers are those of the same call on a session of its own, bit for bit.
 *
 * Cache.  With cache_bytes an answer is kept by model version, task, options and exact texts, and
 * those who ask the same while it is being computed wait for it instead of asking again; if its own
 * caller cancels, one of them takes its place.  A callback may then come before the submission has
 * returned.  EMBED_TOKENS, EMBED_CHUNKS and EXPLAIN are not kept.
 *
 * Threads: every function may be called by any thread at any time, but for
 *          bert_engine_destroy(), which must be the last.  The engine's own threads are made by
 *          the first request that needs one; they block all signals.  A thread in
 *          bert_job_wait() lends itself: while its job is waiting and a worker is free, it runs
 *          batches itself.
 * Fork:    before the first request a child has an engine of its own.  After it, the threads stay
 *          in the parent: in the child each call on the engine, and bert_job_wait(), is
 *          BERT_EINVAL, but bert_engine_destroy() and bert_job_unref(), which free nothing there.
 *          A job that had ended can be read.
 * Text:    it is copied by bert_engine_submit(), and is in no message, metric or log.
 */
#ifndef BERT_ENGINE_H
#define BERT_ENGINE_H

#include <bert/base.h>
#include <bert/choose.h>
#include <bert/chunks.h>
#include <bert/drift.h>
#include <bert/explain.h>
#include <bert/metrics.h>
#include <bert/privacy.h>
#include <bert/session.h>
#include <bert/tasks.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bert_engine bert_engine;
typedef struct bert_job bert_job;

/* ---- Traces ---------------------------------------------------------------- */

/** Spans of a request. */
typedef enum bert_stage {
    BERT_STAGE_REQUEST = 0, /**< from the submission to the end; its parent is the caller's span */
    BERT_STAGE_QUEUE = 1,   /**< of the request: waiting */
    BERT_STAGE_BATCH = 2    /**< of the request: in a batch */
} bert_stage;

/** A span begins or ends.  Ids are those of W3C Trace Context; times are CLOCK_MONOTONIC. */
typedef struct bert_trace_event {
    uint32_t stage; /**< a bert_stage */
    uint32_t ends;  /**< 0: it begins */
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t parent_id[8]; /**< zeros: none */
    uint64_t time_ns;
    uint64_t id;        /**< of the request */
    uint32_t task;      /**< a bert_task */
    bert_status status; /**< of an end */
    uint64_t tokens;    /**< of a batch that ends, all its requests together */
    uint32_t requests;  /**< so too */
    uint32_t sampled;   /**< the caller's flag; 1 without a traceparent */
    const char *model;  /**< its name; during the call */
    uint64_t version;
} bert_trace_event;

/** Called as spans begin and end, by the thread that makes them do so, without a lock.  It must
 *  not call the engine. */
typedef void (*bert_trace_fn)(void *context, const bert_trace_event *event);

/* ---- The engine ---------------------------------------------------------- */

/** Options of bert_engine_create(). */
typedef struct bert_engine_options {
    size_t size;
    uint32_t workers; /**< batches that run at once, each in a session of its own; 0: 1 */
    uint32_t threads; /**< of a batch; 0: those that the process may use, shared by workers */
    uint32_t queue_requests; /**< waiting at most, else BERT_EBUSY; 0: 1024 */
    uint32_t batch_tokens;   /**< tokens of a batch, about; 0: 2048, or the longest text where that
                                  is more.  A session's scratch grows with it */
    uint64_t queue_bytes;    /**< texts that wait, in bytes, else BERT_EBUSY; 0: 64 MiB */
    uint64_t queue_ns;       /**< work that waits, in time as it is estimated, else BERT_EBUSY: what
                                  keeps the latency of what is accepted under overload; 0: no limit.
                                  Bursts are accepted: up to 4 times as much may wait until batches
                                  have been late for 8 times as long, and again when none was */
    uint64_t batch_wait_ns;  /**< how long a free worker lets a batch that is not full wait for
                                  more, if no deadline is nearer than that; 0: not at all, batches
                                  form while workers are busy */
    const bert_allocator *allocator; /**< NULL: malloc */
    uint64_t model_bytes; /**< of all models that bert_engine_load() keeps; 0: no limit.  Over it
                             the least recently used are unloaded, versions for a rollback first */
    uint64_t cache_bytes; /**< of answers that are kept for who asks the same again; 0: none are */
    bert_trace_fn trace;  /**< NULL: none */
    void *trace_context;
} bert_engine_options;
#define BERT_ENGINE_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bert_engine_options), 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, NULL, NULL                   \
    }

/**
 * Make an engine without models.  No thread is made.
 * @return BERT_OK; BERT_EINVAL; BERT_ENOMEM; BERT_EIO, no event descriptor.
 * Since 0.1.
 */
BERT_API bert_status bert_engine_create(bert_engine **out, const bert_engine_options *options,
                                        bert_error *err);

/** Forget all answers that the cache holds.  A new version of a model forgets those of the version
 * that is let go of.  Since 0.1. */
BERT_API bert_status bert_engine_flush_cache(bert_engine *engine, bert_error *err);

/** All metrics now; out->size is set.  See bert/metrics.h, which also writes them out.  Any thread.
 *  Since 0.1. */
BERT_API bert_status bert_engine_metrics(bert_engine *engine, bert_metrics *out, bert_error *err);

/** What becomes of requests that wait when an engine stops. */
typedef enum bert_stop {
    BERT_STOP_DRAIN = 0, /**< they are answered */
    BERT_STOP_CANCEL = 1 /**< they end with BERT_ECANCELED, and so do those that run */
} bert_stop;

/**
 * Take no more requests (BERT_ECANCELED to who comes), end those that are there, and return when
 * all have ended; an engine that has stopped stays so.  More than one thread may call it, and
 * CANCEL may follow on DRAIN.  Not from a callback.  Since 0.1.
 */
BERT_API bert_status bert_engine_stop(bert_engine *engine, bert_stop how, bert_error *err);

/** Stop (CANCEL), join the threads and free.  Jobs that callers still hold stay readable.
 *  NULL is fine.  Since 0.1. */
BERT_API void bert_engine_destroy(bert_engine *engine);

/* ---- Models ---------------------------------------------------------------- */

/**
 * Serve a model under a name.  The engine takes a reference of its own.  A name that is there gets
 * a new version: requests that were submitted before are answered by the old one, those after by
 * this one.  The one before is kept for bert_engine_rollback().
 * @return BERT_OK; BERT_EINVAL; BERT_ENOMEM.
 * Since 0.1.
 */
BERT_API bert_status bert_engine_add_model(bert_engine *engine, const char *name, bert_model *model,
                                           bert_error *err);
/** The version that served before the current one serves again, and the current one is kept in its
 *  place, unless it was unloaded.  BERT_EINVAL: no such name, or no version before.  Since 0.1. */
BERT_API bert_status bert_engine_rollback(bert_engine *engine, const char *name, bert_error *err);
/** Are a model's manifest (bert/manifest.h) and golden inputs, which lie beside it, looked at? */
typedef enum bert_check {
    BERT_CHECK_IF_THERE = 0,
    BERT_CHECK_REQUIRED = 1, /**< a load without is BERT_EFORMAT */
    BERT_CHECK_OFF = 2
} bert_check;

/** A load has ended; by the thread that did it, without a lock.  `error` is NULL if the model
 * serves now.  `name` as it was given, during the call. */
typedef void (*bert_loaded_fn)(void *context, const char *name, const bert_error *error);

/** Options of bert_engine_load(). */
typedef struct bert_load_options {
    size_t size;
    const bert_model_options *model; /**< NULL: defaults; copied.  log and cancel may be called
                                        until the load has ended */
    uint32_t manifest;               /**< a bert_check */
    uint32_t golden;                 /**< a bert_check */
    uint32_t background;             /**< 1: return at once; a thread of the engine's loads */
    uint32_t reserved;               /**< 0 */
    bert_loaded_fn done;             /**< NULL: none */
    void *context;
} bert_load_options;
#define BERT_LOAD_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof(bert_load_options), NULL, 0, 0, 0, 0, NULL, NULL                                    \
    }

/**
 * Load a model and serve it under a name, as bert_engine_add_model() does, once all is well: its
 * files are those of its manifest, it loads, and its golden inputs give what they should.  Until
 * then, and if anything fails, the version before serves.  A model that was unloaded for want of
 * memory is loaded again, in the background, by the first request for it, which is BERT_EBUSY.
 * @param path  As for bert_model_load(); copied.
 * @return BERT_OK, in the background: the load will be tried; bert_model_load()'s errors;
 *         BERT_EFORMAT, the manifest or golden inputs don't fit; BERT_ELIMIT, over model_bytes;
 *         BERT_ECANCELED, the engine has stopped.
 * Since 0.1.
 */
BERT_API bert_status bert_engine_load(bert_engine *engine, const char *name, const char *path,
                                      const bert_load_options *options, bert_error *err);

/** A share of a name's requests. */
typedef struct bert_route {
    const char *model; /**< a name, which may be the routed one itself */
    uint32_t weight;   /**< its share of the sum of all */
} bert_route;

/**
 * Part the requests for a name among models: a canary, an A/B test.  Which one answers hangs on the
 * request's route_key alone, or on its id where that is NULL.  A model that is gone leaves its
 * share to the name's own.
 * @param n  0: no routes any more.
 * @return BERT_OK; BERT_EINVAL, an unknown name, or weights whose sum is 0 or over 2^32 - 1.
 * Since 0.1.
 */
BERT_API bert_status bert_engine_route(bert_engine *engine, const char *name,
                                       const bert_route *routes, size_t n, bert_error *err);

/** What a shadow gave beside the answer. */
typedef struct bert_divergence {
    uint64_t id;   /**< of the request */
    uint32_t task; /**< a bert_task */
    uint32_t reserved;
    bert_status answer; /**< statuses of both */
    bert_status shadow;
    double distance; /**< EMBED: the largest 1 - cosine of a text; CLASSIFY, RERANK: the largest
                          difference of a score; TAG: entities that only one has, of all; negative:
                          not compared (another task, or one failed) */
} bert_divergence;

/** By the thread that ended the later of both, without a lock. */
typedef void (*bert_shadow_fn)(void *context, const bert_divergence *divergence);

/**
 * Let another model answer some of a name's requests as well, in bulk, and tell how far it is off.
 * Callers get the first one's answer and don't wait for the shadow; a full queue drops it, and so
 * does an engine that can make no thread.
 * @param shadow     A name; NULL: no shadow any more.
 * @param per_mille  Of the requests, chosen as routes are; at most 1000.
 * @return BERT_OK; BERT_EINVAL.
 * Since 0.1.
 */
BERT_API bert_status bert_engine_shadow(bert_engine *engine, const char *name, const char *shadow,
                                        uint32_t per_mille, bert_shadow_fn fn, void *context,
                                        bert_error *err);

/**
 * Limit what a tenant may have in the engine at once, waiting (for another's answer too) or
 * running; its further requests are BERT_EBUSY, unless the cache has the answer.  A tenant without
 * a limit of its own has that of NULL, which is none at first.
 * @param requests  0: no limit.
 * Since 0.1.
 */
BERT_API bert_status bert_engine_limit_tenant(bert_engine *engine, const char *tenant,
                                              uint32_t requests, bert_error *err);

/**
 * Let a detector of drift see the answers of a name, those from the cache too: vectors of EMBED, if
 * they have as many numbers as its profile's; labels, confidence and entropy of CLASSIFY; scores of
 * RERANK; of all the tokens of their texts.  The metrics show what the first such detector sees,
 * and count all of them.
 * @param drift  The caller's; NULL: none any more.  The one before is not used any more when
 *               this returns.  Not from a callback.
 * Since 0.1.
 */
BERT_API bert_status bert_engine_watch(bert_engine *engine, const char *name, bert_drift *drift,
                                       bert_error *err);

/** Options of bert_engine_sample(). */
typedef struct bert_sample_options {
    size_t size;
    const char *tagger;          /**< a name whose model has a head for TAG: entities that it finds
                                      are masked too, as by bert_mask_entities(); copied; NULL:
                                      none */
    const char *const *labels;   /**< of the tagger's, n_labels of them, to be masked; copied */
    size_t n_labels;             /**< 0: all */
    const bert_tag_options *tag; /**< of the tagging; copied; NULL: defaults */
} bert_sample_options;
#define BERT_SAMPLE_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bert_sample_options), NULL, NULL, 0, NULL                                           \
    }

/**
 * Offer the texts of answered requests to a sampler, those from the cache too.  Without one, which
 * is how an engine begins, no text is kept for longer than its request and the cache's key.
 *
 * Texts are redacted on a thread of the engine's, or of a caller who got a cached answer.
 *
 * With a tagger, a text that the sampler chooses waits in the engine, unredacted as a request's,
 * for a request of the engine's own: in bulk, one at a time, so that no caller waits for it.  The
 * sampler's masker gets the text and its entities; a host's own redaction gets the text with the
 * entities masked.  Of a text that can't be tagged nothing is kept, and
 * bert_sampler_state.dropped counts it: the model is gone or being loaded, the queue is full, there
 * is no memory, the engine stops, or more texts or bytes wait than the sampler may keep.
 *
 * @param sampler  The caller's; NULL: none any more.  The one before is not used any more when this
 *                 returns: what waits to be tagged is dropped.  Not from a callback.
 * @param options  NULL: defaults.
 * @return BERT_OK; BERT_EINVAL, bad options, or no such tagger; BERT_EUNSUPPORTED, the tagger's
 *         model doesn't tag; BERT_ENOMEM.
 * Since 0.1.
 */
BERT_API bert_status bert_engine_sample(bert_engine *engine, bert_sampler *sampler,
                                        const bert_sample_options *options, bert_error *err);

/** Forget a name.  Requests that were submitted are answered still.  A detector that it has may be
 *  used by a batch that runs: take it away before, by bert_engine_watch().  Since 0.1. */
BERT_API bert_status bert_engine_remove_model(bert_engine *engine, const char *name,
                                              bert_error *err);
/** The model that serves a name now, with a reference for the caller, and the number of its version
 *  (from 1; it may be NULL).  BERT_EINVAL: no such name.  Since 0.1. */
BERT_API bert_status bert_engine_model(bert_engine *engine, const char *name, bert_model **out,
                                       uint64_t *version, bert_error *err);

/* ---- Requests ---------------------------------------------------------------- */

/** What is wanted.  `options` of a request is the task's own struct, NULL its defaults. */
typedef enum bert_task {
    BERT_TASK_EMBED = 1,        /**< bert_embed(): bert_job_vectors(), bert_job_reports() */
    BERT_TASK_EMBED_ALL = 2,    /**< bert_embed_all() */
    BERT_TASK_EMBED_TOKENS = 3, /**< bert_embed_tokens() of one text: bert_job_outputs(), and
                                     bert_job_reports() */
    BERT_TASK_EMBED_CHUNKS = 4, /**< bert_embed_chunks() of one text with its `spans` */
    BERT_TASK_CLASSIFY = 5,     /**< bert_classify() of texts, or of texts and pairs */
    BERT_TASK_RERANK = 6,       /**< bert_rerank() of texts for `query` */
    BERT_TASK_TAG = 7,          /**< bert_tag() */
    BERT_TASK_ANSWER = 8,       /**< bert_answer(): texts are questions, pairs their contexts */
    BERT_TASK_NEXT = 9,         /**< bert_next_sentence() of texts and pairs */
    BERT_TASK_FILL = 10,        /**< bert_fill_mask() */
    BERT_TASK_CHOOSE = 11,      /**< bert_choose() of one prompt, `query`, and texts */
    BERT_TASK_EXPLAIN = 12      /**< bert_explain() of one text, or of it and its pair */
} bert_task;

typedef enum bert_priority {
    BERT_PRIORITY_INTERACTIVE = 0,
    BERT_PRIORITY_BULK = 1 /**< due a second later */
} bert_priority;

/** How the caller hears of the end of a job. */
typedef enum bert_notify {
    BERT_NOTIFY_WAIT = 0,     /**< by bert_job_wait() or bert_job_done() */
    BERT_NOTIFY_CALLBACK = 1, /**< `done` is called, once; see bert_done_fn */
    BERT_NOTIFY_QUEUE = 2     /**< bert_engine_next() gives the job; see bert_engine_fd() */
} bert_notify;

/**
 * Called once for each job of BERT_NOTIFY_CALLBACK that bert_engine_submit() took, without any
 * lock held; the job is borrowed (bert_job_ref() keeps it).  It may submit, cancel and read, not
 * wait, stop or destroy.  One thread at a time calls them, for all of the engine, also for jobs
 * that other threads ended and from within calls on the engine: what one takes, the others wait,
 * and so do shadows, and those who wait for an equal request.
 */
typedef void (*bert_done_fn)(void *context, bert_job *job);

/** A request; all of it is copied. */
typedef struct bert_request {
    size_t size;
    const char *model;      /**< a name; NULL: "default" */
    const bert_text *texts; /**< n texts; see bert_task */
    const bert_text *pairs; /**< n texts that go with them, or NULL */
    const bert_span *spans; /**< EMBED_CHUNKS: n_spans of them, or NULL */
    size_t n;
    size_t n_spans;
    bert_text query;       /**< RERANK, CHOOSE */
    const void *options;   /**< of the task, with its `size`; NULL: defaults */
    uint32_t task;         /**< a bert_task */
    uint32_t priority;     /**< a bert_priority */
    uint32_t notify;       /**< a bert_notify */
    uint32_t reserved;     /**< 0 */
    uint64_t timeout_ns;   /**< from the submission on, running included, else BERT_ETIMEDOUT; 0: no
                                limit */
    uint64_t id;           /**< the caller's; bert_job_id() gives it back */
    bert_done_fn done;     /**< CALLBACK */
    void *context;         /**< of `done`; bert_job_context() gives it back */
    const char *tenant;    /**< whose request it is; NULL: nobody's in particular */
    const char *route_key; /**< such as a user; NULL: the id.  See bert_engine_route() */
    const char
        *traceparent; /**< W3C's header, for the trace; NULL, or not of its form: a new one */
} bert_request;
#define BERT_REQUEST_INIT                                                                          \
    {                                                                                              \
        sizeof(bert_request), NULL, NULL, NULL, NULL, 0, 0, {NULL, 0}, NULL, 0, 0, 0, 0, 0, 0,     \
            NULL, NULL, NULL, NULL, NULL                                                           \
    }

/**
 * Put a request into the queue.
 *
 * @param out  The job, with a reference for the caller; NULL for CALLBACK and QUEUE where no
 *             handle is wanted.
 * @return BERT_OK; BERT_EINVAL, something in the request, or a name that no model has; BERT_EBUSY,
 *         the queue is full; BERT_ECANCELED, the engine has stopped; BERT_ENOMEM.  What only the
 *         model can tell (a missing head, an unknown prompt) is the job's status.
 * Since 0.1.
 */
BERT_API bert_status bert_engine_submit(bert_engine *engine, const bert_request *request,
                                        bert_job **out, bert_error *err);

/** Submit and wait: the caller's thread does the work itself where a worker is free.  `*out` is
 *  NULL on failure.  notify must be WAIT.  Since 0.1. */
BERT_API bert_status bert_engine_run(bert_engine *engine, const bert_request *request,
                                     bert_job **out, bert_error *err);

/** A descriptor that is readable while bert_engine_next() has something to give: for poll() and its
 *  kin.  It is the engine's; don't read or close it.  -1: there is none to be had.  Since 0.1. */
BERT_API int bert_engine_fd(bert_engine *engine);
/** The next job of BERT_NOTIFY_QUEUE that has ended, in the order in which they ended, with its
 *  reference; NULL if there is none.  Since 0.1. */
BERT_API bert_job *bert_engine_next(bert_engine *engine);

/* ---- Jobs -------------------------------------------------------------------- */

/**
 * Wait until a job has ended.
 * @param timeout_ns  0: no limit.  BERT_ETIMEDOUT where it passes: the job goes on, and
 *                    bert_job_done() is 0.
 * @return The job's status, and its message in err.
 * Since 0.1.
 */
BERT_API bert_status bert_job_wait(bert_job *job, uint64_t timeout_ns, bert_error *err);
/** 1 if it has ended.  Since 0.1. */
BERT_API int bert_job_done(const bert_job *job);
/** End it with BERT_ECANCELED unless it has ended: one that waits at once, one that runs within
 *  some 10 ms, whatever the model and the text.  So too with deadlines.  Since 0.1. */
BERT_API void bert_job_cancel(bert_job *job);
/** One more reference; returns its argument.  Since 0.1. */
BERT_API bert_job *bert_job_ref(bert_job *job);
/** Give one back; a job that was not ended goes on.  NULL is fine.  Since 0.1. */
BERT_API void bert_job_unref(bert_job *job);

/** The request's id and context.  Since 0.1. */
BERT_API uint64_t bert_job_id(const bert_job *job);
BERT_API void *bert_job_context(const bert_job *job);

/* What follows is for jobs that have ended.  Results are borrowed from the job; NULL for one of
 * another task, and for one that failed. */

/** BERT_OK, or why the request has no answer (what is wrong with one of several texts is in the
 *  result); BERT_EBUSY before it has ended.  The message goes into err.  Since 0.1. */
BERT_API bert_status bert_job_status(const bert_job *job, bert_error *err);

/** What became of a request. */
typedef struct bert_job_info {
    size_t size;
    uint64_t version;        /**< of the model that answered */
    uint64_t queue_ns;       /**< from submission to the batch's start */
    uint64_t tokenize_ns;    /**< the batch's, texts to ids and all else that is not compute_ns */
    uint64_t compute_ns;     /**< the batch's, in the encoder and the head */
    uint64_t total_ns;       /**< from submission to the end */
    uint64_t batch_tokens;   /**< of the batch in which it ran */
    uint32_t batch_requests; /**< so too */
    uint32_t reserved;
} bert_job_info;
#define BERT_JOB_INFO_INIT                                                                         \
    {                                                                                              \
        sizeof(bert_job_info), 0, 0, 0, 0, 0, 0, 0, 0                                              \
    }
/** Fill *info, whose size is set.  Since 0.1. */
BERT_API bert_status bert_job_describe(const bert_job *job, bert_job_info *info, bert_error *err);
/** The name of the model that the request went to, by bert_engine_route() perhaps another than it
 *  asked for.  Borrowed.  Since 0.1. */
BERT_API const char *bert_job_model_name(const bert_job *job);
/** The model that answered; borrowed; NULL before the end.  Since 0.1. */
BERT_API bert_model *bert_job_model(const bert_job *job);

/** EMBED: row-major [*n][*width]; a text that failed has zeros.  Since 0.1. */
BERT_API const float *bert_job_vectors(const bert_job *job, size_t *n, size_t *width);
/** EMBED, EMBED_TOKENS: n reports.  Since 0.1. */
BERT_API const bert_embed_report *bert_job_reports(const bert_job *job);
/** EMBED: why text number i of several has no vector, as bert_embed() of it alone says; "" where it
 *  has one, and past the end.  Borrowed from the job.  Since 0.1. */
BERT_API const char *bert_job_report_message(const bert_job *job, size_t i);
/** EMBED_TOKENS.  Since 0.1. */
BERT_API const bert_outputs *bert_job_outputs(const bert_job *job);
/** EMBED_ALL.  Since 0.1. */
BERT_API const bert_embeddings *bert_job_embeddings(const bert_job *job);
/** EMBED_CHUNKS.  Since 0.1. */
BERT_API const bert_chunks *bert_job_chunks(const bert_job *job);
/** CLASSIFY.  Since 0.1. */
BERT_API const bert_classifications *bert_job_classifications(const bert_job *job);
/** RERANK.  Since 0.1. */
BERT_API const bert_rankings *bert_job_rankings(const bert_job *job);
/** TAG.  Since 0.1. */
BERT_API const bert_entities *bert_job_entities(const bert_job *job);
/** ANSWER.  Since 0.1. */
BERT_API const bert_answers *bert_job_answers(const bert_job *job);
/** NEXT.  Since 0.1. */
BERT_API const bert_nexts *bert_job_nexts(const bert_job *job);
/** FILL.  Since 0.1. */
BERT_API const bert_fills *bert_job_fills(const bert_job *job);
/** CHOOSE: one record.  Since 0.1. */
BERT_API const bert_choices *bert_job_choices(const bert_job *job);
/** EXPLAIN.  Since 0.1. */
BERT_API const bert_explanation *bert_job_explanation(const bert_job *job);

#ifdef __cplusplus
}
#endif

#endif /* BERT_ENGINE_H */
