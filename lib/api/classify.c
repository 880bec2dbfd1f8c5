/* SPDX-License-Identifier: MIT */
/* classify.c - bert/tasks.h, text classification. */
#include <bert/tasks.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/api/slices.h"
#include "lib/api/task_texts.h"
#include "lib/base/error.h"
#include "lib/head/scores.h"

struct bert_classifications {
    struct bert__records records; /* items: bert_label_score */
    bert_model *model;            /* whose labels are borrowed */
};

struct job {
    struct bert__task_run run;
    struct bert__task_texts texts;
    uint32_t function; /* a bert_function but AUTO */
    uint32_t top;
    float *scores;  /* [labels] */
    uint32_t *best; /* [top] */
    bert_classifications *out;
};

/* ---- Options ------------------------------------------------------------------------- */

/* As the reference's pipeline chooses. */
static bert_status auto_function(const bert_model *model, uint32_t n_labels, uint32_t *out,
                                 bert_error *err)
{
    const struct bert__config *c = &model->config;
    const struct bert__json *type = bert__json_find(c->json, "problem_type");
    char shown[84];

    *out = n_labels == 1 ? BERT_FUNCTION_SIGMOID : BERT_FUNCTION_SOFTMAX;
    if (type == NULL || bert__json_equals(type, "single_label_classification"))
        return BERT_OK;
    if (bert__json_equals(type, "multi_label_classification")) {
        *out = BERT_FUNCTION_SIGMOID;
        return BERT_OK;
    }
    if (bert__json_equals(type, "regression")) {
        *out = BERT_FUNCTION_NONE;
        return BERT_OK;
    }
    if (type->type != BERT__JSON_STRING)
        return bert__fail(err, BERT_EFORMAT, "%s: \"problem_type\" is %s; expected a string",
                          c->path, bert__json_type_name(type));
    return bert__fail(err, BERT_EUNSUPPORTED, "%s: \"problem_type\" \"%s\" is not known", c->path,
                      bert__printable(shown, type->u.string.data, type->u.string.size));
}

static bert_status read_options(struct job *job, const bert_classify_options *options,
                                bert_error *err)
{
    bert_classify_options o;
    bert_status st = bert__options_read(&o, sizeof o, options, "bert_classify_options", err);

    if (st == BERT_OK)
        st = bert__options_enum(o.function, BERT_FUNCTION_NONE + 1,
                                "bert_classify_options.function", err);
    if (st != BERT_OK)
        return st;
    job->function = o.function;
    job->top = o.top;
    job->texts.overlong = o.overlong;
    st = bert__task_texts_check(&job->texts, err);
    return st != BERT_OK ? st
                         : bert__task_length(job->run.session->model, o.max_length,
                                             job->texts.pairs != NULL, &job->texts.max_length, err);
}

/* ---- Answers ---------------------------------------------------------------------------- */

static void apply(uint32_t function, const float *logits, uint32_t n, float *scores)
{
    if (function == BERT_FUNCTION_SOFTMAX) {
        bert__softmax(logits, n, scores);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        scores[i] = function == BERT_FUNCTION_SIGMOID ? bert__sigmoid(logits[i]) : logits[i];
}

static bert_status answer(void *context, const struct bert__task_logits *l, bert_error *err)
{
    struct job *job = context;
    bert_label_score *items;

    if (!bert__finite(l->values, l->width))
        return bert__records_fail_nonfinite(&job->out->records, l->owner, err);
    apply(job->function, l->values, l->width, job->scores);
    bert__best(job->scores, l->width, job->top, job->best);
    items = bert__records_add(&job->out->records, l->owner, job->top);
    if (items == NULL)
        return bert__fail_nomem(err, "the result");
    for (uint32_t i = 0; i < job->top; i++) {
        uint32_t id = job->best[i];

        items[i] = (bert_label_score){job->out->model->labels[id], id, job->scores[id]};
    }
    return BERT_OK;
}

static bert_status run(struct job *job, bert_error *err)
{
    bert_session *s = job->run.session;
    uint32_t n_labels = job->run.head->decoder.n_out;
    bert_status st = BERT_OK;

    if (job->top == 0 || job->top > n_labels)
        job->top = n_labels;
    if (job->function == BERT_FUNCTION_AUTO)
        st = auto_function(s->model, n_labels, &job->function, err);
    if (st != BERT_OK)
        return st;
    job->scores = bert__alloc_items(s->alloc, n_labels, sizeof *job->scores);
    job->best = bert__alloc_items(s->alloc, job->top, sizeof *job->best);
    if (job->scores == NULL || job->best == NULL)
        st = bert__alloc_fail(s->alloc, "the labels' scores", err);
    if (st == BERT_OK)
        st = bert__records_create(&job->out, sizeof *job->out, s, job->texts.n,
                                  sizeof(bert_label_score), err);
    if (st == BERT_OK) {
        job->out->model = bert_model_ref(s->model);
        st = bert__task_texts_run(&job->run, &job->texts, &job->out->records, err);
    }
    bert__alloc_free(s->alloc, job->scores);
    bert__alloc_free(s->alloc, job->best);
    return st;
}

bert_status bert_classify(bert_session *s, const bert_text *texts, const bert_text *pairs, size_t n,
                          const bert_classify_options *options, bert_classifications **out,
                          bert_error *err)
{
    struct job job = {
        .run = {.session = s, .task = BERT__TASK_CLASSIFY, .done = answer, .context = &job},
        .texts = {.texts = texts, .pairs = pairs, .drop_empty_pairs = true, .n = n}};
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL)
        return bert__fail(err, BERT_EINVAL, "session is NULL");
    st = bert__task_run_begin(&job.run, err);
    if (st != BERT_OK)
        return st;
    st = read_options(&job, options, err);
    if (st == BERT_OK)
        st = run(&job, err);
    bert__task_run_end(&job.run);
    if (st == BERT_OK)
        *out = job.out;
    else
        bert_classifications_free(job.out);
    return st;
}

/* ---- Reading ------------------------------------------------------------------------------ */

void bert_classifications_free(bert_classifications *r)
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

bert_status bert__classifications_slice(bert_classifications **out, bert_classifications *whole,
                                        size_t first, size_t n, bert_error *err)
{
    return bert__records_slice(out, sizeof **out, &whole->records, first, n, err);
}

size_t bert_classifications_size(const bert_classifications *r)
{
    return r->records.n;
}

bert_status bert_classifications_status(const bert_classifications *r, size_t i)
{
    return bert__records_status(&r->records, i);
}

const char *bert_classifications_message(const bert_classifications *r, size_t i)
{
    return bert__records_message(&r->records, i);
}

size_t bert_classifications_count(const bert_classifications *r, size_t i)
{
    return bert__records_count(&r->records, i);
}

const bert_label_score *bert_classifications_labels(const bert_classifications *r, size_t i)
{
    return bert__records_items(&r->records, i);
}

uint64_t bert_classifications_truncated(const bert_classifications *r, size_t i)
{
    return bert__records_truncated(&r->records, i);
}
