/* SPDX-License-Identifier: MIT */
/* worker.c - batches out of the queue, on whatever thread has a free slot. */
#include <string.h>

#include "lib/api/session.h"
#include "lib/base/error.h"
#include "lib/base/probe.h"
#include "lib/base/sys.h"
#include "lib/base/thread.h"
#include "lib/serve/cached.h"
#include "lib/serve/engine_parts.h"
#include "lib/serve/tasks.h"

enum { STACK_BYTES = 1 << 20, SMOOTHING = 8 };

/* ---- Sessions ------------------------------------------------------------------------ */

static void close_session(bert_engine *e, struct bert__slot_session *s)
{
    bert__gauge_sub(&e->counters.session_bytes, s->bytes);
    bert__gauge_sub(&e->counters.threads, e->threads - 1);
    bert_session_destroy(s->session);
    bert__served_unref(e, s->served);
    *s = (struct bert__slot_session){NULL, NULL, 0, 0};
}

static void tidy_slot(bert_engine *e, struct bert__slot *slot)
{
    for (uint32_t d = 0; d < BERT__DEPTHS; d++) {
        for (uint32_t i = 0; i < BERT__SLOT_SESSIONS; i++) {
            struct bert__slot_session *s = &slot->sessions[d][i];

            if (s->served != NULL && atomic_load(&s->served->retired))
                close_session(e, s);
        }
    }
}

void bert__slots_tidy(bert_engine *e)
{
    for (uint32_t i = 0; i < e->n_slots; i++) {
        if (!e->slots[i].busy)
            tidy_slot(e, &e->slots[i]);
    }
}

void bert__slots_free(bert_engine *e)
{
    for (uint32_t i = 0; i < e->n_slots; i++) {
        for (uint32_t d = 0; d < BERT__DEPTHS; d++) {
            for (uint32_t k = 0; k < BERT__SLOT_SESSIONS; k++) {
                if (e->slots[i].sessions[d][k].served != NULL)
                    close_session(e, &e->slots[i].sessions[d][k]);
            }
        }
    }
}

static int tick(void *context);

static bert_status open_session(bert_engine *e, struct bert__frame *frame,
                                struct bert__served *served, struct bert__slot_session *s,
                                bert_error *err)
{
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    uint32_t positions = bert_model_max_positions(served->model);
    bert_status st;

    o.threads = e->threads;
    o.max_tokens = e->batch_tokens > positions ? e->batch_tokens : positions;
    o.allocator = bert__alloc_host(e->alloc);
    o.cancel = tick;
    o.cancel_context = frame;
    st = bert_session_create(&s->session, served->model, &o, err);
    if (st != BERT_OK)
        return st;
    s->served = bert__served_ref(served);
    s->bytes = bert__alloc_used(s->session->alloc);
    bert__gauge_add(&e->counters.session_bytes, s->bytes);
    bert__gauge_add(&e->counters.threads, e->threads - 1);
    return BERT_OK;
}

/* The slot's own at this depth. */
static bert_status find_session(bert_engine *e, struct bert__frame *frame,
                                struct bert__served *served, bert_session **out, bert_error *err)
{
    struct bert__slot_session *list = frame->slot->sessions[frame->depth], *oldest = list;
    bert_status st = BERT_OK;

    for (uint32_t i = 0; i < BERT__SLOT_SESSIONS; i++) {
        if (list[i].served == served || (oldest->served != served && list[i].used < oldest->used))
            oldest = &list[i];
    }
    if (oldest->served != served) {
        if (oldest->served != NULL)
            close_session(e, oldest);
        st = open_session(e, frame, served, oldest, err);
    }
    if (st != BERT_OK)
        return st;
    oldest->used = frame->start_ns;
    *out = oldest->session;
    return BERT_OK;
}

/* ---- A batch ------------------------------------------------------------------------- */

static uint64_t smooth(uint64_t was, double now)
{
    double next = (double)was + (now - (double)was) / SMOOTHING;

    return next < 1 ? 1 : (uint64_t)next;
}

/* What the model takes, for estimates. */
static void learn(const struct bert__frame *f, struct bert__served *served,
                  const struct bert__session_stats *stats, uint64_t ns)
{
    size_t bytes = 0;

    if (stats->tokens == 0)
        return;
    for (size_t i = 0; i < f->n; i++)
        bytes += f->jobs[i]->queued.bytes;
    atomic_store_explicit(&served->token_ps,
                          smooth(atomic_load_explicit(&served->token_ps, memory_order_relaxed),
                                 (double)ns * 1000 / (double)stats->tokens),
                          memory_order_relaxed);
    if (bytes > 0)
        atomic_store_explicit(
            &served->token_bytes,
            smooth(atomic_load_explicit(&served->token_bytes, memory_order_relaxed),
                   (double)bytes * 256 / (double)stats->tokens),
            memory_order_relaxed);
}

