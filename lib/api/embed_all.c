/* SPDX-License-Identifier: MIT */
/* embed_all.c - embeddings of several kinds from one pass of the encoder. */
#include <bert/tasks.h>
#include <string.h>

#include "lib/api/embed.h"
#include "lib/api/options.h"
#include "lib/api/task_texts.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/head/scores.h"
#include "lib/head/terms.h"

enum {
    ALL = BERT_EMBEDDING_DENSE | BERT_EMBEDDING_SPARSE,
    PART_BYTES = 4 << 20 /* of logits: never those of all tokens at once */
};

struct bert_embeddings {
    struct bert__records records; /* their items are the terms */
    uint32_t outputs;
    uint32_t width;
    float *dense; /* [n][width] */
};

/* A call in progress. */
struct job {
    struct bert__task_run run; /* session, tokenizer and packer; a head only for terms */
    struct bert__task_texts texts;
    struct bert__embed_request request;
    uint32_t outputs, max_active;
    bert_embeddings *out;
    float *hidden; /* [max_tokens][hidden]: heads use up what the encoder gives */
    float *logits; /* [part][vocabulary] */
    uint32_t part;
    float *row;     /* [vocabulary] */
    uint32_t *best; /* [max_active] */
    float *kept;
};

/* ---- Options ---------------------------------------------------------------------------- */

static uint32_t own_outputs(const bert_model *model)
{
    return model->modules.splade.present ? BERT_EMBEDDING_SPARSE : BERT_EMBEDDING_DENSE;
}

static bert_status find_head(struct job *job, bert_error *err)
{
    const bert_model *model = job->run.session->model;

    if ((job->outputs & BERT_EMBEDDING_SPARSE) == 0)
        return BERT_OK;
    if (model->modules.splade.refusal != NULL)
        return bert__fail(err, BERT_EUNSUPPORTED, "%s", model->modules.splade.refusal);
    return bert__task_head_find(&job->run.head, &model->heads, &model->config, BERT__TASK_FILL,
                                &model->heads_missing, err);
}

static bert_status read_dense(struct job *job, const bert_embed_all_options *o, bert_error *err)
{
    bert_embed_options dense = BERT_EMBED_OPTIONS_INIT;
    const bert_model *model = job->run.session->model;
    bert_status st;

    dense.pooling = o->pooling;
    dense.normalize = o->normalize;
    dense.dimensions = o->dimensions;
    dense.max_length = o->max_length;
    dense.overlong = o->overlong;
    dense.prompt = o->prompt;
    dense.prompt_name = o->prompt_name;
    st = bert__embed_request_read(&job->request, model, &dense, err);
    job->request.session = job->run.session;
    job->texts.max_length = job->request.max_length;
    job->texts.overlong = o->overlong;
    job->texts.prompt = &job->request.prompt;
    job->texts.count_prompt =
        (job->outputs & BERT_EMBEDDING_DENSE) != 0 && !job->request.pooling.include_prompt;
    return st;
}

static bert_status read_options(struct job *job, const bert_embed_all_options *options,
                                bert_error *err)
{
    const bert_model *model = job->run.session->model;
    bert_embed_all_options o;
    bert_status st = bert__options_read(&o, sizeof o, options, "bert_embed_all_options", err);

    if (st != BERT_OK)
        return st;
    if ((o.outputs & ~(uint32_t)ALL) != 0)
        return bert__fail(err, BERT_EINVAL,
                          "outputs 0x%lx is no combination of bert_embedding bits",
                          (unsigned long)o.outputs);
    job->outputs = o.outputs != 0 ? o.outputs : own_outputs(model);
    job->max_active = o.max_active != 0 ? o.max_active : model->modules.splade.max_active;
    st = bert_model_tokenizer(model, &job->run.tokenizer, err);
    if (st == BERT_OK)
        st = read_dense(job, &o, err);
    if (st == BERT_OK)
        st = bert__task_texts_check(&job->texts, err);
    return st == BERT_OK ? find_head(job, err) : st;
}

/* ---- Memory ------------------------------------------------------------------------------ */

