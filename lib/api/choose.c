/* SPDX-License-Identifier: MIT */
/* choose.c - bert/choose.h: each pair of prompt and choice is a sequence. */
#include <bert/choose.h>

#include "lib/api/options.h"
#include "lib/api/slices.h"
#include "lib/api/task_texts.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/head/scores.h"

struct bert_choices {
    struct bert__records records; /* items: bert_choice */
};

/* A record for each pair, and what the head says of it. */
struct pairs {
    struct bert__records records;
    float *logits;
};

struct job {
    struct bert__task_run run;
    struct bert__task_texts texts; /* the pairs */
    size_t n;
    const size_t *offsets;
    bert_text *prompts; /* [pairs] */
    float *scores;      /* [choices of the record that has most] */
    struct pairs *pairs;
    bert_choices *out;
};

/* ---- The caller's arrays -------------------------------------------------------------- */

static bert_status check_offsets(const struct job *job, const bert_text *prompts, bert_error *err)
{
    const size_t *o = job->offsets;

    if (job->n > 0 && (prompts == NULL || o == NULL))
        return bert__fail(err, BERT_EINVAL, "%s is NULL", prompts == NULL ? "prompts" : "offsets");
    if (job->n > 0 && o[0] != 0)
        return bert__fail(err, BERT_EINVAL, "offsets[0] is %zu; it must be 0", o[0]);
    for (size_t i = 0; i < job->n; i++) {
        if (o[i + 1] < o[i])
            return bert__fail(err, BERT_EINVAL, "offsets[%zu] is %zu, less than offsets[%zu], %zu",
                              i + 1, o[i + 1], i, o[i]);
    }
    return BERT_OK;
}

static bert_status read_options(struct job *job, const bert_text *prompts,
                                const bert_choose_options *options, bert_error *err)
{
    bert_choose_options o;
    bert_status st = bert__options_read(&o, sizeof o, options, "bert_choose_options", err);

    if (st == BERT_OK)
        st = check_offsets(job, prompts, err);
    if (st != BERT_OK)
        return st;
    job->texts.overlong = o.overlong;
    job->texts.n = job->n > 0 ? job->offsets[job->n] : 0;
    if (job->texts.n > 0 && job->texts.pairs == NULL)
        return bert__fail(err, BERT_EINVAL, "choices is NULL");
    return bert__task_length(job->run.session->model, o.max_length, true, &job->texts.max_length,
                             err);
}

static size_t most_choices(const struct job *job)
{
    size_t most = 0;

    for (size_t i = 0; i < job->n; i++) {
        if (job->offsets[i + 1] - job->offsets[i] > most)
            most = job->offsets[i + 1] - job->offsets[i];
    }
    return most;
}

static bert_status reserve(struct job *job, const bert_text *prompts, bert_error *err)
{
    bert_session *s = job->run.session;
    bert_status st =
        bert__records_create(&job->out, sizeof *job->out, s, job->n, sizeof(bert_choice), err);

    if (st == BERT_OK)
        st = bert__records_create(&job->pairs, sizeof *job->pairs, s, job->texts.n, 1, err);
    if (st != BERT_OK)
        return st;
    job->prompts = bert__alloc_items(s->alloc, job->texts.n, sizeof *job->prompts);
    job->scores = bert__alloc_items(s->alloc, most_choices(job), sizeof *job->scores);
    job->pairs->logits = bert__alloc_items(s->alloc, job->texts.n, sizeof *job->pairs->logits);
    if (job->prompts == NULL || job->scores == NULL || job->pairs->logits == NULL)
        return bert__alloc_fail(s->alloc, "the choices", err);
    for (size_t i = 0; i < job->n; i++) {
        for (size_t k = job->offsets[i]; k < job->offsets[i + 1]; k++)
            job->prompts[k] = prompts[i];
    }
    job->texts.texts = job->prompts;
    return BERT_OK;
}

static void release(struct job *job)
{
    struct bert__alloc *alloc = job->run.session->alloc;

    bert__alloc_free(alloc, job->prompts);
    bert__alloc_free(alloc, job->scores);
    if (job->pairs != NULL) {
        bert__alloc_free(alloc, job->pairs->logits);
        bert__records_free(&job->pairs->records);
    }
}

/* ---- Answers ---------------------------------------------------------------------------- */

