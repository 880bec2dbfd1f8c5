/* SPDX-License-Identifier: MIT */
/*
 * open.c - requests that come by the clock, whatever the engine does.  A latency counts from the
 * time at which its request was due to be sent, so a generator or an engine that falls behind
 * shows in it.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "examples/engine_load/load.h"

#define WARM_SHARE 0.15 /* of the time, at the start, which isn't counted */

struct shot {
    struct flight *flight;
    uint64_t due_ns, sent_ns, end_ns;
    bert_status status;
    uint32_t batch;
    uint16_t group;
    bool bulk;
};

struct flight {
    struct load *load;
    struct shot *shots;
    size_t n, room;
    uint64_t start_ns, end_ns;
    pthread_mutex_t lock;
    pthread_cond_t landed;
    _Atomic size_t out;
};

static void land(void *context, bert_job *job)
{
    struct shot *shot = context;
    struct flight *f = shot->flight;
    bert_job_info info = BERT_JOB_INFO_INIT;

    shot->end_ns = load_now();
    shot->status = bert_job_status(job, NULL);
    if (bert_job_describe(job, &info, NULL) == BERT_OK)
        shot->batch = info.batch_requests;
    if (atomic_fetch_sub(&f->out, 1) == 1) {
        pthread_mutex_lock(&f->lock);
        pthread_cond_signal(&f->landed);
        pthread_mutex_unlock(&f->lock);
    }
}

