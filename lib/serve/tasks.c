/* SPDX-License-Identifier: MIT */
/* tasks.c - several jobs as one call, and its result in parts. */
#include "lib/serve/tasks.h"

#include <string.h>

#include "lib/api/slices.h"
#include "lib/base/error.h"

/* Several jobs' texts as the arrays of one call. */
struct call {
    bert_session *session;
    struct bert__alloc *alloc;
    bert_job *const *jobs;
    size_t n_jobs;
    const void *options;
    const bert_text *texts, *pairs; /* of all */
    size_t n;
    bert_text *own_texts, *own_pairs; /* where they had to be put together */
};

/* ---- Texts --------------------------------------------------------------------------- */

static bool gather(struct call *c)
{
    size_t at = 0;

    c->n = 0;
    for (size_t i = 0; i < c->n_jobs; i++)
        c->n += c->jobs[i]->request.n;
    c->own_texts = bert__alloc_items(c->alloc, c->n, sizeof *c->own_texts);
    c->own_pairs =
        c->pairs != NULL ? bert__alloc_items(c->alloc, c->n, sizeof *c->own_pairs) : NULL;
    if (c->own_texts == NULL || (c->pairs != NULL && c->own_pairs == NULL))
        return false;
    for (size_t i = 0; i < c->n_jobs; i++) {
        const bert_request *r = &c->jobs[i]->request;

        if (r->n == 0)
            continue;
        memcpy(c->own_texts + at, r->texts, r->n * sizeof *r->texts);
        if (c->own_pairs != NULL)
            memcpy(c->own_pairs + at, r->pairs, r->n * sizeof *r->pairs);
        at += r->n;
    }
    c->texts = c->own_texts;
    c->pairs = c->own_pairs;
    return true;
}

/* ---- Results in parts ---------------------------------------------------------------- */

typedef bert_status slice_fn(void *out, void *whole, size_t first, size_t n, bert_error *err);

#define SLICER(type)                                                                               \
    static bert_status slice_##type(void *out, void *whole, size_t first, size_t n,                \
                                    bert_error *err)                                               \
    {                                                                                              \
        bert_##type *part = NULL;                                                                  \
        bert_status st = bert__##type##_slice(&part, whole, first, n, err);                        \
                                                                                                   \
        memcpy(out, &part, sizeof part);                                                           \
        return st;                                                                                 \
    }
SLICER(embeddings)
SLICER(classifications)
SLICER(entities)
SLICER(answers)
SLICER(nexts)
SLICER(fills)
SLICER(choices)

/* Records to jobs: `each` of them has so many; 0: as many as it has texts. */
static void hand_out(const struct call *c, void *whole, slice_fn *slice, size_t each)
{
    size_t first = 0;

    for (size_t i = 0; i < c->n_jobs; i++) {
        bert_job *job = c->jobs[i];
        size_t n = each > 0 ? each : job->request.n;

        slice(&job->answer->result, whole, first, n, &job->error);
        first += n;
    }
}

/* ---- Calls whose results come in parts ----------------------------------------------- */

static bert_status embed_all(struct call *c, bert_error *err)
{
    bert_embeddings *all;
    bert_status st = bert_embed_all(c->session, c->texts, c->n, c->options, &all, err);

    if (st == BERT_OK)
        hand_out(c, all, slice_embeddings, 0);
    bert_embeddings_free(all);
    return st;
}

static bert_status classify(struct call *c, bert_error *err)
{
    bert_classifications *all;
    bert_status st = bert_classify(c->session, c->texts, c->pairs, c->n, c->options, &all, err);

    if (st == BERT_OK)
        hand_out(c, all, slice_classifications, 0);
    bert_classifications_free(all);
    return st;
}

static bert_status tag(struct call *c, bert_error *err)
{
    bert_entities *all;
    bert_status st = bert_tag(c->session, c->texts, c->n, c->options, &all, err);

    if (st == BERT_OK)
        hand_out(c, all, slice_entities, 0);
    bert_entities_free(all);
    return st;
}

static bert_status answer(struct call *c, bert_error *err)
{
    bert_answers *all;
    bert_status st = bert_answer(c->session, c->texts, c->pairs, c->n, c->options, &all, err);

    if (st == BERT_OK)
        hand_out(c, all, slice_answers, 0);
    bert_answers_free(all);
    return st;
}

static bert_status next(struct call *c, bert_error *err)
{
    bert_nexts *all;
    bert_status st =
        bert_next_sentence(c->session, c->texts, c->pairs, c->n, c->options, &all, err);

    if (st == BERT_OK)
        hand_out(c, all, slice_nexts, 0);
    bert_nexts_free(all);
    return st;
}