static bert_status answer(void *context, const struct bert__task_logits *l, bert_error *err)
{
    struct job *job = context;

    if (!bert__finite(l->values, 1))
        return bert__records_fail_nonfinite(&job->pairs->records, l->owner, err);
    job->pairs->logits[l->owner] = l->values[0];
    return BERT_OK;
}

/* The first pair that has no answer takes it from its record. */
static bert_status fail_record(struct job *job, size_t i, size_t pair, bert_error *err)
{
    const struct bert__record *of = &job->pairs->records.list[pair];
    bert_error why;

    bert__fail(&why, of->status, "choice %zu: %s", pair - job->offsets[i], of->message);
    return bert__records_fail(&job->out->records, i, &why, err);
}

static bert_status put_record(struct job *job, size_t i, bert_error *err)
{
    size_t first = job->offsets[i], n = job->offsets[i + 1] - first;
    const struct bert__record *pairs = job->pairs->records.list + first;
    bert_choice *items;
    bert_error why;

    if (n == 0) {
        bert__fail(&why, BERT_EINVAL, "the prompt has no choices");
        return bert__records_fail(&job->out->records, i, &why, err);
    }
    for (size_t k = 0; k < n; k++) {
        if (pairs[k].status != BERT_OK)
            return fail_record(job, i, first + k, err);
        job->out->records.list[i].truncated += pairs[k].truncated;
    }
    items = bert__records_add(&job->out->records, i, n);
    if (items == NULL)
        return bert__fail_nomem(err, "the result");
    bert__softmax(job->pairs->logits + first, n, job->scores);
    for (size_t k = 0; k < n; k++)
        items[k] = (bert_choice){job->scores[k], job->pairs->logits[first + k]};
    return BERT_OK;
}

static bert_status run(struct job *job, const bert_text *prompts, bert_error *err)
{
    bert_status st = reserve(job, prompts, err);

    if (st == BERT_OK)
        st = bert__task_texts_check(&job->texts, err);
    if (st == BERT_OK)
        st = bert__task_texts_run(&job->run, &job->texts, &job->pairs->records, err);
    for (size_t i = 0; i < job->n && st == BERT_OK; i++)
        st = put_record(job, i, err);
    release(job);
    return st;
}

bert_status bert_choose(bert_session *s, const bert_text *prompts, size_t n,
                        const bert_text *choices, const size_t *offsets,
                        const bert_choose_options *options, bert_choices **out, bert_error *err)
{
    struct job job = {
        .run = {.session = s, .task = BERT__TASK_CHOICE, .done = answer, .context = &job},
        .texts = {.pairs = choices}, /* an empty one stays, as in the reference's batches */
        .n = n,
        .offsets = offsets};
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL)
        return bert__fail(err, BERT_EINVAL, "session is NULL");
    st = bert__task_run_begin(&job.run, err);
    if (st != BERT_OK)
        return st;
    st = read_options(&job, prompts, options, err);
    if (st == BERT_OK)
        st = run(&job, prompts, err);
    bert__task_run_end(&job.run);
    if (st == BERT_OK)
        *out = job.out;
    else
        bert_choices_free(job.out);
    return st;
}

/* ---- Reading ------------------------------------------------------------------------------ */

void bert_choices_free(bert_choices *r)
{
    if (r != NULL)
        bert__records_free(bert__records_drop(&r->records));
}

bert_status bert__choices_slice(bert_choices **out, bert_choices *whole, size_t first, size_t n,
                                bert_error *err)
{
    return bert__records_slice(out, sizeof **out, &whole->records, first, n, err);
}

size_t bert_choices_size(const bert_choices *r)
{
    return r->records.n;
}

bert_status bert_choices_status(const bert_choices *r, size_t i)
{
    return bert__records_status(&r->records, i);
}

const char *bert_choices_message(const bert_choices *r, size_t i)
{
    return bert__records_message(&r->records, i);
}

size_t bert_choices_count(const bert_choices *r, size_t i)
{
    return bert__records_count(&r->records, i);
}

const bert_choice *bert_choices_list(const bert_choices *r, size_t i)
{
    return bert__records_items(&r->records, i);
}

size_t bert_choices_best(const bert_choices *r, size_t i)
{
    const bert_choice *list = bert_choices_list(r, i);
    size_t best = 0;

    for (size_t k = 1; k < bert_choices_count(r, i); k++) {
        if (list[k].logit > list[best].logit)
            best = k;
    }
    return best;
}

uint64_t bert_choices_truncated(const bert_choices *r, size_t i)
{
    return bert__records_truncated(&r->records, i);
}
