/* SPDX-License-Identifier: MIT */
/* ends.c - the end of jobs: who hears of it, and how. */
#include <errno.h>

#include "lib/base/error.h"
#include "lib/base/probe.h"
#include "lib/base/reason.h"
#include "lib/base/sys.h"
#include "lib/serve/cached.h"
#include "lib/serve/sampling.h"

/* ---- The end of jobs ----------------------------------------------------------------- */

static void put_done(bert_engine *e, bert_job *job)
{
    atomic_fetch_add(&job->refs, 1);
    if (e->done == NULL)
        bert__sys()->raise(e->fd);
    job->next_done = NULL;
    *e->done_last = job;
    e->done_last = &job->next_done;
}

static void count_end(struct bert__counters *c, const bert_job *job)
{
    bert_status st = job->early != BERT_OK ? job->early : job->error.code;

    if (job->aside)
        return; /* nobody submitted it */
    if (st != BERT_OK) {
        bert__count_failed(c, st);
    } else {
        bert__count(&c->requests_answered, 1);
        bert__histogram_record(&c->total_ns, job->info.total_ns);
    }
    BERT__PROBE_REQUEST_DONE(job->request.id, st, job->info.total_ns);
}

/* Is there anything to be done for it without the lock? */
static bool is_told(const bert_job *job)
{
    return job->request.notify == BERT_NOTIFY_CALLBACK || job->pair != NULL || job->ticket != NULL
           || job->sampling != NULL || job->engine->trace != NULL;
}

void bert__job_end(bert_job *job, bert_status why)
{
    bert_engine *e = job->engine;

    if (atomic_load(&job->state) == BERT__JOB_DONE)
        return;
    if (job->queued.lane != NULL)
        bert__queue_remove(&e->queue, &job->queued); /* whose reference becomes that of `told` */
    else
        atomic_fetch_add(&job->refs, 1);
    bert__cached_leave(e, job);
    bert__tenant_leave(e, &job->tenant);
    job->early = why;
    job->info.version = job->served->version;
    job->info.total_ns = bert__sys()->now_ns() - job->queued.arrival_ns;
    if (atomic_load(&job->state) == BERT__JOB_QUEUED)
        job->info.queue_ns = job->info.total_ns;
    count_end(&e->counters, job);
    atomic_store_explicit(&job->state, BERT__JOB_DONE, memory_order_release);
    if (job->waiters > 0)
        pthread_cond_broadcast(&job->ended);
    if (job->request.notify == BERT_NOTIFY_QUEUE)
        put_done(e, job);
    if (!is_told(job)) { /* nor kept until somebody has time for it */
        if (atomic_load(&e->stopping))
            pthread_cond_broadcast(&e->idle);
        bert_job_unref(job);
        return;
    }
    job->next_told = NULL;
    *e->told_last = job;
    e->told_last = &job->next_told;
}

/* One thread at a time, so that a callback which ends other jobs doesn't call theirs from within.
 */
void bert__jobs_tell(bert_engine *e)
{
    bert_job *job;

    if (e->telling)
        return;
    e->telling = true;
    while ((job = e->told) != NULL) {
        e->told = job->next_told;
        if (e->told == NULL)
            e->told_last = &e->told;
        pthread_mutex_unlock(&e->lock);
        bert__trace_end(e, job);
        bert__pair_tell(e, job);
        bert__cached_give(e, job);
        bert__sampling_tell(e, job);
        if (job->request.notify == BERT_NOTIFY_CALLBACK) {
            bert__count(&e->counters.callbacks, 1);
            job->request.done(job->request.context, job);
        }
        bert_job_unref(job);
        pthread_mutex_lock(&e->lock);
    }
    e->telling = false;
    pthread_cond_broadcast(&e->idle);
}

void bert__engine_unlock(bert_engine *e)
{
    if (e->told != NULL)
        bert__jobs_tell(e);
    pthread_mutex_unlock(&e->lock);
}

/* ---- Jobs out ------------------------------------------------------------------------ */

bert_status bert__events_open(bert_engine *e, bert_error *err)
{
    if (e->fd < 0)
        e->fd = bert__sys()->event();
    return e->fd >= 0 ? BERT_OK : bert__fail_errno("the engine", "event descriptor", errno, err);
}

int bert_engine_fd(bert_engine *e)
{
    int fd;

    if (bert__engine_check(e, NULL) != BERT_OK)
        return -1;
    bert__engine_claim(e);
    pthread_mutex_lock(&e->lock);
    bert__events_open(e, NULL);
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