static bert_status fill(struct call *c, bert_error *err)
{
    bert_fills *all;
    bert_status st = bert_fill_mask(c->session, c->texts, c->n, c->options, &all, err);

    if (st == BERT_OK)
        hand_out(c, all, slice_fills, 0);
    bert_fills_free(all);
    return st;
}

/* A job is one prompt with its choices. */
static bert_status choose_from(struct call *c, bert_text *prompts, size_t *offsets, bert_error *err)
{
    bert_choices *all;
    bert_status st;

    offsets[0] = 0;
    for (size_t i = 0; i < c->n_jobs; i++) {
        prompts[i] = c->jobs[i]->request.query;
        offsets[i + 1] = offsets[i] + c->jobs[i]->request.n;
    }
    st = bert_choose(c->session, prompts, c->n_jobs, c->texts, offsets, c->options, &all, err);
    if (st == BERT_OK)
        hand_out(c, all, slice_choices, 1);
    bert_choices_free(all);
    return st;
}

static bert_status choose(struct call *c, bert_error *err)
{
    bert_text *prompts = bert__alloc_items(c->alloc, c->n_jobs, sizeof *prompts);
    size_t *offsets = bert__alloc_items(c->alloc, c->n_jobs + 1, sizeof *offsets);
    bert_status st = prompts != NULL && offsets != NULL
                         ? choose_from(c, prompts, offsets, err)
                         : bert__alloc_fail(c->alloc, "the prompts", err);

    bert__alloc_free(c->alloc, prompts);
    bert__alloc_free(c->alloc, offsets);
    return st;
}

/* ---- Embedding ----------------------------------------------------------------------- */

static bool make_room(struct call *c, size_t width)
{
    for (size_t i = 0; i < c->n_jobs; i++) {
        bert_job *job = c->jobs[i];

        if (job->answer == NULL)
            job->answer = bert__answer_create_vectors(c->alloc, job->request.n, width);
        if (job->answer == NULL)
            return false;
    }
    return true;
}

static void hand_out_vectors(struct call *c, size_t width, const float *rows,
                             const bert_embed_report *reports)
{
    for (size_t i = 0; i < c->n_jobs; i++) {
        bert_job *job = c->jobs[i];
        size_t n = job->request.n;

        memcpy(job->answer->vectors, rows, n * width * sizeof *rows);
        memcpy(job->answer->reports, reports, n * sizeof *reports);
        rows += n * width;
        reports += n;
    }
}

static bert_status embed_together(struct call *c, size_t width, bert_error *err)
{
    float *rows = bert__alloc_items(c->alloc, c->n, width * sizeof *rows);
    bert_embed_report *reports = bert__alloc_items(c->alloc, c->n, sizeof *reports);
    bert_status st = BERT_OK;

    if (rows == NULL || reports == NULL)
        st = bert__alloc_fail(c->alloc, "the vectors", err);
    if (st == BERT_OK)
        st = bert_embed(c->session, c->texts, c->n, c->options, rows, c->n * width, reports, err);
    if (st == BERT_OK)
        hand_out_vectors(c, width, rows, reports);
    bert__alloc_free(c->alloc, rows);
    bert__alloc_free(c->alloc, reports);
    return st;
}

/* Text i of several has no vector. */
static bert_status put_message(struct call *c, bert_job *job, size_t i, const char *message,
                               bert_error *err)
{
    struct bert__answer *a = job->answer;

    if (a->messages == NULL) {
        a->messages = bert__alloc_array(c->alloc, job->request.n, sizeof *a->messages);
        a->n_messages = a->messages != NULL ? job->request.n : 0;
    }
    if (a->messages != NULL)
        a->messages[i] = bert__alloc_string(c->alloc, message, strlen(message));
    return a->messages != NULL && a->messages[i] != NULL
               ? BERT_OK
               : bert__alloc_fail(c->alloc, "the message", err);
}

/* Why there is no vector says the call for that text alone, without reports. */
static bert_status explain_text(struct call *c, bert_job *job, size_t i, bert_error *err)
{
    bert_error why;
    bert_status st =
        bert_embed(c->session, &job->request.texts[i], 1, c->options,
                   job->answer->vectors + i * job->answer->width, job->answer->width, NULL, &why);

    if (job->request.n > 1 && st == job->answer->reports[i].status)
        return put_message(c, job, i, why.message, err);
    if (st != BERT_OK) /* the only text, or it was canceled */
        *err = why;
    return st;
}

static void explain_failures(struct call *c)
{
    for (size_t k = 0; k < c->n_jobs; k++) {
        bert_job *job = c->jobs[k];

        for (size_t i = 0; i < job->request.n; i++) {
            if (job->answer->reports[i].status != BERT_OK
                && explain_text(c, job, i, &job->error) != BERT_OK)
                break;
        }
    }
}

