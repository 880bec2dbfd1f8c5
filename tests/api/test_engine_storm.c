/* SPDX-License-Identifier: MIT */
/*
 * test_engine_storm.c - all that an engine has, at once: sixteen submitters with every way to hear
 * of an end, cancels, time limits and failures, fifty swaps, a route, a shadow, a tenant's limit, a
 * small cache, readers of metrics, detectors and samplers that come and go, and a trace.
 * Each request has an id with a record of what may become of it; what did is held against that.
 */
#include "support_storm.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OUTSTANDING = 4, /* of those that a submitter waits for */
    TENANT_LIMIT = 6,
    QUEUE = 48 /* fewer than can be on their way: some are refused */
};

/* ---- Ends ---- */

static void called(void *context, bert_job *job)
{
    storm_ended(context, job);
}

static void *collector(void *arg)
{
    struct storm *s = arg;
    struct pollfd fd = {.fd = bert_engine_fd(s->engine), .events = POLLIN};
    bert_job *job;
    bool last;

    do {
        last = atomic_load(&s->stopped);
        poll(&fd, 1, 1);
        while ((job = bert_engine_next(s->engine)) != NULL) {
            storm_ended(s, job);
            bert_job_unref(job);
        }
    } while (!last);
    return NULL;
}

/* ---- Submitters ------------------------------------------------------------------------------ */

struct submitter {
    struct storm *storm;
    uint64_t first, random;
    bert_job *jobs[OUTSTANDING];
    pthread_t thread;
};

static bert_request make_request(struct submitter *me, uint64_t id)
{
    static const bert_embed_options bad = {.size = sizeof bad, .prompt_name = "nobody's"};
    struct storm *s = me->storm;
    struct storm_record *r = &s->records[id];
    bert_request q = BERT_REQUEST_INIT;
    uint32_t what = test_random(&me->random, 40);

    r->kind = what == 0   ? STORM_BAD_TASK
              : what == 1 ? STORM_BAD_PROMPT
              : what < 6  ? STORM_TOKENS
                          : what < 20;
    r->n = r->kind == STORM_TOKENS ? 1 : 1 + test_random(&me->random, 3);
    r->first = test_random(&me->random, (uint32_t)(STORM_TEXTS - r->n + 1));
    r->timed = test_random(&me->random, 12) == 0;
    q.task = r->kind == STORM_BAD_TASK ? 99
             : r->kind == STORM_TOKENS ? BERT_TASK_EMBED_TOKENS
                                       : BERT_TASK_EMBED;
    q.options = r->kind == STORM_BAD_PROMPT ? &bad : r->kind == STORM_POOLED ? &storm_pooled : NULL;
    q.texts = &s->texts[r->first];
    q.n = r->n;
    q.id = id;
    q.priority = test_random(&me->random, 2);
    q.timeout_ns = r->timed ? 1 + test_random(&me->random, 3000000) : 0;
    q.tenant = test_random(&me->random, 3) == 0 ? "limited" : NULL;
    q.notify = test_random(&me->random, 3);
    q.done = q.notify == BERT_NOTIFY_CALLBACK ? called : NULL;
    q.context = s;
    return q;
}

/* By this thread, or by the one that has nothing else to do. */
static void cancel(struct submitter *me, uint64_t id, bert_job *job)
{
    struct storm *s = me->storm;

    atomic_store(&s->records[id].canceled, true);
    if (test_random(&me->random, 2) == 0)
        bert_job_cancel(job);
    else
        bert_job_unref(atomic_exchange(&s->to_cancel, bert_job_ref(job)));
}

static void submit(struct submitter *me, const bert_request *q, size_t at)
{
    struct storm_record *r = &me->storm->records[q->id];
    bool held = q->notify == BERT_NOTIFY_WAIT || test_random(&me->random, 2) == 0;
    bert_job *job = NULL;
    bert_status st = bert_engine_submit(me->storm->engine, q, held ? &job : NULL, NULL);

    if (st != BERT_OK) {
        r->refused = true;
        r->status = st;
        storm_holds(me->storm, st == (r->kind == STORM_BAD_TASK ? BERT_EINVAL : BERT_EBUSY),
                    "refused for no reason", q->id);
        usleep(2000);
        return;
    }
    if (held && test_random(&me->random, 8) == 0)
        cancel(me, q->id, job);
    if (q->notify == BERT_NOTIFY_WAIT)
        me->jobs[at] = job;
    else
        bert_job_unref(job);
}

