/* SPDX-License-Identifier: MIT */
/* embed.c - texts in, vectors out: batches that fit the session, one after the other. */
#include "lib/api/embed.h"

#include <stdio.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/api/outputs.h"
#include "lib/api/packer.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

/* A call in progress. */
struct job {
    struct bert__embed_request request;
    const bert_text *texts;
    size_t n;
    float *out;
    bert_embed_report *reports; /* NULL: the first failure ends the call */
    struct bert__packer packer;
};

/* ---- The parts that windows use too ---------------------------------------------- */

void bert__embed_pool(const struct bert__embed_request *r, const struct bert__batch *batch,
                      const float *hidden, const uint32_t *skip)
{
    struct bert__pool pool = {
        .kernels = bert__model_kernels(r->session->model),
        .batch = batch,
        .hidden = hidden,
        .width = r->session->model->config.hidden_size,
        .module = &r->pooling,
        .skip = skip,
        .rows = r->session->texts.rows,
    };

    bert__exec_parallel(r->session->exec, batch->n_sequences, bert__pool_task, &pool);
}

bert_status bert__embed_finish(const struct bert__embed_request *r, uint32_t n, float **rows,
                               uint32_t *row_width, bert_error *err)
{
    bert_session *s = r->session;

    *rows = s->texts.rows;
    *row_width = r->pooled_width;
    if (!r->modules)
        return BERT_OK;
    *row_width = s->model->embedder->width;
    return bert__embedder_finish(s->model->embedder, s->exec, bert__model_kernels(s->model),
                                 r->modules_normalize, s->texts.rows, s->texts.spare, n, rows, err);
}

void bert__embed_row(const struct bert__embed_request *r, const float *row, float *out)
{
    memcpy(out, row, r->width * sizeof *out);
    if (r->normalize)
        bert__normalize_row(bert__model_kernels(r->session->model), out, r->width);
}

/* ---- Batches ------------------------------------------------------------------------ */

static float *row_of(const struct job *job, size_t text)
{
    return job->out + text * job->request.width;
}

static bert_status run_batch(void *context, const struct bert__batch *batch, bert_error *err)
{
    const struct job *job = context;
    bert_session *s = job->request.session;
    const float *hidden;
    float *rows;
    uint32_t row_width;
    bert_status st = bert__exec_run(s->exec, batch, &s->watch, NULL, &hidden, err);

    if (st != BERT_OK)
        return st;
    bert__embed_pool(&job->request, batch, hidden, s->texts.prompt_tokens);
    st = bert__embed_finish(&job->request, batch->n_sequences, &rows, &row_width, err);
    for (uint32_t i = 0; st == BERT_OK && i < batch->n_sequences; i++)
        bert__embed_row(&job->request, rows + (size_t)i * row_width,
                        row_of(job, s->texts.owner[i]));
    bert__exec_finish(s->exec);
    return st;
}

/* ---- One text ------------------------------------------------------------------------- */

static bert_status check_length(const struct job *job, uint32_t n, uint64_t truncated,
                                bert_error *err)
{
    const struct bert__embed_request *r = &job->request;

    if (truncated > 0 && r->overlong == BERT_OVERLONG_ERROR)
        return bert__fail(err, BERT_ERANGE, "the text has %llu tokens, %llu over the limit of %lu",
                          (unsigned long long)(n + truncated), (unsigned long long)truncated,
                          (unsigned long)r->max_length);
    return bert__packer_check(&job->packer, n, err);
}

/* Tokenize text i behind the batch and take it in.  *own: what is wrong with this text. */
static bert_status add_text(struct job *job, size_t i, bert_embed_report *report, bool *own,
                            bert_error *err)
{
    const struct bert__embed_request *r = &job->request;
    struct bert__text_scratch *e = &r->session->texts;
    uint32_t side =
        r->overlong == BERT_OVERLONG_CUT_LEFT ? BERT_TRUNCATE_LEFT : BERT_TRUNCATE_RIGHT;
    uint32_t n, prompt_tokens = 0;
    uint64_t truncated;
    bert_status st =
        bert__tokenize_ids(r->tokenizer, e->tokens, r->prompt, job->texts[i], r->max_length, side,
                           bert__packer_ids(&job->packer), bert__packer_type_ids(&job->packer), &n,
                           &truncated, r->pooling.include_prompt ? NULL : &prompt_tokens, err);

    *own = !bert__status_is_of_call(st);
    if (st == BERT_OK && truncated > 0 && r->overlong == BERT_OVERLONG_WINDOWS) {
        st = bert__packer_flush(&job->packer, err);
        if (st != BERT_OK) {
            *own = false;
            return st;
        }
        return bert__embed_windows(r, job->texts[i], row_of(job, i), report, err);
    }
    if (st == BERT_OK)
        st = check_length(job, n, truncated, err);
    if (st != BERT_OK)
        return st;
    report->tokens = n;
    report->truncated = truncated;
    *own = false;
    return bert__packer_take(&job->packer, i, n, prompt_tokens, err);
}

static bert_status embed_text(struct job *job, size_t i, bert_error *err)
{
    bert_embed_report report = {BERT_OK, 0, 0};
    bert_error why = {BERT_OK, ""};
    bool own;
    bert_status st;

    if (job->texts[i].data == NULL && job->texts[i].size > 0) {
        st = bert__fail(&why, BERT_EINVAL, "its data is NULL");
        own = true;
    } else {
        st = add_text(job, i, &report, &own, &why);
    }
    if (st != BERT_OK && (job->reports == NULL || !own || !bert__status_is_of_text(st)))
        return own && job->n > 1 ? bert__fail(err, st, "text %zu: %s", i, why.message)
                                 : bert__fail(err, st, "%s", why.message);
    if (st != BERT_OK) {
        memset(row_of(job, i), 0, job->request.width * sizeof *job->out);
        report = (bert_embed_report){st, 0, 0};
    }
    if (job->reports != NULL)
        job->reports[i] = report;
    return BERT_OK;
}

