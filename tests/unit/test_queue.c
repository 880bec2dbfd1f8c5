/* SPDX-License-Identifier: MIT */
/*
 * test_queue.c - lib/serve/queue.h: order against sorting, limits, deadlines; and the policy, by a
 * simulation of a machine under recorded arrivals: short requests don't wait for long ones, none
 * is overtaken by what comes after it is due, none starves.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/serve/queue.h"

static uint64_t state = 88172645463325252u;

static uint32_t below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % n;
}

static const struct bert__queue_limits no_limits = {SIZE_MAX, 0, 0};

/* ---- Order --------------------------------------------------------------------------- */

enum { ITEMS = 300, LANES = 4 };

static bool goes_first(const struct bert__queued *a, const struct bert__queued *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static const struct bert__queued *first_of(const struct bert__queued *items, const bool *in,
                                           const struct bert__lane *lane)
{
    const struct bert__queued *first = NULL;

    for (size_t i = 0; i < ITEMS; i++) {
        if (in[i] && (lane == NULL || items[i].lane == lane)
            && (first == NULL || goes_first(&items[i], first)))
            first = &items[i];
    }
    return first;
}

static void check_take(struct bert__queue *q, struct bert__queued *items, bool *in)
{
    struct bert__queued *out[ITEMS];
    const struct bert__queued *first = first_of(items, in, NULL);
    uint64_t tokens = below(40), sum = 0;
    size_t most = 1 + below(6), n;
    struct bert__lane *lane;

    assert_ptr_equal(bert__queue_first(q), first);
    if (first == NULL)
        return;
    lane = first->lane;
    /* what it is to be, before the queue changes */
    const struct bert__queued *want[ITEMS];
    size_t wanted = 0;

    while (first != NULL && wanted < most && (wanted == 0 || first->tokens + sum <= tokens)) {
        want[wanted++] = first;
        sum += first->tokens;
        in[first - items] = false;
        first = sum >= tokens ? NULL : first_of(items, in, lane);
    }
    n = bert__queue_take(q, 0, tokens, out, most);
    assert_int_equal(n, wanted);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(out[i], want[i]);
        assert_null(out[i]->lane);
    }
}

static void test_order(void **unused)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    static struct bert__queued items[ITEMS];
    static bool in[ITEMS];
    struct bert__queue q;

    (void)unused;
    bert__queue_init(&q, alloc, &no_limits);
    for (int step = 0; step < 20000; step++) {
        size_t i = below(ITEMS);
        uint32_t lane = below(LANES);

        if (below(10) == 0) {
            check_take(&q, items, in);
        } else if (in[i]) {
            bert__queue_remove(&q, &items[i]);
            in[i] = false;
        } else {
            items[i].due_ns = below(50);
            items[i].tokens = below(20);
            assert_int_equal(bert__queue_push(&q, &items[i], &lane, sizeof lane, NULL), BERT_OK);
            in[i] = true;
        }
    }
    for (size_t i = 0; i < ITEMS; i++) {
        if (in[i])
            bert__queue_remove(&q, &items[i]);
        in[i] = false;
    }
    assert_int_equal(q.n, 0);
    assert_int_equal(q.tokens, 0);
    bert__queue_free(&q);
    assert_int_equal(bert__alloc_used(alloc), 0);
    bert__alloc_destroy(alloc);
}

