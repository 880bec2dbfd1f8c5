/* SPDX-License-Identifier: MIT */
#include "support_storm.h"

#include <string.h>

/* Threads must not use cmocka's: the first that is wrong says so, and the test fails at its end. */
bool storm_holds(struct storm *s, bool right, const char *what, uint64_t id)
{
    if (!right && atomic_fetch_add(&s->failures, 1) < 10)
        fprintf(stderr, "request %llu: %s\n", (unsigned long long)id, what);
    return right;
}

/* ---- What is to come out ------------------------------------------------------------------- */

const char *const storm_paths[STORM_MODELS] = {"tests/data/models/embed/base",
                                               "tests/data/models/task/tag",
                                               "tests/data/models/task/classify"};

const bert_embed_options storm_pooled = {.size = sizeof storm_pooled, .pooling = BERT_POOLING_LAST};

static void make_texts(struct storm *s)
{
    static const char *const words[] = {"a ",     "cat ",    "on ",      "the ",  "mat ",
                                        "rain ",  "prices ", "weather ", "cold ", "who ",
                                        "wrote ", "first ",  "Berlin ",  "today "};
    uint64_t random = 77;

    for (size_t i = 0; i < STORM_TEXTS; i++) {
        s->words[i][0] = '\0';
        for (uint32_t n = 1 + test_random(&random, 16); n > 0; n--)
            strcat(s->words[i], words[test_random(&random, sizeof words / sizeof *words)]);
        s->texts[i] = (bert_text){s->words[i], strlen(s->words[i])};
    }
}

static void expect(struct storm *s, size_t m)
{
    bert_model *model = test_load(test_path("%s", storm_paths[m]), NULL);
    bert_session *session = test_session(model, 1);
    bert_embed_report report;
    bert_error err;

    s->width[m] = bert_model_embedding_size(model);
    for (size_t i = 0; i < STORM_TEXTS; i++) {
        float *row = s->rows[m][0] + i * s->width[m], *other = s->rows[m][1] + i * s->width[m];

        test_ok(bert_embed(session, &s->texts[i], 1, NULL, row, STORM_WIDTH, NULL, &err), &err);
        test_ok(bert_embed(session, &s->texts[i], 1, &storm_pooled, other, STORM_WIDTH, NULL, &err),
                &err);
        test_ok(bert_embed_tokens(session, s->texts[i], NULL, &s->tokens[m][i], &report, &err),
                &err);
    }
    for (size_t k = 0; k < m; k++)
        assert_memory_not_equal(s->rows[m][0], s->rows[k][0], s->width[m] * sizeof(float));
    bert_session_destroy(session);
    bert_model_unref(model);
}

void storm_expect(struct storm *s)
{
    make_texts(s);
    for (size_t m = 0; m < STORM_MODELS; m++)
        expect(s, m);
}

