/* SPDX-License-Identifier: MIT */
/* requests.c - requests in, and those who wait for them. */
#include <time.h>

#include "lib/base/error.h"
#include "lib/base/probe.h"
#include "lib/base/sys.h"
#include "lib/serve/cached.h"
#include "lib/serve/sampling.h"

/* ---- Requests in --------------------------------------------------------------------- */

static uint64_t text_tokens(const bert_job *job, size_t bytes, uint64_t token_bytes)
{
    uint64_t n = (uint64_t)((double)bytes * 256 / (double)token_bytes) + 2;
    uint64_t most = bert_model_max_length(job->served->model);

    return bert__task_shape(job->request.task)->cut && n > most ? most : n;
}

/* What the request will take, by what its model took before. */
static void estimate(bert_job *job)
{
    const bert_request *r = &job->request;
    uint64_t bytes = atomic_load_explicit(&job->served->token_bytes, memory_order_relaxed);
    uint64_t ps = atomic_load_explicit(&job->served->token_ps, memory_order_relaxed);
    uint64_t tokens = 0;

    for (size_t i = 0; i < r->n; i++)
        tokens += text_tokens(
            job, r->texts[i].size + r->query.size + (r->pairs != NULL ? r->pairs[i].size : 0),
            bytes);
    job->queued.tokens = tokens;
    job->queued.cost_ns = (uint64_t)((double)tokens * (double)ps / 1000);
}

static void set_times(bert_job *job, uint64_t now)
{
    struct bert__queued *q = &job->queued;
    uint64_t limit = job->request.timeout_ns;

    q->arrival_ns = now;
    q->due_ns = bert__queue_due(now, q->cost_ns, job->request.priority == BERT_PRIORITY_BULK);
    if (limit > 0)
        q->deadline_ns = limit < UINT64_MAX - now ? now + limit : UINT64_MAX;
}

bert_status bert__engine_push(bert_engine *e, bert_job *job, bert_error *err)
{
    bert_status st;

    if (e->stopping)
        return bert__fail(err, BERT_ECANCELED, "the engine has stopped");
    st = bert__queue_push(&e->queue, &job->queued, job->key, job->key_size, err);
    if (st != BERT_OK)
        return st;
    atomic_fetch_add(&job->refs, 1); /* the queue's, then the batch's */
    if (e->queue.next_deadline_ns < atomic_load(&e->deadline_ns))
        atomic_store(&e->deadline_ns, e->queue.next_deadline_ns);
    atomic_fetch_add_explicit(&e->attention, 1, memory_order_release);
    return BERT_OK;
}

static bert_status make_for(bert_job **out, bert_engine *e, const bert_request *r,
                            struct bert__served *served, bert_error *err)
{
    bert_status st = bert__job_create(out, e->alloc, r, served->key, err);

    if (st != BERT_OK) {
        bert__served_unref(e, served);
        return st;
    }
    (*out)->engine = e;
    (*out)->served = served;
    atomic_fetch_add(&e->refs, 1);
    estimate(*out);
    set_times(*out, bert__sys()->now_ns());
    return BERT_OK;
}

/* The request again for its name's shadow; what fails here is not the caller's trouble. */
static void make_shadow(bert_engine *e, bert_job *job, const bert_request *r,
                        struct bert__served *served, const struct bert__pair *told)
{
    bert_request again = *r;
    struct bert__pair *pair = bert__alloc(e->alloc, sizeof *pair);
    bert_job *shadow;

    again.priority = BERT_PRIORITY_BULK;
    again.notify = BERT_NOTIFY_WAIT;
    if (pair == NULL) {
        bert__served_unref(e, served);
        return;
    }
    if (make_for(&shadow, e, &again, served, NULL) != BERT_OK) {
        bert__alloc_free(e->alloc, pair);
        return;
    }
    shadow->aside = true;
    pair->fn = told->fn;
    pair->context = told->context;
    atomic_init(&pair->left, 2);
    atomic_init(&pair->dropped, false);
    pair->shadow = shadow;
    pair->answer = bert_job_ref(job);
    shadow->pair = job->pair = pair;
}

/* A tenant that has all it may have gets what the cache has all the same. */
static bert_status make_job(bert_job **out, bert_engine *e, const bert_request *r, bert_error *err)
{
    struct bert__served *served = NULL, *shadow = NULL;
    struct bert__tenant *tenant = NULL;
    struct bert__pair told = {0};
    struct bert__name *name;
    bool full = false;
    bert_status st;

    pthread_mutex_lock(&e->lock);
    st = r->notify == BERT_NOTIFY_QUEUE ? bert__events_open(e, err) : BERT_OK;
    if (st == BERT_OK)
        st = bert__route_find(e, r, &served, err);
    if (st == BERT_OK) {
        shadow = bert__shadow_find(e, r, &name);
        full = bert__tenant_enter(e, r->tenant, &tenant, NULL) != BERT_OK;
    }
    if (shadow != NULL) {
        told.fn = name->shadow_fn;
        told.context = name->shadow_context;
    }
    pthread_mutex_unlock(&e->lock);
    if (st == BERT_OK)
        st = make_for(out, e, r, served, err);
    if (st == BERT_OK && shadow != NULL)
        make_shadow(e, *out, r, shadow, &told);
    else
        bert__served_unref(e, shadow);
    if (st == BERT_OK) {
        (*out)->tenant = tenant;
        (*out)->full = full;
    } else if (tenant != NULL) {
        pthread_mutex_lock(&e->lock);
        bert__tenant_leave(e, &tenant);
        pthread_mutex_unlock(&e->lock);
    }
    return st;
}