static void sleep_until(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

static void shoot(struct flight *f, uint64_t due_ns)
{
    struct load *load = f->load;
    struct shot *shot = &f->shots[f->n++];
    bert_request r = BERT_REQUEST_INIT;
    bert_status status;
    size_t group;

    r.task = BERT_TASK_EMBED;
    r.texts = &load->texts.list[load_texts_pick(&load->texts, &load->random, &group)];
    r.n = 1;
    r.notify = BERT_NOTIFY_CALLBACK;
    r.done = land;
    r.context = shot;
    r.timeout_ns = load->options.timeout_ns;
    *shot = (struct shot){.flight = f, .due_ns = due_ns, .group = (uint16_t)group};
    shot->bulk = load_uniform(&load->random) < load->options.bulk;
    r.priority = shot->bulk ? BERT_PRIORITY_BULK : BERT_PRIORITY_INTERACTIVE;
    atomic_fetch_add(&f->out, 1);
    shot->sent_ns = load_now();
    status = bert_engine_submit(load->engine, &r, NULL, NULL);
    if (status == BERT_OK)
        return; /* the callback has the shot now */
    shot->end_ns = load_now();
    shot->status = status;
    atomic_fetch_sub(&f->out, 1);
}

/* Poisson: gaps of an exponential distribution, each before a burst of requests. */
static void fire(struct flight *f, double rate)
{
    struct load *load = f->load;
    double due = 0, seconds = load->options.seconds;

    f->start_ns = load_now();
    while (f->n < f->room) {
        uint64_t at;

        due += -log(1 - load_uniform(&load->random)) * load->options.burst / rate;
        if (due >= seconds)
            break;
        at = f->start_ns + (uint64_t)(due * 1e9);
        if (load_now() < at)
            sleep_until(at);
        for (uint32_t i = 0; i < load->options.burst && f->n < f->room; i++)
            shoot(f, at);
    }
    f->end_ns = f->start_ns + (uint64_t)(seconds * 1e9);
    atomic_fetch_sub(&f->out, 1); /* the one that fire() itself was */
    pthread_mutex_lock(&f->lock);
    while (atomic_load(&f->out) > 0)
        pthread_cond_wait(&f->landed, &f->lock);
    pthread_mutex_unlock(&f->lock);
}

/* ---- Figures ------------------------------------------------------------------------- */

static bool counts(const struct flight *f, const struct shot *s, int group, int bulk)
{
    double warm = f->load->options.seconds * WARM_SHARE;

    return s->due_ns - f->start_ns >= (uint64_t)(warm * 1e9) && (group < 0 || s->group == group)
           && (bulk < 0 || s->bulk == (bulk != 0));
}

static void count(const struct shot *s, struct load_point *p, double *ms)
{
    p->sent++;
    if (s->status == BERT_OK) {
        ms[p->accepted++] = (double)(s->end_ns - s->due_ns) / 1e6;
        p->batch += s->batch;
    } else if (s->status == BERT_EBUSY) {
        p->rejected++;
    } else {
        p->failed++;
    }
}

/* group, bulk: -1: any. */
static void summarize(const struct flight *f, int group, int bulk, double *ms, struct load_point *p)
{
    double seconds = f->load->options.seconds * (1 - WARM_SHARE);
    uint64_t from = f->end_ns - (uint64_t)(seconds * 1e9);
    size_t through = 0, late = 0;

    for (size_t i = 0; i < f->n; i++) {
        const struct shot *s = &f->shots[i];

        if (counts(f, s, group, bulk))
            ms[late++] = (double)(s->sent_ns - s->due_ns) / 1e6;
    }
    load_sort(ms, late);
    p->late = load_quantile(ms, late, 0.99);
    for (size_t i = 0; i < f->n; i++) {
        const struct shot *s = &f->shots[i];

        if ((group < 0 || s->group == group) && (bulk < 0 || s->bulk == (bulk != 0))
            && s->status == BERT_OK && s->end_ns >= from && s->end_ns < f->end_ns)
            through++;
        if (counts(f, s, group, bulk))
            count(s, p, ms);
    }
    load_sort(ms, p->accepted);
    p->offered = (double)p->sent / seconds;
    p->through = (double)through / seconds;
    p->p50 = load_quantile(ms, p->accepted, 0.50);
    p->p95 = load_quantile(ms, p->accepted, 0.95);
    p->p99 = load_quantile(ms, p->accepted, 0.99);
    p->max = p->accepted > 0 ? ms[p->accepted - 1] : 0;
    p->batch /= p->accepted > 0 ? (double)p->accepted : 1;
}

static void name(struct load_point *p, const struct load_texts *texts, int group, int bulk)
{
    const char *group_name = group >= 0 ? texts->groups[group].name : "all";

    snprintf(p->kind, sizeof p->kind, "%.*s%s", (int)strcspn(group_name, ":,"), group_name,
             bulk > 0    ? " bulk"
             : bulk == 0 ? " interactive"
                         : "");
}

static void report(const struct flight *f, double share, double *ms, struct load_point *points,
                   size_t *n)
{
    const struct load *load = f->load;
    int groups = load->texts.n_groups > 1 ? (int)load->texts.n_groups : 0;

    for (int group = -1; group < groups; group++) {
        for (int bulk = -1; bulk < (load->options.bulk > 0 ? 2 : 0); bulk++) {
            struct load_point *p = &points[(*n)++];

            memset(p, 0, sizeof *p);
            p->share = share;
            name(p, &load->texts, group, bulk);
            summarize(f, group, bulk, ms, p);
        }
    }
}

bool load_open(struct load *load, double capacity, double share, struct load_point *points,
               size_t *n)
{
    double rate = capacity * share, most = rate * load->options.seconds;
    struct flight f = {.load = load};
    double *ms;

    f.room = (size_t)(most + 10 * sqrt(most * load->options.burst)) + load->options.burst + 100;
    f.shots = calloc(f.room, sizeof *f.shots);
    ms = calloc(f.room, sizeof *ms);
    if (f.shots == NULL || ms == NULL) {
        fprintf(stderr, "engine_load: not enough memory\n");
        free(f.shots);
        free(ms);
        return false;
    }
    atomic_init(&f.out, 1);
    pthread_mutex_init(&f.lock, NULL);
    pthread_cond_init(&f.landed, NULL);
    fire(&f, rate);
    report(&f, share, ms, points, n);
    pthread_cond_destroy(&f.landed);
    pthread_mutex_destroy(&f.lock);
    free(f.shots);
    free(ms);
    return true;
}
