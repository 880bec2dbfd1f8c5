/* SPDX-License-Identifier: MIT */
/*
 * test_engine.c - the engine's answers are those of a lone call, bit for bit, by each way of
 * hearing of them; order, limits, ends; models and their versions; fork; failing allocations.
 */
#include "support.h"
#include "support_dump.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT(s)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
static const bert_text texts[] = {
    TEXT("a cat on a mat"),
    TEXT(""),
    TEXT("[MASK] rose again"),
    TEXT("prices \xff rose"),
    {NULL, 3},
    TEXT("the bank [MASK] . [MASK]"),
    TEXT("BERLIN and Paris: 42 % ?"),
    TEXT("a\0b"),
    TEXT("the weather is cold today but it will"),
    TEXT("who wrote the first"),
    TEXT("[MASK] cat"),
};
static const bert_text pairs[] = {
    TEXT("a kitten"), TEXT("x"),     TEXT(""),      TEXT("y z"),  TEXT("the weather"), TEXT("cats"),
    TEXT("a a a"),    TEXT("[SEP]"), TEXT("a cat"), TEXT("rose"), TEXT("prices"),
};
enum { N = sizeof texts / sizeof *texts, WIDTH_MOST = 512 };

static bert_engine *make_engine(bert_model *model, uint32_t workers)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_engine *engine;
    bert_error err;

    o.workers = workers;
    o.threads = 1;
    test_ok(bert_engine_create(&engine, &o, &err), &err);
    if (model != NULL)
        test_ok(bert_engine_add_model(engine, "default", model, &err), &err);
    return engine;
}

static bert_model *embedder(void)
{
    return test_load(test_path("tests/data/models/embed/base"), NULL);
}

static bert_request request_of(uint32_t task, const bert_text *list, size_t n)
{
    bert_request r = BERT_REQUEST_INIT;

    r.task = task;
    r.texts = list;
    r.n = n;
    return r;
}

/* ---- Embedding, by each way of hearing of it ----------------------------------------- */

struct wanted {
    float rows[N][WIDTH_MOST];
    bert_status status[N];
    size_t width;
};

static void want(struct wanted *w, bert_model *model, const bert_embed_options *options)
{
    bert_session *session = test_session(model, 1);
    bert_error err;

    test_ok(bert_embed_size(model, options, &w->width, &err), &err);
    for (size_t i = 0; i < N; i++) {
        bert_embed_report report;

        test_ok(bert_embed(session, &texts[i], 1, options, w->rows[i], WIDTH_MOST, &report, &err),
                &err);
        w->status[i] = report.status;
    }
    bert_session_destroy(session);
}

/* A job of one text, whose id is the text's number. */
static void check_one(const bert_job *job, const struct wanted *w)
{
    size_t i = bert_job_id(job), n, width;
    const float *row = bert_job_vectors(job, &n, &width);
    bert_error err;

    assert_int_equal(bert_job_status(job, &err), w->status[i]);
    if (w->status[i] != BERT_OK) {
        assert_null(row);
        assert_null(strstr(err.message, "MASK"));
        return;
    }
    assert_int_equal(n, 1);
    assert_int_equal(width, w->width);
    test_same("a vector", row, w->rows[i], width);
    assert_int_equal(bert_job_reports(job)[0].status, BERT_OK);
    assert_null(bert_job_entities(job));
}

struct heard {
    const struct wanted *wanted;
    _Atomic size_t n;
    _Atomic uint32_t seen[N];
};

static void hear(void *context, bert_job *job)
{
    struct heard *heard = context;

    check_one(job, heard->wanted);
    assert_ptr_equal(bert_job_context(job), context);
    atomic_fetch_add(&heard->seen[bert_job_id(job)], 1);
    atomic_fetch_add(&heard->n, 1);
}

static void submit_all(bert_engine *engine, uint32_t notify, struct heard *heard, bert_job **jobs)
{
    bert_error err;

    for (size_t i = 0; i < N; i++) {
        bert_request r = request_of(BERT_TASK_EMBED, &texts[i], 1);

        r.notify = notify;
        r.id = i;
        r.done = notify == BERT_NOTIFY_CALLBACK ? hear : NULL;
        r.context = heard;
        r.priority = i % 2;
        test_ok(bert_engine_submit(engine, &r, jobs != NULL ? &jobs[i] : NULL, &err), &err);
    }
}

static void check_waits(bert_engine *engine, const struct wanted *w)
{
    bert_job *jobs[N];

    submit_all(engine, BERT_NOTIFY_WAIT, NULL, jobs);
    for (size_t i = N; i-- > 0;) {
        bert_error err;

        assert_int_equal(bert_job_wait(jobs[i], 0, &err), w->status[i]);
        assert_int_equal(bert_job_done(jobs[i]), 1);
        check_one(jobs[i], w);
        bert_job_unref(jobs[i]);
    }
}

static void check_callbacks(bert_engine *engine, const struct wanted *w)
{
    struct heard heard = {.wanted = w};

    submit_all(engine, BERT_NOTIFY_CALLBACK, &heard, NULL);
    while (atomic_load(&heard.n) < N)
        usleep(100);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(atomic_load(&heard.seen[i]), 1);
}

