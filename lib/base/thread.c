/* SPDX-License-Identifier: MIT */
/*
 * thread.c - the team of workers.
 *
 * A job is published by storing its number of tasks in `remaining`.  A worker
 * claims a task by decrementing it; the job's fields are read only after a
 * successful claim, and the caller returns only when every claimed task is done,
 * so that a late worker never sees fields of a job that is over.
 */
#include "lib/base/thread.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/fpenv.h"
#include "lib/base/sys.h"

enum {
    SPIN_NS = 60000,      /* longer than the gap between two steps, shorter than a time slice */
    SPINS_PER_LOOK = 64,  /* pauses between two looks at the clock */
    STACK_BYTES = 1 << 20 /* kernels need little; sanitizers more */
};

struct worker {
    struct bert__team *team;
    pthread_t thread;
    uint32_t index;
};

struct bert__team {
    struct bert__alloc *alloc;
    uint32_t size;    /* caller included */
    uint32_t started; /* workers that run, without the caller */
    pid_t pid;        /* process in which they were made */
    struct worker *workers;

    /* the job */
    bert__task_fn fn;
    void *context;
    uint32_t n_tasks;
    struct bert__watch *watch; /* NULL: none */
    _Alignas(BERT__CACHE_LINE) _Atomic uint32_t remaining;
    _Alignas(BERT__CACHE_LINE) _Atomic uint32_t done;

    /* parking */
    _Alignas(BERT__CACHE_LINE) _Atomic uint32_t parked;
    atomic_bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
};

/* ---- Threads ------------------------------------------------------------------------- */

bool bert__thread_create(pthread_t *thread, size_t stack_bytes, void *(*run)(void *), void *arg)
{
    sigset_t all, old;
    pthread_attr_t attr;
    int rc;

    if (pthread_attr_init(&attr) != 0)
        return false;
    pthread_attr_setstacksize(&attr, stack_bytes);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old); /* it inherits the mask */
    rc = bert__sys()->thread_create(thread, &attr, run, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return rc == 0;
}

bool bert__cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    bool ok;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    ok = pthread_cond_init(cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

/* ---- The team ------------------------------------------------------------------------ */

static inline void cpu_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static bool claim(struct bert__team *team, uint32_t *task)
{
    uint32_t left = atomic_load_explicit(&team->remaining, memory_order_acquire);

    while (left > 0) {
        if (atomic_compare_exchange_weak_explicit(&team->remaining, &left, left - 1,
                                                  memory_order_acq_rel, memory_order_acquire)) {
            *task = team->n_tasks - left;
            return true;
        }
    }
    return false;
}

static void wake_parked(struct bert__team *team)
{
    if (atomic_load(&team->parked) > 0) {
        pthread_mutex_lock(&team->mutex);
        pthread_cond_broadcast(&team->wake);
        pthread_mutex_unlock(&team->mutex);
    }
}

bool bert__team_goes_on(struct bert__team *team)
{
    bool ended = bert__watch_ended(team->watch, NULL) != BERT_OK;
    uint32_t left;

    if (!ended && !bert__watch_is_due(team->watch))
        return true;
    if (!bert__watch_is_own(team->watch))
        return false;
    /* the host may do work of its own while it is asked: nobody claims a task then */
    left = atomic_exchange(&team->remaining, 0);
    ended = !bert__watch_goes_on(team->watch);
    if (ended) {
        atomic_fetch_add_explicit(&team->done, left, memory_order_release);
    } else if (left > 0) {
        atomic_store(&team->remaining, left);
        wake_parked(team);
    }
    return !ended;
}

static void work(struct bert__team *team, uint32_t worker)
{
    uint32_t task;

    while (claim(team, &task)) {
        team->fn(team->context, task, worker);
        atomic_fetch_add_explicit(&team->done, 1, memory_order_release);
        if (worker == 0)
            bert__team_goes_on(team);
    }
}

static bool has_news(struct bert__team *team)
{
    return atomic_load(&team->remaining) > 0 || atomic_load(&team->stop);
}

/* Spin for a while; true as soon as there is work or the end. */
static bool spin(struct bert__team *team)
{
    uint64_t start = bert__sys()->now_ns();

    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (has_news(team))
                return true;
            cpu_pause();
        }
    } while (bert__sys()->now_ns() - start < SPIN_NS);
    return false;
}