/* Into the queue, unless the cache has the answer or another job will; with its shadow, for which
 * there may be no room.  `threads`: nobody will lend one. */
static bert_status take(bert_engine *e, bert_job *job, enum bert__cache_found found,
                        const char *tenant, bool threads, bert_error *err)
{
    bert_status st = BERT_OK;

    if (found == BERT__CACHE_OWNER) {
        if (threads)
            st = bert__workers_start(e, err);
        if (st == BERT_OK && job->full)
            st = bert__tenant_enter(e, tenant, &job->tenant, err);
        if (st == BERT_OK)
            st = bert__engine_push(e, job, err);
        if (st != BERT_OK)
            bert__tenant_leave(e, &job->tenant);
    } else if (found == BERT__CACHE_HIT) {
        bert__job_end(job, BERT_OK);
    } else {
        bert__cached_watch(e, job);
    }
    if (st != BERT_OK)
        return st;
    bert__count(&e->counters.requests_submitted, 1);
    BERT__PROBE_REQUEST_SUBMIT(job->request.id, job->queued.bytes);
    if (job->pair != NULL
        && (bert__workers_start(e, NULL) != BERT_OK /* a caller runs no shadows */
            || bert__engine_push(e, job->pair->shadow, NULL) != BERT_OK))
        bert__pair_drop(e, job->pair, 1); /* its own half may be over by now */
    return BERT_OK;
}

static bert_status read_request(bert_engine *e, const bert_request *request, bert_request *r,
                                bert_error *err)
{
    bert_status st = bert__engine_check(e, err);

    return st == BERT_OK ? bert__request_read(r, request, err) : st;
}

static bert_status enter(bert_engine *e, const bert_request *r, bert_job **job, bert_error *err)
{
    bert_status st;

    bert__engine_claim(e);
    st = make_job(job, e, r, err);
    if (st == BERT_OK)
        bert__trace_begin(e, *job, r->traceparent);
    return st;
}

/* A job that was refused ends here. */
static bert_status refuse(bert_engine *e, bert_job *job, bert_status st)
{
    job->early = st;
    atomic_store(&job->state, BERT__JOB_DONE);
    if (st == BERT_EBUSY)
        bert__count(&e->counters.requests_rejected, 1);
    bert__trace_end(e, job);
    bert__cached_give(e, job);
    if (job->pair != NULL)
        bert__pair_drop(e, job->pair, 2);
    bert_job_unref(job);
    return st;
}

bert_status bert_engine_submit(bert_engine *e, const bert_request *request, bert_job **out,
                               bert_error *err)
{
    enum bert__cache_found found;
    bert_request r;
    bert_job *job;
    bert_status st;
    bool call;

    if (out != NULL)
        *out = NULL;
    st = read_request(e, request, &r, err);
    if (st == BERT_OK && out == NULL && r.notify == BERT_NOTIFY_WAIT)
        st = bert__fail(err, BERT_EINVAL, "out is NULL, and nobody would hear of the job");
    if (st == BERT_OK)
        st = enter(e, &r, &job, err);
    if (st != BERT_OK)
        return st;
    found = bert__cached_lookup(e, job);
    pthread_mutex_lock(&e->lock);
    st = take(e, job, found, r.tenant, true, err);
    call = e->queue.n > 0 && e->n_free > 0;
    bert__engine_unlock(e);
    if (call)
        pthread_cond_signal(&e->work); /* without the lock, which is the first thing it wants */
    if (st != BERT_OK)
        return refuse(e, job, st);
    if (found == BERT__CACHE_HIT)
        bert__observe_cached(e, job);
    if (out != NULL)
        *out = job;
    else
        bert_job_unref(job);
    return BERT_OK;
}

bert_status bert__sampling_submit(bert_engine *e, const bert_request *r,
                                  struct bert__sampling *sampling, bert_error *err)
{
    struct bert__served *served;
    bert_job *job;
    bert_status st;