static void run(struct submitter *me, bert_request *q)
{
    struct storm_record *r = &me->storm->records[q->id];
    bert_job *job;
    bert_status st;

    q->notify = BERT_NOTIFY_WAIT;
    q->done = NULL;
    st = bert_engine_run(me->storm->engine, q, &job, NULL);
    if (st == BERT_OK) {
        storm_ended(me->storm, job);
    } else {
        r->refused = true; /* or it ended so: it makes no difference to the caller */
        r->status = st;
        storm_holds(me->storm, r->kind == STORM_BAD_TASK ? st == BERT_EINVAL : storm_may_end(r, st),
                    "a status that it can't have", q->id);
    }
    bert_job_unref(job);
}

static void collect(struct submitter *me, size_t at)
{
    bert_job *job = me->jobs[at];

    me->jobs[at] = NULL;
    if (job == NULL)
        return;
    while (!bert_job_done(job))
        bert_job_wait(job, test_random(&me->random, 2) * 1000, NULL);
    storm_ended(me->storm, job);
    bert_job_unref(job);
}

static void *submitter(void *arg)
{
    struct submitter *me = arg;
    struct storm *s = me->storm;

    for (uint64_t id = me->first; id < me->first + STORM_EACH; id++) {
        struct storm_record *r = &s->records[id];
        bert_request q = make_request(me, id);

        collect(me, id % OUTSTANDING);
        r->from = atomic_load(&s->done);
        if (test_random(&me->random, 4) == 0)
            run(me, &q);
        else
            submit(me, &q, id % OUTSTANDING);
        r->to = atomic_load(&s->begun);
        atomic_fetch_add(&s->taken, 1);
    }
    for (size_t at = 0; at < OUTSTANDING; at++)
        collect(me, at);
    return NULL;
}

/* ---- All the others ----------------------------------------------------------------------------
 */

static void *canceler(void *arg)
{
    struct storm *s = arg;

    while (!atomic_load(&s->quiet)) {
        bert_job *job = atomic_exchange(&s->to_cancel, NULL);

        bert_job_cancel(job);
        bert_job_unref(job);
        usleep(20);
    }
    return NULL;
}

static void loaded(void *context, const char *name, const bert_error *error)
{
    struct storm *s = context;

    (void)name;
    storm_holds(s, error == NULL, error != NULL ? error->message : "", 0);
    atomic_fetch_add(&s->loaded, 1);
}

static void load(struct storm *s, size_t m)
{
    bert_load_options o = BERT_LOAD_OPTIONS_INIT;
    uint32_t before = atomic_load(&s->loaded);

    o.background = 1;
    o.done = loaded;
    o.context = s;
    storm_holds(s,
                bert_engine_load(s->engine, "default", test_path("%s", storm_paths[m]), &o, NULL)
                    == BERT_OK,
                "a load that was refused", 0);
    while (atomic_load(&s->loaded) == before)
        usleep(100);
}

/* Version v is of model (v - 1) % 2; every fifth swap is a rollback. */
static void *swapper(void *arg)
{
    struct storm *s = arg;
    uint64_t current = 1, before = 0, versions = 1;

    for (size_t i = 1; i <= STORM_SWAPS; i++) {
        bool back = i % 5 == 0;
        uint64_t next = back ? before : ++versions;

        s->versions[i] = next;
        atomic_store(&s->begun, i);
        if (back)
            storm_holds(s, bert_engine_rollback(s->engine, "default", NULL) == BERT_OK,
                        "no way back", 0);
        else
            load(s, (next - 1) % 2);
        atomic_store(&s->done, i);
        before = current;
        current = next;
        while (atomic_load(&s->taken) < i * STORM_REQUESTS / (STORM_SWAPS + 1))
            usleep(100);
    }
    return NULL;
}

