/* SPDX-License-Identifier: MIT */
/* engine.c - bert/engine.h: life of the engine, requests in, jobs out. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/api/options.h"
#include "lib/base/error.h"
#include "lib/base/probe.h"
#include "lib/base/reason.h"
#include "lib/base/size.h"
#include "lib/base/sys.h"
#include "lib/base/thread.h"
#include "lib/serve/cached.h"
#include "lib/serve/engine_parts.h"

enum {
    USUAL_REQUESTS = 1024,
    USUAL_BYTES = 64 << 20,
    USUAL_TOKENS = 2048,
    MOST_WORKERS = 256,
};

/* ---- Life ---------------------------------------------------------------------------- */

bool bert__engine_foreign(const bert_engine *e)
{
    pid_t pid = atomic_load(&e->pid);

    return pid != 0 && pid != getpid();
}

bert_status bert__engine_check(const bert_engine *e, bert_error *err)
{
    if (e == NULL)
        return bert__fail(err, BERT_EINVAL, "engine is NULL");
    if (bert__engine_foreign(e))
        return bert__fail(err, BERT_EINVAL,
                          "the engine is that of the process that this one was forked from; make "
                          "one here");
    return BERT_OK;
}

static bert_status read_options(bert_engine_options *o, const bert_engine_options *options,
                                bert_error *err)
{
    bert_status st = bert__options_read(o, sizeof *o, options, "bert_engine_options", err);
    uint32_t cpus = bert__cpu_count();

    if (st != BERT_OK)
        return st;
    if (o->workers > MOST_WORKERS)
        return bert__fail(err, BERT_EINVAL, "bert_engine_options.workers is %lu; at most %d",
                          (unsigned long)o->workers, MOST_WORKERS);
    if (o->workers == 0)
        o->workers = 1;
    if (o->threads == 0)
        o->threads = cpus > o->workers ? cpus / o->workers : 1;
    if (o->queue_requests == 0)
        o->queue_requests = USUAL_REQUESTS;
    if (o->queue_bytes == 0)
        o->queue_bytes = USUAL_BYTES;
    if (o->batch_tokens == 0)
        o->batch_tokens = USUAL_TOKENS;
    return BERT_OK;
}

static bool init_locks(bert_engine *e)
{
    pthread_condattr_t attr;
    bool ok;

    if (pthread_mutex_init(&e->lock, NULL) != 0)
        return false;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    ok = pthread_cond_init(&e->work, &attr) == 0;
    if (ok && pthread_cond_init(&e->idle, &attr) != 0) {
        pthread_cond_destroy(&e->work);
        ok = false;
    }
    pthread_condattr_destroy(&attr);
    if (!ok)
        pthread_mutex_destroy(&e->lock);
    return ok;
}

static bool fill(bert_engine *e, const bert_engine_options *o)
{
    const struct bert__queue_limits limits = {o->queue_requests, o->queue_bytes, o->queue_ns};

    bert__counters_init(&e->counters);
    bert__gauge_set(&e->counters.queue_capacity, o->queue_requests);
    atomic_init(&e->refs, 1);
    atomic_init(&e->deadline_ns, UINT64_MAX);
    e->threads = o->threads;
    e->batch_tokens = o->batch_tokens;
    e->batch_wait_ns = o->batch_wait_ns;
    e->n_slots = e->n_free = o->workers;
    e->fd = -1;
    e->done_last = &e->done;
    e->told_last = &e->told;
    e->loads_last = &e->loads;
    e->model_bytes = o->model_bytes;
    e->trace = o->trace;
    e->trace_context = o->trace_context;
    e->trace_seed = bert__sys()->now_ns() ^ (uint64_t)(uintptr_t)e ^ (uint64_t)getpid() << 40;
    bert__queue_init(&e->queue, e->alloc, &limits);
    e->slots = bert__alloc_array(e->alloc, e->n_slots, sizeof *e->slots);
    e->workers = bert__alloc_array(e->alloc, e->n_slots, sizeof *e->workers);
    if (e->slots == NULL || e->workers == NULL)
        return false;
    for (uint32_t i = 0; i < e->n_slots; i++)
        e->slots[i].engine = e;
    return init_locks(e);
}

static bert_status make_cache(bert_engine *e, uint64_t bytes, bert_error *err)
{
    const struct bert__cache_options options = {
        .max_bytes = bytes, .ref = bert__answer_ref, .unref = bert__answer_unref};

    return bytes > 0 ? bert__cache_create(&e->cache, e->alloc, &options, err) : BERT_OK;
}

bert_status bert_engine_create(bert_engine **out, const bert_engine_options *options,
                               bert_error *err)
{
    bert_engine_options o;
    struct bert__alloc *alloc;
    bert_engine *e;
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    st = read_options(&o, options, err);
    if (st != BERT_OK)
        return st;
    alloc = bert__alloc_create(o.allocator, 0);
    e = alloc != NULL ? bert__alloc_array(alloc, 1, sizeof *e) : NULL;
    if (e == NULL) {
        bert__alloc_destroy(alloc);
        return bert__fail_nomem(err, "the engine");
    }
    e->alloc = alloc;
    if (!fill(e, &o)) {
        bert__alloc_free(alloc, e->slots);
        bert__alloc_free(alloc, e->workers);
        bert__alloc_free(alloc, e);
        bert__alloc_destroy(alloc);
        return bert__fail_nomem(err, "the engine");
    }
    st = make_cache(e, o.cache_bytes, err);
    if (st == BERT_OK)
        *out = e;
    else
        bert_engine_destroy(e);
    return st;
}

