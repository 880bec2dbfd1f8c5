/* SPDX-License-Identifier: MIT */
/* rerank.c - bert/tasks.h, re-ranking by a cross-encoder. */
#include <bert/tasks.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/api/task_texts.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/sort.h"
#include "lib/head/scores.h"
#include "lib/head/torch_act.h"

struct bert_rankings {
    struct bert__records records; /* items: a float, the score */
    bert_ranked *ranked;          /* best first */
    size_t n_ranked;
};

struct job {
    struct bert__task_run run;
    struct bert__task_texts texts;
    bert_text query; /* with the model's prompt */
    char *joined;    /* where `query` lies, if there is a prompt */
    bert__act_fn *activation;
    bert_rankings *out;
};

/* ---- What the model says --------------------------------------------------------------- */

/* A class by its path; one that isn't torch's is left out, as the reference does unless it is told
 * to trust remote code. */
static bert_status take_class(struct job *job, const char *file, const char *path, bert_error *err)
{
    char shown[84];

    if (job->activation != NULL || strncmp(path, "torch.", 6) != 0)
        return BERT_OK;
    job->activation = bert__torch_act(path);
    if (job->activation != NULL)
        return BERT_OK;
    return bert__fail(err, BERT_EUNSUPPORTED, "%s: the activation \"%s\" is not handled", file,
                      bert__printable(shown, path, strlen(path)));
}

/* The same as a member of a config. */
static bert_status take_member(struct job *job, const struct bert__config *c,
                               const struct bert__json *object, const char *key, bert_error *err)
{
    bert_text text = {NULL, 0};
    char path[128];
    bert_status st = bert__json_read_string(object, c->path, key, &text, err);

    if (st != BERT_OK || text.data == NULL)
        return st;
    if (text.size >= sizeof path || memchr(text.data, 0, text.size) != NULL)
        return bert__fail(err, BERT_EUNSUPPORTED, "%s: \"%s\" \"%s\" is not handled", c->path, key,
                          bert__printable((char[84]){0}, text.data, text.size));
    memcpy(path, text.data, text.size);
    path[text.size] = '\0';
    return take_class(job, c->path, path, err);
}

/* In the reference's order: the model's settings, the config, its older key, sigmoid. */
static bert_status choose_activation(struct job *job, const bert_model *model, bert_error *err)
{
    const struct bert__config *c = &model->config;
    const struct bert__json *own = bert__json_find(c->json, "sentence_transformers");
    bert_status st = BERT_OK;

    if (model->modules.activation_fn != NULL)
        st = take_class(job, model->modules.activation_file, model->modules.activation_fn, err);
    if (st == BERT_OK && job->activation == NULL) {
        if (bert__json_get(own, "activation_fn") != NULL)
            st = take_member(job, c, own, "activation_fn", err);
        else
            st = take_member(job, c, c->json, "sbert_ce_default_activation_function", err);
    }
    if (job->activation == NULL)
        job->activation = bert__act_sigmoid;
    return st;
}

static bert_status join_prompt(struct job *job, bert_error *err)
{
    bert_session *s = job->run.session;
    bert_text prompt = s->model->modules.query_prompt;
    size_t size = 0;

    if (prompt.size == 0)
        return BERT_OK;
    if (bert__size_add(prompt.size, job->query.size, &size))
        job->joined = bert__alloc(s->alloc, size);
    if (job->joined == NULL)
        return bert__alloc_fail(s->alloc, "the prompt and the query", err);
    memcpy(job->joined, prompt.data, prompt.size);
    if (job->query.size > 0)
        memcpy(job->joined + prompt.size, job->query.data, job->query.size);
    job->query = (bert_text){job->joined, size};
    return BERT_OK;
}

/* ---- Answers ------------------------------------------------------------------------------ */

static bert_status answer(void *context, const struct bert__task_logits *l, bert_error *err)
{
    struct job *job = context;
    float *score;

    if (!bert__finite(l->values, 1))
        return bert__records_fail_nonfinite(&job->out->records, l->owner, err);
    score = bert__records_add(&job->out->records, l->owner, 1);
    if (score == NULL)
        return bert__fail_nomem(err, "the result");
    *score = (float)job->activation((double)l->values[0]);
    return BERT_OK;
}