static void test_limits(void **unused)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    const struct bert__queue_limits limits = {3, 100, 1000};
    struct bert__queued items[5] = {{.bytes = 500, .cost_ns = 10},
                                    {.bytes = 1},
                                    {.bytes = 60},
                                    {.bytes = 41},
                                    {.cost_ns = 5000}};
    struct bert__queue q;
    bert_error err;

    (void)unused;
    bert__queue_init(&q, alloc, &limits);
    assert_int_equal(bert__queue_push(&q, &items[0], "k", 1, NULL), BERT_OK); /* empty: anything */
    assert_int_equal(bert__queue_push(&q, &items[1], "k", 1, &err), BERT_EBUSY);
    assert_non_null(strstr(err.message, "500 bytes"));
    bert__queue_remove(&q, &items[0]);
    assert_int_equal(bert__queue_push(&q, &items[2], "k", 1, NULL), BERT_OK);
    assert_int_equal(bert__queue_push(&q, &items[3], "k", 1, NULL), BERT_EBUSY);
    assert_int_equal(bert__queue_push(&q, &items[4], "l", 1, NULL), BERT_OK);
    assert_int_equal(bert__queue_push(&q, &items[1], "l", 1, &err), BERT_EBUSY);
    assert_non_null(strstr(err.message, "work"));
    bert__queue_remove(&q, &items[4]);
    assert_int_equal(bert__queue_push(&q, &items[1], "l", 1, NULL), BERT_OK);
    items[0].bytes = 0;
    assert_int_equal(bert__queue_push(&q, &items[0], "l", 1, NULL), BERT_OK);
    items[3].bytes = 0;
    assert_int_equal(bert__queue_push(&q, &items[3], "l", 1, &err), BERT_EBUSY);
    assert_non_null(strstr(err.message, "3 requests"));
    for (int i = 0; i < 3; i++)
        bert__queue_remove(&q, &items[i]);
    bert__queue_free(&q);
    bert__alloc_destroy(alloc);
}

static void test_deadlines(void **unused)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__queued items[3] = {{.deadline_ns = 30}, {.deadline_ns = 0}, {.deadline_ns = 20}};
    struct bert__queue q;

    (void)unused;
    bert__queue_init(&q, alloc, &no_limits);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bert__queue_push(&q, &items[i], "k", 1, NULL), BERT_OK);
    assert_int_equal(q.next_deadline_ns, 20);
    assert_null(bert__queue_expired(&q, 19));
    assert_ptr_equal(bert__queue_expired(&q, 25), &items[2]);
    bert__queue_remove(&q, &items[2]);
    assert_null(bert__queue_expired(&q, 25));
    assert_int_equal(q.next_deadline_ns, 30);
    assert_ptr_equal(bert__queue_expired(&q, 1000), &items[0]);
    bert__queue_remove(&q, &items[0]);
    assert_null(bert__queue_expired(&q, 1000));
    assert_int_equal(q.next_deadline_ns, UINT64_MAX);
    bert__queue_remove(&q, &items[1]);
    bert__queue_free(&q);
    bert__alloc_destroy(alloc);
}

static void test_due(void **unused)
{
    (void)unused;
    assert_int_equal(bert__queue_due(100, 10, false), 140);
    assert_int_equal(bert__queue_due(100, 10, true), 140 + BERT__BULK_NS);
    assert_true(bert__queue_due(100, UINT64_MAX, true) == UINT64_MAX);
}

/* ---- The policy, simulated ----------------------------------------------------------- */

enum { MOST = 20000, TOKEN_NS = 50000, BATCH_TOKENS = 1024, LAYERS = 12 };

struct request {
    struct bert__queued queued; /* first */
    uint64_t tokens, start_ns, end_ns;
    bool bulk;
};

struct machine {
    struct bert__queue queue;
    struct request *requests;
    size_t n, arrived, rejected;
    uint64_t now;
    bool fifo; /* as they come, and nothing gives way */
};

static void arrive(struct machine *m)
{
    for (; m->arrived < m->n; m->arrived++) {
        struct request *r = &m->requests[m->arrived];

        if (r->queued.arrival_ns > m->now)
            return;
        r->queued.cost_ns = r->tokens * TOKEN_NS;
        r->queued.tokens = r->tokens;
        r->queued.due_ns = m->fifo
                               ? r->queued.arrival_ns
                               : bert__queue_due(r->queued.arrival_ns, r->queued.cost_ns, r->bulk);
        if (bert__queue_push(&m->queue, &r->queued, "k", 1, NULL) != BERT_OK)
            m->rejected++;
    }
}

/* As the engine's worker: the batch in waves of the session's size, a look at the queue between
 * layers; a batch that another gave way to runs to its end. */