static void check_queue(bert_engine *engine, const struct wanted *w)
{
    struct pollfd p = {.fd = bert_engine_fd(engine), .events = POLLIN};
    uint32_t seen[N] = {0};
    bert_job *job;

    assert_true(p.fd >= 0);
    assert_int_equal(poll(&p, 1, 0), 0);
    submit_all(engine, BERT_NOTIFY_QUEUE, NULL, NULL);
    for (size_t n = 0; n < N;) {
        assert_int_equal(poll(&p, 1, 10000), 1);
        while ((job = bert_engine_next(engine)) != NULL) {
            check_one(job, w);
            seen[bert_job_id(job)]++;
            n++;
            bert_job_unref(job);
        }
    }
    assert_int_equal(poll(&p, 1, 0), 0);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(seen[i], 1);
}

static void check_runs(bert_engine *engine, const struct wanted *w)
{
    for (size_t i = 0; i < N; i++) {
        bert_request r = request_of(BERT_TASK_EMBED, &texts[i], 1);
        bert_job *job = (bert_job *)w;
        bert_error err;

        r.id = i;
        assert_int_equal(bert_engine_run(engine, &r, &job, &err), w->status[i]);
        if (w->status[i] == BERT_OK)
            check_one(job, w);
        else
            assert_null(job);
        bert_job_unref(job);
    }
}

static void test_embed(void **state)
{
    static struct wanted w;
    bert_model *model = embedder();

    (void)state;
    want(&w, model, NULL);
    for (uint32_t workers = 1; workers <= 3; workers += 2) {
        bert_engine *engine = make_engine(model, workers);

        check_runs(engine, &w);
        check_waits(engine, &w);
        check_callbacks(engine, &w);
        check_queue(engine, &w);
        bert_engine_destroy(engine);
    }
    bert_model_unref(model);
}

/* The reasons are those of the texts alone, the cache's too. */
static void test_messages(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_embed_options strict = BERT_EMBED_OPTIONS_INIT;
    bert_request r = request_of(BERT_TASK_EMBED, texts, N);
    bert_model *model = embedder();
    bert_metrics m = {.size = sizeof m};
    bert_engine *engine;
    bert_error err;
    size_t failed = 0;

    (void)state;
    o.threads = 1;
    o.cache_bytes = 1 << 20;
    test_ok(bert_engine_create(&engine, &o, &err), &err);
    test_ok(bert_engine_add_model(engine, "default", model, &err), &err);
    strict.max_length = 8;
    strict.overlong = BERT_OVERLONG_ERROR;
    r.options = &strict;
    for (int k = 0; k < 2; k++) {
        bert_job *all, *one;

        r.texts = texts;
        r.n = N;
        test_ok(bert_engine_run(engine, &r, &all, &err), &err);
        r.n = 1;
        for (size_t i = 0; i < N; i++) {
            r.texts = texts + i;
            err.message[0] = '\0';
            assert_int_equal(bert_engine_run(engine, &r, &one, &err),
                             bert_job_reports(all)[i].status);
            assert_string_equal(bert_job_report_message(all, i), err.message);
            failed += err.message[0] != '\0';
            bert_job_unref(one);
        }
        assert_string_equal(bert_job_report_message(all, N), "");
        bert_job_unref(all);
    }
    assert_true(failed >= 6);
    test_ok(bert_engine_metrics(engine, &m, &err), &err);
    assert_true(m.cache_hits > 0);
    bert_engine_destroy(engine);
    bert_model_unref(model);
}

/* All texts in one request, and what its job tells. */
static void test_several(void **state)
{
    static struct wanted w;
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
    bert_job_info info = BERT_JOB_INFO_INIT;
    bert_model *model = embedder();
    bert_engine *engine = make_engine(model, 1);
    bert_request r = request_of(BERT_TASK_EMBED, texts, N);
    bert_text prompt = TEXT("query : ");
    size_t n, width;
    bert_job *job;
    bert_error err;

    (void)state;
    o.pooling = BERT_POOLING_MAX;
    o.prompt = &prompt;
    want(&w, model, &o);
    r.options = &o;
    test_ok(bert_engine_run(engine, &r, &job, &err), &err);
    for (size_t i = 0; i < N; i++) {
        const float *rows = bert_job_vectors(job, &n, &width);

        assert_int_equal(bert_job_reports(job)[i].status, w.status[i]);
        test_same("a row", rows + i * width, w.rows[i], width);
    }
    assert_int_equal(n, N);
    test_ok(bert_job_describe(job, &info, &err), &err);
    assert_int_equal(info.version, 1);
    assert_int_equal(info.batch_requests, 1);
    assert_true(info.batch_tokens > N && info.total_ns >= info.compute_ns + info.queue_ns);
    assert_ptr_equal(bert_job_model(job), model);
    bert_engine_destroy(engine);
    assert_int_equal(bert_job_status(job, &err), BERT_OK); /* readable after it */
    test_same("a row", bert_job_vectors(job, NULL, NULL), w.rows[0], width);
    bert_job_unref(job);
    bert_model_unref(model);
}