bert_status bert_engine_flush_cache(bert_engine *e, bert_error *err)
{
    bert_status st = bert__engine_check(e, err);

    if (st == BERT_OK && e->cache != NULL)
        bert__cache_flush(e->cache);
    return st;
}

void bert__engine_unref(bert_engine *e)
{
    struct bert__alloc *alloc = e->alloc;

    if (atomic_fetch_sub(&e->refs, 1) != 1)
        return;
    pthread_cond_destroy(&e->work);
    pthread_cond_destroy(&e->idle);
    pthread_mutex_destroy(&e->lock);
    bert__alloc_free(alloc, e);
    bert__alloc_destroy(alloc);
}

void bert__engine_claim(bert_engine *e)
{
    pid_t none = 0;

    if (atomic_load(&e->pid) == 0)
        atomic_compare_exchange_strong(&e->pid, &none, getpid());
}

static void cancel_all(bert_engine *e)
{
    for (uint32_t i = 0; i < e->n_slots; i++) {
        for (uint32_t d = 0; d < BERT__DEPTHS; d++) {
            for (size_t k = 0; k < e->slots[i].frames[d].n; k++)
                atomic_store(&e->slots[i].frames[d].jobs[k]->canceled, true);
        }
    }
    while (e->queue.oldest != NULL)
        bert__job_end((bert_job *)e->queue.oldest, BERT_ECANCELED);
    atomic_fetch_add(&e->attention, 1);
}

bert_status bert_engine_stop(bert_engine *e, bert_stop how, bert_error *err)
{
    bert_status st = bert__engine_check(e, err);

    if (st == BERT_OK)
        st = bert__options_enum((uint32_t)how, BERT_STOP_CANCEL + 1, "how", err);
    if (st != BERT_OK)
        return st;
    pthread_mutex_lock(&e->lock);
    e->stopping = true;
    atomic_store(&e->halted, true);
    if (how == BERT_STOP_CANCEL)
        cancel_all(e);
    pthread_cond_broadcast(&e->work);
    while (e->queue.n > 0 || e->n_free < e->n_slots || e->told != NULL || e->telling) {
        if (e->told != NULL && !e->telling)
            bert__jobs_tell(e);
        else
            pthread_cond_wait(&e->idle, &e->lock);
    }
    pthread_mutex_unlock(&e->lock);
    return BERT_OK;
}

void bert_engine_destroy(bert_engine *e)
{
    bert_job *job;

    if (e == NULL || bert__engine_foreign(e))
        return;
    bert_engine_stop(e, BERT_STOP_CANCEL, NULL);
    pthread_mutex_lock(&e->lock);
    e->quitting = true;
    pthread_cond_broadcast(&e->work);
    pthread_mutex_unlock(&e->lock);
    for (uint32_t i = 0; i < e->n_workers; i++)
        pthread_join(e->workers[i], NULL);
    bert__loader_end(e);
    while ((job = bert_engine_next(e)) != NULL)
        bert_job_unref(job);
    bert__slots_free(e);
    bert__tenants_free(e);
    bert__names_free(e);
    bert__cache_destroy(e->cache);
    bert__queue_free(&e->queue);
    if (e->fd >= 0)
        bert__sys()->close(e->fd);
    bert__alloc_free(e->alloc, e->slots);
    bert__alloc_free(e->alloc, e->workers);
    bert__engine_unref(e);
}

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

static bert_status open_events(bert_engine *e, bert_error *err)
{
    if (e->fd < 0)
        e->fd = bert__sys()->event();
    return e->fd >= 0 ? BERT_OK : bert__fail_errno("the engine", "event descriptor", errno, err);
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
    pair->fn = told->fn;
    pair->context = told->context;
    atomic_init(&pair->left, 2);
    pair->shadow = shadow;
    pair->answer = bert_job_ref(job);
    shadow->pair = job->pair = pair;
}

/* One that never was in the queue. */
static void drop_shadow(bert_engine *e, bert_job *job)
{
    struct bert__pair *pair = job->pair;

    if (pair == NULL)
        return;
    job->pair = pair->shadow->pair = NULL;
    bert_job_unref(pair->shadow);
    bert_job_unref(job); /* the pair's */
    bert__alloc_free(e->alloc, pair);
}

static bert_status make_job(bert_job **out, bert_engine *e, const bert_request *r, bert_error *err)
{
    struct bert__served *served = NULL, *shadow = NULL;
    struct bert__pair told = {0};
    struct bert__name *name;
    bert_status st;

    pthread_mutex_lock(&e->lock);
    st = bert__route_find(e, r, &served, err);
    if (st == BERT_OK)
        shadow = bert__shadow_find(e, r, &name);
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
    return st;
}