static void describe(const struct bert__frame *f, const struct bert__session_stats *stats,
                     uint64_t ns)
{
    uint64_t compute = stats->compute_ns < ns ? stats->compute_ns : ns;

    for (size_t i = 0; i < f->n; i++) {
        bert_job_info *info = &f->jobs[i]->info;

        if (bert_job_done(f->jobs[i]))
            continue; /* it ended early, and is read */
        info->compute_ns = compute;
        info->tokenize_ns = ns - compute;
        info->batch_tokens = stats->tokens;
        info->batch_requests = (uint32_t)f->n;
    }
}

static void count_batch(struct bert__counters *c, const struct bert__frame *f,
                        const struct bert__session_stats *stats, uint64_t ns)
{
    uint64_t compute = stats->compute_ns < ns ? stats->compute_ns : ns;

    bert__count(&c->batches, 1);
    bert__count(&c->batched_tokens, stats->tokens);
    bert__count(&c->tokens, stats->tokens);
    bert__count(&c->tokens_unknown, stats->unknown);
    bert__histogram_record(&c->compute_ns, compute);
    bert__histogram_record(&c->batch_tokens, stats->tokens);
    bert__histogram_record(&c->batch_requests, f->n);
    for (size_t i = 0; i < f->n; i++) {
        bert__histogram_record(&c->queue_wait_ns, f->jobs[i]->info.queue_ns);
        bert__histogram_record(&c->tokenize_ns, (ns - compute) / f->n);
        bert__count_texts(c, f->jobs[i]);
    }
}

/* The jobs of a frame, without the lock. */
static void run_frame(bert_engine *e, struct bert__frame *f)
{
    struct bert__served *served = f->jobs[0]->served;
    struct bert__session_stats stats;
    bert_session *session;
    bert_error err;
    uint64_t ns;

    if (find_session(e, f, served, &session, &err) != BERT_OK) {
        for (size_t i = 0; i < f->n; i++)
            f->jobs[i]->error = err;
        return;
    }
    BERT__PROBE_BATCH_START(f, f->n, served->key);
    session->stats = (struct bert__session_stats){0, 0, 0};
    bert__tasks_run(session, e->alloc, f->jobs, f->n);
    ns = bert__sys()->now_ns() - f->start_ns;
    ns = ns > f->away_ns ? ns - f->away_ns : 0;
    stats = session->stats;
    stats.compute_ns = stats.compute_ns > f->away_ns ? stats.compute_ns - f->away_ns : 0;
    for (size_t i = 0; i < f->n; i++)
        bert__observe(e, &f->look, f->jobs[i]);
    describe(f, &stats, ns);
    learn(f, served, &stats, ns);
    count_batch(&e->counters, f, &stats, ns);
    BERT__PROBE_BATCH_DONE(f, f->n, stats.tokens, f->jobs[0]->error.code);
}

/* Out of the queue into a frame. */
static void fill_frame(bert_engine *e, struct bert__frame *f)
{
    struct bert__queued *taken[BERT__BATCH_JOBS];
    const bert_job *first = (const bert_job *)bert__queue_first(&e->queue);
    size_t most = bert__task_shape(first->request.task)->merges ? BERT__BATCH_JOBS : 1;

    f->start_ns = bert__sys()->now_ns();
    f->n = bert__queue_take(&e->queue, f->start_ns, e->batch_tokens, taken, most);
    bert__look_begin(e, &f->look, first->served);
    f->away_ns = 0;
    bert__turn_begin(&f->turn, taken, f->n);
    f->attention = 0;
    f->deadline_ns = UINT64_MAX;
    for (size_t i = 0; i < f->n; i++) {
        bert_job *job = (bert_job *)taken[i];

        f->jobs[i] = job;
        job->ran = true;
        job->info.queue_ns = f->start_ns - job->queued.arrival_ns;
        atomic_store(&job->state, BERT__JOB_RUNNING);
        if (job->queued.deadline_ns != 0 && job->queued.deadline_ns < f->deadline_ns)
            f->deadline_ns = job->queued.deadline_ns;
    }
}

/* What is over before it begins. */
static void end_expired(bert_engine *e)
{
    struct bert__queued *late;
    uint64_t now = bert__sys()->now_ns();

    while ((late = bert__queue_expired(&e->queue, now)) != NULL)
        bert__job_end((bert_job *)late, BERT_ETIMEDOUT);
    atomic_store(&e->deadline_ns, e->queue.next_deadline_ns);
    bert__cached_expire(e, now);
}

/* One batch from the queue; the lock is held before and after. */
static void run_next(bert_engine *e, struct bert__slot *slot, uint32_t depth)
{
    struct bert__frame *f = &slot->frames[depth];

    end_expired(e);
    if (e->queue.n == 0)
        return;
    f->slot = slot;
    f->depth = depth;
    fill_frame(e, f);
    pthread_mutex_unlock(&e->lock);
    for (size_t i = 0; i < f->n; i++)
        bert__trace_batch(e, f->jobs[i]);
    run_frame(e, f);
    pthread_mutex_lock(&e->lock);
    bert__look_end(e, &f->look);
    for (size_t i = 0; i < f->n; i++) {
        bert__job_end(f->jobs[i], BERT_OK);
        bert_job_unref(f->jobs[i]);
    }
    f->n = 0;
}

/* ---- Between two layers -------------------------------------------------------------- */

