/* SPDX-License-Identifier: MIT */
/*
 * queue.h - requests that wait, in the order in which they are due.
 *
 * A request is due at arrival + BERT__STRETCH * (the time that it takes by itself), a bulk one
 * BERT__BULK_NS later.  Who is due first goes first, whatever comes later: so a short one overtakes
 * a long one that came a little before it, and a request is overtaken only by those that are due
 * before it, which all arrive before it is due.  What runs long is due anew for each quantum of
 * BERT__QUANTUM_NS (struct bert__turn), so that it is not the whole of it that others wait for.
 *
 * Requests of one lane (model, task, options) can share a batch.  No thread-safety, no clock, no
 * text: a data structure, which tests/unit/test_queue.c drives through recorded arrivals.
 */
#ifndef BERT_LIB_SERVE_QUEUE_H
#define BERT_LIB_SERVE_QUEUE_H

#include <stdbool.h>

#include "lib/base/alloc.h"

#define BERT__STRETCH    UINT64_C(4)
#define BERT__BULK_NS    UINT64_C(1000000000)
#define BERT__QUANTUM_NS UINT64_C(20000000)

struct bert__lane;

/* Part of a request; heap links are the queue's. */
struct bert__queued {
    uint64_t arrival_ns;
    uint64_t due_ns;
    uint64_t deadline_ns;    /* 0: none */
    uint64_t cost_ns;        /* by itself, estimated */
    uint64_t tokens;         /* so too */
    size_t bytes;            /* of its texts */
    uint64_t number;         /* of those that are due at once the earliest goes first */
    struct bert__lane *lane; /* NULL: it is in no queue */
    struct bert__queued *child, *next, *back; /* back: the one before it, or its parent */
    struct bert__queued *newer, *older;       /* all of a queue */
};

/*
 * cost_ns bounds the work that waits while the queue is short of time; else BERT__BURST times as
 * much may wait, so that what comes in a burst is accepted.  It becomes short of time when each
 * batch was late for BERT__PATIENCE times cost_ns, and is no more when none was for as long.  Late
 * is a batch whose first request starts more than cost_ns / BERT__LATE after it was due: under
 * overload that is still so where no more than cost_ns waits.
 */
#define BERT__PATIENCE UINT64_C(8)
#define BERT__BURST    UINT64_C(4)
#define BERT__LATE     UINT64_C(4)

struct bert__queue_limits {
    size_t requests;
    uint64_t bytes, cost_ns; /* 0: no limit */
};

struct bert__queue {
    struct bert__alloc *alloc;
    struct bert__queue_limits limits;
    size_t n;
    uint64_t bytes, cost_ns, tokens; /* of all that wait */
    uint64_t pushed;
    uint64_t next_deadline_ns; /* none is earlier; UINT64_MAX: there is none */
    bool short_of_time;
    uint64_t changing_ns; /* batches have spoken against short_of_time since; UINT64_MAX: no */
    struct bert__lane *lanes;
    struct bert__queued *newest, *oldest;
};

void bert__queue_init(struct bert__queue *queue, struct bert__alloc *alloc,
                      const struct bert__queue_limits *limits);
/* Of an empty queue. */
void bert__queue_free(struct bert__queue *queue);

uint64_t bert__queue_due(uint64_t arrival_ns, uint64_t cost_ns, bool bulk);
/* BERT_EBUSY: over a limit; an empty queue takes anything.  BERT_ENOMEM.  `key` says which
 * requests can share a batch, and is copied. */
bert_status bert__queue_push(struct bert__queue *queue, struct bert__queued *item, const void *key,
                             size_t key_size, bert_error *err);
/* The one that is due first; NULL: empty. */
struct bert__queued *bert__queue_first(const struct bert__queue *queue);
/* Tokens that wait in an item's lane. */
uint64_t bert__queue_lane_tokens(const struct bert__queued *item);
/*
 * The one that is due first and others of its lane, as they are due, until they have `tokens` or
 * are `most`: how many.  One that would go over `tokens` stays, unless it is the first.
 */
size_t bert__queue_take(struct bert__queue *queue, uint64_t now_ns, uint64_t tokens,
                        struct bert__queued **out, size_t most);
void bert__queue_remove(struct bert__queue *queue, struct bert__queued *item);
/* One whose deadline has passed, to be removed; NULL: none. */
struct bert__queued *bert__queue_expired(struct bert__queue *queue, uint64_t now_ns);

/* A batch that runs. */
struct bert__turn {
    uint64_t due_ns;
    uint64_t quantum_ns; /* of its longest request's time, at which it is due anew */
    double share;        /* of the batch's time that is the longest request's */
};

/* Quanta are of the longest request's share: else a batch of many short ones would be held for a
 * long request, and wait for all that came after it. */
void bert__turn_begin(struct bert__turn *turn, struct bert__queued *const *batch, size_t n);
/* The batch has had batch_ns until now; true: it is due anew. */
bool bert__turn_spend(struct bert__turn *turn, uint64_t batch_ns, uint64_t now_ns);
/* Is one that waits due before it? */
bool bert__turn_gives_way(const struct bert__turn *turn, const struct bert__queue *queue);

#endif