void storm_forget(struct storm *s)
{
    for (size_t m = 0; m < STORM_MODELS; m++) {
        for (size_t i = 0; i < STORM_TEXTS; i++)
            bert_outputs_free(s->tokens[m][i]);
    }
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static bool is_own_answer(const struct storm *s, const struct storm_record *r, size_t m,
                          const bert_job *job)
{
    const float *got, *own;
    size_t n = 0, width = 0;

    if (r->kind == STORM_TOKENS) {
        uint32_t shape[4], own_shape[4], rank;
        got =
            bert_outputs_get(bert_job_outputs(job), BERT_OUTPUT_LAST_HIDDEN_STATE, 0, shape, &rank);
        own = bert_outputs_get(s->tokens[m][r->first], BERT_OUTPUT_LAST_HIDDEN_STATE, 0, own_shape,
                               &rank);

        return got != NULL && memcmp(shape, own_shape, sizeof *shape * rank) == 0
               && memcmp(got, own, (size_t)shape[0] * shape[1] * sizeof *got) == 0;
    }
    own = s->rows[m][r->kind == STORM_POOLED] + r->first * s->width[m];
    got = bert_job_vectors(job, &n, &width);
    return got != NULL && n == r->n && width == s->width[m]
           && memcmp(got, own, n * width * sizeof *got) == 0;
}

bool storm_may_end(const struct storm_record *r, bert_status st)
{
    switch (st) {
    case BERT_OK:
        return r->kind != STORM_BAD_PROMPT;
    case BERT_EINVAL:
        return r->kind == STORM_BAD_PROMPT;
    case BERT_ECANCELED:
        return atomic_load(&r->canceled);
    case BERT_ETIMEDOUT:
        return r->timed;
    default:
        return st == BERT_EBUSY; /* it was to take a canceled one's place */
    }
}

void storm_ended(struct storm *s, const bert_job *job)
{
    uint64_t id = bert_job_id(job);
    bert_job_info info = BERT_JOB_INFO_INIT;
    struct storm_record *r = &s->records[id];
    bert_status st = bert_job_status(job, NULL);

    if (!storm_holds(s, atomic_fetch_add(&r->ends, 1) == 0, "answered twice", id)
        || !storm_holds(s, storm_may_end(r, st), "a status that it can't have", id)
        || !storm_holds(s, bert_job_describe(job, &info, NULL) == BERT_OK, "no description", id))
        return;
    r->status = st;
    r->version = strcmp(bert_job_model_name(job), "canary") == 0 ? 0 : info.version;
    if (st == BERT_OK)
        storm_holds(s,
                    is_own_answer(s, r, r->version == 0 ? STORM_CANARY : (r->version - 1) % 2, job),
                    "not the answer of its text and version", id);
}

/* ---- After it ----------------------------------------------------------------------------------
 */

static bool served(const struct storm *s, const struct storm_record *r)
{
    for (size_t i = r->from; i <= r->to; i++) {
        if (s->versions[i] == r->version)
            return true;
    }
    return r->version == 0;
}

void storm_check_records(struct storm *s)
{
    for (uint64_t id = 1; id <= STORM_REQUESTS; id++) {
        struct storm_record *r = &s->records[id];
        bool known = r->kind != STORM_BAD_TASK;

        storm_holds(s, r->ends == !r->refused, "lost", id);
        storm_holds(s, r->refused || served(s, r), "answered by a version that did not serve", id);
        storm_holds(s, r->spans[BERT_STAGE_REQUEST][0] == known, "no span of its own", id);
        for (int stage = 0; stage < 3; stage++)
            storm_holds(s, r->spans[stage][0] == r->spans[stage][1], "a span without an end", id);
    }
}

void storm_check_counters(struct storm *s, uint64_t more)
{
    uint64_t by_status[BERT_METRICS_STATUSES] = {0}, failed = 0, unknown = 0;
    bert_metrics m = {.size = sizeof m};
    bert_error err;

    test_ok(bert_engine_metrics(s->engine, &m, &err), &err);
    for (uint64_t id = 1; id <= STORM_REQUESTS; id++) {
        unknown += s->records[id].kind == STORM_BAD_TASK;
        if (s->records[id].kind != STORM_BAD_TASK)
            by_status[-s->records[id].status]++;
    }
    for (int i = 1; i < BERT_METRICS_STATUSES; i++) {
        failed += m.requests_failed[i];
        assert_int_equal(m.requests_failed[i] + (i == -BERT_EBUSY ? m.requests_rejected : 0),
                         by_status[i]);
    }
    assert_int_equal(m.requests_answered, by_status[0] + more);
    assert_true(by_status[0] > STORM_REQUESTS / 2);
    assert_int_equal(m.requests_submitted, m.requests_answered + failed);
    assert_int_equal(m.requests_submitted + m.requests_rejected + unknown, STORM_REQUESTS + more);
    assert_int_equal(m.requests_queued + m.requests_running, 0);
    assert_int_equal(m.model_loads, 1 + STORM_SWAPS - STORM_SWAPS / 5 + 1); /* and the canary's */
    assert_int_equal(m.model_rollbacks, STORM_SWAPS / 5);
    assert_int_equal(m.shadow_runs, s->shadows);
    /* all of it took place */
    assert_true(by_status[-BERT_ECANCELED] > 0 && by_status[-BERT_ETIMEDOUT] > 0);
    assert_true(by_status[-BERT_EINVAL] > 0 && m.requests_rejected > 0);
    assert_true(m.cache_hits > 0 && m.cache_coalesced > 0 && m.cache_evictions > 0);
    assert_true(m.shadow_runs > 0 && s->observed > 0);
}