/* `parked` is raised before `remaining` is looked at for the last time, and the
 * caller looks at `parked` after it has stored `remaining`: one sees the other. */
static void park(struct bert__team *team)
{
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add(&team->parked, 1);
    while (!has_news(team))
        pthread_cond_wait(&team->wake, &team->mutex);
    atomic_fetch_sub(&team->parked, 1);
    pthread_mutex_unlock(&team->mutex);
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct bert__team *team = self->team;
    struct bert__fpenv unused;

    bert__fpenv_enter(&unused);
    while (!atomic_load(&team->stop)) {
        work(team, self->index);
        if (!spin(team))
            park(team);
    }
    return NULL;
}

bert_status bert__team_create(struct bert__team **out, struct bert__alloc *alloc, uint32_t threads,
                              bert_error *err)
{
    struct bert__team *team = bert__alloc_array(alloc, 1, sizeof *team);

    *out = NULL;
    if (team == NULL)
        return bert__alloc_fail(alloc, "the thread team", err);
    team->alloc = alloc;
    team->size = threads;
    team->workers = bert__alloc_array(alloc, threads, sizeof *team->workers);
    if (team->workers == NULL) {
        bert__alloc_free(alloc, team);
        return bert__alloc_fail(alloc, "the thread team", err);
    }
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->wake, NULL);
    *out = team;
    return BERT_OK;
}

static void stop_workers(struct bert__team *team)
{
    pthread_mutex_lock(&team->mutex);
    atomic_store(&team->stop, true);
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->mutex);
    for (uint32_t i = 0; i < team->started; i++)
        pthread_join(team->workers[i].thread, NULL);
}

void bert__team_destroy(struct bert__team *team)
{
    if (team == NULL)
        return;
    if (team->started > 0 && team->pid == getpid()) {
        stop_workers(team);
        pthread_mutex_destroy(&team->mutex);
        pthread_cond_destroy(&team->wake);
    }
    bert__alloc_free(team->alloc, team->workers);
    bert__alloc_free(team->alloc, team);
}

uint32_t bert__team_size(const struct bert__team *team)
{
    return team->size;
}

/* In a forked child the workers don't exist, and the lock may be in any state. */
static void forget_workers(struct bert__team *team)
{
    team->started = 0;
    atomic_store(&team->remaining, 0);
    atomic_store(&team->parked, 0);
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->wake, NULL);
}

static bool start_worker(struct bert__team *team)
{
    struct worker *worker = &team->workers[team->started];

    worker->team = team;
    worker->index = team->started + 1;
    if (!bert__thread_create(&worker->thread, STACK_BYTES, worker_main, worker))
        return false;
    team->started++;
    return true;
}

void bert__team_start(struct bert__team *team)
{
    pid_t pid = getpid();

    if (team->started > 0 && team->pid != pid)
        forget_workers(team);
    if (team->started + 1 >= team->size)
        return;
    team->pid = pid;
    while (team->started + 1 < team->size && start_worker(team))
        ;
}

/* The others are finishing their last tasks, which may be long ones that look at the watch; give
 * the CPU away if one of them seems to be waiting for it. */
static void wait_done(struct bert__team *team)
{
    uint64_t start = 0;

    for (uint32_t i = 1; atomic_load_explicit(&team->done, memory_order_acquire) < team->n_tasks;
         i++) {
        cpu_pause();
        if (i % SPINS_PER_LOOK != 0)
            continue;
        if (start == 0)
            start = bert__sys()->now_ns();
        else if (bert__sys()->now_ns() - start > SPIN_NS) {
            bert__team_goes_on(team);
            sched_yield();
        }
    }
}

void bert__team_watch(struct bert__team *team, struct bert__watch *watch)
{
    team->watch = watch;
}

void bert__team_run(struct bert__team *team, uint32_t n_tasks, bert__task_fn fn, void *context)
{
    if (team->started == 0 || n_tasks <= 1) {
        for (uint32_t i = 0; i < n_tasks && bert__team_goes_on(team); i++)
            fn(context, i, 0);
        return;
    }
    if (!bert__team_goes_on(team))
        return;
    team->fn = fn;
    team->context = context;
    team->n_tasks = n_tasks;
    atomic_store_explicit(&team->done, 0, memory_order_relaxed);
    atomic_store(&team->remaining, n_tasks);
    wake_parked(team);
    work(team, 0);
    wait_done(team);
}