static void run_batch(struct machine *m, int depth)
{
    struct bert__queued *batch[64];
    size_t n = bert__queue_take(&m->queue, m->now, BATCH_TOKENS, batch, 64);
    uint64_t tokens = 0, own = 0;
    struct bert__turn turn;

    bert__turn_begin(&turn, batch, n);
    for (size_t i = 0; i < n; i++) {
        struct request *r = (struct request *)batch[i];

        r->start_ns = m->now;
        tokens += r->tokens;
    }
    while (tokens > 0) {
        uint64_t wave = tokens < BATCH_TOKENS ? tokens : BATCH_TOKENS;

        for (int layer = 0; layer < LAYERS; layer++) {
            uint64_t ns = wave * TOKEN_NS / LAYERS;

            own += ns;
            m->now += ns;
            arrive(m);
            bert__turn_spend(&turn, own, m->now);
            while (!m->fifo && depth == 0 && bert__turn_gives_way(&turn, &m->queue))
                run_batch(m, depth + 1);
        }
        tokens -= wave;
    }
    for (size_t i = 0; i < n; i++)
        ((struct request *)batch[i])->end_ns = m->now;
}

static void run_all(struct machine *m)
{
    m->arrived = 0;
    m->now = 0;
    while (m->arrived < m->n || m->queue.n > 0) {
        if (m->queue.n == 0)
            m->now = m->requests[m->arrived].queued.arrival_ns;
        arrive(m);
        run_batch(m, 0);
    }
    if (m->queue.limits.cost_ns == 0)
        assert_int_equal(m->rejected, 0);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of the requests between these sizes: latency over the time by itself, at quantile q. */
static double slowdown(const struct machine *m, uint64_t least, uint64_t most, double q)
{
    static double list[MOST];
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++) {
        const struct request *r = &m->requests[i];

        if (r->tokens >= least && r->tokens <= most && !r->bulk && r->end_ns > 0)
            list[n++] = (double)(r->end_ns - r->queued.arrival_ns) / (double)r->queued.cost_ns;
    }
    assert_true(n > 0);
    qsort(list, n, sizeof *list, by_value);
    return list[(size_t)(q * (double)(n - 1))];
}

static size_t read_arrivals(struct request *requests)
{
    FILE *file = fopen(TEST_SRCDIR "/tests/data/arrivals.txt", "r");
    unsigned long long us, tokens;
    size_t n = 0;
    int bulk;

    assert_non_null(file);
    while (n < MOST && fscanf(file, "%llu %llu %d", &us, &tokens, &bulk) == 3) {
        requests[n] =
            (struct request){.queued.arrival_ns = us * 1000, .tokens = tokens, .bulk = bulk != 0};
        n++;
    }
    fclose(file);
    assert_true(n > 1000);
    return n;
}

/* Nobody is overtaken by what comes after it was due. */
static void check_overtaking(const struct machine *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct request *r = &m->requests[i];

        assert_true(r->end_ns > 0);
        for (size_t k = i + 1; k < m->n; k++) {
            const struct request *later = &m->requests[k];

            if (later->queued.arrival_ns > r->queued.due_ns && later->start_ns < r->start_ns)
                fail_msg("request %zu, due at %llu, was overtaken by %zu of %llu", i,
                         (unsigned long long)r->queued.due_ns, k,
                         (unsigned long long)later->queued.arrival_ns);
        }
    }
}

static void test_policy(void **unused)
{
    static struct request requests[2][MOST];
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    double brief[2], lengthy[2];

    (void)unused;
    for (int fifo = 0; fifo < 2; fifo++) {
        struct machine m = {.requests = requests[fifo], .fifo = fifo != 0};

        m.n = read_arrivals(m.requests);
        bert__queue_init(&m.queue, alloc, &no_limits);
        run_all(&m);
        if (!fifo)
            check_overtaking(&m);
        brief[fifo] = slowdown(&m, 0, 40, 0.99);
        lengthy[fifo] = slowdown(&m, 3000, UINT64_MAX, 1);
        print_message("%s: slowdown of short requests p50 %.1f p99 %.1f, of long ones p50 %.2f "
                      "worst %.2f\n",
                      fifo ? "as they come" : "by due time", slowdown(&m, 0, 40, 0.5), brief[fifo],
                      slowdown(&m, 3000, UINT64_MAX, 0.5), lengthy[fifo]);
        bert__queue_free(&m.queue);
    }
    assert_true(brief[0] * 5 < brief[1]);
    assert_true(lengthy[0] < 2 * lengthy[1] && lengthy[0] < 12);
    bert__alloc_destroy(alloc);
}

