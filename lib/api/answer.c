/* SPDX-License-Identifier: MIT */
/* answer.c - bert/tasks.h, question answering. */
#include <bert/tasks.h>

#include "lib/api/options.h"
#include "lib/api/slices.h"
#include "lib/api/task_windows.h"
#include "lib/base/error.h"
#include "lib/base/sort.h"
#include "lib/head/answers.h"
#include "lib/head/chars.h"
#include "lib/head/spans.h"

/* Of the reference's pipeline. */
enum { USUAL_WINDOW = 384, USUAL_ANSWER = 15, SPANS_MORE = 10 };

struct bert_answers {
    struct bert__records records; /* items: bert_answer_span */
};

struct job {
    struct bert__task_run run;
    struct bert__task_windows windows;
    const bert_text *questions, *contexts;
    size_t n;
    struct bert__spans spans;   /* of a window */
    struct bert__answers found; /* of the record whose windows come */
    uint32_t top, max_answer;
    bool null;
    bert_answers *out;
};

/* ---- Answers ------------------------------------------------------------------------- */

static bert_status take_window(void *context, size_t record, const bert_encoding *window,
                               const float *logits, bert_error *err)
{
    struct job *job = context;
    bert_text question = job->questions[record], text = job->contexts[record];
    bert_status st = BERT_OK;
    float null;

    bert__spans_find(&job->spans, window, logits, &null);
    if (null < job->found.null)
        job->found.null = null;
    for (uint32_t i = 0; i < job->spans.n && st == BERT_OK; i++) {
        const struct bert__token_span *span = &job->spans.list[i];

        st = bert__answers_add(&job->found, text, bert__span_bytes(window, question, text, span),
                               span->score, err);
    }
    return st;
}

static int compare(const void *a, const void *b)
{
    const bert_answer_span *x = a, *y = b;

    return x->bytes.start < y->bytes.start ? -1 : x->bytes.start > y->bytes.start;
}

/* In the order of the text, so that it is walked once. */
static bert_status count_chars(const struct job *job, bert_text text, bert_answer_span *items,
                               size_t n, bert_error *err)
{
    struct bert__alloc *alloc = job->run.session->alloc;
    struct bert__char_cursor cursor = {0, 0};
    void **sorted = bert__alloc_items(alloc, n, sizeof *sorted);

    if (sorted == NULL)
        return bert__alloc_fail(alloc, "the answers", err);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &items[i];
    bert__sort(sorted, n, compare);
    for (size_t i = 0; i < n; i++) {
        bert_answer_span *a = sorted[i];

        a->chars.start = bert__char_cursor_to(&cursor, text, a->bytes.start);
        a->chars.end = bert__char_cursor_to(&cursor, text, a->bytes.end);
    }
    bert__alloc_free(alloc, sorted);
    return BERT_OK;
}

static bert_status give(struct job *job, size_t record, bert_error *err)
{
    size_t n = job->found.n < job->top ? job->found.n : job->top;
    bert_answer_span *items;

    if (n == 0)
        return BERT_OK;
    items = bert__records_add(&job->out->records, record, n);
    if (items == NULL)
        return bert__fail_nomem(err, "the result");
    for (size_t i = 0; i < n; i++) {
        const struct bert__answer *a = &job->found.list[i];

        items[i].bytes = a->at;
        items[i].score = (float)a->score;
        items[i].is_null = a->null;
    }
    return count_chars(job, job->contexts[record], items, n, err);
}

static bert_status finish(void *context, size_t record, size_t n, bert_error *err)
{
    struct job *job = context;
    bert_status st = BERT_OK;

    (void)n;
    if (job->out->records.list[record].status == BERT_OK) {
        st = bert__answers_sort(&job->found, job->null, err);
        if (st == BERT_OK)
            st = give(job, record, err);
    }
    bert__answers_free(&job->found);
    return st;
}

/* ---- The call -------------------------------------------------------------------------- */

