/* SPDX-License-Identifier: MIT */
/* tag.c - bert/tasks.h, token classification. */
#include <bert/tasks.h>

#include "lib/api/options.h"
#include "lib/api/slices.h"
#include "lib/api/task_windows.h"
#include "lib/base/error.h"
#include "lib/head/chars.h"
#include "lib/head/entities.h"

struct bert_entities {
    struct bert__records records; /* items: bert_entity */
    bert_model *model;            /* whose labels are borrowed */
};

struct job {
    struct bert__task_run run;
    struct bert__task_windows windows;
    const bert_text *texts;
    size_t n;
    struct bert__tagger tagger;
    struct bert__entities found; /* of the record whose windows come */
    uint32_t aggregation;
    bert_entities *out;
};

/* ---- Answers ------------------------------------------------------------------------- */

static bert_status take_window(void *context, size_t record, const bert_encoding *window,
                               const float *logits, bert_error *err)
{
    struct job *job = context;

    return bert__entities_add(&job->found, &job->tagger, job->texts[record], window, logits, err);
}

static bert_status give(struct job *job, size_t record, bert_error *err)
{
    const struct bert__entity *list = job->found.list;
    struct bert__watch *watch = &job->run.session->watch;
    struct bert__char_cursor cursor = {0, 0};
    bert_text text = job->texts[record];
    bert_entity *items;

    if (job->found.n == 0)
        return BERT_OK;
    items = bert__records_add(&job->out->records, record, job->found.n);
    if (items == NULL)
        return bert__fail_nomem(err, "the result");
    for (size_t i = 0; i < job->found.n; i++) {
        if (!bert__watch_goes_on_at(watch, i))
            return bert__watch_ended(watch, err);
        items[i].label = list[i].name;
        items[i].id = list[i].label;
        items[i].score = list[i].score;
        items[i].bytes = (bert_span){list[i].start, list[i].end};
        items[i].chars.start = bert__char_cursor_to(&cursor, text, list[i].start);
        items[i].chars.end = bert__char_cursor_to(&cursor, text, list[i].end);
    }
    return BERT_OK;
}

static bert_status finish(void *context, size_t record, size_t n, bert_error *err)
{
    struct job *job = context;
    bert_status st = BERT_OK;

    if (job->out->records.list[record].status == BERT_OK) {
        if (n > 1)
            st = bert__entities_merge(&job->found, job->texts[record], &job->run.session->watch,
                                      err);
        if (st == BERT_OK)
            st = give(job, record, err);
    }
    job->found.n = 0;
    return st;
}

/* ---- The call -------------------------------------------------------------------------- */

static bert_status read_options(struct job *job, const bert_tag_options *options, bert_error *err)
{
    uint32_t most = job->run.session->model->max_length;
    bert_tag_options o;
    bert_status st = bert__options_read(&o, sizeof o, options, "bert_tag_options", err);

    if (st == BERT_OK)
        st = bert__options_enum(o.reserved, 1, "bert_tag_options.reserved", err);
    if (st == BERT_OK)
        st = bert__options_enum(o.aggregation, BERT_AGGREGATE_MAX + 1,
                                "bert_tag_options.aggregation", err);
    if (st != BERT_OK)
        return st;
    job->aggregation = o.aggregation;
    if (o.max_length > 0 && o.max_length < most)
        most = o.max_length;
    return bert__task_windows_cut(&job->windows, most, false, o.stride, err);
}

static bert_status make_tagger(struct job *job, bert_error *err)
{
    const bert_model *model = job->run.session->model;
    bert_status st = bert__tagger_init(&job->tagger, job->run.session->alloc, model->labels,
                                       job->run.head->decoder.n_out, job->aggregation, err);

    job->tagger.tokenizer = job->run.tokenizer;
    job->tagger.prefixed = bert__tokenizer_prefixed(job->run.tokenizer);
    job->tagger.unk_id = bert__tokenizer_named(job->run.tokenizer, BERT__NAMED_UNK);
    return st;
}

static bert_status run(struct job *job, bert_error *err)
{
    bert_session *s = job->run.session;
    bert_status st = make_tagger(job, err);

    if (st == BERT_OK)
        st = bert__records_create(&job->out, sizeof *job->out, s, job->n, sizeof(bert_entity), err);
    if (st != BERT_OK)
        return st;
    job->out->model = bert_model_ref(s->model);
    job->found.alloc = s->alloc;
    job->windows.records = &job->out->records;
    for (size_t i = 0; i < job->n && st == BERT_OK; i++)
        st = bert__task_windows_add(&job->windows, i, &job->texts[i], NULL, err);
    return st == BERT_OK ? bert__task_run_flush(&job->run, err) : st;
}

static bert_status check(const bert_session *s, const bert_text *texts, size_t n, const void *out,
                         bert_error *err)
{
    if (out != NULL && s != NULL && (n == 0 || texts != NULL))
        return BERT_OK;
    return bert__fail(err, BERT_EINVAL, "%s is NULL",
                      out == NULL ? "out"
                      : s == NULL ? "session"
                                  : "texts");
}

static bert_status tag(struct job *job, const bert_tag_options *options, bert_error *err)
{
    bert_status st = bert__task_run_begin(&job->run, err);

    if (st != BERT_OK)
        return st;
    st = read_options(job, options, err);
    if (st == BERT_OK)
        st = run(job, err);
    bert__task_windows_free(&job->windows);
    bert__entities_free(&job->found);
    bert__tagger_free(&job->tagger);
    bert__task_run_end(&job->run);
    return st;
}

bert_status bert_tag(bert_session *s, const bert_text *texts, size_t n,
                     const bert_tag_options *options, bert_entities **out, bert_error *err)
{
    struct job job = {.run = {.session = s,
                              .task = BERT__TASK_TAG,
                              .done = bert__task_windows_done,
                              .context = &job.windows},
                      .windows = {.run = &job.run, .sink = {&job, take_window, finish}},
                      .texts = texts,
                      .n = n};
    bert_status st;

    if (out != NULL)
        *out = NULL;
    st = check(s, texts, n, out, err);
    if (st == BERT_OK)
        st = tag(&job, options, err);
    if (st == BERT_OK)
        *out = job.out;
    else
        bert_entities_free(job.out);
    return st;
}

/* ---- Reading ------------------------------------------------------------------------------ */

void bert_entities_free(bert_entities *r)
{
    bert_model *model;

    if (r != NULL)
        r = bert__records_drop(&r->records);
    if (r == NULL)
        return;
    model = r->model;
    bert__records_free(&r->records);
    bert_model_unref(model);
}

bert_status bert__entities_slice(bert_entities **out, bert_entities *whole, size_t first, size_t n,
                                 bert_error *err)
{
    return bert__records_slice(out, sizeof **out, &whole->records, first, n, err);
}

size_t bert_entities_size(const bert_entities *r)
{
    return r->records.n;
}

bert_status bert_entities_status(const bert_entities *r, size_t i)
{
    return bert__records_status(&r->records, i);
}

const char *bert_entities_message(const bert_entities *r, size_t i)
{
    return bert__records_message(&r->records, i);
}

size_t bert_entities_count(const bert_entities *r, size_t i)
{
    return bert__records_count(&r->records, i);
}

const bert_entity *bert_entities_list(const bert_entities *r, size_t i)
{
    return bert__records_items(&r->records, i);
}
