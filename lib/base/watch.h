/* SPDX-License-Identifier: MIT */
/* watch.h - the reasons to end a running call early, asked between its steps. */
#ifndef BERT_LIB_BASE_WATCH_H
#define BERT_LIB_BASE_WATCH_H

#include <stdatomic.h>

#include "lib/base/error.h"
#include "lib/base/sys.h"

struct bert__watch {
    bert_cancel_fn cancel; /* the host's; NULL: none */
    void *context;
    uint64_t deadline_ns; /* of bert__sys()->now_ns(); 0: none */
    atomic_bool canceled; /* from another thread */
};

static inline bert_status bert__watch_poll(struct bert__watch *watch, bert_error *err)
{
    if (atomic_load_explicit(&watch->canceled, memory_order_relaxed)
        || (watch->cancel != NULL && watch->cancel(watch->context) != 0))
        return bert__fail(err, BERT_ECANCELED, "the call was canceled");
    if (watch->deadline_ns != 0 && bert__sys()->now_ns() >= watch->deadline_ns)
        return bert__fail(err, BERT_ETIMEDOUT, "the call's time is up");
    return BERT_OK;
}

#endif