/* ---- The other tasks ----------------------------------------------------------------- */

static struct dump dumps[2];

static void dump_choices(struct dump *d, const bert_choices *r)
{
    for (size_t i = 0; i < bert_choices_size(r); i++) {
        dump(d, "%s %s cut %d", bert_status_name(bert_choices_status(r, i)),
             bert_choices_message(r, i), (int)bert_choices_truncated(r, i));
        for (size_t k = 0; k < bert_choices_count(r, i); k++)
            dump(d, " %a %a", (double)bert_choices_list(r, i)[k].score,
                 (double)bert_choices_list(r, i)[k].logit);
    }
}

static void dump_embeddings(struct dump *d, const bert_embeddings *r)
{
    for (size_t i = 0; i < bert_embeddings_size(r); i++) {
        size_t n, k, width;
        const float *dense = bert_embeddings_dense(r, i, &width);
        const bert_term *terms = bert_embeddings_terms(r, i, &n);

        dump(d, "%s %s %u:", bert_status_name(bert_embeddings_status(r, i)),
             bert_embeddings_message(r, i), (unsigned)bert_embeddings_tokens(r, i));
        for (k = 0; dense != NULL && k < width; k++)
            dump(d, " %a", (double)dense[k]);
        for (k = 0; k < n; k++)
            dump(d, " %d=%a", (int)terms[k].id, (double)terms[k].weight);
        dense = bert_embeddings_vectors(r, i, &n, &width);
        for (k = 0; k < n * width && k < 3 * width; k++)
            dump(d, " %a", (double)dense[k]);
        dump(d, "\n");
    }
}

static void dump_job(struct dump *d, const bert_job *job)
{
    if (bert_job_classifications(job) != NULL)
        dump_classifications(d, bert_job_classifications(job));
    else if (bert_job_rankings(job) != NULL)
        dump_rankings(d, bert_job_rankings(job));
    else if (bert_job_entities(job) != NULL)
        dump_entities(d, bert_job_entities(job));
    else if (bert_job_answers(job) != NULL)
        dump_answers(d, bert_job_answers(job));
    else if (bert_job_nexts(job) != NULL)
        dump_nexts(d, bert_job_nexts(job));
    else if (bert_job_fills(job) != NULL)
        dump_fills(d, bert_job_fills(job));
    else if (bert_job_choices(job) != NULL)
        dump_choices(d, bert_job_choices(job));
    else if (bert_job_embeddings(job) != NULL)
        dump_embeddings(d, bert_job_embeddings(job));
    else
        fail_msg("the job has no result");
}

/* The same by a call on a session. */
static bert_status call(bert_session *s, const bert_request *r, struct dump *d, bert_error *err)
{
    void *result = NULL;
    bert_status status;

#define CASE(TASK, type, run)                                                                      \
    case BERT_TASK_##TASK:                                                                         \
        status = run;                                                                              \
        if (status == BERT_OK)                                                                     \
            dump_##type(d, result);                                                                \
        bert_##type##_free(result);                                                                \
        return status
#define OUT(type) (bert_##type **)(void *)&result
    switch (r->task) {
        CASE(CLASSIFY, classifications,
             bert_classify(s, r->texts, r->pairs, r->n, r->options, OUT(classifications), err));
        CASE(RERANK, rankings,
             bert_rerank(s, r->query, r->texts, r->n, r->options, OUT(rankings), err));
        CASE(TAG, entities, bert_tag(s, r->texts, r->n, r->options, OUT(entities), err));
        CASE(ANSWER, answers,
             bert_answer(s, r->texts, r->pairs, r->n, r->options, OUT(answers), err));
        CASE(NEXT, nexts,
             bert_next_sentence(s, r->texts, r->pairs, r->n, r->options, OUT(nexts), err));
        CASE(FILL, fills, bert_fill_mask(s, r->texts, r->n, r->options, OUT(fills), err));
        CASE(CHOOSE, choices,
             bert_choose(s, &r->query, 1, r->texts, (size_t[2]){0, r->n}, r->options, OUT(choices),
                         err));
        CASE(EMBED_ALL, embeddings,
             bert_embed_all(s, r->texts, r->n, r->options, OUT(embeddings), err));
    default:
        fail_msg("no such task");
        return BERT_EINVAL;
    }
}