/* Into the queue, unless the cache has the answer or another job will; with its shadow, for which
 * there may be no room. */
static bert_status take(bert_engine *e, bert_job *job, enum bert__cache_found found,
                        const char *tenant, bert_error *err)
{
    bert_status st = BERT_OK;

    if (found == BERT__CACHE_OWNER) {
        st = bert__tenant_enter(e, job, tenant, err);
        if (st == BERT_OK)
            st = bert__engine_push(e, job, err);
        if (st != BERT_OK)
            bert__tenant_leave(e, job);
    } else if (found == BERT__CACHE_HIT) {
        bert__job_end(job, BERT_OK);
    } else {
        bert__cached_watch(e, job);
    }
    if (st != BERT_OK)
        return st;
    bert__count(&e->counters.requests_submitted, 1);
    BERT__PROBE_REQUEST_SUBMIT(job->request.id, job->queued.bytes);
    if (job->pair != NULL && bert__engine_push(e, job->pair->shadow, NULL) != BERT_OK)
        drop_shadow(e, job);
    return BERT_OK;
}

/* Read and make. */
static bert_status enter(bert_engine *e, const bert_request *request, bert_request *r,
                         bert_job **job, bert_error *err)
{
    bert_status st = bert__engine_check(e, err);

    if (st == BERT_OK)
        st = bert__request_read(r, request, err);
    if (st == BERT_OK)
        st = make_job(job, e, r, err);
    if (st != BERT_OK)
        return st;
    bert__engine_claim(e);
    bert__trace_begin(e, *job, r->traceparent);
    return BERT_OK;
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
    drop_shadow(e, job);
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

    if (out != NULL)
        *out = NULL;
    st = enter(e, request, &r, &job, err);
    if (st != BERT_OK)
        return st;
    if (out == NULL && r.notify == BERT_NOTIFY_WAIT)
        return refuse(
            e, job, bert__fail(err, BERT_EINVAL, "out is NULL, and nobody would hear of the job"));
    pthread_mutex_lock(&e->lock);
    st = bert__workers_start(e, err);
    if (st == BERT_OK && r.notify == BERT_NOTIFY_QUEUE)
        st = open_events(e, err);
    pthread_mutex_unlock(&e->lock);
    if (st != BERT_OK)
        return refuse(e, job, st);
    found = bert__cached_lookup(e, job);
    pthread_mutex_lock(&e->lock);
    st = take(e, job, found, r.tenant, err);
    if (e->queue.n > 0 && e->n_free > 0)
        pthread_cond_signal(&e->work);
    bert__engine_unlock(e);
    if (st != BERT_OK)
        return refuse(e, job, st);
    if (out != NULL)
        *out = job;
    else
        bert_job_unref(job);
    return BERT_OK;
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
    st = enter(e, request, &r, &job, err);
    if (st != BERT_OK)
        return st;
    if (r.notify != BERT_NOTIFY_WAIT)
        return refuse(e, job,
                      bert__fail(err, BERT_EINVAL, "bert_request.notify must be BERT_NOTIFY_WAIT"));
    found = bert__cached_lookup(e, job);
    pthread_mutex_lock(&e->lock);
    st = take(e, job, found, r.tenant, err);
    if (st == BERT_OK) {
        if (e->queue.n > 0 && (job->pair != NULL || !bert__worker_can_run(e))
            && bert__workers_start(e, NULL) == BERT_OK)
            pthread_cond_signal(&e->work);
        wait_locked(job, 0);
    }
    bert__engine_unlock(e);
    if (st != BERT_OK)
        return refuse(e, job, st);
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

void bert_job_cancel(bert_job *job)
{
    bert_engine *e;

    if (job == NULL || bert__engine_foreign(job->engine) || is_done(job))
        return;
    e = job->engine;
    pthread_mutex_lock(&e->lock);
    if (!is_done(job)) {
        atomic_store(&job->canceled, true);
        atomic_fetch_add(&e->attention, 1);
        if (atomic_load(&job->state) == BERT__JOB_QUEUED)
            bert__job_end(job, BERT_ECANCELED);
    }
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

/* ---- Jobs out ------------------------------------------------------------------------ */

int bert_engine_fd(bert_engine *e)
{
    int fd;

    if (bert__engine_check(e, NULL) != BERT_OK)
        return -1;
    bert__engine_claim(e);
    pthread_mutex_lock(&e->lock);
    open_events(e, NULL);
    fd = e->fd;
    pthread_mutex_unlock(&e->lock);
    return fd;
}

bert_job *bert_engine_next(bert_engine *e)
{
    bert_job *job;

    if (bert__engine_check(e, NULL) != BERT_OK)
        return NULL;
    pthread_mutex_lock(&e->lock);
    job = e->done;
    if (job != NULL) {
        e->done = job->next_done;
        if (e->done == NULL) {
            e->done_last = &e->done;
            bert__sys()->lower(e->fd);
        }
    }
    pthread_mutex_unlock(&e->lock);
    return job;
}