static bert_status reserve_terms(struct job *job, bert_error *err)
{
    bert_session *s = job->run.session;
    struct bert__alloc *alloc = s->alloc;
    uint32_t width = job->run.head->decoder.n_out;

    if (job->max_active > width)
        job->max_active = width;
    job->part = PART_BYTES / (uint32_t)sizeof(float) / width + 1;
    if (job->part > s->max_tokens)
        job->part = s->max_tokens;
    job->hidden =
        bert__alloc_items(alloc, s->max_tokens, s->model->config.hidden_size * sizeof *job->hidden);
    job->logits = bert__alloc_items(alloc, job->part, width * sizeof *job->logits);
    job->row = bert__alloc_items(alloc, width, sizeof *job->row);
    job->best = bert__alloc_items(alloc, job->max_active, sizeof *job->best);
    job->kept = bert__alloc_items(alloc, job->max_active, sizeof *job->kept);
    if (job->hidden == NULL || job->logits == NULL || job->row == NULL || job->best == NULL
        || job->kept == NULL)
        return bert__alloc_fail(alloc, "the term weights' rows", err);
    return BERT_OK;
}

static bert_status create_result(struct job *job, bert_error *err)
{
    bert_status st = bert__records_create(&job->out, sizeof *job->out, job->run.session,
                                          job->texts.n, sizeof(bert_term), err);
    size_t floats;

    if (st != BERT_OK)
        return st;
    job->out->outputs = job->outputs;
    if ((job->outputs & BERT_EMBEDDING_DENSE) == 0)
        return BERT_OK;
    job->out->width = job->request.width;
    if (bert__size_mul(job->texts.n, job->out->width, &floats))
        job->out->dense = bert__alloc_array(job->out->records.alloc, floats, sizeof(float));
    return job->out->dense != NULL ? BERT_OK : bert__fail_nomem(err, "the result");
}

static void free_scratch(struct job *job)
{
    struct bert__alloc *alloc = job->run.session->alloc;

    bert__alloc_free(alloc, job->hidden);
    bert__alloc_free(alloc, job->logits);
    bert__alloc_free(alloc, job->row);
    bert__alloc_free(alloc, job->best);
    bert__alloc_free(alloc, job->kept);
}

/* ---- A vector of each text ----------------------------------------------------------------- */

static bert_status put_dense(struct job *job, const struct bert__batch *batch, bert_error *err)
{
    const struct bert__text_scratch *t = &job->run.session->texts;
    float *rows;
    uint32_t width;
    bert_status st = bert__embed_finish(&job->request, batch->n_sequences, &rows, &width, err);

    for (uint32_t i = 0; st == BERT_OK && i < batch->n_sequences; i++) {
        float *out = job->out->dense + t->owner[i] * job->out->width;

        bert__embed_row(&job->request, rows + (size_t)i * width, out);
        if (!bert__finite(out, job->out->width))
            st = bert__records_fail_nonfinite(&job->out->records, t->owner[i], err);
    }
    return st;
}

/* ---- Terms of each text --------------------------------------------------------------------- */

static bert_status put_terms(struct job *job, size_t owner, bert_error *err)
{
    uint32_t width = job->run.head->decoder.n_out, n;
    bert_term *terms;

    bert__terms_finish(&job->run.session->model->modules.splade, width, job->row);
    if (job->max_active > 0)
        bert__terms_keep(job->row, width, job->max_active, job->best, job->kept);
    n = bert__terms_count(job->row, width);
    terms = bert__records_add(&job->out->records, owner, n);
    if (terms == NULL)
        return bert__fail_nomem(err, "the result");
    for (uint32_t i = 0, k = 0; k < n; i++) {
        if (job->row[i] > 0)
            terms[k++] = (bert_term){(int32_t)i, job->row[i]};
    }
    return BERT_OK;
}

/* One sequence's tokens from `first` on, in parts. */
static bert_status weigh(struct job *job, uint32_t first, uint32_t n, size_t owner, bert_error *err)
{
    struct bert__exec_head layers = bert__task_head_layers(job->run.head);
    bert_session *s = job->run.session;
    uint32_t width = job->run.head->decoder.n_out, hidden = s->model->config.hidden_size;

    memset(job->row, 0, width * sizeof *job->row);
    for (uint32_t done = 0, k; done < n; done += k) {
        bert_status st;

        k = n - done < job->part ? n - done : job->part;
        st = bert__exec_head(s->exec, &layers, &s->watch,
                             job->hidden + (size_t)(first + done) * hidden, k, job->logits, err);
        if (st != BERT_OK)
            return st;
        if (!bert__finite(job->logits, (size_t)k * width))
            return bert__records_fail_nonfinite(&job->out->records, owner, err);
        bert__terms_add(bert__model_kernels(s->model), &s->model->modules.splade, job->logits, k,
                        width, job->row);
    }
    return put_terms(job, owner, err);
}