/* Requests of 0 to 3 texts each, all waiting at once, so that they share batches. */
static void check_task(const char *folder, bert_request r, bool paired)
{
    bert_model *model = test_load(test_path("tests/data/models/%s", folder), NULL);
    bert_engine *engine = make_engine(model, 1);
    bert_session *session = test_session(model, 1);
    bert_job *jobs[3 * N];
    bert_error err;
    size_t n = 0;

    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < 3 && i + k <= N; k++) {
            r.texts = texts + i;
            r.pairs = paired ? pairs + i : NULL;
            r.n = k;
            r.id = i * 10 + k;
            test_ok(bert_engine_submit(engine, &r, &jobs[n++], &err), &err);
        }
    }
    for (size_t j = 0; j < n; j++) {
        size_t i = bert_job_id(jobs[j]) / 10;

        r.texts = texts + i;
        r.pairs = paired ? pairs + i : NULL;
        r.n = bert_job_id(jobs[j]) % 10;
        dumps[0].size = dumps[1].size = 0;
        test_ok(call(session, &r, &dumps[0], &err), &err);
        test_ok(bert_job_wait(jobs[j], 0, &err), &err);
        dump_job(&dumps[1], jobs[j]);
        dumps[0].text[dumps[0].size] = dumps[1].text[dumps[1].size] = '\0';
        assert_string_equal(dumps[0].text, dumps[1].text);
        bert_job_unref(jobs[j]);
    }
    bert_session_destroy(session);
    bert_engine_destroy(engine);
    bert_model_unref(model);
}

static void test_tasks(void **state)
{
    bert_embed_all_options all = BERT_EMBED_ALL_OPTIONS_INIT;
    bert_tag_options tag = BERT_TAG_OPTIONS_INIT;
    bert_answer_options answer = BERT_ANSWER_OPTIONS_INIT;
    bert_fill_options fill = BERT_FILL_OPTIONS_INIT;
    bert_text targets[] = {TEXT("cat"), TEXT("rose")};
    bert_request r = BERT_REQUEST_INIT;

    (void)state;
    r.task = BERT_TASK_CLASSIFY;
    check_task("task/classify", r, false);
    check_task("task/classify_multi", r, true);
    r.task = BERT_TASK_EMBED_ALL;
    check_task("embed/base", r, false);
    all.outputs = BERT_EMBEDDING_DENSE | BERT_EMBEDDING_SPARSE;
    r.options = &all;
    check_task("sparse/base", r, false);
    r.task = BERT_TASK_TAG;
    tag.max_length = 9;
    r.options = &tag;
    check_task("task/tag", r, false);
    r.task = BERT_TASK_ANSWER;
    answer.max_length = 20;
    answer.stride = 3;
    answer.top = 3;
    r.options = &answer;
    check_task("task/answer", r, true);
    r.task = BERT_TASK_FILL;
    fill.targets = targets;
    fill.n_targets = 2;
    r.options = &fill;
    check_task("task/fill", r, false);
    r.options = NULL;
    r.task = BERT_TASK_NEXT;
    check_task("task/next", r, true);
    r.query = texts[9];
    r.task = BERT_TASK_RERANK;
    check_task("task/classify_score", r, false);
    r.task = BERT_TASK_CHOOSE;
    check_task("task/choose", r, false);
}

/* Those of one text. */
static void test_single(void **state)
{
    bert_model *model = embedder();
    bert_engine *engine = make_engine(model, 1);
    bert_session *session = test_session(model, 1);
    bert_chunk_options o = BERT_CHUNK_OPTIONS_INIT;
    const bert_span spans[2] = {{0, 5}, {6, 14}};
    bert_request r = request_of(BERT_TASK_EMBED_TOKENS, texts, 1);
    uint32_t shape[4], rank;
    bert_explanation *explanation;
    bert_outputs *outputs;
    bert_chunks *chunks;
    const float *got;
    bert_job *job;
    bert_error err;

    (void)state;
    test_ok(bert_embed_tokens(session, texts[0], NULL, &outputs, NULL, &err), &err);
    test_ok(bert_engine_run(engine, &r, &job, &err), &err);
    got = bert_outputs_get(bert_job_outputs(job), BERT_OUTPUT_LAST_HIDDEN_STATE, 0, shape, &rank);
    test_same("tokens", got,
              bert_outputs_get(outputs, BERT_OUTPUT_LAST_HIDDEN_STATE, 0, NULL, NULL),
              (size_t)shape[0] * shape[1]);
    assert_int_equal(bert_job_reports(job)->tokens, shape[0]);
    assert_int_equal(bert_job_reports(job)->truncated, 0);
    bert_outputs_free(outputs);
    bert_job_unref(job);

    r.task = BERT_TASK_EMBED_CHUNKS;
    r.spans = spans;
    r.n_spans = 2;
    r.options = &o;
    test_ok(bert_embed_chunks(session, texts[0], spans, 2, &o, &chunks, &err), &err);
    test_ok(bert_engine_run(engine, &r, &job, &err), &err);
    assert_int_equal(bert_chunks_count(bert_job_chunks(job)), 2);
    test_same("a chunk", bert_chunks_list(bert_job_chunks(job))[1].vector,
              bert_chunks_list(chunks)[1].vector, bert_chunks_dimensions(chunks));
    bert_chunks_free(chunks);
    bert_job_unref(job);

    r = request_of(BERT_TASK_EXPLAIN, texts, 1);
    test_ok(bert_explain(session, texts[0], NULL, NULL, &explanation, &err), &err);
    test_ok(bert_engine_run(engine, &r, &job, &err), &err);
    assert_int_equal(bert_explanation_count(bert_job_explanation(job)),
                     bert_explanation_count(explanation));
    assert_true(bert_explanation_list(bert_job_explanation(job))[2].score
                == bert_explanation_list(explanation)[2].score);
    bert_explanation_free(explanation);
    bert_job_unref(job);
    bert_session_destroy(session);
    bert_engine_destroy(engine);
    bert_model_unref(model);
}

