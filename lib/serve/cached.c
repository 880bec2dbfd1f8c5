/* SPDX-License-Identifier: MIT */
/* cached.c - the engine's side of the cache. */
#include "lib/serve/cached.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/probe.h"
#include "lib/serve/cache.h"

enum { FEW_PARTS = 16 };

/* ---- Keys ---------------------------------------------------------------------------- */

/* Those whose results can tell what they take. */
static bool is_kept(uint32_t task)
{
    return task != BERT_TASK_EMBED_TOKENS && task != BERT_TASK_EMBED_CHUNKS
           && task != BERT_TASK_EXPLAIN;
}

/* Task and options, then all texts. */
static size_t fill_key(const bert_job *job, bert_text *parts)
{
    const bert_request *r = &job->request;
    size_t n = 0;

    parts[n++] = (bert_text){job->key, job->key_size};
    parts[n++] = r->query;
    for (size_t i = 0; i < r->n; i++)
        parts[n++] = r->texts[i];
    for (size_t i = 0; r->pairs != NULL && i < r->n; i++)
        parts[n++] = r->pairs[i];
    return n;
}

/* A text without data has no bytes to compare. */
static bool has_bytes(const bert_job *job)
{
    const bert_request *r = &job->request;

    for (size_t i = 0; i < r->n; i++) {
        if (r->texts[i].data == NULL || (r->pairs != NULL && r->pairs[i].data == NULL))
            return false;
    }
    return r->n > 0 && (r->query.data != NULL || r->query.size == 0);
}

/* ---- Those who wait for others ------------------------------------------------------------ */

static void unwatch(bert_engine *e, bert_job *job)
{
    e->n_joined -= job->counted;
    job->counted = false;
    if (!job->watched)
        return;
    if (job->joined_before != NULL)
        job->joined_before->joined_after = job->joined_after;
    else
        e->joined = job->joined_after;
    if (job->joined_after != NULL)
        job->joined_after->joined_before = job->joined_before;
    job->watched = false;
}

void bert__cached_watch(bert_engine *e, bert_job *job)
{
    if (!job->joined || bert_job_done(job))
        return;
    job->counted = true;
    e->n_joined++;
    if (job->queued.deadline_ns == 0)
        return;
    job->joined_before = NULL;
    job->joined_after = e->joined;
    if (e->joined != NULL)
        e->joined->joined_before = job;
    e->joined = job;
    job->watched = true;
    if (job->queued.deadline_ns < atomic_load(&e->deadline_ns))
        atomic_store(&e->deadline_ns, job->queued.deadline_ns);
}

void bert__cached_expire(bert_engine *e, uint64_t now_ns)
{
    bert_job *next;

    for (bert_job *job = e->joined; job != NULL; job = next) {
        next = job->joined_after;
        if (job->queued.deadline_ns <= now_ns)
            bert__job_end(job, BERT_ETIMEDOUT);
        else if (job->queued.deadline_ns < atomic_load(&e->deadline_ns))
            atomic_store(&e->deadline_ns, job->queued.deadline_ns);
    }
}

void bert__cached_leave(bert_engine *e, bert_job *job)
{
    if (!job->joined)
        return;
    unwatch(e, job);
    job->joined = false;
    if (bert__cache_withdraw(e->cache, &job->waiter))
        bert_job_unref(job); /* the waiter's */
}

static bert_job *job_of(struct bert__cache_waiter *waiter)
{
    return (bert_job *)((char *)waiter - offsetof(struct bert_job, waiter));
}