/* Jobs of the batch that are over; is any left? */
static bool end_some(struct bert__frame *f, uint64_t now)
{
    bool any = false;

    f->deadline_ns = UINT64_MAX;
    for (size_t i = 0; i < f->n; i++) {
        bert_job *job = f->jobs[i];
        uint64_t deadline = job->queued.deadline_ns;

        if (atomic_load(&job->canceled))
            bert__job_end(job, BERT_ECANCELED);
        else if (deadline != 0 && deadline <= now)
            bert__job_end(job, BERT_ETIMEDOUT);
        if (bert_job_done(job))
            continue;
        any = true;
        if (deadline != 0 && deadline < f->deadline_ns)
            f->deadline_ns = deadline;
    }
    return any;
}

static void give_way(bert_engine *e, struct bert__frame *f)
{
    while (f->depth + 1 < BERT__DEPTHS && bert__turn_gives_way(&f->turn, &e->queue)) {
        uint64_t start = bert__sys()->now_ns();

        run_next(e, f->slot, f->depth + 1);
        if (e->told != NULL)
            bert__jobs_tell(e);
        f->away_ns += bert__sys()->now_ns() - start;
    }
}

static int tick(void *context)
{
    struct bert__frame *f = context;
    bert_engine *e = f->slot->engine;
    uint64_t attention = atomic_load_explicit(&e->attention, memory_order_acquire);
    uint64_t now = bert__sys()->now_ns();
    bool any;

    if (bert__turn_spend(&f->turn, now - f->start_ns - f->away_ns, now))
        f->attention = attention - 1; /* who is due before it now? */
    if (attention == f->attention && now < f->deadline_ns && now < atomic_load(&e->deadline_ns))
        return 0;
    pthread_mutex_lock(&e->lock);
    f->attention = attention;
    end_expired(e);
    any = end_some(f, now);
    if (any)
        give_way(e, f);
    bert__engine_unlock(e);
    return !any;
}

/* ---- Threads ------------------------------------------------------------------------- */

static struct bert__slot *free_slot(bert_engine *e)
{
    for (uint32_t i = 0; i < e->n_slots; i++) {
        if (!e->slots[i].busy)
            return &e->slots[i];
    }
    return NULL;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When the batch at the head of the queue may start: now where it is full, a deadline is near, or
 * no thread is there to wait. */
static uint64_t start_ns(const bert_engine *e)
{
    const struct bert__queued *first = bert__queue_first(&e->queue);
    uint64_t wait = e->batch_wait_ns, deadline = e->queue.next_deadline_ns, start = UINT64_MAX;

    if (wait == 0 || e->stopping || e->n_workers == 0
        || bert__queue_lane_tokens(first) >= e->batch_tokens)
        return 0;
    if (wait < UINT64_MAX - first->arrival_ns)
        start = first->arrival_ns + wait;
    if (deadline != UINT64_MAX)
        start = less(start, deadline > wait ? deadline - wait : 0);
    return start;
}

bool bert__worker_can_run(const bert_engine *e)
{
    return e->n_free > 0 && e->queue.n > 0 && start_ns(e) <= bert__sys()->now_ns();
}

/* Without threads of the engine's, of a waiting job's caller. */
static void call_for_work(bert_engine *e)
{
    if (e->n_workers > 0)
        pthread_cond_signal(&e->work);
    else
        pthread_cond_broadcast(&((bert_job *)bert__queue_first(&e->queue))->ended);
}

void bert__worker_run(bert_engine *e)
{
    struct bert__slot *slot = free_slot(e);

    slot->busy = true;
    e->n_free--;
    run_next(e, slot, 0);
    tidy_slot(e, slot);
    slot->busy = false;
    e->n_free++;
    if (e->queue.n > 0)
        call_for_work(e);
    if (e->told != NULL)
        bert__jobs_tell(e);
    pthread_cond_broadcast(&e->idle);
}

static void wait_for_work(bert_engine *e)
{
    uint64_t until;
    struct timespec limit;

    if (e->n_free == 0 || e->queue.n == 0) {
        pthread_cond_wait(&e->work, &e->lock);
        return;
    }
    until = less(start_ns(e), atomic_load(&e->deadline_ns));
    limit = (struct timespec){(time_t)(until / 1000000000), (long)(until % 1000000000)};
    if (pthread_cond_timedwait(&e->work, &e->lock, &limit) == 0)
        return;
    end_expired(e);
    if (e->told != NULL)
        bert__jobs_tell(e);
}

static void *worker_main(void *arg)
{
    bert_engine *e = arg;

    pthread_mutex_lock(&e->lock);
    while (!e->quitting) {
        if (bert__worker_can_run(e))
            bert__worker_run(e);
        else
            wait_for_work(e);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

bert_status bert__workers_start(bert_engine *e, bert_error *err)
{
    while (e->n_workers < e->n_slots
           && bert__thread_create(&e->workers[e->n_workers], STACK_BYTES, worker_main, e))
        e->n_workers++;
    return e->n_workers > 0 ? BERT_OK
                            : bert__fail(err, BERT_ENOMEM, "no thread can be made for the engine");
}