static void *reader(void *arg)
{
    static const size_t room = 1 << 17;
    struct storm *s = arg;
    char *out = malloc(room);
    bert_metrics m = {.size = sizeof m};
    uint64_t before = 0;
    size_t size = 0;

    while (!atomic_load(&s->quiet)) {
        storm_holds(s,
                    bert_engine_metrics(s->engine, &m, NULL) == BERT_OK
                        && bert_metrics_prometheus(&m, out, room, &size, NULL) == BERT_OK
                        && size > 1000,
                    "no metrics", 0);
        storm_holds(s, m.requests_submitted >= before, "a counter that goes back", 0);
        before = m.requests_submitted;
        usleep(100);
    }
    free(out);
    return NULL;
}

static void compared(void *context, const bert_divergence *d)
{
    struct storm *s = context;
    struct storm_record *r = &s->records[d->id];

    storm_holds(s, atomic_fetch_add(&r->shadows, 1) == 0, "compared twice", d->id);
    storm_holds(s,
                (d->answer == BERT_OK && d->shadow == BERT_OK && r->kind != STORM_TOKENS)
                    == (d->distance >= 0),
                "a distance of nothing", d->id);
    atomic_fetch_add(&s->shadows, 1);
}

static bert_profile *make_profile(const struct storm *s)
{
    bert_profile_options o = BERT_PROFILE_OPTIONS_INIT;
    bert_profile *profile;
    bert_error err;

    o.dimensions = STORM_WIDTH;
    o.window = 20;
    o.replicates = 200;
    test_ok(bert_profile_create(&profile, &o, &err), &err);
    for (size_t i = 0; i < 6 * 20; i++) {
        bert_observation seen = BERT_OBSERVATION_INIT;

        seen.embedding = s->rows[0][0] + i % STORM_TEXTS * STORM_WIDTH;
        test_ok(bert_profile_add(profile, &seen, &err), &err);
    }
    test_ok(bert_profile_finish(profile, &err), &err);
    return profile;
}

struct observer {
    struct storm *storm;
    bert_profile *profile;
};

/* What is taken away is not used any more: it is destroyed at once. */
static void *observer(void *arg)
{
    static const bert_route routes[2] = {{"default", 3}, {"canary", 1}};
    struct observer *o = arg;
    struct storm *s = o->storm;

    for (uint32_t turn = 0; !atomic_load(&s->quiet); turn++) {
        bert_drift_values v = BERT_DRIFT_VALUES_INIT;
        bert_sampler *sampler = NULL;
        bert_drift *drift = NULL;

        storm_holds(
            s,
            bert_drift_create(&drift, o->profile, NULL, NULL) == BERT_OK
                && bert_sampler_create(&sampler, NULL, NULL) == BERT_OK
                && bert_engine_watch(s->engine, NULL, drift, NULL) == BERT_OK
                && bert_engine_sample(s->engine, sampler, NULL, NULL) == BERT_OK
                && bert_engine_route(s->engine, "default", routes, turn % 4 == 3 ? 0 : 2, NULL)
                       == BERT_OK
                && bert_engine_shadow(s->engine, "default", turn % 4 == 2 ? NULL : "canary", 300,
                                      compared, s, NULL)
                       == BERT_OK,
            "an observer that was refused", 0);
        usleep(2000);
        if (turn % 8 == 0)
            bert_engine_flush_cache(s->engine, NULL);
        bert_engine_watch(s->engine, NULL, NULL, NULL);
        bert_engine_sample(s->engine, NULL, NULL, NULL);
        bert_drift_get(drift, &v, NULL);
        s->observed += v.observed;
        bert_drift_destroy(drift);
        bert_sampler_destroy(sampler);
    }
    return NULL;
}