static bert_status weigh_batch(struct job *job, const struct bert__batch *batch, bert_error *err)
{
    const struct bert__text_scratch *t = &job->run.session->texts;
    bert_status st = BERT_OK;

    for (uint32_t i = 0; st == BERT_OK && i < batch->n_sequences; i++) {
        if (job->out->records.list[t->owner[i]].status == BERT_OK)
            st = weigh(job, batch->offsets[i], batch->offsets[i + 1] - batch->offsets[i],
                       t->owner[i], err);
    }
    return st;
}

/* ---- The call ---------------------------------------------------------------------------------
 */

static bert_status run_batch(void *context, const struct bert__batch *batch, bert_error *err)
{
    struct job *job = context;
    bert_session *s = job->run.session;
    const float *hidden;
    bert_status st = bert__exec_run(s->exec, batch, &s->watch, NULL, &hidden, err);

    if (st != BERT_OK)
        return st;
    if (job->hidden != NULL)
        memcpy(job->hidden, hidden,
               (size_t)batch->n_tokens * s->model->config.hidden_size * sizeof *hidden);
    if (job->outputs & BERT_EMBEDDING_DENSE) {
        bert__embed_pool(&job->request, batch, hidden, s->texts.prompt_tokens);
        st = put_dense(job, batch, err);
    }
    if (st == BERT_OK && (job->outputs & BERT_EMBEDDING_SPARSE))
        st = weigh_batch(job, batch, err);
    bert__exec_finish(s->exec);
    return st;
}

static bert_status run(struct job *job, bert_error *err)
{
    bert_status st = BERT_OK;

    if (job->outputs & BERT_EMBEDDING_SPARSE)
        st = reserve_terms(job, err);
    if (st == BERT_OK)
        st = create_result(job, err);
    if (st == BERT_OK)
        st = bert__task_texts_run(&job->run, &job->texts, &job->out->records, err);
    free_scratch(job);
    return st;
}

bert_status bert_embed_all(bert_session *s, const bert_text *texts, size_t n,
                           const bert_embed_all_options *options, bert_embeddings **out,
                           bert_error *err)
{
    struct job job = {
        .run = {.session = s, .packer = {.session = s, .run = run_batch, .context = &job}},
        .texts = {.texts = texts, .n = n}};
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL)
        return bert__fail(err, BERT_EINVAL, "session is NULL");
    st = read_options(&job, options, err);
    if (st == BERT_OK)
        st = bert__session_enter(s, err);
    if (st != BERT_OK)
        return st;
    st = run(&job, err);
    bert__session_leave(s);
    if (st == BERT_OK)
        *out = job.out;
    else
        bert_embeddings_free(job.out);
    return st;
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

void bert_embeddings_free(bert_embeddings *r)
{
    if (r == NULL)
        return;
    bert__alloc_free(r->records.alloc, r->dense);
    bert__records_free(&r->records);
}

uint32_t bert_embeddings_outputs(const bert_embeddings *r)
{
    return r->outputs;
}

size_t bert_embeddings_size(const bert_embeddings *r)
{
    return r->records.n;
}

bert_status bert_embeddings_status(const bert_embeddings *r, size_t i)
{
    return bert__records_status(&r->records, i);
}

const char *bert_embeddings_message(const bert_embeddings *r, size_t i)
{
    return bert__records_message(&r->records, i);
}

uint32_t bert_embeddings_tokens(const bert_embeddings *r, size_t i)
{
    return i < r->records.n ? r->records.list[i].tokens : 0;
}

uint64_t bert_embeddings_truncated(const bert_embeddings *r, size_t i)
{
    return bert__records_truncated(&r->records, i);
}

const float *bert_embeddings_dense(const bert_embeddings *r, size_t i, size_t *size)
{
    bool there = r->dense != NULL && bert__records_status(&r->records, i) == BERT_OK;

    *size = there ? r->width : 0;
    return there ? r->dense + i * r->width : NULL;
}

const bert_term *bert_embeddings_terms(const bert_embeddings *r, size_t i, size_t *count)
{
    *count = bert__records_count(&r->records, i);
    return bert__records_items(&r->records, i);
}