static bert_status embed(struct call *c, bert_error *err)
{
    size_t width;
    bert_status st = bert_embed_size(bert_session_model(c->session), c->options, &width, err);

    if (st != BERT_OK)
        return st;
    if (!make_room(c, width))
        return bert__alloc_fail(c->alloc, "the vectors", err);
    if (c->n_jobs > 1)
        st = embed_together(c, width, err);
    else
        st = bert_embed(c->session, c->texts, c->n, c->options, c->jobs[0]->answer->vectors,
                        c->n * width, c->jobs[0]->answer->reports, err);
    if (st == BERT_OK)
        explain_failures(c);
    return st;
}

/* ---- Calls for one job --------------------------------------------------------------- */

static bert_status embed_tokens(struct call *c, bert_error *err)
{
    struct bert__answer *answer = c->jobs[0]->answer;
    bert_outputs *result = NULL;
    bert_status st =
        bert_embed_tokens(c->session, c->texts[0], c->options, &result, answer->reports, err);

    answer->result = result;
    return st;
}

static bert_status embed_chunks(struct call *c, bert_error *err)
{
    const bert_request *r = &c->jobs[0]->request;
    bert_chunks *result = NULL;
    bert_status st =
        bert_embed_chunks(c->session, c->texts[0], r->spans, r->n_spans, c->options, &result, err);

    c->jobs[0]->answer->result = result;
    return st;
}

static bert_status rerank(struct call *c, bert_error *err)
{
    bert_rankings *result = NULL;
    bert_status st = bert_rerank(c->session, c->jobs[0]->request.query, c->texts, c->n, c->options,
                                 &result, err);

    c->jobs[0]->answer->result = result;
    return st;
}

static bert_status explain(struct call *c, bert_error *err)
{
    bert_explanation *result = NULL;
    bert_status st = bert_explain(c->session, c->texts[0], c->pairs, c->options, &result, err);

    c->jobs[0]->answer->result = result;
    return st;
}

/* ---- All ----------------------------------------------------------------------------- */

static bert_status (*const calls[])(struct call *, bert_error *) = {
    [BERT_TASK_EMBED] = embed,
    [BERT_TASK_EMBED_ALL] = embed_all,
    [BERT_TASK_EMBED_TOKENS] = embed_tokens,
    [BERT_TASK_EMBED_CHUNKS] = embed_chunks,
    [BERT_TASK_CLASSIFY] = classify,
    [BERT_TASK_RERANK] = rerank,
    [BERT_TASK_TAG] = tag,
    [BERT_TASK_ANSWER] = answer,
    [BERT_TASK_NEXT] = next,
    [BERT_TASK_FILL] = fill,
    [BERT_TASK_CHOOSE] = choose,
    [BERT_TASK_EXPLAIN] = explain,
};

static bert_status run(struct call *c, bert_error *err)
{
    const bert_request *first = &c->jobs[0]->request;
    bert_status st;

    c->options = first->options;
    c->texts = first->texts;
    c->pairs = first->pairs;
    c->n = first->n;
    if (c->n_jobs > 1 && !gather(c))
        st = bert__alloc_fail(c->alloc, "the batch's texts", err);
    else
        st = calls[first->task](c, err);
    bert__alloc_free(c->alloc, c->own_texts);
    bert__alloc_free(c->alloc, c->own_pairs);
    return st;
}

static void fail_all(bert_job *const *jobs, size_t n, struct bert__alloc *alloc)
{
    for (size_t i = 0; i < n; i++)
        bert__alloc_fail(alloc, "the answer", &jobs[i]->error);
}

void bert__tasks_run(bert_session *session, struct bert__alloc *alloc, bert_job *const *jobs,
                     size_t n)
{
    struct call all = {.session = session, .alloc = alloc, .jobs = jobs, .n_jobs = n};
    bert_error err;
    bert_status st;

    /* those of EMBED are made once their width is known */
    for (size_t i = 0; i < n && jobs[i]->request.task != BERT_TASK_EMBED; i++) {
        jobs[i]->answer = bert__answer_create(alloc, jobs[i]->request.task);
        if (jobs[i]->answer == NULL) {
            fail_all(jobs, n, alloc);
            return;
        }
    }
    st = run(&all, &err);
    if (st == BERT_OK)
        return;
    if (n == 1 || st == BERT_ECANCELED) {
        for (size_t i = 0; i < n; i++)
            jobs[i]->error = err;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct call one = {.session = session, .alloc = alloc, .jobs = jobs + i, .n_jobs = 1};

        run(&one, &jobs[i]->error);
    }
}
