/* SPDX-License-Identifier: MIT */
/* watch.h - the reasons to end a running call early, asked between its steps. */
#ifndef BERT_LIB_BASE_WATCH_H
#define BERT_LIB_BASE_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/base/error.h"
#include "lib/base/sys.h"

/* `state`: the process whose call is running, or 0; and, of a running call, this bit. One
 * word, so that a cancel hits the call that was running when it came, or none. */
#define BERT__WATCH_CANCELED 0x80000000u

struct bert__watch {
    bert_cancel_fn cancel; /* the host's; NULL: none */
    void *context;
    uint64_t deadline_ns; /* of bert__sys()->now_ns(); 0: none */
    _Atomic uint32_t state;
};

/* A call of process `self` begins: false if one is running.  A caller that fork() left behind
 * in the parent doesn't hold the child's copy. */
static inline bool bert__watch_enter(struct bert__watch *watch, uint32_t self)
{
    uint32_t holder = 0;

    while (!atomic_compare_exchange_weak(&watch->state, &holder, self)) {
        if ((holder & ~BERT__WATCH_CANCELED) == self)
            return false;
    }
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

static inline bert_status bert__watch_poll(struct bert__watch *watch, bert_error *err)
{
    if ((atomic_load_explicit(&watch->state, memory_order_relaxed) & BERT__WATCH_CANCELED) != 0
        || (watch->cancel != NULL && watch->cancel(watch->context) != 0))
        return bert__fail(err, BERT_ECANCELED, "the call was canceled");
    if (watch->deadline_ns != 0 && bert__sys()->now_ns() >= watch->deadline_ns)
        return bert__fail(err, BERT_ETIMEDOUT, "the call's time is up");
    return BERT_OK;
}

#endif