static bert_status read_options(struct job *job, const bert_answer_options *options,
                                bert_error *err)
{
    uint32_t most = job->run.session->model->max_length;
    bert_answer_options o;
    bert_status st = bert__options_read(&o, sizeof o, options, "bert_answer_options", err);

    if (st == BERT_OK)
        st = bert__options_enum(o.reserved, 1, "bert_answer_options.reserved", err);
    if (st == BERT_OK)
        st = bert__options_enum(o.no_null, 2, "bert_answer_options.no_null", err);
    if (st != BERT_OK)
        return st;
    job->top = o.top > 0 ? o.top : 1;
    job->max_answer = o.max_answer > 0 ? o.max_answer : USUAL_ANSWER;
    job->null = !o.no_null;
    if (o.max_length == 0)
        o.max_length = USUAL_WINDOW;
    if (o.max_length < most)
        most = o.max_length;
    return bert__task_windows_cut(&job->windows, most, true, o.stride, err);
}

static bert_status make_spans(struct job *job, bert_error *err)
{
    bert_status st =
        bert__spans_init(&job->spans, job->run.session->alloc, job->windows.cut.max_length,
                         job->max_answer, 2 * (uint64_t)job->top + SPANS_MORE, err);

    job->spans.cls_id = bert__tokenizer_named(job->run.tokenizer, BERT__NAMED_CLS);
    return st;
}

static bert_status run(struct job *job, bert_error *err)
{
    bert_session *s = job->run.session;
    bert_status st = make_spans(job, err);

    if (st == BERT_OK)
        st = bert__records_create(&job->out, sizeof *job->out, s, job->n, sizeof(bert_answer_span),
                                  err);
    if (st != BERT_OK)
        return st;
    bert__answers_init(&job->found, s->alloc);
    job->windows.records = &job->out->records;
    for (size_t i = 0; i < job->n && st == BERT_OK; i++)
        st = bert__task_windows_add(&job->windows, i, &job->questions[i], &job->contexts[i], err);
    return st == BERT_OK ? bert__task_run_flush(&job->run, err) : st;
}

static bert_status answer(struct job *job, const bert_answer_options *options, bert_error *err)
{
    bert_status st = bert__task_run_begin(&job->run, err);

    if (st != BERT_OK)
        return st;
    st = read_options(job, options, err);
    if (st == BERT_OK)
        st = run(job, err);
    bert__task_windows_free(&job->windows);
    bert__answers_free(&job->found);
    bert__spans_free(&job->spans);
    bert__task_run_end(&job->run);
    return st;
}

static bert_status check(const bert_session *s, const bert_text *questions,
                         const bert_text *contexts, size_t n, const void *out, bert_error *err)
{
    if (out != NULL && s != NULL && (n == 0 || (questions != NULL && contexts != NULL)))
        return BERT_OK;
    return bert__fail(err, BERT_EINVAL, "%s is NULL",
                      out == NULL         ? "out"
                      : s == NULL         ? "session"
                      : questions == NULL ? "questions"
                                          : "contexts");
}

bert_status bert_answer(bert_session *s, const bert_text *questions, const bert_text *contexts,
                        size_t n, const bert_answer_options *options, bert_answers **out,
                        bert_error *err)
{
    struct job job = {.run = {.session = s,
                              .task = BERT__TASK_ANSWER,
                              .done = bert__task_windows_done,
                              .context = &job.windows},
                      .windows = {.run = &job.run, .sink = {&job, take_window, finish}},
                      .questions = questions,
                      .contexts = contexts,
                      .n = n};
    bert_status st;

    if (out != NULL)
        *out = NULL;
    st = check(s, questions, contexts, n, out, err);
    if (st == BERT_OK)
        st = answer(&job, options, err);
    if (st == BERT_OK)
        *out = job.out;
    else
        bert_answers_free(job.out);
    return st;
}

/* ---- Reading ------------------------------------------------------------------------------ */

void bert_answers_free(bert_answers *r)
{
    if (r != NULL)
        bert__records_free(bert__records_drop(&r->records));
}

bert_status bert__answers_slice(bert_answers **out, bert_answers *whole, size_t first, size_t n,
                                bert_error *err)
{
    return bert__records_slice(out, sizeof **out, &whole->records, first, n, err);
}

size_t bert_answers_size(const bert_answers *r)
{
    return r->records.n;
}

bert_status bert_answers_status(const bert_answers *r, size_t i)
{
    return bert__records_status(&r->records, i);
}

const char *bert_answers_message(const bert_answers *r, size_t i)
{
    return bert__records_message(&r->records, i);
}

size_t bert_answers_count(const bert_answers *r, size_t i)
{
    return bert__records_count(&r->records, i);
}

const bert_answer_span *bert_answers_list(const bert_answers *r, size_t i)
{
    return bert__records_items(&r->records, i);
}