/* Best first; of equal scores the earlier text. */
static int compare(const void *a, const void *b)
{
    const bert_ranked *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* bert__sort() sorts pointers. */
static bert_status rank(bert_rankings *r, size_t top, bert_error *err)
{
    struct bert__alloc *alloc = r->records.alloc;
    size_t n = r->records.n, found = 0;
    bert_ranked *all = bert__alloc_items(alloc, n, sizeof *all);
    void **order = bert__alloc_items(alloc, n, sizeof *order);
    bert_status st = BERT_OK;

    for (size_t i = 0; all != NULL && order != NULL && i < n; i++) {
        if (bert__records_count(&r->records, i) == 0)
            continue;
        all[found] = (bert_ranked){i, *(float *)bert__records_item(&r->records, i, 0)};
        order[found] = &all[found];
        found++;
    }
    if (all != NULL && order != NULL) {
        bert__sort(order, found, compare);
        r->n_ranked = top > 0 && top < found ? top : found;
        r->ranked = bert__alloc_items(alloc, r->n_ranked, sizeof *r->ranked);
    }
    if (r->ranked == NULL)
        st = bert__fail_nomem(err, "the result");
    for (size_t i = 0; st == BERT_OK && i < r->n_ranked; i++)
        r->ranked[i] = *(bert_ranked *)order[i];
    bert__alloc_free(alloc, all);
    bert__alloc_free(alloc, order);
    return st;
}

static bert_status run(struct job *job, const bert_rerank_options *o, bert_error *err)
{
    bert_session *s = job->run.session;
    uint32_t n_labels = job->run.head->decoder.n_out;
    bert_status st = BERT_OK;

    if (n_labels != 1)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: a cross-encoder for ranking has one label; this model has %lu",
                          s->model->config.path, (unsigned long)n_labels);
    if (o->raw)
        job->activation = bert__act_identity;
    else
        st = choose_activation(job, s->model, err);
    if (st == BERT_OK)
        st = join_prompt(job, err);
    if (st == BERT_OK)
        st = bert__records_create(&job->out, sizeof *job->out, s, job->texts.n, sizeof(float), err);
    if (st == BERT_OK)
        st = bert__task_texts_run(&job->run, &job->texts, &job->out->records, err);
    if (st == BERT_OK)
        st = rank(job->out, o->top, err);
    bert__alloc_free(s->alloc, job->joined);
    return st;
}

static bert_status read_options(struct job *job, bert_rerank_options *o,
                                const bert_rerank_options *options, bert_error *err)
{
    bert_status st = bert__options_read(o, sizeof *o, options, "bert_rerank_options", err);

    if (st == BERT_OK)
        st = bert__options_enum(o->raw, 2, "bert_rerank_options.raw", err);
    if (st != BERT_OK)
        return st;
    job->texts.overlong = o->overlong;
    st = bert__task_texts_check(&job->texts, err);
    return st != BERT_OK ? st
                         : bert__task_length(job->run.session->model, o->max_length, true,
                                             &job->texts.max_length, err);
}

bert_status bert_rerank(bert_session *s, bert_text query, const bert_text *texts, size_t n,
                        const bert_rerank_options *options, bert_rankings **out, bert_error *err)
{
    struct job job = {
        .run = {.session = s, .task = BERT__TASK_CLASSIFY, .done = answer, .context = &job},
        .texts = {.texts = texts, .first = &job.query, .n = n},
        .query = query};
    bert_rerank_options o;
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL || (query.data == NULL && query.size > 0))
        return bert__fail(err, BERT_EINVAL, "%s is NULL", s == NULL ? "session" : "query.data");
    st = bert__task_run_begin(&job.run, err);
    if (st != BERT_OK)
        return st;
    st = read_options(&job, &o, options, err);
    if (st == BERT_OK)
        st = run(&job, &o, err);
    bert__task_run_end(&job.run);
    if (st == BERT_OK)
        *out = job.out;
    else
        bert_rankings_free(job.out);
    return st;
}

/* ---- Reading -------------------------------------------------------------------------------- */

void bert_rankings_free(bert_rankings *r)
{
    if (r == NULL)
        return;
    bert__alloc_free(r->records.alloc, r->ranked);
    bert__records_free(&r->records);
}

size_t bert_rankings_size(const bert_rankings *r)
{
    return r->records.n;
}

bert_status bert_rankings_status(const bert_rankings *r, size_t i)
{
    return bert__records_status(&r->records, i);
}

const char *bert_rankings_message(const bert_rankings *r, size_t i)
{
    return bert__records_message(&r->records, i);
}

float bert_rankings_score(const bert_rankings *r, size_t i)
{
    return bert__records_count(&r->records, i) > 0 ? *(float *)bert__records_item(&r->records, i, 0)
                                                   : 0;
}

uint64_t bert_rankings_truncated(const bert_rankings *r, size_t i)
{
    return bert__records_truncated(&r->records, i);
}

size_t bert_rankings_count(const bert_rankings *r)
{
    return r->n_ranked;
}

const bert_ranked *bert_rankings_best(const bert_rankings *r)
{
    return r->ranked;
}