/* ---- What is wrong ------------------------------------------------------------------- */

static void refuse(bert_engine *engine, bert_request r, const char *word)
{
    bert_job *job = (bert_job *)engine;
    bert_error err;

    test_error(bert_engine_submit(engine, &r, &job, &err), &err, BERT_EINVAL, word, NULL);
    assert_null(job);
}

static void test_bad_requests(void **state)
{
    bert_model *model = embedder();
    bert_engine *engine = make_engine(model, 1);
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
    bert_request good = request_of(BERT_TASK_EMBED, texts, 2), r = good;
    bert_job *job;
    bert_error err;

    (void)state;
    r.task = 0;
    refuse(engine, r, "task");
    r.task = 99;
    refuse(engine, r, "task");
    r = good;
    r.model = "other";
    refuse(engine, r, "other");
    r = good;
    r.texts = NULL;
    refuse(engine, r, "texts");
    r = good;
    r.pairs = pairs;
    refuse(engine, r, "pairs");
    r = good;
    r.priority = 2;
    refuse(engine, r, "priority");
    r = good;
    r.notify = BERT_NOTIFY_CALLBACK;
    refuse(engine, r, "done");
    r = good;
    r.reserved = 1;
    refuse(engine, r, "reserved");
    r = good;
    r.size = 3;
    refuse(engine, r, "size");
    r = good;
    r.task = BERT_TASK_EXPLAIN;
    refuse(engine, r, "one text");
    assert_int_equal(bert_engine_submit(engine, &good, NULL, &err), BERT_EINVAL);
    assert_int_equal(bert_engine_submit(engine, NULL, &job, &err), BERT_EINVAL);
    assert_int_equal(bert_engine_submit(NULL, &good, &job, &err), BERT_EINVAL);

    /* what only the model can tell is the job's */
    r = good;
    o.prompt_name = "nothing";
    r.options = &o;
    test_error(bert_engine_run(engine, &r, &job, &err), &err, BERT_EINVAL, "nothing", NULL);
    r = request_of(BERT_TASK_TAG, texts, 1);
    test_error(bert_engine_run(engine, &r, &job, &err), &err, BERT_EUNSUPPORTED, "head", NULL);
    test_ok(bert_engine_run(engine, &good, &job, &err), &err);
    bert_job_unref(job);
    bert_engine_destroy(engine);
    bert_model_unref(model);
}

/* ---- Limits, cancels, deadlines ------------------------------------------------------ */

/* A callback that holds the only worker until it is let go. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool entered, open;
};

static void hold(void *context, bert_job *job)
{
    struct gate *g = context;

    (void)job;
    pthread_mutex_lock(&g->lock);
    g->entered = true;
    pthread_cond_broadcast(&g->change);
    while (!g->open)
        pthread_cond_wait(&g->change, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void open_gate(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->change);
    pthread_mutex_unlock(&g->lock);
}

static void close_gate(struct gate *g, bert_engine *engine)
{
    bert_request r = request_of(BERT_TASK_EMBED, texts, 1);
    bert_error err;

    r.notify = BERT_NOTIFY_CALLBACK;
    r.done = hold;
    r.context = g;
    test_ok(bert_engine_submit(engine, &r, NULL, &err), &err);
    pthread_mutex_lock(&g->lock);
    while (!g->entered)
        pthread_cond_wait(&g->change, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

#define GATE_INIT                                                                                  \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false                          \
    }

static void test_full_and_cancel(void **state)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    struct gate gate = GATE_INIT;
    bert_model *model = embedder();
    bert_request r = request_of(BERT_TASK_EMBED, texts, 1);
    bert_job *jobs[4], *late;
    bert_engine *engine;
    bert_error err;

    (void)state;
    o.threads = 1;
    o.queue_requests = 4;
    test_ok(bert_engine_create(&engine, &o, &err), &err);
    test_ok(bert_engine_add_model(engine, "default", model, &err), &err);
    close_gate(&gate, engine);
    for (int i = 0; i < 4; i++)
        test_ok(bert_engine_submit(engine, &r, &jobs[i], &err), &err);
    test_error(bert_engine_submit(engine, &r, &late, &err), &err, BERT_EBUSY, "full", NULL);
    test_error(bert_job_wait(jobs[2], 1000000, &err), &err, BERT_ETIMEDOUT, "not ended", NULL);
    assert_int_equal(bert_job_done(jobs[2]), 0);
    assert_int_equal(bert_job_status(jobs[2], &err), BERT_EBUSY);
    bert_job_cancel(jobs[2]);
    assert_int_equal(bert_job_done(jobs[2]), 1);
    test_error(bert_job_wait(jobs[2], 0, &err), &err, BERT_ECANCELED, "canceled", NULL);
    assert_null(bert_job_vectors(jobs[2], NULL, NULL));
    bert_job_cancel(jobs[2]);
    test_ok(bert_engine_submit(engine, &r, &late, &err), &err); /* there is room again */
    open_gate(&gate);
    for (int i = 0; i < 4; i++) {
        if (i != 2)
            test_ok(bert_job_wait(jobs[i], 0, &err), &err);
        bert_job_unref(jobs[i]);
    }
    test_ok(bert_job_wait(late, 0, &err), &err);
    bert_job_unref(late);
    bert_engine_destroy(engine);
    bert_model_unref(model);
}