static bert_status embed_all(struct job *job, bert_error *err)
{
    for (size_t i = 0; i < job->n; i++) {
        bert_status st = embed_text(job, i, err);

        if (st != BERT_OK)
            return st;
    }
    return bert__packer_flush(&job->packer, err);
}

/* ---- The public calls ------------------------------------------------------------------- */

/* Options, tokenizer, and the session taken. */
static bert_status begin(struct bert__embed_request *r, bert_session *s,
                         const bert_embed_options *options, bert_error *err)
{
    const bert_tokenizer *tokenizer;
    bert_status st = bert_model_tokenizer(s->model, &tokenizer, err);

    if (st == BERT_OK)
        st = bert__embed_request_read(r, s->model, options, err);
    if (st != BERT_OK)
        return st;
    r->session = s;
    return bert__session_enter(s, err);
}

bert_status bert_embed(bert_session *s, const bert_text *texts, size_t n,
                       const bert_embed_options *options, float *out, size_t out_size,
                       bert_embed_report *reports, bert_error *err)
{
    struct job job = {.texts = texts,
                      .n = n,
                      .out = out,
                      .reports = reports,
                      .packer = {.session = s, .run = run_batch, .context = &job}};
    size_t need;
    bert_status st;

    if (s == NULL || (n > 0 && (texts == NULL || out == NULL)))
        return bert__fail(err, BERT_EINVAL, "%s is NULL",
                          s == NULL       ? "session"
                          : texts == NULL ? "texts"
                                          : "out");
    st = begin(&job.request, s, options, err);
    if (st != BERT_OK)
        return st;
    if (!bert__size_mul(n, job.request.width, &need) || out_size < need)
        st = bert__fail(err, BERT_ERANGE, "out has room for %zu floats; %zu rows of %lu need more",
                        out_size, n, (unsigned long)job.request.width);
    else
        st = embed_all(&job, err);
    bert__session_leave(s);
    return st;
}

/* Cut and normalise each row of a result in place. */
static void trim_rows(const struct bert__embed_request *r, bert_outputs *o, uint32_t width,
                      bool normalize)
{
    uint32_t n = o->offsets[1];
    const struct bert__kernels *k = bert__model_kernels(r->session->model);

    for (uint32_t i = 0; i < n; i++) {
        float *row = o->last + (size_t)i * width;

        memmove(row, o->last + (size_t)i * o->hidden, width * sizeof *row);
        if (normalize)
            bert__normalize_row(k, row, width);
    }
    o->hidden = width;
}

static bert_status embed_tokens(const struct job *job, uint32_t side, bert_embed_report *report,
                                bert_outputs **out, bert_error *err)
{
    const struct bert__embed_request *r = &job->request;
    struct bert__text_scratch *e = &r->session->texts;
    uint32_t n;
    uint64_t truncated;
    struct bert__batch batch = {e->ids, e->type_ids, e->offsets, 1, 0, NULL};
    bert_status st =
        bert__tokenize_ids(r->tokenizer, e->tokens, r->prompt, job->texts[0], r->max_length, side,
                           e->ids, e->type_ids, &n, &truncated, NULL, err);

    if (st == BERT_OK)
        st = check_length(job, n, truncated, err);
    if (st != BERT_OK)
        return st;
    e->offsets[0] = 0;
    e->offsets[1] = batch.n_tokens = n;
    *report = (bert_embed_report){BERT_OK, n, truncated};
    return bert__forward(r->session, BERT_OUTPUT_LAST_HIDDEN_STATE, &batch, out, err);
}

bert_status bert_embed_tokens(bert_session *s, bert_text text, const bert_embed_options *options,
                              bert_outputs **out, bert_embed_report *report, bert_error *err)
{
    struct job job = {.texts = &text, .n = 1, .packer = {.session = s}};
    bert_embed_options plain = BERT_EMBED_OPTIONS_INIT;
    bert_embed_report unused;
    uint32_t dimensions;
    bool normalize;
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL || (text.data == NULL && text.size > 0))
        return bert__fail(err, BERT_EINVAL, "%s is NULL", s == NULL ? "session" : "text.data");
    st = bert__options_read(&plain, sizeof plain, options, "bert_embed_options", err);
    if (st != BERT_OK)
        return st;
    if (plain.pooling != BERT_POOLING_MODEL || plain.overlong == BERT_OVERLONG_WINDOWS)
        return bert__fail(err, BERT_EINVAL, "token vectors have neither pooling nor windows");
    dimensions = plain.dimensions;
    normalize = plain.normalize == BERT_NORMALIZE_ON
                || (dimensions > 0 && plain.normalize != BERT_NORMALIZE_OFF);
    if (dimensions > s->model->config.hidden_size)
        return bert__fail(err, BERT_EINVAL, "dimensions is %lu; a token's vector has %lu",
                          (unsigned long)dimensions, (unsigned long)s->model->config.hidden_size);
    plain.size = sizeof plain;
    plain.dimensions = 0;
    st = begin(&job.request, s, &plain, err);
    if (st != BERT_OK)
        return st;
    st = embed_tokens(
        &job, plain.overlong == BERT_OVERLONG_CUT_LEFT ? BERT_TRUNCATE_LEFT : BERT_TRUNCATE_RIGHT,
        report != NULL ? report : &unused, out, err);
    if (st == BERT_OK && (dimensions > 0 || normalize))
        trim_rows(&job.request, *out, dimensions > 0 ? dimensions : (*out)->hidden, normalize);
    bert__session_leave(s);
    return st;
}