/* Another's answer, or why there is none. */
static void take_answer(struct bert__cache_waiter *waiter, void *value, const bert_error *err)
{
    bert_job *job = job_of(waiter);
    bert_engine *e = job->engine;
    bool taken = false;

    pthread_mutex_lock(&e->lock);
    if (!bert_job_done(job)) {
        unwatch(e, job);
        job->joined = false;
        taken = true;
        if (value != NULL) {
            bert__answer_unref(job->answer);
            job->answer = value;
            value = NULL;
        } else {
            job->error = *err;
        }
        bert__job_end(job, BERT_OK);
    }
    bert__engine_unlock(e);
    if (taken)
        bert__observe_cached(e, job);
    bert__answer_unref(value);
    bert_job_unref(job); /* the waiter's */
}

/* Its owner has left: this job is the one to be run now. */
static bool take_over(struct bert__cache_waiter *waiter, struct bert__cache_entry *ticket)
{
    bert_job *job = job_of(waiter);
    bert_engine *e = job->engine;
    bool runs = false;
    bert_error err;
    bert_status st;

    pthread_mutex_lock(&e->lock);
    if (!bert_job_done(job)) {
        unwatch(e, job);
        job->joined = false;
        st = bert__workers_start(e, &err);
        if (st == BERT_OK || job->waiters > 0) /* whose thread can run it */
            st = bert__engine_push(e, job, &err);
        runs = st == BERT_OK;
        if (runs) {
            job->ticket = ticket;
            pthread_cond_signal(&e->work);
            if (job->waiters > 0) /* its thread may run it */
                pthread_cond_broadcast(&job->ended);
        } else {
            job->error = err;
            bert__job_end(job, BERT_OK);
        }
    }
    bert__engine_unlock(e);
    bert_job_unref(job); /* the waiter's */
    return runs;
}

/* ---- Lookups ------------------------------------------------------------------------------- */

enum bert__cache_found bert__cached_lookup(bert_engine *e, bert_job *job)
{
    bert_text few[FEW_PARTS], *parts = few;
    struct bert__cache_key key = {job->served->key, NULL, 0};
    enum bert__cache_found found;
    void *value = NULL;

    if (e->cache == NULL || !is_kept(job->request.task) || !has_bytes(job))
        return BERT__CACHE_OWNER;
    if (job->request.n > (FEW_PARTS - 2) / 2) {
        parts = bert__alloc_items(e->alloc, job->request.n, 2 * sizeof *parts + 2 * sizeof *parts);
        if (parts == NULL)
            return BERT__CACHE_OWNER;
    }
    key.n_parts = fill_key(job, parts);
    key.parts = parts;
    job->waiter.done = take_answer;
    job->waiter.own = take_over;
    job->joined = true;
    bert_job_ref(job); /* the waiter's */
    found =
        bert__cache_lookup(e->cache, &key, job->full ? NULL : &job->waiter, &value, &job->ticket);
    if (parts != few)
        bert__alloc_free(e->alloc, parts);
    if (found == BERT__CACHE_JOINED)
        return found;
    job->joined = false;
    bert_job_unref(job);
    if (found == BERT__CACHE_HIT) {
        bert__answer_unref(job->answer);
        job->answer = value;
        BERT__PROBE_CACHE_HIT(job->request.id);
    }
    return found;
}

/* ---- Owners ---------------------------------------------------------------------------------- */

/* Would another call for the same text have the same end? */
static bool lasts(bert_status st)
{
    return st == BERT_EINVAL || st == BERT_ERANGE || st == BERT_EUNSUPPORTED
           || st == BERT_ENONFINITE;
}

void bert__cached_give(bert_engine *e, bert_job *job)
{
    struct bert__cache_entry *ticket = job->ticket;
    bert_error err;
    bert_status st;

    if (ticket == NULL)
        return;
    job->ticket = NULL;
    st = bert_job_status(job, &err);
    if (st == BERT_OK)
        bert__cache_fulfil(e->cache, ticket, job->answer,
                           bert__answer_bytes(job->answer, job->request.n));
    else if (job->early == BERT_OK && lasts(st))
        bert__cache_fail(e->cache, ticket, &err);
    else
        bert__cache_abandon(e->cache, ticket, &err);
}
