/* SPDX-License-Identifier: MIT */
/* test_thread.c - the team: every task once, failing thread creation, fork, signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/sys.h"
#include "lib/base/thread.h"
#include "lib/base/watch.h"

/* ThreadSanitizer can't follow threads that a forked child makes. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

enum { MAX_TASKS = 1000 };

struct seen {
    atomic_uint runs[MAX_TASKS];
    atomic_uint workers; /* bit set */
};

static void mark(void *context, uint32_t task, uint32_t worker)
{
    struct seen *seen = context;

    atomic_fetch_add(&seen->runs[task], 1);
    atomic_fetch_or(&seen->workers, 1u << worker);
}

static void slow_mark(void *context, uint32_t task, uint32_t worker)
{
    struct timespec ms = {0, 1000000};

    nanosleep(&ms, NULL);
    mark(context, task, worker);
}

static struct bert__alloc *alloc; /* of the team that make() made last */

static struct bert__team *make(uint32_t threads)
{
    struct bert__team *team;
    bert_error err;

    alloc = bert__alloc_create(NULL, 0);
    assert_int_equal(bert__team_create(&team, alloc, threads, &err), BERT_OK);
    return team;
}

static void unmake(struct bert__team *team)
{
    bert__team_destroy(team);
    assert_int_equal(bert__alloc_used(alloc), 0);
    bert__alloc_destroy(alloc);
}

static void run_and_check(struct bert__team *team, uint32_t n)
{
    struct seen seen;

    memset(&seen, 0, sizeof seen);
    bert__team_run(team, n, mark, &seen);
    for (uint32_t i = 0; i < MAX_TASKS; i++)
        assert_int_equal(seen.runs[i], i < n ? 1 : 0);
}

static void test_every_task_once(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 5; threads++) {
        struct bert__team *team = make(threads);

        bert__team_start(team);
        for (uint32_t n = 0; n < 200; n++)
            run_and_check(team, n);
        run_and_check(team, MAX_TASKS);
        unmake(team);
    }
}

static void test_parks_and_wakes(void **state)
{
    struct bert__team *team = make(3);
    struct timespec pause = {0, 2000000}; /* far past the spin */

    (void)state;
    bert__team_start(team);
    for (int i = 0; i < 20; i++) {
        run_and_check(team, 50);
        nanosleep(&pause, NULL);
    }
    unmake(team);
}

/* Those that take part; on a busy machine one may get no time for a while. */
static unsigned workers(struct bert__team *team, unsigned expected)
{
    struct seen seen;

    memset(&seen, 0, sizeof seen);
    for (int i = 0; i < 100 && seen.workers != expected; i++)
        bert__team_run(team, 60, slow_mark, &seen);
    return seen.workers;
}

static void test_workers_take_part(void **state)
{
    struct bert__team *team = make(3);

    (void)state;
    bert__team_start(team);
    assert_int_equal(workers(team, 7), 7);
    unmake(team);
}

static unsigned creations_left;

static int failing_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg)
{
    if (creations_left == 0)
        return EAGAIN;
    creations_left--;
    return pthread_create(thread, attr, run, arg);
}

/* A thread that can't be made is done without; the next start tries again. */
static void test_failing_creation(void **state)
{
    struct bert__sys table = *bert__sys();
    struct bert__team *team = make(4);

    (void)state;
    table.thread_create = failing_create;
    bert__sys_replace(&table);
    for (unsigned n = 0; n <= 3; n++) {
        creations_left = n > 0 ? 1 : 0;
        bert__team_start(team);
        run_and_check(team, 100);
        assert_int_equal(workers(team, (1u << (n + 1)) - 1), (1u << (n + 1)) - 1);
    }
    unmake(team);
    bert__sys_replace(NULL);
}

