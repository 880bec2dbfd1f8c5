/* SPDX-License-Identifier: MIT */
/* engine.c - bert/engine.h: life of the engine. */
#include <unistd.h>

#include "lib/api/options.h"
#include "lib/base/error.h"
#include "lib/base/sys.h"
#include "lib/base/thread.h"
#include "lib/serve/cached.h"
#include "lib/serve/sampling.h"

enum {
    USUAL_REQUESTS = 1024,
    USUAL_BYTES = 64 << 20,
    USUAL_TOKENS = 2048,
    MOST_WORKERS = 256,
    MOST_THREADS = 1024 /* a session's */
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
    if (o->threads > MOST_THREADS)
        return bert__fail(err, BERT_EINVAL, "bert_engine_options.threads is %lu; at most %d",
                          (unsigned long)o->threads, MOST_THREADS);
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
    if (pthread_mutex_init(&e->lock, NULL) != 0)
        return false;
    if (bert__cond_init(&e->work)) {
        if (bert__cond_init(&e->idle))
            return true;
        pthread_cond_destroy(&e->work);
    }
    pthread_mutex_destroy(&e->lock);
    return false;
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
    atomic_store(&e->stopping, true);
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
    bert__sampling_free(e, e->sampling);
    bert__names_free(e);
    bert__cache_destroy(e->cache);
    bert__queue_free(&e->queue);
    if (e->fd >= 0)
        bert__sys()->close(e->fd);
    bert__alloc_free(e->alloc, e->slots);
    bert__alloc_free(e->alloc, e->workers);
    bert__engine_unref(e);
}