/* One that runs for seconds: its end comes within a layer. */
static bert_job *long_job(bert_engine *engine, char **text, uint64_t timeout_ns)
{
    size_t size = 4 << 20;
    bert_request r = BERT_REQUEST_INIT;
    bert_tag_options o = BERT_TAG_OPTIONS_INIT;
    bert_text view = {NULL, size};
    bert_job *job;
    bert_error err;

    *text = malloc(size);
    assert_non_null(*text);
    for (size_t i = 0; i < size; i++)
        (*text)[i] = "a cat on the mat . "[i % 19];
    view.data = *text;
    r.task = BERT_TASK_TAG;
    r.texts = &view;
    r.n = 1;
    r.options = &o;
    r.timeout_ns = timeout_ns;
    r.model = "tag";
    test_ok(bert_engine_submit(engine, &r, &job, &err), &err);
    free(*text); /* it was copied */
    *text = NULL;
    return job;
}

static void test_running(void **state)
{
    bert_model *tagger = test_load(test_path("tests/data/models/task/tag"), NULL);
    bert_model *model = embedder();
    bert_engine *engine = make_engine(model, 1);
    bert_request r = request_of(BERT_TASK_EMBED, texts, 1);
    bert_job *job, *brief;
    bert_error err;
    char *text;

    (void)state;
    test_ok(bert_engine_add_model(engine, "tag", tagger, &err), &err);
    job = long_job(engine, &text, 0);
    usleep(300000); /* it runs, and a short one gets in between */
    test_ok(bert_engine_submit(engine, &r, &brief, &err), &err);
    test_ok(bert_job_wait(brief, 0, &err), &err);
    assert_int_equal(bert_job_done(job), 0);
    bert_job_unref(brief);
    bert_job_cancel(job);
    test_error(bert_job_wait(job, 0, &err), &err, BERT_ECANCELED, "canceled", NULL);
    bert_job_unref(job);

    job = long_job(engine, &text, 200000000);
    test_error(bert_job_wait(job, 0, &err), &err, BERT_ETIMEDOUT, "time is up", NULL);
    bert_job_unref(job);
    test_ok(bert_engine_run(engine, &r, &brief, &err), &err);
    bert_job_unref(brief);
    bert_engine_destroy(engine);
    bert_model_unref(model);
    bert_model_unref(tagger);
}

static void test_stop(void **state)
{
    bert_model *model = embedder();

    (void)state;
    for (int how = BERT_STOP_DRAIN; how <= BERT_STOP_CANCEL; how++) {
        bert_engine *engine = make_engine(model, 1);
        bert_request r = request_of(BERT_TASK_EMBED, texts, 1);
        bert_job *jobs[50], *late;
        bert_error err;

        for (int i = 0; i < 50; i++)
            test_ok(bert_engine_submit(engine, &r, &jobs[i], &err), &err);
        test_ok(bert_engine_stop(engine, (bert_stop)how, &err), &err);
        for (int i = 0; i < 50; i++) {
            bert_status status = bert_job_status(jobs[i], &err);

            assert_int_equal(bert_job_done(jobs[i]), 1);
            assert_true(status == BERT_OK || (how == BERT_STOP_CANCEL && status == BERT_ECANCELED));
            bert_job_unref(jobs[i]);
        }
        test_error(bert_engine_submit(engine, &r, &late, &err), &err, BERT_ECANCELED, "stopped",
                   NULL);
        bert_engine_destroy(engine);
    }
    bert_model_unref(model);
}

/* ---- Models -------------------------------------------------------------------------- */