static int child_runs(struct bert__team *team)
{
    struct seen seen;
    int bad = 0;

    memset(&seen, 0, sizeof seen);
    bert__team_start(team);
    bert__team_run(team, 60, slow_mark, &seen);
    for (uint32_t i = 0; i < 60; i++)
        bad |= seen.runs[i] != 1;
    bad |= workers(team, 7) != 7;
    bert__team_destroy(team);
    return bad;
}

static void fork_and_check(struct bert__team *team)
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(child_runs(team));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_fork(void **state)
{
    struct bert__team *team;

    (void)state;
    if (UNDER_TSAN || getenv("BERT_TEST_EMULATED") != NULL)
        skip();
    team = make(3);
    fork_and_check(team); /* before any worker */
    bert__team_start(team);
    run_and_check(team, 100);
    fork_and_check(team); /* workers spin */
    usleep(20000);
    fork_and_check(team); /* workers parked */
    run_and_check(team, 100);
    unmake(team);
}

static atomic_int handled_elsewhere;
static pthread_t main_thread;

static void on_signal(int sig)
{
    (void)sig;
    if (!pthread_equal(pthread_self(), main_thread))
        atomic_store(&handled_elsewhere, 1);
}

static void test_workers_block_signals(void **state)
{
    struct bert__team *team = make(4);
    struct sigaction action, old;

    (void)state;
    main_thread = pthread_self();
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, &old);
    bert__team_start(team);
    for (int i = 0; i < 200; i++) {
        kill(getpid(), SIGUSR1);
        run_and_check(team, 10);
    }
    assert_int_equal(handled_elsewhere, 0);
    unmake(team);
    sigaction(SIGUSR1, &old, NULL);
}

struct waited {
    struct bert__watch watch;
    atomic_bool begun;
    atomic_uint answers;
    atomic_bool in_vain;
};

static bool is_late(uint64_t start)
{
    return bert__sys()->now_ns() - start > UINT64_C(5000000000);
}

/* The caller's task ends once another has begun, which only the watch ends. */
static void run_long(void *context, uint32_t task, uint32_t worker)
{
    struct waited *w = context;
    uint64_t start = bert__sys()->now_ns();

    (void)task;
    if (worker > 0)
        atomic_store(&w->begun, true);
    while (!w->in_vain && (worker > 0 ? bert__watch_goes_on(&w->watch) : !atomic_load(&w->begun))) {
        sched_yield();
        w->in_vain = is_late(start);
    }
}

static int end_then(void *context)
{
    struct waited *w = context;

    return atomic_load(&w->begun) && atomic_fetch_add(&w->answers, 1) == 3;
}

/* A caller without a task of its own left asks as long as others have theirs. */
static void test_asks_while_it_waits(void **state)
{
    struct waited w = {.watch = {.cancel = end_then, .context = &w}};
    struct bert__team *team = make(2);
    struct seen seen;

    (void)state;
    bert__team_start(team);
    bert__watch_begin(&w.watch);
    bert__team_watch(team, &w.watch);
    bert__team_run(team, 2, run_long, &w);
    assert_false(w.in_vain);
    assert_int_equal(bert__watch_ended(&w.watch, NULL), BERT_ECANCELED);
    assert_int_equal(w.answers, 4);
    memset(&seen, 0, sizeof seen);
    bert__team_run(team, 60, mark, &seen); /* nor does a call that has ended begin more */
    assert_int_equal(seen.workers, 0);
    bert__team_watch(team, NULL);
    run_and_check(team, 60);
    unmake(team);
}

static void test_cpu_count(void **state)
{
    (void)state;
    assert_in_range(bert__cpu_count(), 1, (uint32_t)sysconf(_SC_NPROCESSORS_CONF));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_once),
        cmocka_unit_test(test_parks_and_wakes),
        cmocka_unit_test(test_workers_take_part),
        cmocka_unit_test(test_failing_creation),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_workers_block_signals),
        cmocka_unit_test(test_asks_while_it_waits),
        cmocka_unit_test(test_cpu_count),
    };

    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
