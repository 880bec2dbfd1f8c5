/* SPDX-License-Identifier: MIT */
/* queue.c - requests by the time at which they are due: a pairing heap for each lane. */
#include "lib/serve/queue.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/hash.h"

struct bert__lane {
    struct bert__lane *next, **link;
    struct bert__queued *root;
    uint64_t tokens;
    uint64_t hash;
    size_t n, key_size;
    unsigned char key[];
};

/* ---- Heap ---------------------------------------------------------------------------- */

static bool before(const struct bert__queued *a, const struct bert__queued *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static struct bert__queued *meld(struct bert__queued *a, struct bert__queued *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (before(b, a)) {
        struct bert__queued *first = b;

        b = a;
        a = first;
    }
    b->next = a->child;
    if (b->next != NULL)
        b->next->back = b;
    b->back = a;
    a->child = b;
    return a;
}

/* The children of one that leaves, in pairs and then together. */
static struct bert__queued *meld_list(struct bert__queued *list)
{
    struct bert__queued *pairs = NULL, *root = NULL;

    while (list != NULL) {
        struct bert__queued *a = list, *b = a->next;

        list = b != NULL ? b->next : NULL;
        a->next = a->back = NULL;
        if (b != NULL)
            b->next = b->back = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct bert__queued *next = pairs->next;

        pairs->next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

static void heap_remove(struct bert__lane *lane, struct bert__queued *item)
{
    struct bert__queued *rest = meld_list(item->child);

    if (item == lane->root) {
        lane->root = rest;
    } else {
        if (item->back->child == item)
            item->back->child = item->next;
        else
            item->back->next = item->next;
        if (item->next != NULL)
            item->next->back = item->back;
        lane->root = meld(lane->root, rest);
    }
    if (lane->root != NULL)
        lane->root->back = NULL;
    item->child = item->next = item->back = NULL;
}

/* ---- Lanes --------------------------------------------------------------------------- */

static struct bert__lane *find_lane(struct bert__queue *q, const void *key, size_t size)
{
    uint64_t hash = bert__hash(key, size, 0);
    struct bert__lane *lane;

    for (lane = q->lanes; lane != NULL; lane = lane->next) {
        if (lane->hash == hash && lane->key_size == size && memcmp(lane->key, key, size) == 0)
            return lane;
    }
    lane = bert__alloc(q->alloc, sizeof *lane + size);
    if (lane == NULL)
        return NULL;
    memset(lane, 0, sizeof *lane);
    lane->hash = hash;
    lane->key_size = size;
    memcpy(lane->key, key, size);
    lane->next = q->lanes;
    lane->link = &q->lanes;
    if (lane->next != NULL)
        lane->next->link = &lane->next;
    q->lanes = lane;
    return lane;
}

static void drop_lane(struct bert__queue *q, struct bert__lane *lane)
{
    *lane->link = lane->next;
    if (lane->next != NULL)
        lane->next->link = lane->link;
    bert__alloc_free(q->alloc, lane);
}

/* ---- Queue --------------------------------------------------------------------------- */

void bert__queue_init(struct bert__queue *q, struct bert__alloc *alloc,
                      const struct bert__queue_limits *limits)
{
    memset(q, 0, sizeof *q);
    q->alloc = alloc;
    q->limits = *limits;
    q->next_deadline_ns = UINT64_MAX;
    q->changing_ns = UINT64_MAX;
}

void bert__queue_free(struct bert__queue *q)
{
    while (q->lanes != NULL)
        drop_lane(q, q->lanes);
}

static uint64_t later(uint64_t ns, uint64_t by)
{
    return by < UINT64_MAX - ns ? ns + by : UINT64_MAX;
}

uint64_t bert__queue_due(uint64_t arrival_ns, uint64_t cost_ns, bool bulk)
{
    uint64_t most = UINT64_MAX / BERT__STRETCH;
    uint64_t due = later(arrival_ns, (cost_ns < most ? cost_ns : most) * BERT__STRETCH);

    return bulk ? later(due, BERT__BULK_NS) : due;
}

static uint64_t times(uint64_t ns, uint64_t factor)
{
    return ns < UINT64_MAX / factor ? ns * factor : UINT64_MAX;
}

static uint64_t most_work(const struct bert__queue *q)
{
    return q->short_of_time ? q->limits.cost_ns : times(q->limits.cost_ns, BERT__BURST);
}

static bert_status check_room(const struct bert__queue *q, const struct bert__queued *item,
                              bert_error *err)
{
    if (q->n == 0)
        return BERT_OK;
    if (q->n >= q->limits.requests)
        return bert__fail(err, BERT_EBUSY, "the queue is full: %zu requests wait", q->n);
    if (q->limits.bytes != 0
        && (q->bytes > q->limits.bytes || item->bytes > q->limits.bytes - q->bytes))
        return bert__fail(err, BERT_EBUSY, "the queue is full: %llu bytes of text wait",
                          (unsigned long long)q->bytes);
    if (q->limits.cost_ns != 0 && q->cost_ns >= most_work(q))
        return bert__fail(err, BERT_EBUSY, "the queue is full: %llu ms of work wait",
                          (unsigned long long)(q->cost_ns / 1000000));
    return BERT_OK;
}

bert_status bert__queue_push(struct bert__queue *q, struct bert__queued *item, const void *key,
                             size_t key_size, bert_error *err)
{
    struct bert__lane *lane;
    bert_status st = check_room(q, item, err);

    if (st != BERT_OK)
        return st;
    lane = find_lane(q, key, key_size);
    if (lane == NULL)
        return bert__alloc_fail(q->alloc, "the queue", err);
    item->number = q->pushed++;
    item->lane = lane;
    item->child = item->next = item->back = NULL;
    lane->root = meld(lane->root, item);
    lane->n++;
    lane->tokens += item->tokens;
    item->newer = NULL;
    item->older = q->newest;
    if (q->newest != NULL)
        q->newest->newer = item;
    else
        q->oldest = item;
    q->newest = item;
    q->n++;
    q->bytes += item->bytes;
    q->tokens += item->tokens;
    q->cost_ns += item->cost_ns;
    if (item->deadline_ns != 0 && item->deadline_ns < q->next_deadline_ns)
        q->next_deadline_ns = item->deadline_ns;
    return BERT_OK;
}

void bert__queue_remove(struct bert__queue *q, struct bert__queued *item)
{
    struct bert__lane *lane = item->lane;

    heap_remove(lane, item);
    lane->tokens -= item->tokens;
    if (--lane->n == 0)
        drop_lane(q, lane);
    item->lane = NULL;
    if (item->newer != NULL)
        item->newer->older = item->older;
    else
        q->newest = item->older;
    if (item->older != NULL)
        item->older->newer = item->newer;
    else
        q->oldest = item->newer;
    if (--q->n == 0)
        q->next_deadline_ns = UINT64_MAX;
    q->bytes -= item->bytes;
    q->tokens -= item->tokens;
    q->cost_ns -= item->cost_ns;
}

struct bert__queued *bert__queue_first(const struct bert__queue *q)
{
    struct bert__queued *first = NULL;

    for (const struct bert__lane *lane = q->lanes; lane != NULL; lane = lane->next) {
        if (first == NULL || before(lane->root, first))
            first = lane->root;
    }
    return first;
}

uint64_t bert__queue_lane_tokens(const struct bert__queued *item)
{
    return item->lane->tokens;
}

/* The first of a batch is the one that is the latest. */
static void note_lateness(struct bert__queue *q, const struct bert__queued *first, uint64_t now_ns)
{
    bool late = now_ns > later(first->due_ns, q->limits.cost_ns / BERT__LATE);

    if (late == q->short_of_time) {
        q->changing_ns = UINT64_MAX;
    } else if (q->changing_ns == UINT64_MAX) {
        q->changing_ns = now_ns;
    } else if (now_ns - q->changing_ns >= times(q->limits.cost_ns, BERT__PATIENCE)) {
        q->short_of_time = late;
        q->changing_ns = UINT64_MAX;
    }
}

size_t bert__queue_take(struct bert__queue *q, uint64_t now_ns, uint64_t tokens,
                        struct bert__queued **out, size_t most)
{
    struct bert__queued *item = bert__queue_first(q);
    uint64_t sum = 0;
    size_t n = 0;

    if (item != NULL)
        note_lateness(q, item, now_ns);
    while (item != NULL && n < most && (n == 0 || item->tokens <= tokens - sum)) {
        struct bert__lane *lane = item->lane;
        bool last = lane->n == 1;

        bert__queue_remove(q, item);
        out[n++] = item;
        sum += item->tokens;
        item = last || sum >= tokens ? NULL : lane->root;
    }
    return n;
}

struct bert__queued *bert__queue_expired(struct bert__queue *q, uint64_t now_ns)
{
    uint64_t next = UINT64_MAX;

    if (now_ns < q->next_deadline_ns)
        return NULL;
    for (struct bert__queued *item = q->oldest; item != NULL; item = item->newer) {
        if (item->deadline_ns == 0)
            continue;
        if (item->deadline_ns <= now_ns)
            return item;
        if (item->deadline_ns < next)
            next = item->deadline_ns;
    }
    q->next_deadline_ns = next;
    return NULL;
}

/* ---- What runs ----------------------------------------------------------------------- */

void bert__turn_begin(struct bert__turn *turn, struct bert__queued *const *batch, size_t n)
{
    uint64_t sum = 0, longest = 0;

    for (size_t i = 0; i < n; i++) {
        sum = later(sum, batch[i]->cost_ns);
        if (batch[i]->cost_ns > longest)
            longest = batch[i]->cost_ns;
    }
    turn->due_ns = batch[0]->due_ns;
    turn->quantum_ns = BERT__QUANTUM_NS;
    turn->share = sum > 0 ? (double)longest / (double)sum : 1;
}

bool bert__turn_spend(struct bert__turn *turn, uint64_t batch_ns, uint64_t now_ns)
{
    uint64_t own_ns = (uint64_t)((double)batch_ns * turn->share);

    if (own_ns < turn->quantum_ns)
        return false;
    turn->quantum_ns = own_ns + BERT__QUANTUM_NS;
    turn->due_ns = later(now_ns, BERT__STRETCH * BERT__QUANTUM_NS);
    return true;
}

bool bert__turn_gives_way(const struct bert__turn *turn, const struct bert__queue *queue)
{
    const struct bert__queued *first = bert__queue_first(queue);

    return first != NULL && first->due_ns < turn->due_ns;
}