static void traced(void *context, const bert_trace_event *e)
{
    struct storm *s = context;
    struct storm_record *r = &s->records[e->id <= STORM_REQUESTS ? e->id : 0];
    uint32_t before = atomic_fetch_add(&r->spans[e->stage][e->ends], 1);

    if (e->id == 0 || e->id > STORM_REQUESTS)
        return;
    storm_holds(s, before == 0, "a span twice", e->id);
    storm_holds(s, !e->ends || atomic_load(&r->spans[e->stage][0]) == 1,
                "a span without a beginning", e->id);
}

/* All that were taken have ended. */
static void settle(struct storm *s)
{
    for (uint64_t id = 1, turns = 0; id <= STORM_REQUESTS && turns < 30000; id++) {
        for (; !s->records[id].refused && s->records[id].ends == 0 && turns < 30000; turns++)
            usleep(1000);
    }
}

/* ---- Together ---- */

/* The tenant has nothing left in the engine. */
static void check_tenant(struct storm *s)
{
    bert_request q = BERT_REQUEST_INIT;
    bert_job *job;
    bert_error err;

    test_ok(bert_engine_limit_tenant(s->engine, "limited", 1, &err), &err);
    q.task = BERT_TASK_EMBED_TOKENS;
    q.texts = s->texts;
    q.n = 1;
    q.id = STORM_REQUESTS + 1;
    q.tenant = "limited";
    test_ok(bert_engine_run(s->engine, &q, &job, &err), &err);
    bert_job_unref(job);
}

static void start(struct storm *s)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_error err;

    storm_expect(s);
    o.workers = 3;
    o.threads = 1;
    o.queue_requests = QUEUE;
    o.cache_bytes = 48 << 10;
    o.trace = traced;
    o.trace_context = s;
    s->versions[0] = 1;
    test_ok(bert_engine_create(&s->engine, &o, &err), &err);
    test_ok(bert_engine_load(s->engine, "default", test_path("%s", storm_paths[0]), NULL, &err),
            &err);
    test_ok(bert_engine_load(s->engine, "canary", test_path("%s", storm_paths[STORM_CANARY]), NULL,
                             &err),
            &err);
    test_ok(bert_engine_limit_tenant(s->engine, "limited", TENANT_LIMIT, &err), &err);
}

static void test_storm(void **state)
{
    static struct storm s;
    static struct submitter submitters[STORM_SUBMITTERS];
    void *(*const others[])(void *) = {swapper, canceler, reader, reader, collector, collector};
    pthread_t threads[6], watching;
    struct observer watcher = {.storm = &s};
    bert_error err;

    (void)state;
    start(&s);
    watcher.profile = make_profile(&s);
    assert_int_equal(pthread_create(&watching, NULL, observer, &watcher), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, others[i], &s), 0);
    for (size_t i = 0; i < STORM_SUBMITTERS; i++) {
        submitters[i] =
            (struct submitter){.storm = &s, .first = 1 + i * STORM_EACH, .random = 1234567 + i};
        assert_int_equal(pthread_create(&submitters[i].thread, NULL, submitter, &submitters[i]), 0);
    }
    for (size_t i = 0; i < STORM_SUBMITTERS; i++)
        pthread_join(submitters[i].thread, NULL);
    pthread_join(threads[0], NULL);
    atomic_store(&s.quiet, true);
    for (size_t i = 1; i < 4; i++)
        pthread_join(threads[i], NULL);
    pthread_join(watching, NULL);
    bert_job_unref(atomic_exchange(&s.to_cancel, NULL));
    settle(&s);
    check_tenant(&s);
    test_ok(bert_engine_shadow(s.engine, "default", NULL, 0, NULL, NULL, &err), &err);
    test_ok(bert_engine_stop(s.engine, BERT_STOP_DRAIN, &err), &err);
    atomic_store(&s.stopped, true);
    pthread_join(threads[4], NULL);
    pthread_join(threads[5], NULL);
    storm_check_records(&s);
    storm_check_counters(&s, 1);
    assert_int_equal(s.failures, 0);
    bert_profile_unref(watcher.profile);
    bert_engine_destroy(s.engine);
    storm_forget(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_storm)};

    return cmocka_run_group_tests_name("engine storm", tests, NULL, NULL);
}