static void test_versions(void **state)
{
    bert_model *first = embedder(), *second = embedder(), *got;
    bert_engine *engine = make_engine(first, 1);
    bert_request r = request_of(BERT_TASK_EMBED, texts, 1);
    struct gate gate = GATE_INIT;
    bert_job *old, *new;
    uint64_t version;
    bert_error err;

    (void)state;
    close_gate(&gate, engine);
    test_ok(bert_engine_submit(engine, &r, &old, &err), &err);
    test_error(bert_engine_rollback(engine, NULL, &err), &err, BERT_EINVAL, "before", NULL);
    test_ok(bert_engine_add_model(engine, "default", second, &err), &err);
    test_ok(bert_engine_submit(engine, &r, &new, &err), &err);
    open_gate(&gate);
    test_ok(bert_job_wait(old, 0, &err), &err);
    test_ok(bert_job_wait(new, 0, &err), &err);
    assert_ptr_equal(bert_job_model(old), first);
    assert_ptr_equal(bert_job_model(new), second);
    test_ok(bert_engine_model(engine, "default", &got, &version, &err), &err);
    assert_ptr_equal(got, second);
    assert_int_equal(version, 2);
    bert_model_unref(got);
    test_ok(bert_engine_rollback(engine, "default", &err), &err);
    bert_job_unref(new);
    test_ok(bert_engine_run(engine, &r, &new, &err), &err);
    assert_ptr_equal(bert_job_model(new), first);
    test_ok(bert_engine_remove_model(engine, "default", &err), &err);
    test_error(bert_engine_remove_model(engine, "default", &err), &err, BERT_EINVAL, "default",
               NULL);
    refuse(engine, r, "default");
    bert_job_unref(old);
    bert_job_unref(new);
    bert_engine_destroy(engine);
    bert_model_unref(first);
    bert_model_unref(second);
}

/* ---- Fork ---------------------------------------------------------------------------- */

static int child_before(bert_engine *engine)
{
    bert_request r = request_of(BERT_TASK_EMBED, texts, 1);
    bert_job *job, *second;
    bert_error err;

    if (bert_engine_run(engine, &r, &job, &err) != BERT_OK
        || bert_engine_submit(engine, &r, &second, &err) != BERT_OK
        || bert_job_wait(second, 0, &err) != BERT_OK)
        return 1;
    bert_job_unref(job);
    bert_job_unref(second);
    bert_engine_destroy(engine);
    return 0;
}

static int child_after(bert_engine *engine, bert_job *job)
{
    bert_request r = request_of(BERT_TASK_EMBED, texts, 1);
    bert_job *mine = NULL;
    bert_error err;

    if (bert_engine_submit(engine, &r, &mine, &err) != BERT_EINVAL
        || strstr(err.message, "forked") == NULL || mine != NULL
        || bert_job_wait(job, 0, &err) != BERT_EINVAL || bert_engine_fd(engine) != -1
        || bert_engine_next(engine) != NULL || bert_engine_stop(engine, 0, &err) != BERT_EINVAL)
        return 1;
    bert_job_cancel(job);
    bert_job_unref(job);
    bert_engine_destroy(engine);
    return 0;
}

static void test_fork(void **state)
{
    bert_model *model = embedder();
    bert_engine *engine = make_engine(model, 1);
    bert_request r = request_of(BERT_TASK_EMBED, texts, 1);
    bert_job *job;
    bert_error err;
    int status;
    pid_t pid;

    (void)state;
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        _exit(child_before(engine));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    test_ok(bert_engine_submit(engine, &r, &job, &err), &err);
    pid = fork();
    if (pid == 0)
        _exit(child_after(engine, job));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    test_ok(bert_job_wait(job, 0, &err), &err);
    bert_job_unref(job);
    bert_engine_destroy(engine);
    bert_model_unref(model);
}

/* ---- Memory -------------------------------------------------------------------------- */

static bert_status life(bert_model *model, struct test_heap *heap, bert_error *err)
{
    bert_allocator allocator = test_heap_allocator(heap);
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_request r = request_of(BERT_TASK_EMBED, texts, 2);
    bert_engine *engine;
    bert_job *job;
    bert_status status;

    o.threads = 1;
    o.allocator = &allocator;
    status = bert_engine_create(&engine, &o, err);
    if (status == BERT_OK)
        status = bert_engine_add_model(engine, "default", model, err);
    if (status == BERT_OK)
        status = bert_engine_run(engine, &r, &job, err);
    if (status == BERT_OK)
        bert_job_unref(job);
    heap->fail_at = 0;
    if (engine != NULL && heap->failed > 0) { /* it answers still */
        bert_error why;

        test_ok(bert_engine_add_model(engine, "default", model, &why), &why);
        test_ok(bert_engine_run(engine, &r, &job, &why), &why);
        bert_job_unref(job);
    }
    bert_engine_destroy(engine);
    return status;
}

static void test_alloc_fail(void **state)
{
    bert_model *model = embedder();
    bert_error err;
    long calls = 0;

    (void)state;
    for (long at = 1;; at++) {
        struct test_heap heap = {.fail_at = at};
        bert_status status = life(model, &heap, &err);

        assert_int_equal(heap.live, 0);
        if (heap.failed == 0) {
            test_ok(status, &err);
            break;
        }
        assert_int_equal(status, BERT_ENOMEM);
        calls = at;
    }
    assert_true(calls > 20);
    bert_model_unref(model);
}

/* ---- Many at once -------------------------------------------------------------------- */

enum { SUBMITTERS = 16, EACH = 60, SWAPS = 50 };

/* A request of BERT_NOTIFY_CALLBACK: it is told once. */
struct told {
    struct crowd *crowd;
    _Atomic uint32_t n;
};