    pthread_mutex_lock(&e->lock);
    st = bert__route_find(e, r, &served, err);
    pthread_mutex_unlock(&e->lock);
    if (st == BERT_OK)
        st = make_for(&job, e, r, served, err);
    if (st != BERT_OK)
        return st;
    job->aside = true;
    job->sampling = sampling;
    pthread_mutex_lock(&e->lock);
    st = bert__workers_start(e, err);
    if (st == BERT_OK && bert__sampling_is_closed(sampling))
        st = bert__fail(err, BERT_ECANCELED, "nobody samples any more");
    if (st == BERT_OK)
        st = bert__engine_push(e, job, err);
    if (st == BERT_OK) {
        bert__sampling_sent(sampling, job);
        pthread_cond_signal(&e->work);
    }
    pthread_mutex_unlock(&e->lock);
    bert_job_unref(job); /* the queue has one */
    return st;
}

/* ---- Waiting ------------------------------------------------------------------------- */

static bool is_done(const bert_job *job)
{
    return atomic_load(&job->state) == BERT__JOB_DONE;
}

static struct timespec at(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
}

/* The lock is held.  Without a limit of its own the thread runs batches meanwhile. */
static void wait_locked(bert_job *job, uint64_t timeout_ns)
{
    bert_engine *e = job->engine;
    uint64_t now = timeout_ns > 0 ? bert__sys()->now_ns() : 0;
    struct timespec limit = at(timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX);
    int rc = 0;

    while (!is_done(job) && rc == 0) {
        if (timeout_ns == 0 && atomic_load(&job->state) == BERT__JOB_QUEUED
            && bert__worker_can_run(e)) {
            bert__worker_run(e);
            continue;
        }
        job->waiters++;
        rc = timeout_ns > 0 ? pthread_cond_timedwait(&job->ended, &e->lock, &limit)
                            : pthread_cond_wait(&job->ended, &e->lock);
        job->waiters--;
    }
}

bert_status bert_job_wait(bert_job *job, uint64_t timeout_ns, bert_error *err)
{
    if (job == NULL)
        return bert__fail(err, BERT_EINVAL, "job is NULL");
    if (bert__engine_check(job->engine, err) != BERT_OK)
        return BERT_EINVAL;
    if (!is_done(job)) {
        pthread_mutex_lock(&job->engine->lock);
        wait_locked(job, timeout_ns);
        bert__engine_unlock(job->engine);
    }
    if (!is_done(job))
        return bert__fail(err, BERT_ETIMEDOUT, "the job has not ended in %llu ms",
                          (unsigned long long)(timeout_ns / 1000000));
    return bert_job_status(job, err);
}

bert_status bert_engine_run(bert_engine *e, const bert_request *request, bert_job **out,
                            bert_error *err)
{
    enum bert__cache_found found;
    bert_request r;
    bert_job *job;
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    st = read_request(e, request, &r, err);
    if (st == BERT_OK && r.notify != BERT_NOTIFY_WAIT)
        st = bert__fail(err, BERT_EINVAL, "bert_request.notify must be BERT_NOTIFY_WAIT");
    if (st == BERT_OK)
        st = enter(e, &r, &job, err);
    if (st != BERT_OK)
        return st;
    found = bert__cached_lookup(e, job);
    pthread_mutex_lock(&e->lock);
    st = take(e, job, found, r.tenant, false, err);
    if (st == BERT_OK) {
        if (e->queue.n > 0
            && (job->pair != NULL || e->batch_wait_ns > 0 || !bert__worker_can_run(e))
            && bert__workers_start(e, NULL) == BERT_OK)
            pthread_cond_signal(&e->work);
        wait_locked(job, 0);
    }
    bert__engine_unlock(e);
    if (st != BERT_OK)
        return refuse(e, job, st);
    if (found == BERT__CACHE_HIT)
        bert__observe_cached(e, job);
    st = bert_job_status(job, err);
    if (st == BERT_OK)
        *out = job;
    else
        bert_job_unref(job);
    return st;
}

/* ---- Jobs ---------------------------------------------------------------------------- */

bert_job *bert_job_ref(bert_job *job)
{
    atomic_fetch_add(&job->refs, 1);
    return job;
}

void bert_job_unref(bert_job *job)
{
    bert_engine *e;

    if (job == NULL || bert__engine_foreign(job->engine) || atomic_fetch_sub(&job->refs, 1) != 1)
        return;
    e = job->engine;
    bert__served_unref(e, job->served);
    bert__job_free(job, e->alloc);
    bert__engine_unref(e);
}

void bert__job_cancel_locked(bert_engine *e, bert_job *job)
{
    if (is_done(job))
        return;
    atomic_store(&job->canceled, true);
    atomic_fetch_add(&e->attention, 1);
    if (atomic_load(&job->state) == BERT__JOB_QUEUED)
        bert__job_end(job, BERT_ECANCELED);
}

void bert_job_cancel(bert_job *job)
{
    bert_engine *e;

    if (job == NULL || bert__engine_foreign(job->engine) || is_done(job))
        return;
    e = job->engine;
    pthread_mutex_lock(&e->lock);
    bert__job_cancel_locked(e, job);
    bert__engine_unlock(e);
}

const char *bert_job_model_name(const bert_job *job)
{
    return job->served->name;
}

bert_model *bert_job_model(const bert_job *job)
{
    return bert_job_done(job) ? job->served->model : NULL;
}