/* Under twice the load that the machine can do a long request still has its fifth. */
static void test_starving(void **unused)
{
    static struct request requests[MOST];
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct machine m = {.requests = requests, .n = 2000};
    const struct request *big = &requests[0];

    (void)unused;
    requests[0] = (struct request){.tokens = 10240};
    for (size_t i = 1; i < m.n; i++)
        requests[i] = (struct request){.queued.arrival_ns = i * 400000, .tokens = 16};
    bert__queue_init(&m.queue, alloc, &no_limits);
    run_all(&m);
    print_message("a long request under twice the load: %.2f of its own time\n",
                  (double)(big->end_ns - big->queued.arrival_ns) / (double)big->queued.cost_ns);
    assert_true(big->end_ns - big->queued.arrival_ns < 6 * big->queued.cost_ns);
    bert__queue_free(&m.queue);
    bert__alloc_destroy(alloc);
}

/* Requests of 16 tokens at random, at so much of what the machine can do; p99 in ms. */
static double run_load(struct bert__alloc *alloc, double load, uint64_t limit_ns, double *rejected)
{
    static struct request requests[MOST];
    const struct bert__queue_limits limits = {SIZE_MAX, 0, limit_ns};
    struct machine m = {.requests = requests, .n = MOST};
    double at = 0, p99;

    for (size_t i = 0; i < m.n; i++) {
        at -= log((below(1000000) + 1) / 1e6) * 16 * TOKEN_NS / load;
        requests[i] = (struct request){.queued.arrival_ns = (uint64_t)at, .tokens = 16};
    }
    bert__queue_init(&m.queue, alloc, &limits);
    run_all(&m);
    bert__queue_free(&m.queue);
    p99 = slowdown(&m, 16, 16, 0.99) * 16 * TOKEN_NS / 1e6;
    *rejected = (double)m.rejected / (double)m.n;
    print_message("%.1f of the capacity, at most %d ms of work: p99 %.1f ms, rejected %.3f\n", load,
                  (int)(limit_ns / 1000000), p99, *rejected);
    return p99;
}

/* With a limit of work: bursts are accepted, overload is kept out. */
static void test_overload(void **unused)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    const uint64_t limit_ns = 6000000;
    double calm, over, rejected;

    (void)unused;
    calm = run_load(alloc, 0.8, limit_ns, &rejected);
    assert_true(rejected < 0.005);
    over = run_load(alloc, 2, limit_ns, &rejected);
    assert_true(over < 3 * calm);
    assert_true(rejected > 0.4 && rejected < 0.55);
    assert_true(run_load(alloc, 2, 0, &rejected) > 20 * over);
    bert__alloc_destroy(alloc);
}

/* Batches of short requests that take longer than a quantum: they are no long request, and who
 * came first has its answer first. */
static void test_short_batches(void **unused)
{
    static struct request requests[MOST];
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct machine m = {.requests = requests, .n = 2000};
    uint64_t gap = 16 * TOKEN_NS * 10 / 12;

    (void)unused;
    assert_true(BATCH_TOKENS * TOKEN_NS > 2 * BERT__QUANTUM_NS);
    for (size_t i = 0; i < m.n; i++)
        requests[i] = (struct request){.queued.arrival_ns = i * gap, .tokens = 16};
    bert__queue_init(&m.queue, alloc, &no_limits);
    run_all(&m);
    for (size_t i = 1; i < m.n; i++)
        assert_true(requests[i - 1].end_ns <= requests[i].end_ns);
    bert__queue_free(&m.queue);
    bert__alloc_destroy(alloc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),         cmocka_unit_test(test_limits),
        cmocka_unit_test(test_deadlines),     cmocka_unit_test(test_due),
        cmocka_unit_test(test_policy),        cmocka_unit_test(test_starving),
        cmocka_unit_test(test_short_batches), cmocka_unit_test(test_overload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