/* Two models whose answers differ take turns: odd versions are the first one's. */
struct crowd {
    bert_engine *engine;
    bert_model *models[2];
    struct wanted wanted[2];
    _Atomic size_t ok, canceled;
    _Atomic uint64_t seed;
    _Atomic bool over;
    _Atomic size_t calls; /* due */
    struct told told[SUBMITTERS][EACH];
};

/* The answer is whole, and that of the model which the job names. */
static void check_right(struct crowd *c, const bert_job *job)
{
    bert_job_info info = BERT_JOB_INFO_INIT;
    size_t which;

    if (bert_job_status(job, NULL) == BERT_ECANCELED) {
        atomic_fetch_add(&c->canceled, 1);
        return;
    }
    assert_int_equal(bert_job_describe(job, &info, NULL), BERT_OK);
    which = (info.version - 1) % 2;
    assert_ptr_equal(bert_job_model(job), c->models[which]);
    assert_true(info.batch_requests >= 1 && info.total_ns >= info.queue_ns);
    check_one(job, &c->wanted[which]);
    atomic_fetch_add(&c->ok, 1);
}

static void be_told(void *context, bert_job *job)
{
    struct told *told = context;

    atomic_fetch_add(&told->n, 1);
    check_right(told->crowd, job);
}

static void *submitter(void *arg)
{
    struct crowd *c = arg;
    uint64_t number = atomic_fetch_add(&c->seed, 1), random = number * 77 + 1;
    struct told *told = c->told[number];

    for (int k = 0; k < EACH; k++) {
        size_t i = test_random(&random, N);
        bert_request r = request_of(BERT_TASK_EMBED, &texts[i], 1);
        bert_job *job;
        bert_error err;

        r.id = i;
        r.priority = test_random(&random, 2);
        told[k].crowd = c;
        if (test_random(&random, 3) == 0) {
            r.notify = BERT_NOTIFY_CALLBACK;
            r.done = be_told;
            r.context = &told[k];
            atomic_fetch_add(&c->calls, 1);
        }
        test_ok(bert_engine_submit(c->engine, &r, &job, &err), &err);
        if (test_random(&random, 4) == 0)
            bert_job_cancel(job);
        bert_job_wait(job, 0, &err);
        assert_int_equal(bert_job_done(job), 1);
        if (r.notify == BERT_NOTIFY_WAIT)
            check_right(c, job);
        bert_job_unref(job);
    }
    return NULL;
}

/* Looks at models and at jobs that have not ended. */
static void *reader(void *arg)
{
    struct crowd *c = arg;

    while (!atomic_load(&c->over)) {
        bert_job_info info = BERT_JOB_INFO_INIT;
        bert_request r = request_of(BERT_TASK_EMBED, texts, 1);
        bert_model *model;
        bert_job *job;
        uint64_t version;
        bert_error err;

        test_ok(bert_engine_model(c->engine, NULL, &model, &version, &err), &err);
        assert_ptr_equal(model, c->models[(version - 1) % 2]);
        bert_model_unref(model);
        test_ok(bert_engine_submit(c->engine, &r, &job, &err), &err);
        while (!bert_job_done(job)) {
            bert_job_describe(job, &info, NULL);
            bert_job_status(job, NULL);
            usleep(50);
        }
        check_right(c, job);
        atomic_fetch_sub(&c->ok, 1); /* those of the submitters are counted */
        bert_job_unref(job);
    }
    return NULL;
}

static void test_crowd(void **state)
{
    static struct crowd c;
    pthread_t threads[SUBMITTERS], looks;
    size_t calls = 0;
    bert_error err;

    (void)state;
    c.models[0] = embedder();
    c.models[1] = test_load(test_path("tests/data/models/task/tag"), NULL);
    for (int i = 0; i < 2; i++)
        want(&c.wanted[i], c.models[i], NULL);
    assert_true(memcmp(c.wanted[0].rows[0], c.wanted[1].rows[0], sizeof(float) * 8) != 0);
    c.engine = make_engine(c.models[0], 2);
    for (int i = 0; i < SUBMITTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, submitter, &c), 0);
    assert_int_equal(pthread_create(&looks, NULL, reader, &c), 0);
    for (int i = 1; i <= SWAPS; i++) {
        test_ok(bert_engine_add_model(c.engine, "default", c.models[i % 2], &err), &err);
        usleep(1000);
    }
    for (int i = 0; i < SUBMITTERS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&c.over, true);
    pthread_join(looks, NULL);
    test_ok(bert_engine_stop(c.engine, BERT_STOP_DRAIN, &err), &err);
    for (size_t i = 0; i < SUBMITTERS * EACH; i++) {
        const struct told *told = &c.told[i / EACH][i % EACH];

        assert_true(told->n <= 1);
        calls += told->n;
    }
    assert_int_equal(calls, c.calls);
    assert_int_equal(c.ok + c.canceled, SUBMITTERS * EACH);
    assert_true(c.ok > c.canceled);
    bert_engine_destroy(c.engine);
    for (int i = 0; i < 2; i++)
        bert_model_unref(c.models[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embed),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_full_and_cancel),
        cmocka_unit_test(test_running),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_alloc_fail),
        cmocka_unit_test(test_crowd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
