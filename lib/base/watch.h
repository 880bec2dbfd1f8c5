/* SPDX-License-Identifier: MIT */
/*
 * watch.h - the reasons to end a running call early.  Its steps are told by bert__watch_poll(), the
 * loops within a step by bert__watch_goes_on(), which asks seldom.  What ended a call once is its
 * end: the host is not asked again.  A watch that is NULL ends nothing.
 */
#ifndef BERT_LIB_BASE_WATCH_H
#define BERT_LIB_BASE_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/base/error.h"
#include "lib/base/sys.h"

/* `state`: the process whose call is running, or 0; and, of a running call, this bit. One
 * word, so that a cancel hits the call that was running when it came, or none. */
#define BERT__WATCH_CANCELED 0x80000000u

/* Between two questions of bert__watch_goes_on(): soon enough for whoever waits, and an answer may
 * take some time. */
#define BERT__WATCH_NS 5000000u
/* Short steps of a loop between two calls of it. */
enum { BERT__WATCH_STEPS = 1024 };

struct bert__watch {
    bert_cancel_fn cancel; /* the host's; NULL: none */
    void *context;
    uint64_t deadline_ns; /* of bert__sys()->now_ns(); 0: none */
    _Atomic uint32_t state;
    pthread_t thread;  /* the call's, which alone asks */
    uint64_t asked_ns; /* by bert__watch_goes_on(), the last time */
    _Atomic int ended; /* the bert_status that ended the call; BERT_OK: none yet */
};

/* The calling thread's call begins. */
static inline void bert__watch_begin(struct bert__watch *watch)
{
    watch->thread = pthread_self();
    watch->asked_ns = bert__sys()->now_ns();
    atomic_store_explicit(&watch->ended, BERT_OK, memory_order_relaxed);
}

/* That of a call that is no session's, zeroed before: it begins, and `cancel` may end it. */
static inline void bert__watch_start(struct bert__watch *watch, bert_cancel_fn cancel,
                                     void *context)
{
    watch->cancel = cancel;
    watch->context = context;
    bert__watch_begin(watch);
}

/* A call of process `self` begins: false if one is running.  A caller that fork() left behind
 * in the parent doesn't hold the child's copy. */
static inline bool bert__watch_enter(struct bert__watch *watch, uint32_t self)
{
    uint32_t holder = 0;

    while (!atomic_compare_exchange_weak(&watch->state, &holder, self)) {
        if ((holder & ~BERT__WATCH_CANCELED) == self)
            return false;
    }
    bert__watch_begin(watch);
    return true;
}

static inline void bert__watch_leave(struct bert__watch *watch)
{
    atomic_store(&watch->state, 0);
}

/* Any thread; async-signal-safe. */
static inline void bert__watch_cancel(struct bert__watch *watch)
{
    uint32_t holder = atomic_load(&watch->state);

    while (holder != 0
           && !atomic_compare_exchange_weak(&watch->state, &holder, holder | BERT__WATCH_CANCELED))
        ;
}

/* What has ended the call already; nobody is asked.  Any thread, as are the others below. */
static inline bert_status bert__watch_ended(const struct bert__watch *watch, bert_error *err)
{
    switch (watch == NULL ? BERT_OK : atomic_load_explicit(&watch->ended, memory_order_relaxed)) {
    case BERT_OK:
        return BERT_OK;
    case BERT_ETIMEDOUT:
        return bert__fail(err, BERT_ETIMEDOUT, "the call's time is up");
    default:
        return bert__fail(err, BERT_ECANCELED, "the call was canceled");
    }
}

static inline bool bert__watch_is_own(const struct bert__watch *watch)
{
    return watch != NULL && pthread_equal(watch->thread, pthread_self());
}

/* On other threads than the call's nobody is asked. */
static inline bert_status bert__watch_poll(struct bert__watch *watch, bert_error *err)
{
    if (bert__watch_ended(watch, NULL) != BERT_OK || !bert__watch_is_own(watch))
        return bert__watch_ended(watch, err);
    if ((atomic_load_explicit(&watch->state, memory_order_relaxed) & BERT__WATCH_CANCELED) != 0
        || (watch->cancel != NULL && watch->cancel(watch->context) != 0))
        atomic_store_explicit(&watch->ended, BERT_ECANCELED, memory_order_relaxed);
    else if (watch->deadline_ns != 0 && bert__sys()->now_ns() >= watch->deadline_ns)
        atomic_store_explicit(&watch->ended, BERT_ETIMEDOUT, memory_order_relaxed);
    return bert__watch_ended(watch, err);
}

/* Is it time that bert__watch_goes_on() asks? */
static inline bool bert__watch_is_due(const struct bert__watch *watch)
{
    return bert__watch_is_own(watch) && bert__sys()->now_ns() - watch->asked_ns >= BERT__WATCH_NS;
}

/* For loops: false once the call is to end, which bert__watch_ended() explains. */
static inline bool bert__watch_goes_on(struct bert__watch *watch)
{
    if (bert__watch_ended(watch, NULL) != BERT_OK)
        return false;
    if (!bert__watch_is_due(watch))
        return true;
    watch->asked_ns = bert__sys()->now_ns();
    return bert__watch_poll(watch, NULL) == BERT_OK;
}

/* The same before step i of many short ones; few of them ask. */
static inline bool bert__watch_goes_on_at(struct bert__watch *watch, uint64_t i)
{
    return i % BERT__WATCH_STEPS != 0 || bert__watch_goes_on(watch);
}

#endif
